"""What requestors owe this provider, and which of it vouchers have paid (SPEC.md section 9.6)."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from logging import getLogger
from time import time

from fogbank_dag_ledger.operations import ObjectId, Voucher
from fogbank_dag_ledger.own_objects import ChannelView, ObjectState
from fogbank_dag_ledger.vouchers import check_settles
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId, NodeId, short_form
from fogbank_protocol.node.database import DatabaseFailure

from ..limits import DUE_KEPT_S, DUES_MAX, GRUDGE_HALF_LIFE_S, PAID_REMEMBERED_MAX, REQUESTORS_MAX
from ..market.agreements import AgreementId
from ..market.settlements import Payment, Settlement
from ..market.tally import Bill, ReceivedLane
from .due_book import DueBook, StoredDue
from .interfaces import ChannelLedger
from .journal import Journal
from .voucher_book import VoucherBook, tally_of

_log = getLogger(__name__)


class BadVoucher(Exception):
    """A voucher that does not count (section 9.6); the message says why."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a settlement."""

    voucher: Voucher | None
    """The last of the lane that it pays over, to be kept for the ledger."""

    paid: Sequence[AgreementId]
    """Those of ``accepted`` that are paid, now or lately."""


@dataclass(frozen=True, slots=True)
class _Lane:
    voucher: Voucher
    tally: ReceivedLane


@dataclass(slots=True)
class _Account:
    """Where things stand with one requestor, in drops."""

    paid: int = 0
    unpaid: int = 0
    grudge: int = 0
    grudge_unix_s: int = 0

    def grudge_left(self, unix_s: int) -> int:
        """Return what is left of the grudge: half of it for each half-life."""
        return self.grudge >> min(64, self.half_lives(unix_s))

    def half_lives(self, unix_s: int) -> int:
        """Return how many have passed since the grudge was written down."""
        return max(0, unix_s - self.grudge_unix_s) // GRUDGE_HALF_LIFE_S


