"""The channels that this agent pays from: opened ahead, topped up, drawn on (SPEC.md 9.6)."""

from collections.abc import Callable, Collection, Hashable, Sequence
from logging import getLogger

import trio

from fogbank_dag_ledger.operations import ObjectId, Voucher
from fogbank_dag_ledger.own_objects import ChannelView, ObjectState
from fogbank_dag_ledger.service.failures import NeverFinal, NotIssuing, StorageFailure
from fogbank_dag_ledger.statements import sign_voucher
from fogbank_dag_ledger.wallet import PaymentRefused
from fogbank_protocol.identity import Identity, NetworkId, NodeId, short_form
from fogbank_protocol.node.driver import Driver
from fogbank_protocol.node.node import CallFailure, Node

from ..limits import (
    CHANNEL_LANES,
    CHANNELS_LOOK_S,
    CLOSE_WAIT_S,
)
from ..market.agreements import AgreementId
from ..market.funding import (
    ChannelFull,
    ChannelsSeen,
    ChannelsUnwanted,
    CloseChannel,
    DropsNeeded,
    DropsPaid,
    Funding,
    FundingCommand,
    LedgerRefused,
    OpenChannel,
    OwnChannel,
    ProvidersWanted,
    ReclaimChannel,
    TopUpChannel,
)
from ..market.settlements import Payment, encode_close
from ..market.tally import Bill, ChannelTally
from .interfaces import Account, ChannelLedger
from .journal import Journal
from .methods import CLOSE_METHOD
from .voucher_book import VoucherBook

_log = getLogger(__name__)


