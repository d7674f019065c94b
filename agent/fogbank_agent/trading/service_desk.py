"""The services that a requestor has: found, called, paid, watched (SPEC.md section 9.8)."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field
from logging import getLogger
from math import inf
from random import Random

import trio

from fogbank_protocol.blobs.naming import BlobId, blob_id
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.identity import Identity, NodeId, short_form
from fogbank_protocol.node.blob_store import BlobStore
from fogbank_protocol.node.containment import Contained
from fogbank_protocol.node.node import CallFailure, Node
from fogbank_protocol.signed import Signed
from fogbank_wasm_tasks.module.facts import Shape
from fogbank_wasm_tasks.outcome import Ok
from fogbank_wasm_tasks.package import Manifest, Package

from ..limits import (
    PROVIDERS_ASKED_MAX,
    RUN_MEMORY_BYTES_MIN,
    SALT_BYTES,
    SERVICE_BEAT_S,
    SERVICE_BEGIN_S_MAX,
    SERVICE_CALL_BYTES_MAX,
    SERVICE_SILENCE_S_MAX,
    SERVICES_KEPT_MAX,
    WEIGHTS_VERSION,
)
from ..market.agreements import AgreementId
from ..market.charges import Charges, charge_id, open_charge
from ..market.offer_book import OfferBook
from ..market.purse import Purse
from ..market.reasons import Reason, sentence, sentences
from ..market.service_bids import ServiceAgreement, ServiceBid
from ..market.service_budget import ServiceBudget
from ..market.service_messages import ChargeMade, ServiceEnded
from ..market.service_orders import ServiceOrder
from ..market.service_request import CallResult, ServiceRequest, ServiceView, cheapest, fits
from ..market.tally import Bill, royalty_for
from .payments import Payments, VoucherGiven
from .service_calls import (
    ServiceCalls,
    ServiceLost,
    SignedServiceBid,
    SignedServiceOrder,
    why,
)

_log = getLogger(__name__)

_ASK_AGAIN_S = 0.25


class ServiceRefused(Exception):
    """There is no such service, or it cannot be had; the message is a sentence."""


@dataclass(slots=True)
class _Service:
    """One service, live or ended."""

    named: AgreementId
    order: SignedServiceOrder
    agreement: ServiceAgreement
    manifest: Manifest
    budget: ServiceBudget
    charges: Charges
    opened_at: float
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    silence: trio.CancelScope = field(default_factory=trio.CancelScope)
    """While it waits for the next sign of life."""

    given_up: Reason = Reason.REQUESTOR_STOPPED
    """Why it has ended when this side cancels its stream."""

    reason: Reason | None = None
    is_spent: bool = False
    """It was ended here because its budget does not pay for more."""

    calls: int = 0
    fuel: int = 0
    drops: int = 0
    paid: int = 0
    unpaid: set[AgreementId] = field(default_factory=set[AgreementId])
    awaited: BlobId | None = None
    result: CallResult | None = None
    changed: trio.Event = field(default_factory=trio.Event)

    @property
    def is_begun(self) -> bool:
        return self.charges.sequence > 0

    def change(self) -> None:
        """Wake those who wait for something of this service."""
        self.changed.set()
        self.changed = trio.Event()


class ServiceDesk:
    """Starts, calls, stops and lists services."""

    def __init__(
        self,
        node: Node,
        identity: Identity,
        blobs: BlobStore,
        offers: OfferBook,
        payments: Payments,
        purse: Purse,
        want: Callable[[Hashable, Collection[NodeId]], None],
        random: Random,
    ) -> None:
        """Find providers among ``offers``; have channels through ``want``, and pay them."""
        self._node = node
        self._identity = identity
        self._blobs = blobs
        self._offers = offers
        self._payments = payments
        self._purse = purse
        self._want = want
        self._random = random
        self._calls = ServiceCalls(node, identity)
        self._services: OrderedDict[AgreementId, _Service] = OrderedDict()
        self._nursery: trio.Nursery | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Watch services until cancelled, which ends them."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None

    def all(self) -> Sequence[ServiceView]:
        """Return the services of this life of the agent, the oldest first."""
        return [_view(one) for one in self._services.values()]

    async def start(self, request: ServiceRequest, package: Package) -> ServiceView:
        """Have a service of ``package``, and return when it has begun.

        Raises:
            ServiceRefused: it cannot be had; the message says why.
        """
        if package.manifest.shape is not Shape.REACTOR:
            raise ServiceRefused(
                f"the task {package.manifest.name!r} is a {package.manifest.shape}, and only tasks "
                "of shape reactor can be kept as a service"
            )
        try:
            order = self._calls.sign(self._order(request, package))
        except LocalProtocolError as error:
            raise ServiceRefused(f"no such order can be made: {error}") from None
        refusals: dict[NodeId, Sequence[Reason]] = {}
        search = order.order.salt
        try:
            with self._blobs.pinned(request.package_id), trio.move_on_after(request.patience_s):
                while True:
                    started = await self._try(request, package, order, refusals, search)
                    if started is not None:
                        return _view(started)
                    await trio.sleep(_ASK_AGAIN_S)
                    order = self._calls.sign(self._order(request, package))
        finally:
            self._want(search, ())
        raise ServiceRefused(_nobody(refusals))

    async def call(self, service: AgreementId, data: bytes) -> CallResult:
        """Call a service, and return how that went.

        Raises:
            ServiceRefused: it is unknown, has ended or ends meanwhile, another call is under way,
                or this one may cost more than is left of the budget or at hand.
        """
        one = self._find(service)
        if len(data) > SERVICE_CALL_BYTES_MAX:
            raise ServiceRefused(f"an input of a call has at most {SERVICE_CALL_BYTES_MAX} bytes")
        if one.reason is not None:
            raise ServiceRefused(_gone(one))
        if one.awaited is not None:
            raise ServiceRefused("another call of this service is under way: one at a time")
        self._set_aside_for_call(one)
        one.awaited, one.result = blob_id(data), None
        # No beats come while a call is under way.
        one.silence.deadline = self._silent_until(one)
        try:
            await self._calls.call(one.agreement.provider, service, data)
            while one.result is None:
                if one.reason is not None:
                    raise ServiceRefused(_gone(one))
                await one.changed.wait()
            return one.result
        except ServiceLost as lost:
            if lost.reason is Reason.NO_ANSWER:
                if one.result is not None:
                    return one.result
                # Nobody knows if it was taken: its charge may come at any time, or never, and
                # until then no other call could be made.
                one.given_up = Reason.NO_ANSWER
                one.scope.cancel()
            else:
                one.awaited = None
                self._set_aside_for_beat(one)
            # The end may be in the stream, with the better reason.
            with trio.move_on_after(SERVICE_BEAT_S):
                while one.reason is None and lost.reason is Reason.UNKNOWN_SERVICE:
                    await one.changed.wait()
            raise ServiceRefused(
                f"the call was not taken: {sentence(one.reason or lost.reason)}"
            ) from None

    async def stop(self, service: AgreementId) -> ServiceView:
        """End a service, and return when its last charge is here, or will not come.

        Raises:
            ServiceRefused: it is unknown.
        """
        one = self._find(service)
        if one.reason is None:
            with trio.move_on_after(SERVICE_SILENCE_S_MAX):
                try:
                    await self._calls.stop(one.agreement.provider, service)
                except ServiceLost as lost:
                    _log.info("a service is not there to be stopped: %s", lost.reason)
                while one.reason is None:
                    await one.changed.wait()
            one.scope.cancel()
            while one.reason is None:
                await one.changed.wait()
        with trio.move_on_after(SERVICE_SILENCE_S_MAX):
            self._payments.want_now()
            while one.unpaid:
                await one.changed.wait()
        return _view(one)

    def find(self, digits: str) -> AgreementId:
        """Return the service whose id begins with the hexadecimal ``digits``.

        Raises:
            ServiceRefused: there is none, or several.
        """
        found = [named for named in self._services if named.hex().startswith(digits.lower())]
        if len(found) != 1:
            many = "several services begin" if found else "no service begins"
            raise ServiceRefused(f"{many} with '{digits}': see fogbank service list")
        return found[0]

    def note_voucher(self, given: VoucherGiven) -> None:
        """Take in what a voucher pays."""
        for one in self._services.values():
            paid = [bill for bill in given.bills if bill.agreement in one.unpaid]
            if paid:
                one.paid += sum(bill.drops for bill in paid)
                one.unpaid.difference_update(bill.agreement for bill in paid)
                one.change()

    # Finding a provider.

    def _order(self, request: ServiceRequest, package: Package) -> ServiceOrder:
        manifest = package.manifest
        memory = max(RUN_MEMORY_BYTES_MIN, min(request.memory_bytes_max, manifest.memory_bytes_max))
        return ServiceOrder(
            requestor=self._identity.node_id,
            salt=self._random.randbytes(SALT_BYTES),
            package_id=request.package_id,
            arguments=request.arguments,
            environment=request.environment,
            seed=request.seed,
            fuel_max=request.fuel_max,
            memory_bytes_max=memory,
            output_bytes_max=min(manifest.output_bytes_max, SERVICE_CALL_BYTES_MAX),
            call_ms_max=request.call_ms_max,
            idle_s_max=request.idle_s_max,
            duration_s_max=request.duration_s_max,
            price_max=request.price_max,
            start_price_max=request.start_price_max,
            warm_price_max=request.warm_price_max,
            weights=WEIGHTS_VERSION,
        )

    async def _try(
        self,
        request: ServiceRequest,
        package: Package,
        order: SignedServiceOrder,
        refusals: dict[NodeId, Sequence[Reason]],
        search: bytes,
    ) -> _Service | None:
        """Ask those who may take it, with channels for ``search``; begin with the cheapest."""
        offers = [
            offer for offer in self._offers.current(trio.current_time()) if fits(offer, order.order)
        ]
        # What an instance costs while it is kept no offer says.
        may_cost = order.order.warm_price_max > 0
        asked = offers[:PROVIDERS_ASKED_MAX]
        self._want(search, [one.provider for one in asked if may_cost or one.asks_money])
        bids: dict[NodeId, SignedServiceBid] = {}

        async def ask(provider: NodeId) -> None:
            answer = await self._calls.ask(order, provider)
            if isinstance(answer, SignedServiceBid):
                bids[provider] = answer
            else:
                refusals[provider] = answer

        async with trio.open_nursery() as asking:
            for offer in asked:
                asking.start_soon(ask, offer.provider)
        if not bids:
            return None
        chosen = bids[cheapest(_within_budget(request, order.order, bids)).provider]
        started = await self._begin(request, package, order, chosen)
        if started.reason is None:
            return started
        refusals[chosen.bid.provider] = (started.reason,)
        if not started.is_begun:
            del self._services[started.named]
        return None

    async def _begin(
        self,
        request: ServiceRequest,
        package: Package,
        order: SignedServiceOrder,
        bid: SignedServiceBid,
    ) -> _Service:
        named, agreement = self._calls.agree(order, bid)
        one = _Service(
            named,
            order,
            agreement,
            package.manifest,
            ServiceBudget(request.drops_max, order.order, bid.bid),
            Charges(named, agreement, order.order),
            trio.current_time(),
        )
        if self._nursery is None:
            raise ServiceRefused("this agent is being stopped")
        self._check_free(one.budget.start)
        self._set_aside(one, one.budget.start)
        self._services[named] = one
        self._want(named, [agreement.provider])
        self._forget_ended()
        self._nursery.start_soon(self._watch, one)
        try:
            while not one.is_begun and one.reason is None:
                await one.changed.wait()
        except trio.Cancelled:
            one.scope.cancel()
            raise
        return one

    def _forget_ended(self) -> None:
        ended = [named for named, one in self._services.items() if one.reason and not one.unpaid]
        for named in ended[: max(0, len(self._services) - SERVICES_KEPT_MAX)]:
            del self._services[named]

    # Watching one.

    async def _watch(self, one: _Service) -> None:
        reason: Reason | None = None
        try:
            with one.scope, Contained("a service of a provider") as wall:
                reason = await self._listen(one)
            if wall.has_failed:
                reason = Reason.OTHER
        finally:
            reason = reason or one.given_up
            self._want(one.named, ())
            self._purse.release(_key(one))
            one.reason = reason
            _log.info("the service of %s ended: %s", short_form(one.agreement.provider), one.reason)
            one.change()

    async def _listen(self, one: _Service) -> Reason:
        """Take charges until the service is over; return why it is."""
        try:
            async with self._calls.open(one.order, one.agreement) as stream:
                while True:
                    item: ChargeMade | ServiceEnded | None = None
                    with trio.move_on_at(self._silent_until(one)) as one.silence:
                        item = await stream.receive()
                    match item:
                        case ChargeMade(signed, output):
                            self._take(one, signed, output)
                            is_over = one.is_spent or one.awaited is not None
                            beat = one.budget.beat(one.drops, *self._times(one))
                            if not is_over and not one.budget.pays(beat):
                                one.is_spent = True
                                self._stop_soon(one)
                        case ServiceEnded(reason):
                            return reason
                        case None if trio.current_time() >= self._spent_at(one):
                            # Whoever is slow on purpose could charge for more than was allowed.
                            one.is_spent = True
                            return Reason.SERVICE_STOPPED
                        case None:
                            return Reason.NO_ANSWER
        except RemoteProtocolError as error:
            _log.info("%s breaks a rule: %s", short_form(one.agreement.provider), error)
            return Reason.BROKEN_RULE
        except CallFailure as failure:
            return why(failure)

    def _silent_until(self, one: _Service) -> float:
        """Return until when to wait for its next sign of life."""
        return min(trio.current_time() + self._silence_s(one), self._spent_at(one))

    def _silence_s(self, one: _Service) -> float:
        if not one.is_begun:
            return SERVICE_BEGIN_S_MAX + one.order.order.call_ms_max / 1_000
        call_s = one.order.order.call_ms_max / 1_000 if one.awaited is not None else 0.0
        return SERVICE_SILENCE_S_MAX + call_s

    def _take(self, one: _Service, signed: Signed, output: bytes | None) -> None:
        charge = open_charge(signed, self._node.network)
        elapsed_ms = int((trio.current_time() - one.opened_at) * 1_000)
        drops = one.charges.take(charge, output, one.awaited, elapsed_ms)
        agreement = one.agreement
        author, royalty = royalty_for(one.manifest, drops, agreement.requestor, agreement.provider)
        named = charge_id(signed, self._node.network)
        one.drops += drops
        one.fuel += charge.fuel
        if drops:
            one.unpaid.add(named)
        self._payments.owe(agreement.provider, one.named, Bill(named, drops, author, royalty))
        if charge.input_id is not None and charge.outcome is not None:
            one.calls += 1
            one.awaited = None
            one.result = CallResult(
                sequence=charge.sequence,
                outcome=charge.outcome,
                output=output if isinstance(charge.outcome, Ok) and output else b"",
                fuel=charge.fuel,
                drops=drops,
            )
        if one.awaited is None:
            self._set_aside_for_beat(one)
        one.change()

    # Its money.

    def _times(self, one: _Service) -> tuple[int, int]:
        """Return the milliseconds that were charged, and those since the agreement."""
        return one.charges.warm_ms, int((trio.current_time() - one.opened_at) * 1_000)

    def _spent_at(self, one: _Service) -> float:
        """Return when time alone may have used up the budget."""
        if not one.is_begun:
            return inf
        spent_ms = one.budget.spent_ms(
            one.drops, one.charges.warm_ms, is_calling=one.awaited is not None
        )
        return one.opened_at + spent_ms / 1_000

    def _set_aside_for_call(self, one: _Service) -> None:
        drops = one.budget.call(one.drops, *self._times(one))
        if not one.budget.pays(drops):
            raise ServiceRefused(
                f"the call may cost {drops - one.drops:,} drops, with the time until its end, and "
                f"{max(0, one.budget.drops_max - one.drops):,} are left of the budget: a service "
                "with a larger --budget, or a smaller --fuel-max or --call-time, could take it"
            )
        # What is set aside already is for the time alone, of which the call's takes the place.
        self._purse.release(_key(one))
        try:
            self._check_free(drops - one.drops)
        except ServiceRefused:
            self._set_aside_for_beat(one)
            raise
        self._set_aside(one, drops)

    def _set_aside_for_beat(self, one: _Service) -> None:
        self._set_aside(one, one.budget.beat(one.drops, *self._times(one)))

    def _check_free(self, drops: int) -> None:
        free = self._purse.free
        if drops > free:
            raise ServiceRefused(
                f"it may cost {drops:,} drops, and {free:,} are at hand: wallet and channels "
                "together, less what is owed or set aside for other work"
            )

    def _set_aside(self, one: _Service, drops: int) -> None:
        """Have ``drops`` at hand for all that the service may have cost by then."""
        self._purse.release(_key(one))
        if one.reason is not None:
            return  # It has ended, and nobody would give that back.
        self._purse.reserve(_key(one), max(0, min(drops, one.budget.drops_max) - one.drops))

    def _stop_soon(self, one: _Service) -> None:
        async def stop() -> None:
            try:
                await self._calls.stop(one.agreement.provider, one.named)
            except ServiceLost:
                one.scope.cancel()

        if self._nursery is not None:
            self._nursery.start_soon(stop)

    def _find(self, service: AgreementId) -> _Service:
        one = self._services.get(service)
        if one is None:
            raise ServiceRefused("this agent has no such service: see fogbank service list")
        return one


def _key(one: _Service) -> tuple[str, AgreementId]:
    """Return what is set aside for a service by."""
    return ("service", one.named)


def _within_budget(
    request: ServiceRequest, order: ServiceOrder, bids: dict[NodeId, SignedServiceBid]
) -> Sequence[ServiceBid]:
    """Return the bids at which the beginning and one call are within the budget.

    Raises:
        ServiceRefused: there is none.
    """
    budgets = [ServiceBudget(request.drops_max, order, one.bid) for one in bids.values()]
    fitting = [one.bid for one in budgets if one.pays(one.start)]
    if not fitting:
        least = min(one.start for one in budgets)
        raise ServiceRefused(
            f"the beginning and one call may cost {least:,} drops, and the budget is "
            f"{request.drops_max:,}: give it a larger --budget, or a smaller --fuel-max or "
            "--call-time"
        )
    return fitting


def _view(one: _Service) -> ServiceView:
    return ServiceView(
        budget_spent=one.budget.drops_max if one.is_spent else None,
        service=one.named,
        provider=one.agreement.provider,
        package_id=one.order.order.package_id,
        name=one.manifest.name,
        is_live=one.reason is None,
        reason=one.reason,
        calls=one.calls,
        charges=one.charges.sequence,
        fuel=one.fuel,
        fuel_max=one.order.order.fuel_max,
        warm_ms=one.charges.warm_ms,
        drops=one.drops,
        paid=one.paid,
    )


def _gone(one: _Service) -> str:
    assert one.reason is not None
    return f"the service has ended: {sentence(one.reason)}"


def _nobody(refusals: dict[NodeId, Sequence[Reason]]) -> str:
    if not refusals:
        return "no connected provider offers services at these prices"
    told = [f"{short_form(who)}: {sentences(reasons)}" for who, reasons in refusals.items()]
    return "nobody took it: " + "; ".join(told)