class Debts:
    """The selling side's accounts, in the journal; the sums by requestor in memory too.

    Both are bounded: what nobody settles counts as refused in the end, which is forgotten by and
    by, and the requestors of long ago are counted together.
    """

    def __init__(
        self,
        journal: Journal,
        ledger: ChannelLedger,
        network: NetworkId,
        own_id: NodeId,
        *,
        clock: Callable[[], float] = time,
        requestors_max: int = REQUESTORS_MAX,
        dues_max: int = DUES_MAX,
    ) -> None:
        """Go on from what the journal says; ``clock`` gives the seconds of the unix epoch."""
        self._clock = clock
        self._requestors_max = requestors_max
        self._dues_max = dues_max
        self._journal = journal
        self._ledger = ledger
        self._network = network
        self._own_id = own_id
        self._book = VoucherBook(journal)
        self._closing: set[ObjectId] = set()
        self._awaited: dict[AgreementId, Callable[[], None]] = {}
        """What to call when a statement of work under way is paid."""

        self._dues = DueBook(journal)
        self._due = OrderedDict((one.bill.agreement, one) for one in self._dues.dues())
        """What is neither paid nor refused, the oldest first."""

        self._accounts: OrderedDict[NodeId, _Account] = OrderedDict(
            (one.requestor, _Account(one.paid, one.unpaid, one.grudge, one.grudge_unix_s))
            for one in self._dues.accounts()
        )
        """The longest unused first."""

        self._paid_lately: OrderedDict[AgreementId, NodeId] = OrderedDict()
        """What was paid in this life, and by whom: a settlement may come again."""

        self._lanes: dict[ObjectId, dict[int, _Lane]] = {
            channel: {number: _Lane(*lane) for number, lane in lanes.items()}
            for channel, lanes in self._book.received().items()
        }
        self._write_off()

    def debt(self, requestor: NodeId) -> int:
        """Return the drops that ``requestor`` owes, refused work included."""
        account = self._accounts.get(requestor)
        return 0 if account is None else account.unpaid + account.grudge_left(self._now())

    def paid(self, requestor: NodeId) -> int:
        """Return the drops that ``requestor`` has paid so far."""
        account = self._accounts.get(requestor)
        return 0 if account is None else account.paid

    def room(self, requestor: NodeId) -> int:
        """Return the drops in channels of ``requestor`` that its debt and vouchers leave."""
        funds = sum(
            view.deposit - self.total(view.id)
            for view in self._ledger.all()
            if view.payer == requestor
            and view.terms.provider == self._own_id
            and _is_open(view)
            and view.id not in self._closing
        )
        return funds - self.debt(requestor)

    def total(self, channel: ObjectId) -> int:
        """Return what the last vouchers of a channel add up to, in drops."""
        return sum(lane.voucher.total for lane in self._lanes.get(channel, {}).values())

    def vouchers(self) -> Sequence[tuple[ObjectId, Voucher]]:
        """Return the last vouchers of all lanes of the channels that are not settled."""
        return [
            (channel, lane.voucher)
            for channel, lanes in self._lanes.items()
            if (view := self._ledger.get(channel)) and view.state is not ObjectState.SETTLED
            for lane in lanes.values()
        ]

    def earn_tick(
        self, requestor: NodeId, fuel: int, bill: Bill, on_paid: Callable[[], None]
    ) -> None:
        """Record a statement of work under way; ``on_paid`` is called once."""
        if bill.drops:
            self._awaited[bill.agreement] = on_paid
        self.earn(requestor, fuel, bill, is_part=True)

    def await_no_more(self, statements: Sequence[AgreementId]) -> None:
        """Call nobody for ``statements``: their lot is over, and what they made due stays due."""
        for statement in statements:
            self._awaited.pop(statement, None)

    def earn(self, requestor: NodeId, fuel: int, bill: Bill, *, is_part: bool = False) -> None:
        """Record a receipt that was signed, or a part of one; what costs nothing is paid at once.

        With a receipt, ``fuel`` and ``bill`` are what was not stated before.
        """
        if bill.agreement in self._due:
            return
        unix_s = self._now()
        self._dues.earn(requestor, fuel, bill, unix_s, is_part=is_part)
        self._account(requestor).unpaid += bill.drops
        if bill.drops:
            self._due[bill.agreement] = StoredDue(requestor, bill, unix_s)
        self._forget_requestors()
        self._write_off()

    def forgo(self, requestor: NodeId, agreement: AgreementId) -> None:
        """Take back what a receipt made due of which no byte has left: its lot was cancelled."""
        for bill in self._unpaid_bills(requestor, [agreement]):
            self._dues.forgo(requestor, bill, self._now())
            self._end(requestor, bill)

    async def keep_earned(self) -> None:
        """Return when all that was earned so far is on disk; call it before a receipt leaves.

        Else whoever is killed in between has it paid, and knows of no debt that it paid.  When the
        disk takes nothing the work is handed out all the same: it is done.
        """
        try:
            await self._journal.sync()
        except DatabaseFailure as error:
            _log.error("what is earned is kept in memory alone for now: %s", error)

    def settle(self, requestor: NodeId, settlement: Settlement) -> Settled:
        """Take in what ``requestor`` pays, and what it will not pay.

        Answer it only after ``Journal.sync``.

        Raises:
            BadVoucher: its voucher does not count; nothing was taken in.
        """
        payment, settled = settlement.payment, Settled(None, ())
        if payment is not None:
            lane = self._hear(requestor, payment)
            paid = self._use(requestor, payment.channel, lane, settlement.accepted)
            # Not the one that came: of one that is known the signature was not looked at again.
            settled = Settled(lane.voucher, paid)
        for agreement, _ in settlement.refused:
            self._refuse(requestor, agreement)
        return settled

    def begin_closing(self, channel: ObjectId) -> None:
        """Take no voucher of ``channel`` any more: it is settled by those that are here."""
        self._closing.add(channel)

    def end_closing(self, channel: ObjectId) -> None:
        """Take vouchers again: it could not be settled now."""
        self._closing.discard(channel)

    def forget(self, channel: ObjectId) -> None:
        """Forget the vouchers of a channel that was settled and taken from."""
        self._closing.discard(channel)
        if self._lanes.pop(channel, None) is not None:
            self._book.forget(channel)

    # Vouchers.

    def _hear(self, requestor: NodeId, payment: Payment) -> _Lane:
        voucher, channel = payment.voucher, payment.channel
        view = self._view(requestor, channel)
        lanes = self._lanes.setdefault(channel, {})
        known = lanes.get(voucher.lane)
        tally = known.tally if known is not None else ReceivedLane()
        said = tally_of(voucher)
        if known is not None and said == tally.said:
            return known
        if not tally.is_newer(said):
            raise BadVoucher("it says less than the one before")
        others = [one.voucher for number, one in lanes.items() if number != voucher.lane]
        try:
            check_settles(voucher, others, channel, view.terms, self._network, view.deposit)
        except RemoteProtocolError as error:
            raise BadVoucher(f"the channel could not be closed by it: {error}") from None
        lanes[voucher.lane] = _Lane(voucher, tally.hear(said))
        self._book.keep_received(channel, voucher, lanes[voucher.lane].tally)
        return lanes[voucher.lane]

    def _view(self, requestor: NodeId, channel: ObjectId) -> ChannelView:
        view = self._ledger.get(channel)
        if view is None:
            raise BadVoucher("there is no such channel here")
        if view.payer != requestor or view.terms.provider != self._own_id:
            raise BadVoucher("the channel is another's")
        if not _is_open(view) or channel in self._closing:
            raise BadVoucher("the channel is not open, or not final yet")
        return view

    def _use(
        self,
        requestor: NodeId,
        channel: ObjectId,
        lane: _Lane,
        agreements: Sequence[AgreementId],
    ) -> Sequence[AgreementId]:
        """Pay what the lane covers; return those of ``agreements`` that are paid by now."""
        paid = [one for one in agreements if self._paid_lately.get(one) == requestor]
        bills = self._unpaid_bills(requestor, agreements)
        tally = lane.tally.cover(bills)
        if tally is None:
            _log.warning("%s claims to have paid more than it has", short_form(requestor))
            return paid
        number = lane.voucher.lane
        self._lanes[channel][number] = _Lane(lane.voucher, tally)
        self._book.keep_received(channel, lane.voucher, tally)
        for bill in bills:
            self._mark_paid(requestor, bill)
        return [*paid, *(bill.agreement for bill in bills)]

    def _unpaid_bills(self, requestor: NodeId, agreements: Sequence[AgreementId]) -> Sequence[Bill]:
        found = (self._due.get(agreement) for agreement in agreements)
        return [one.bill for one in found if one is not None and one.requestor == requestor]

    def _mark_paid(self, requestor: NodeId, bill: Bill) -> None:
        unix_s = self._now()
        self._dues.pay(requestor, bill, unix_s)
        account = self._end(requestor, bill)
        account.paid += bill.drops
        self._paid_lately[bill.agreement] = requestor
        if len(self._paid_lately) > PAID_REMEMBERED_MAX:
            self._paid_lately.popitem(last=False)
        self._awaited.pop(bill.agreement, _nobody)()
        grudge = account.grudge_left(unix_s)
        if grudge:
            # The next half goes when it would have gone.
            began = account.grudge_unix_s + account.half_lives(unix_s) * GRUDGE_HALF_LIFE_S
            self._keep_grudge(requestor, max(0, grudge - bill.drops), began)

    # Refusals.

    def _refuse(self, requestor: NodeId, agreement: AgreementId) -> None:
        for bill in self._unpaid_bills(requestor, [agreement]):
            self._mark_refused(requestor, bill)

    def _mark_refused(self, requestor: NodeId, bill: Bill) -> None:
        unix_s = self._now()
        self._dues.refuse(requestor, bill, unix_s)
        grudge = self._end(requestor, bill).grudge_left(unix_s)
        self._keep_grudge(requestor, grudge + bill.drops, unix_s)

    def _keep_grudge(self, requestor: NodeId, drops: int, unix_s: int) -> None:
        account = self._account(requestor)
        account.grudge, account.grudge_unix_s = drops, unix_s
        self._dues.keep_grudge(requestor, drops, unix_s)

    def _write_off(self) -> None:
        """Count as refused what has waited too long, or is too much."""
        until = self._now() - DUE_KEPT_S
        while self._due:
            oldest = next(iter(self._due.values()))
            if oldest.unix_s > until and len(self._due) <= self._dues_max:
                return
            self._mark_refused(oldest.requestor, oldest.bill)

    # Accounts.

    def _account(self, requestor: NodeId) -> _Account:
        account = self._accounts.setdefault(requestor, _Account())
        self._accounts.move_to_end(requestor)
        return account

    def _end(self, requestor: NodeId, bill: Bill) -> _Account:
        account = self._account(requestor)
        account.unpaid -= bill.drops
        del self._due[bill.agreement]
        return account

    def _forget_requestors(self) -> None:
        """Count those of long ago together; whoever owes something is not forgotten."""
        while len(self._accounts) > self._requestors_max:
            oldest = next((who for who, one in self._accounts.items() if not one.unpaid), None)
            if oldest is None:
                return
            del self._accounts[oldest]
            self._dues.forget(oldest)

    def _now(self) -> int:
        return int(self._clock())


def _nobody() -> None:
    """Be told of a payment that nobody waits for."""


def _is_open(view: ChannelView) -> bool:
    return view.state is ObjectState.OPEN
