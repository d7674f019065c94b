"""What requestors owe this provider, and which of it vouchers have paid (SPEC.md section 9.6)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from logging import getLogger
from typing import cast

from fogbank_dag_ledger.operations import ObjectId, Voucher
from fogbank_dag_ledger.own_objects import ChannelView, ObjectState
from fogbank_dag_ledger.vouchers import check_settles
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId, NodeId, short_form
from fogbank_protocol.node.database import DatabaseFailure

from ..market.agreements import AgreementId
from ..market.settlements import Payment, Settlement
from ..market.tally import Bill, ReceivedLane
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
    """Those of ``accepted`` that are paid, now or before."""


@dataclass(frozen=True, slots=True)
class _Lane:
    voucher: Voucher
    tally: ReceivedLane


class Debts:
    """The selling side's accounts, in the journal; the sums by requestor in memory too."""

    def __init__(
        self, journal: Journal, ledger: ChannelLedger, network: NetworkId, own_id: NodeId
    ) -> None:
        """Go on from what the journal says."""
        self._journal = journal
        self._ledger = ledger
        self._network = network
        self._own_id = own_id
        self._book = VoucherBook(journal)
        self._closing: set[ObjectId] = set()
        self._awaited: dict[AgreementId, Callable[[], None]] = {}
        """What to call when a statement of work under way is paid."""

        self._unpaid = self._sums(
            "SELECT requestor, sum(drops) FROM earned WHERE state = 'unpaid' GROUP BY requestor"
        )
        self._paid = self._sums(
            "SELECT requestor, sum(drops) FROM earned WHERE state = 'paid' GROUP BY requestor"
        )
        self._grudges = self._sums("SELECT requestor, drops FROM grudges")
        self._lanes: dict[ObjectId, dict[int, _Lane]] = {
            channel: {number: _Lane(*lane) for number, lane in lanes.items()}
            for channel, lanes in self._book.received().items()
        }

    def debt(self, requestor: NodeId) -> int:
        """Return the drops that ``requestor`` owes, refused work included."""
        return self._unpaid.get(requestor, 0) + self._grudges.get(requestor, 0)

    def paid(self, requestor: NodeId) -> int:
        """Return the drops that ``requestor`` has paid so far."""
        return self._paid.get(requestor, 0)

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
        self._journal.record(
            "INSERT OR IGNORE INTO earned VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            bill.agreement,
            requestor,
            fuel,
            bill.drops,
            bill.author,
            bill.royalty,
            "unpaid" if bill.drops else "paid",
            is_part,
        )
        self._unpaid[requestor] = self._unpaid.get(requestor, 0) + bill.drops

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
        paid = self._bills(requestor, agreements, "paid")
        bills = self._bills(requestor, agreements, "unpaid")
        tally = lane.tally.cover(bills)
        if tally is None:
            _log.warning("%s claims to have paid more than it has", short_form(requestor))
            return [bill.agreement for bill in paid]
        number = lane.voucher.lane
        self._lanes[channel][number] = _Lane(lane.voucher, tally)
        self._book.keep_received(channel, lane.voucher, tally)
        for bill in bills:
            self._mark_paid(requestor, bill)
        return [bill.agreement for bill in (*paid, *bills)]

    def _bills(
        self, requestor: NodeId, agreements: Sequence[AgreementId], state: str
    ) -> Sequence[Bill]:
        bills: list[Bill] = []
        for agreement in agreements:
            rows = self._journal.query(
                "SELECT drops, author, royalty FROM earned "
                "WHERE agreement_id = ? AND requestor = ? AND state = ?",
                agreement,
                requestor,
                state,
            )
            for row in rows:
                drops, author, royalty = cast("tuple[int, bytes | None, int]", row)
                who = None if author is None else NodeId(author)
                bills.append(Bill(agreement, drops, who, royalty))
        return bills

    def _mark_paid(self, requestor: NodeId, bill: Bill) -> None:
        self._journal.record(
            "UPDATE earned SET state = 'paid' WHERE agreement_id = ?", bill.agreement
        )
        self._unpaid[requestor] -= bill.drops
        self._paid[requestor] = self.paid(requestor) + bill.drops
        self._awaited.pop(bill.agreement, _nobody)()
        grudge = self._grudges.get(requestor, 0)
        if grudge:
            self._keep_grudge(requestor, max(0, grudge - bill.drops))

    # Refusals.

    def _refuse(self, requestor: NodeId, agreement: AgreementId) -> None:
        for bill in self._bills(requestor, [agreement], "unpaid"):
            self._journal.record(
                "UPDATE earned SET state = 'refused' WHERE agreement_id = ?", agreement
            )
            self._unpaid[requestor] -= bill.drops
            self._keep_grudge(requestor, self._grudges.get(requestor, 0) + bill.drops)

    def _keep_grudge(self, requestor: NodeId, drops: int) -> None:
        self._grudges[requestor] = drops
        self._journal.record("INSERT OR REPLACE INTO grudges VALUES (?, ?)", requestor, drops)

    def _sums(self, statement: str) -> dict[NodeId, int]:
        rows = cast("Sequence[tuple[NodeId, int]]", self._journal.query(statement))
        sums: Mapping[NodeId, int] = dict(rows)
        return dict(sums)


def _nobody() -> None:
    """Be told of a payment that nobody waits for."""


def _is_open(view: ChannelView) -> bool:
    return view.state is ObjectState.OPEN
