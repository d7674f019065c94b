"""Sells runs: bids, agrees, has runs carried out, counts what it earns (SPEC.md section 9)."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from logging import getLogger
from random import Random

import trio

from fogbank_dag_ledger.operations import ObjectId
from fogbank_dag_ledger.service.failures import StorageFailure
from fogbank_dag_ledger.service.ledger_service import LedgerService
from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity, NodeId, short_form
from fogbank_protocol.node.blob_store import BlobStore
from fogbank_protocol.node.database import DatabaseFailure
from fogbank_protocol.node.node import (
    CallRefused,
    Node,
    PeerConnected,
    PeerLost,
    RequestService,
    Service,
    StreamService,
)
from fogbank_protocol.signed import signed_from_value
from fogbank_wasm_tasks.outcome import Ok

from ..limits import (
    CLOSE_BODY_BYTES_MAX,
    ORDER_BODY_BYTES_MAX,
    OUTPUT_KEPT_S,
    PARTS_PER_MILLION,
    REVEAL_BODY_BYTES_MAX,
    RUN_BODY_BYTES_MAX,
    SETTLEMENT_BODY_BYTES_MAX,
)
from ..market.agreements import AgreementId, sign_agreement
from ..market.bidding import Prices, Situation, answer_order, credit_of, reasons_against
from ..market.bids import Answer, Bid, bid_id, sign_answer
from ..market.commitments import decode_reveal
from ..market.orders import ORDER, Order, OrderId, Quorum, open_order, order_id
from ..market.pricing import bill
from ..market.reasons import Reason
from ..market.run_messages import (
    AgreementMade,
    RunEnded,
    decode_run_opening,
    encode_run_item,
)
from ..market.settlements import Settlement, decode_close, decode_settlement
from ..market.verification import fuel_of
from .admission import Admission
from .debts import BadVoucher, Debts
from .earning_channels import EarningChannels
from .interfaces import LotRunner, SessionKeeper
from .journal import Journal
from .methods import (
    CLOSE_METHOD,
    ORDER_METHOD,
    REVEAL_METHOD,
    RUN_METHOD,
    SETTLE_METHOD,
    SIGNED_OVERHEAD_BYTES,
)
from .offering import Offering
from .owner_pricing import OwnerPricing
from .packages import PackageShelf
from .reusing import Reusing
from .service_host import ServiceHost
from .speed import Speed
from .staking import Staking
from .work import Work, Workbench

_log = getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """What a provider sells, and its bounds."""

    slots: int
    """Runs executed at the same time, at least 1; as many wait."""

    price: int
    """Drops for a gigafuel."""

    start_price: int
    """Drops for the start of a run."""

    memory_bytes_max: int
    """Memory that one run may have."""

    input_bytes_max: int
    output_bytes_max: int
    fuel_max: int
    """Fuel of the largest run taken."""

    credit: int = 1_000_000
    """Drops that a requestor that has paid much may owe before its orders are declined."""

    reuse_ppm: int = PARTS_PER_MILLION
    """What a result that is served again costs, in parts per million of the prices.

    With a million none is: everything is run anew.
    """

    services_max: int = 0
    """Services kept at the same time, each in a slot."""

    warm_price: int = 0
    """Drops for each second that a service is kept."""

    stake: int = 0
    """Drops to have at stake from the start on."""


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """How selling goes."""

    slots: int
    running: int
    waiting: int
    paused: bool
    runs_done: int
    """Since this agent started."""

    fuel_done: int
    fuel_per_s: int
    """As measured; a guess before the first run."""

    tick: int
    """The fuel of ``TICK_MS`` of work at that speed."""

    price: int
    """Drops for a gigafuel now."""

    start_price: int
    unwilling: Sequence[Reason]
    """What the owner's pricing has against any order now."""

    pricing_fault: str
    """What is wrong with that pricing, as a sentence; else empty."""

    services: int
    """Services that are kept now."""


