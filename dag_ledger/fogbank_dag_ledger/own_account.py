"""What happens to one account, taken from the ledger's events: payments in, payments out."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fogbank_protocol.identity import NodeId

from .events import Final, Inserted, LedgerEvent
from .ledger import Ledger
from .limits import PAYMENTS_LISTED_MAX
from .record import Record
from .vertex import Vertex, VertexId


@dataclass(frozen=True, slots=True)
class PaymentView:
    """One payment from or to the account."""

    vertex_id: VertexId
    payer: NodeId
    recipient: NodeId
    amount: int
    """In drops."""

    is_final: bool
    unix_time_s: int
    """What the payer's clock showed, for display only; 0 unknown."""


@dataclass(frozen=True, slots=True)
class PaymentReceived:
    """A payment to the account became final."""

    vertex_id: VertexId
    payer: NodeId
    amount: int
    """In drops."""


@dataclass(frozen=True, slots=True)
class PaymentFinal:
    """The account's payments in this vertex became final."""

    vertex_id: VertexId
    payments: tuple[tuple[NodeId, int], ...]
    """Recipients and drops."""


PaymentNews: TypeAlias = PaymentReceived | PaymentFinal


class OwnAccount:
    """Counts and remembers the payments of one account, and counts everyone's."""

    def __init__(self, ledger: Ledger, owner: NodeId) -> None:
        """Follow ``owner`` in ``ledger``, which is still empty."""
        self._ledger = ledger
        self._owner = owner
        self._recent: deque[PaymentView] = deque(maxlen=PAYMENTS_LISTED_MAX)
        self.made = 0
        """Payments of the owner that are held."""

        self.final = 0
        """Those of them that are final."""

        self.incoming = 0
        """Drops paid to the owner by vertices that are held and not final."""

        self.pending = 0
        """Payments of anyone that are held and not final."""

    def note(self, events: Iterable[LedgerEvent]) -> list[PaymentNews]:
        """Take what happened in the ledger; return what became final for the owner."""
        news: list[PaymentNews] = []
        for event in events:
            match event:
                case Inserted(vertex):
                    self._insert(vertex)
                case Final(vertex_id):
                    news += self._finish(vertex_id)
                case _:
                    pass
        return news

    def payments(self, count: int) -> Sequence[PaymentView]:
        """Return the last ``count`` payments, newest first, at most ``PAYMENTS_LISTED_MAX``."""
        return [
            PaymentView(
                view.vertex_id,
                view.payer,
                view.recipient,
                view.amount,
                self._ledger.is_final(view.vertex_id),
                view.unix_time_s,
            )
            for view, _ in zip(reversed(self._recent), range(count), strict=False)
        ]

    def _insert(self, vertex: Vertex) -> None:
        # What takes pass on counts as paid too, and only the record knows of it.
        payments = self._record(vertex.id).payments if vertex.operations else ()
        for recipient, amount, _ in payments:
            self._note_payment(vertex, recipient, amount)
        if not vertex.operations:
            for payment in vertex.payments:
                self._note_payment(vertex, payment.recipient, payment.amount)

    def _note_payment(self, vertex: Vertex, recipient: NodeId, amount: int) -> None:
        self.pending += 1
        if vertex.issuer == self._owner:
            self.made += 1
        if recipient == self._owner:
            self.incoming += amount
        if self._owner in (recipient, vertex.issuer):
            self._recent.append(
                PaymentView(
                    vertex.id,
                    vertex.issuer,
                    recipient,
                    amount,
                    is_final=False,
                    unix_time_s=vertex.unix_time_s,
                )
            )

    def _record(self, vertex_id: VertexId) -> Record:
        record = self._ledger.dag.get(vertex_id)
        assert record is not None
        return record

    def _finish(self, vertex_id: VertexId) -> list[PaymentNews]:
        record = self._record(vertex_id)
        payments = record.payments
        if not payments:
            return []
        self.pending -= len(payments)
        issuer = record.chain.issuer
        if issuer == self._owner:
            self.final += len(payments)
            paid = tuple((recipient, amount) for recipient, amount, _ in payments)
            return [PaymentFinal(vertex_id, paid)]
        received = [amount for recipient, amount, _ in payments if recipient == self._owner]
        self.incoming -= sum(received)
        return [PaymentReceived(vertex_id, issuer, amount) for amount in received]