class PayingChannels:
    """Keeps a channel to every provider that jobs want, and signs vouchers."""

    def __init__(
        self,
        node: Node,
        account: Account,
        ledger: ChannelLedger,
        identity: Identity,
        journal: Journal,
        *,
        deposit: int,
        beats: int,
        on_change: Callable[[], None],
    ) -> None:
        """Open channels with ``deposit`` drops; tell ``on_change`` when one can be used.

        A provider has ``beats`` (seconds) to answer when one is reclaimed.
        """
        self._node = node
        self._network: NetworkId = node.network
        self._account = account
        self._ledger = ledger
        self._identity = identity
        self._book = VoucherBook(journal)
        self._funding = Funding(deposit)
        self._driver = Driver(self._funding, self._perform)
        self._tallies: dict[ObjectId, ChannelTally] = {}
        self._ending: set[ObjectId] = set()
        self._beats = beats
        self._on_change = on_change
        self._nursery: trio.Nursery | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Follow the ledger and keep the channels funded, until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                self.look()
                nursery.start_soon(self._look_now_and_then)
                nursery.start_soon(self._driver.run)
                task_status.started()
                async with self._account.watch() as news:
                    async for _ in news:
                        self.look()
            finally:
                self._nursery = None

    def want(self, by: Hashable, providers: Collection[NodeId]) -> None:
        """Have channels to ``providers``, sooner or later, until ``by`` wants others or nobody."""
        known = [self._funding.channel(provider) for provider in providers]
        views = [self._ledger.get(channel) for channel in known if channel is not None]
        if any(view is not None and view.state is not ObjectState.OPEN for view in views):
            # Its provider has closed it, which is no news of the own account.
            self.look()
        self._driver.tell(ProvidersWanted(by, providers))

    def left(self, provider: NodeId) -> int:
        """Return the drops that ``provider`` can be paid now."""
        return self._funding.left(provider) if self._funding.channel(provider) else 0

    @property
    def total_left(self) -> int:
        """Drops in all channels that are not paid yet."""
        return self._funding.total_left

    @property
    def is_moving(self) -> bool:
        """Whether the ledger still has to decide about drops that go into channels, or come back.

        None of them are in the wallet or in ``total_left``.
        """
        return self._funding.is_moving or any(
            view.state is ObjectState.CLOSING or view.deposit_pending or view.owed
            for view in self._ledger.all()
            if view.payer == self._identity.node_id
        )

    def sign(
        self, provider: NodeId, bills: Sequence[Bill]
    ) -> Sequence[tuple[Payment, Sequence[AgreementId]]]:
        """Return vouchers for as many of ``bills`` as the channel has room for.

        They are recorded, and no byte of them may leave before ``Journal.sync`` has returned: two
        of one count that differ prove a fault.
        """
        channel = self._funding.channel(provider)
        if channel is None:
            self._driver.tell(DropsNeeded(provider, sum(bill.drops for bill in bills)))
            return []
        tally = self._tally(channel)
        payable = _affordable(bills, self._funding.left(provider))
        paid: list[tuple[Payment, Sequence[AgreementId]]] = []
        for lane in tally.pay(payable):
            voucher = sign_voucher(
                self._identity,
                self._network,
                channel,
                lane=lane.lane,
                total=lane.after.total,
                count=lane.after.count,
                root=lane.after.root,
                split=list(lane.after.split.items()),
            )
            self._book.keep_given(channel, voucher)
            paid.append((Payment(channel, voucher), [bill.agreement for bill in lane.bills]))
        self._driver.tell(DropsPaid(channel, tally.total))
        named = {agreement for _, agreements in paid for agreement in agreements}
        rest = sum(bill.drops for bill in bills if bill.agreement not in named)
        if len(named) < len(payable):
            # The last bills may find no room for their drops either: another channel has both.
            self._driver.tell(ChannelFull(provider, channel, rest))
        elif rest:
            self._driver.tell(DropsNeeded(provider, rest))
        return paid

    def given(self, channel: ObjectId) -> Sequence[Voucher]:
        """Return the last voucher of each lane of ``channel``."""
        return self._book.given(channel)

    def paid_by(self, channel: ObjectId) -> int | None:
        """Return the drops that ``channel`` has paid; None while it is not settled."""
        view = self._ledger.get(channel)
        if view is None:
            # Long ago: all was taken out of it.
            return self._tally(channel).total
        return view.paid if view.state is ObjectState.SETTLED else None

    async def close_all(self) -> int:
        """Have every channel settled; return how many providers do not answer.

        Those are shown what they were given, and asked for the rest when their beats are over.
        """
        unanswered = 0
        self._driver.tell(ChannelsUnwanted())
        for view in self._ledger.all():
            is_open = view.payer == self._identity.node_id and view.state is ObjectState.OPEN
            if is_open and not await self._ask_to_close(view):
                unanswered += 1
                await self._reclaim(view)
        self.look()
        return unanswered

    async def _ask_to_close(self, view: ChannelView) -> bool:
        provider = view.terms.provider
        try:
            await self._node.request(
                provider, CLOSE_METHOD, encode_close(view.id), timeout_s=CLOSE_WAIT_S
            )
        except CallFailure as error:
            _log.info("%s does not close its channel: %s", short_form(provider), error)
            return False
        return True

    async def _reclaim(self, view: ChannelView) -> None:
        try:
            for voucher in self._book.given(view.id):
                # Nobody is to lose what it has earned because its machine is off.
                if voucher.total > 0:
                    await self._ledger.post_vouchers(view.id, [voucher])
            await self._ledger.reclaim(view.id)
        except (PaymentRefused, NotIssuing, StorageFailure) as error:
            _log.warning("a channel cannot be reclaimed now: %s", error)

    def look(self) -> None:
        """Take in what the ledger says of the own channels."""
        own = self._identity.node_id
        here = {peer.node_id for peer in self._node.peers()}
        seen = [
            OwnChannel(
                view.id,
                view.terms.provider,
                view.deposit,
                is_over=view.state in (ObjectState.CLOSING, ObjectState.SETTLED),
            )
            for view in self._ledger.all()
            if view.payer == own
        ]
        absent = {one.provider for one in seen} - here
        self._driver.tell(ChannelsSeen(seen, self._account.wallet().spendable, absent))
        for one in seen:
            if not one.is_over:
                self._driver.tell(DropsPaid(one.channel, self._tally(one.channel).total))
        self._on_change()

    async def _look_now_and_then(self) -> None:
        # Never by events alone: one that was missed would strand the money in a channel.
        while True:
            await trio.sleep(CHANNELS_LOOK_S)
            self.look()

    def _tally(self, channel: ObjectId) -> ChannelTally:
        if channel not in self._tallies:
            self._tallies[channel] = ChannelTally(self._book.tallies(channel))
        return self._tallies[channel]

    def _perform(self, command: FundingCommand) -> None:
        if self._nursery is None:
            return
        match command:
            case OpenChannel() | TopUpChannel():
                self._nursery.start_soon(self._fund, command)
            case CloseChannel() | ReclaimChannel():
                self._nursery.start_soon(self._end, command)

    async def _fund(self, command: OpenChannel | TopUpChannel) -> None:
        try:
            match command:
                case OpenChannel(provider, drops):
                    _, vertex_id = await self._ledger.open_channel(
                        provider, drops, beats=self._beats, lanes=CHANNEL_LANES
                    )
                case TopUpChannel(channel, _, drops):
                    vertex_id = await self._ledger.top_up(channel, drops)
            await self._account.wait_final(vertex_id)
            self.look()
        except (PaymentRefused, NotIssuing, NeverFinal, StorageFailure) as error:
            _log.warning(
                "no channel to %s can be funded now: %s", short_form(command.provider), error
            )
            self._driver.tell(LedgerRefused(command.provider))

    async def _end(self, command: CloseChannel | ReclaimChannel) -> None:
        view = self._ledger.get(command.channel)
        if view is None or view.state is not ObjectState.OPEN or view.id in self._ending:
            return
        self._ending.add(view.id)
        try:
            match command:
                case CloseChannel():
                    await self._ask_to_close(view)
                case ReclaimChannel(_, provider):
                    _log.info("%s is gone: its channel is asked back", short_form(provider))
                    await self._reclaim(view)
        finally:
            self._ending.discard(view.id)
        self.look()


def _affordable(bills: Sequence[Bill], left: int) -> Sequence[Bill]:
    """Return the first bills that ``left`` drops pay for."""
    for place, bill in enumerate(bills):
        left -= bill.drops
        if left < 0:
            return bills[:place]
    return bills