class Provider:
    """The selling side of an agent."""

    def __init__(
        self,
        node: Node,
        identity: Identity,
        ledger: LedgerService,
        blobs: BlobStore,
        journal: Journal,
        *,
        runner: LotRunner,
        settings: ProviderSettings,
        random: Random,
        pricing: OwnerPricing | None = None,
        sessions: SessionKeeper | None = None,
    ) -> None:
        """Sell to peers of ``node`` what ``runner`` executes; ``random`` spreads repetitions.

        The prices of ``settings`` hold unless there is ``pricing``, which was loaded.  Services are
        kept by ``sessions``, and none are sold without.
        """
        self._node = node
        self._identity = identity
        self._journal = journal
        self._blobs = blobs
        self._settings = settings
        self._pricing = pricing
        self._fixed_prices = Prices(
            price=settings.price,
            start_price=settings.start_price,
            memory_bytes_max=settings.memory_bytes_max,
            input_bytes_max=settings.input_bytes_max,
            output_bytes_max=settings.output_bytes_max,
            fuel_max=settings.fuel_max,
            credit=settings.credit,
        )
        self._shelf = PackageShelf(blobs)
        self._ledger = ledger
        self.debts = Debts(journal, ledger.channels, node.network, identity.node_id)
        """What requestors owe."""

        self._bench = Workbench(
            node,
            identity,
            blobs,
            self._shelf,
            runner,
            self.debts,
            settings.slots,
            random=random,
            is_paused=lambda: self._paused,
        )
        self._channels = EarningChannels(
            ledger, ledger.channels, self.debts, identity.node_id, is_working_for=self._works_for
        )
        self.staking = Staking(ledger, identity.node_id, settings.stake)
        """The stake behind the results."""

        self._working: Counter[NodeId] = Counter()
        self._committed: dict[tuple[NodeId, AgreementId], Work] = {}
        """Lots of quorums that are under way, by requestor and agreement."""

        self._speed = Speed()
        self._host = ServiceHost(
            node,
            identity,
            blobs,
            self._shelf,
            self.debts,
            sessions,
            slot=self._bench.slot,
            services_max=min(settings.services_max, settings.slots),
            warm_price=settings.warm_price,
            prices=self._prices,
            situation=self._situation,
            on_change=self._refresh_offer,
            on_use=self._note_service,
        )
        self._offering = Offering(
            node,
            identity,
            journal,
            self._prices(),
            settings.slots,
            random,
            sells_services=self._host.is_selling,
            stake=self.staking.place,
        )
        self._admission = Admission(node.network, identity.node_id)
        self._kept = Reusing(blobs, settings.reuse_ppm)
        self._nursery: trio.Nursery | None = None
        self._paused = False
        self._runs_done = 0
        self._fuel_done = 0

    def services(self) -> Sequence[Service]:
        """Return what the node must serve: ``market.order``, ``market.run``, ``market.settle``."""
        order_bytes_max = ORDER_BODY_BYTES_MAX + SIGNED_OVERHEAD_BYTES
        return [
            RequestService(ORDER_METHOD, self._answer_order, order_bytes_max),
            StreamService(RUN_METHOD, self._serve_run, RUN_BODY_BYTES_MAX),
            RequestService(REVEAL_METHOD, self._reveal, REVEAL_BODY_BYTES_MAX),
            RequestService(SETTLE_METHOD, self._take_settlement, SETTLEMENT_BODY_BYTES_MAX),
            RequestService(CLOSE_METHOD, self._close_channel, CLOSE_BODY_BYTES_MAX),
            *self._host.services(),
            *self._bench.services(),
        ]

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Announce offers and watch for payments, until cancelled; then no run goes on."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            await self._reconcile()
            await nursery.start(self._channels.run)
            await nursery.start(self._host.run)
            nursery.start_soon(self._watch_peers)
            nursery.start_soon(self._offering.run)
            nursery.start_soon(self.staking.run, self._offering.note_stake)
            if self._pricing is not None:
                await self._pricing.look(self._refresh_offer)
                nursery.start_soon(self._pricing.run, self._refresh_offer)
            self._refresh_offer()
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None

    def status(self) -> ProviderStatus:
        """Return how selling goes."""
        prices = self._prices()
        return ProviderStatus(
            price=prices.price,
            start_price=prices.start_price,
            unwilling=self._unwilling(),
            services=self._host.kept,
            pricing_fault="" if self._pricing is None else self._pricing.fault,
            slots=self._settings.slots,
            running=self._bench.running,
            waiting=self._bench.waiting,
            paused=self._paused,
            runs_done=self._runs_done,
            fuel_done=self._fuel_done,
            fuel_per_s=self._speed.fuel_per_s,
            tick=self._speed.tick,
        )

    def received(self, channel: ObjectId) -> int:
        """Return what the vouchers received over a channel add up to, in drops."""
        return self.debts.total(channel)

    def credit(self, requestor: NodeId) -> int:
        """Return the drops that ``requestor`` may owe now."""
        return credit_of(self._settings.credit, self.debts.paid(requestor))

    def pause(self) -> None:
        """Decline new orders with ``paused``; runs under way go on."""
        self._paused = True
        self._refresh_offer()

    def resume(self) -> None:
        """Take orders again."""
        self._paused = False
        self._refresh_offer()

    async def close_channels(self) -> None:
        """Settle every channel that pays this agent, but those with a run under way."""
        await self._channels.close_all()

    # Orders.

    async def _answer_order(self, peer: NodeId, body: bytes) -> bytes:
        await trio.lowlevel.checkpoint()
        bytes_max = ORDER_BODY_BYTES_MAX + SIGNED_OVERHEAD_BYTES
        signed = signed_from_value(ORDER, decode(body, bytes_max=bytes_max))
        order = open_order(signed, self._node.network)
        if order.requestor != peer:
            raise RemoteProtocolError("an order of somebody else", rule="9.3")
        named = order_id(signed, self._node.network)
        answer = self._answer(order, named)
        signed_answer = sign_answer(answer, self._node.network, self._identity)
        if isinstance(answer, Bid):
            named_bid = bid_id(signed_answer, self._node.network)
            self._admission.remember(named_bid, answer, peer, trio.current_time())
        return encode(signed_answer.to_value())

    def _answer(self, order: Order, named: OrderId) -> Answer:
        own, prices = self._identity.node_id, self._prices()
        situation = self._situation(order.requestor)
        if self._kept.find(order) is None:
            return answer_order(order, named, own, prices, situation)
        # Nothing is run, so it takes no slot.
        situation = replace(situation, running=0, waiting=0)
        prices = self._kept.prices(prices)
        return answer_order(order, named, own, prices, situation, reuse=True)

    def _situation(self, requestor: NodeId) -> Situation:
        return Situation(
            slots=self._settings.slots,
            running=self._bench.running,
            waiting=self._bench.waiting,
            waiting_max=self._settings.slots,
            run_ms=self._speed.run_ms,
            tick=self._speed.tick,
            debt=self.debts.debt(requestor) + self._hidden_debt(requestor),
            paid=self.debts.paid(requestor),
            room=self.debts.room(requestor),
            paused=self._paused,
            shutting_down=self._nursery is None,
            unwilling=self._unwilling(),
        )

    def _hidden_debt(self, requestor: NodeId) -> int:
        """Return what is done for ``requestor`` and waits to be shown, in drops."""
        return sum(
            _bill_of(work)[1] - (0 if work.bill is None else work.bill.drops)
            for (peer, _), work in self._committed.items()
            if peer == requestor and work.is_committed
        )

    def _prices(self) -> Prices:
        """Return what is asked now."""
        if self._pricing is None:
            return self._fixed_prices
        quote = self._pricing.quote
        return replace(self._fixed_prices, price=quote.price, start_price=quote.start_price)

    def _unwilling(self) -> Sequence[Reason]:
        return () if self._pricing is None else self._pricing.quote.reasons

    # Runs.

    async def _serve_run(self, peer: NodeId, body: bytes) -> AsyncIterator[bytes]:
        opening, now = decode_run_opening(body), trio.current_time()
        work = self._admission.agree(peer, opening, now, self._refuse_if_unwilling)
        if work.is_reuse:
            work.reusable = self._kept.find(work.order)
            if work.reusable is None:
                raise CallRefused("refused", Reason.AGREEMENT_EXPIRED.value)
        nursery = self._nursery
        if nursery is None:
            raise CallRefused("refused", Reason.SHUTTING_DOWN.value)
        # The work is another coroutine's: a generator that yields must not hold a nursery open.
        nursery.start_soon(self._bench.carry_out, work, self._refresh_offer)
        self._channels.note_use(peer)
        self._working[peer] += 1
        signature = sign_agreement(work.agreement.encode(), self._node.network, self._identity)
        if isinstance(work.order.verification, Quorum):
            self._committed[peer, work.agreement_id] = work
        try:
            yield encode_run_item(AgreementMade(signature))
            async for item in work.items:
                if isinstance(item, RunEnded):
                    self._keep_outputs(work, item.outputs)
                    self._kept.keep(work, item)
                    await self._count(work)
                yield encode_run_item(item)
        finally:
            work.scope.cancel()
            self._committed.pop((peer, work.agreement_id), None)
            if work.state is not None:
                self._keep_output(work.state)
                self._blobs.unpin(work.state)
            self._working[peer] -= 1
            self._working += Counter()
        if work.failure is not None:
            raise CallRefused("refused", work.failure.value)

    async def _reveal(self, peer: NodeId, body: bytes) -> bytes:
        """Let a receipt out that was committed to, now that all others are bound too."""
        await trio.lowlevel.checkpoint()
        work = self._committed.get((peer, decode_reveal(body)))
        if work is None or not work.is_committed:
            raise CallRefused("refused", Reason.AGREEMENT_EXPIRED.value)
        work.revealed.set()
        return encode([])

    def _refuse_if_unwilling(self, order: Order) -> None:
        reasons = reasons_against(order, self._prices(), self._situation(order.requestor))
        # A price that was bid holds, though it may have risen since (section 9.3).
        reasons = [reason for reason in reasons if reason is not Reason.PRICE_TOO_LOW]
        if reasons:
            raise CallRefused("refused", reasons[0].value)

    async def _count(self, work: Work) -> None:
        """Count a lot whose receipt is about to leave; nothing is due for one that stays."""
        fuel, drops = _bill_of(work)
        runs, requestor = len(work.results), work.order.requestor
        assert work.bill is not None
        rest = work.bill.rest(work.agreement_id, drops)
        self.debts.earn(requestor, fuel - work.bill.fuel, rest)
        if work.reusable is None:
            self._speed.learn(fuel, work.wall_s)
            self._runs_done += runs
            self._fuel_done += fuel
        self._offering.note_package(work.order.package_id)
        try:
            await self.debts.keep_earned()
            # The disk is not given up half-way, and it may have been cancelled meanwhile.
            await trio.lowlevel.checkpoint_if_cancelled()
        except trio.Cancelled:
            self.debts.forgo(requestor, work.agreement_id)
            raise

    def _keep_outputs(self, work: Work, outputs: Sequence[bytes | None]) -> None:
        for result, output in zip(work.results, outputs, strict=True):
            if output is None and isinstance(result.outcome, Ok):
                self._keep_output(result.outcome.output_id)

    def _keep_output(self, output_id: BlobId) -> None:
        if self._nursery is None:
            return
        self._blobs.pin(output_id)

        async def unpin_later() -> None:
            await trio.sleep(OUTPUT_KEPT_S)
            self._blobs.unpin(output_id)

        self._nursery.start_soon(unpin_later)

    # Money.

    async def _reconcile(self) -> None:
        """Give the ledger's side the vouchers that a kill has kept from it."""
        try:
            await self._ledger.channels.remember_vouchers(self.debts.vouchers())
        except (DatabaseFailure, StorageFailure) as error:
            _log.error("vouchers cannot be kept for the ledger now: %s", error)

    async def _take_settlement(self, peer: NodeId, body: bytes) -> bytes:
        settlement = decode_settlement(body)
        # Whoever leaves half-way would have paid by a voucher by which nothing is closed.
        with trio.CancelScope(shield=True):
            await self._settle(peer, settlement)
        return encode([])

    async def _settle(self, peer: NodeId, settlement: Settlement) -> None:
        try:
            settled = self.debts.settle(peer, settlement)
        except BadVoucher as error:
            _log.info("a voucher of %s does not count: %s", short_form(peer), error)
            raise CallRefused("refused", Reason.BAD_VOUCHER.value) from None
        self._kept.prove(settled.paid)
        try:
            if settlement.payment is not None and settled.voucher is not None:
                channel = settlement.payment.channel
                await self._ledger.channels.remember_voucher(channel, settled.voucher)
            await self._journal.sync()
        except (DatabaseFailure, StorageFailure) as error:
            _log.error("a voucher cannot be kept: %s", error)
            raise CallRefused("busy", "the voucher cannot be kept now") from None

    async def _close_channel(self, peer: NodeId, body: bytes) -> bytes:
        if not await self._channels.close(peer, decode_close(body)):
            raise CallRefused("refused", Reason.BUSY.value)
        return encode([])

    def _note_service(self, requestor: NodeId, change: int) -> None:
        """Count a service that begins or ends."""
        self._channels.note_use(requestor)
        self._working[requestor] += change
        self._working += Counter()

    def _works_for(self, requestor: NodeId) -> bool:
        return self._working[requestor] > 0

    # Offers.

    async def _watch_peers(self) -> None:
        async with self._node.watch_peers() as events:
            async for event in events:
                match event:
                    case PeerConnected(peer):
                        self._offering.greet(peer)
                    case PeerLost(peer):
                        # Its runs are cancelled with their streams.
                        self._admission.forget(peer)
                        self._host.forget(peer)

    def _refresh_offer(self) -> None:
        is_idle = not self._paused and not self._unwilling()
        free = self._settings.slots - self._bench.running if is_idle else 0
        self._offering.refresh(self._prices(), free, self._speed.fuel_per_s)


def _bill_of(work: Work) -> tuple[int, int]:
    """Return the fuel that was used for the results of ``work``, and the drops due for it."""
    terms, fuel = work.agreement, fuel_of(tuple(work.results))
    if work.order.start is not None:
        # What somebody else has used is somebody else's.
        fuel -= work.order.start.fuel
    return fuel, bill(fuel, terms.price, terms.start_price, len(work.results))
