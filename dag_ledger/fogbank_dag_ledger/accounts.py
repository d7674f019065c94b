"""Money along a chain: totals per pair, moved forwards and backwards (SPEC.md section 8.3).

Sums run along one line of ``prev``.  Chains may fork, so totals can be wanted at any vertex; they
are kept at one place a chain, and carried from there to where they are wanted.
"""

from fogbank_protocol.identity import NodeId

from .objects import NOTHING, HeldObject
from .record import Record
from .vertex import NO_VERTEX, VertexId


class Totals:
    """What an account has sent and claimed, in drops, up to one vertex of its chain."""

    __slots__ = ("at", "claimed", "objects", "sent")

    def __init__(self) -> None:
        self.at: Record | None = None
        """The last vertex that is counted; None before the first."""

        self.sent: dict[NodeId, int] = {}
        self.claimed: dict[NodeId, int] = {}
        self.objects: dict[HeldObject, tuple[int, int, int]] = {}
        """Drops put into and taken out of each object, and how often it was settled."""

    def advance(self, record: Record) -> None:
        """Count ``record``, the vertex after ``at``."""
        self.at = record
        for recipient, _, total in record.payments:
            self.sent[recipient] = total
        for source, gained in record.claims:
            sender = source.chain.issuer
            self.claimed[sender] = self.claimed.get(sender, 0) + gained
        if record.deeds is not None:
            self._move_objects(record, 1)

    def move(self, target: Record | None) -> None:
        """Count exactly the line that ends in ``target``, a vertex of the same chain.

        Costs the distance between the two places, which is nothing unless the chain forks.
        """
        if target is not None and target.prev is self.at:
            self.advance(target)
            return
        ahead: list[Record] = []
        wanted = target
        while self.at is not wanted:
            if wanted is None or (self.at is not None and self.at.seq >= wanted.seq):
                self._retreat()
            else:
                ahead.append(wanted)
                wanted = wanted.prev
        for record in reversed(ahead):
            self.advance(record)

    def _retreat(self) -> None:
        record = self.at
        assert record is not None
        self.at = record.prev
        for recipient, amount, total in record.payments:
            _set(self.sent, recipient, total - amount)
        for source, gained in record.claims:
            sender = source.chain.issuer
            _set(self.claimed, sender, self.claimed[sender] - gained)
        if record.deeds is not None:
            self._move_objects(record, -1)

    def _move_objects(self, record: Record, direction: int) -> None:
        assert record.deeds is not None
        for held, *amounts in record.deeds.moves:
            before = self.objects.get(held, NOTHING)
            put, taken, times = (
                old + direction * change for old, change in zip(before, amounts, strict=True)
            )
            if put or taken or times:
                self.objects[held] = (put, taken, times)
            else:
                del self.objects[held]


class Account(Totals):
    """The final state of an account (section 8.9)."""

    __slots__ = ("balance", "head")

    def __init__(self, balance: int) -> None:
        """Begin with what genesis gave, in drops."""
        super().__init__()
        self.balance = balance
        self.head: VertexId = NO_VERTEX
        """The last final vertex that carries something."""

    def advance(self, record: Record) -> None:
        """Count ``record``, which became final."""
        super().advance(record)
        self.balance = record.balance
        if record.carries:
            self.head = record.id


def _set(totals: dict[NodeId, int], key: NodeId, total: int) -> None:
    if total:
        totals[key] = total
    else:
        del totals[key]
