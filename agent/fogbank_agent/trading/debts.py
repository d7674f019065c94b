"""What requestors owe this provider, and which of it is paid (SPEC.md section 9.6)."""

from collections import OrderedDict
from collections.abc import Sequence
from logging import getLogger
from typing import cast

from fogbank_dag_ledger.service.ledger_service import LedgerService
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.identity import NodeId, short_form

from ..limits import PAYMENTS_REMEMBERED_MAX
from ..market.agreements import AgreementId
from ..market.settlements import Settlement
from .journal import Journal

_log = getLogger(__name__)


class Debts:
    """The selling side's accounts, in the journal; the sums by requestor in memory too."""

    def __init__(self, journal: Journal, ledger: LedgerService, own_id: NodeId) -> None:
        """Go on from what the journal says."""
        self._journal = journal
        self._ledger = ledger
        self._own_id = own_id
        self._received: OrderedDict[VertexId, tuple[NodeId, int]] = OrderedDict()
        self._doubted: set[VertexId] = set()
        """Final transfers that are named for more than they paid."""

        self._unpaid = self._sums(
            "SELECT requestor, sum(drops) FROM earned "
            "WHERE state IN ('unpaid', 'claimed') GROUP BY requestor"
        )
        self._grudges = self._sums("SELECT requestor, drops FROM grudges")

    def debt(self, requestor: NodeId) -> int:
        """Return the drops that ``requestor`` owes, refused work included."""
        return self._unpaid.get(requestor, 0) + self._grudges.get(requestor, 0)

    def earn(self, agreement: AgreementId, requestor: NodeId, fuel: int, drops: int) -> None:
        """Record a receipt that was signed; what costs nothing is paid at once."""
        self._journal.record(
            "INSERT OR IGNORE INTO earned VALUES (?, ?, ?, ?, ?, NULL)",
            agreement,
            requestor,
            fuel,
            drops,
            "unpaid" if drops else "paid",
        )
        self._unpaid[requestor] = self._unpaid.get(requestor, 0) + drops

    def settle(self, requestor: NodeId, settlement: Settlement) -> None:
        """Take in what ``requestor`` says that it has paid, and what it will not pay."""
        for agreement in settlement.accepted:
            self._journal.record(
                "UPDATE earned SET state = 'claimed', vertex_id = ? "
                "WHERE agreement_id = ? AND requestor = ? AND state = 'unpaid'",
                settlement.vertex_id,
                agreement,
                requestor,
            )
        for agreement, _ in settlement.refused:
            self._refuse(requestor, agreement)
        self.confirm()

    def note_received(self, vertex_id: VertexId, payer: NodeId, drops: int) -> None:
        """Take in that a payment to this agent is final."""
        self._received[vertex_id] = (payer, drops)
        if len(self._received) > PAYMENTS_REMEMBERED_MAX:
            self._received.popitem(last=False)
        self.confirm()

    def load_received(self) -> None:
        """Take in the final payments that the ledger knows already."""
        for payment in reversed(self._ledger.payments(PAYMENTS_REMEMBERED_MAX)):
            if payment.is_final and payment.recipient == self._own_id:
                self._received[payment.vertex_id] = (payment.payer, payment.amount)
        self.confirm()

    def confirm(self) -> None:
        """Count as paid what a final payment covers."""
        rows = self._journal.query(
            "SELECT vertex_id, requestor, sum(drops) FROM earned "
            "WHERE state = 'claimed' GROUP BY vertex_id, requestor"
        )
        for row in rows:
            vertex_id, requestor, claimed = cast("tuple[VertexId, NodeId, int]", row)
            payer, amount = self._received.get(vertex_id, (None, 0))
            if payer != requestor:
                continue
            if amount >= claimed + self._paid_by(vertex_id):
                self._mark_paid(vertex_id, requestor, claimed)
            elif vertex_id not in self._doubted:
                # Said once: it is looked at again with every settlement that comes.
                self._doubted.add(vertex_id)
                _log.warning("%s claims to have paid more than it has", short_form(requestor))

    def _paid_by(self, vertex_id: VertexId) -> int:
        """Return what the vertex has paid for already, so that it cannot be named twice."""
        rows = self._journal.query(
            "SELECT sum(drops) FROM earned WHERE vertex_id = ? AND state = 'paid'", vertex_id
        )
        return cast("int", rows[0][0] or 0)

    def _mark_paid(self, vertex_id: VertexId, requestor: NodeId, drops: int) -> None:
        self._journal.record(
            "UPDATE earned SET state = 'paid' "
            "WHERE vertex_id = ? AND requestor = ? AND state = 'claimed'",
            vertex_id,
            requestor,
        )
        self._unpaid[requestor] -= drops
        grudge = self._grudges.get(requestor, 0)
        if grudge:
            self._keep_grudge(requestor, max(0, grudge - drops))

    def _refuse(self, requestor: NodeId, agreement: AgreementId) -> None:
        rows = self._journal.query(
            "SELECT drops FROM earned "
            "WHERE agreement_id = ? AND requestor = ? AND state = 'unpaid'",
            agreement,
            requestor,
        )
        for (found,) in rows:
            drops = cast("int", found)
            self._journal.record(
                "UPDATE earned SET state = 'refused' WHERE agreement_id = ?", agreement
            )
            self._unpaid[requestor] -= drops
            self._keep_grudge(requestor, self._grudges.get(requestor, 0) + drops)

    def _keep_grudge(self, requestor: NodeId, drops: int) -> None:
        self._grudges[requestor] = drops
        self._journal.record("INSERT OR REPLACE INTO grudges VALUES (?, ?)", requestor, drops)

    def _sums(self, statement: str) -> dict[NodeId, int]:
        rows: Sequence[tuple[NodeId, int]] = cast(
            "Sequence[tuple[NodeId, int]]", self._journal.query(statement)
        )
        return dict(rows)
