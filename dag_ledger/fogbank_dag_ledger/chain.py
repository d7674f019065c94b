"""An account's chain: its slots, forks included, and how far it is final (SPEC.md section 8.4).

What lies below the floor is pruned (8.21): of it the last vertex is left, and a trail of names.
"""

from collections.abc import Iterator, Sequence

from fogbank_protocol.identity import NodeId

from .accounts import Account, Totals
from .limits import POSITION_BYTES, VERTEX_ID_BYTES
from .objects import Outcome
from .record import Record
from .vertex import VertexId, seq_in, tag_of

_DIGEST_BYTES = VERTEX_ID_BYTES - POSITION_BYTES


class Chain:
    """All vertices of one issuer that are held."""

    __slots__ = (
        "_trail",
        "_trail_from",
        "account",
        "closed",
        "closed_count",
        "contested",
        "final_count",
        "final_head",
        "final_turn",
        "floor",
        "forgiven",
        "forked",
        "genesis_balance",
        "introduced",
        "issuer",
        "sealed",
        "seat",
        "settled_head",
        "settled_payer",
        "settled_sent",
        "shown_forked",
        "slots",
        "tag",
        "totals",
        "waits_for",
    )

    def __init__(self, issuer: NodeId, balance: int, seat: int | None) -> None:
        """``balance`` is genesis's, in drops; ``seat`` the number of the issuer's seat, if any."""
        self.issuer = issuer
        self.tag = tag_of(issuer)
        self.seat = seat
        self.floor = 0
        """So many positions are settled and pruned; ``slots`` begins there."""

        self.settled_head: Record | None = None
        """The last vertex below the floor, without what it stands on."""

        self.settled_payer: VertexId = VertexId(b"")
        """The last vertex below the floor that carries something (8.9)."""

        self.slots: list[Record] = []
        """The first contender of each slot to arrive here, from the floor on."""

        self.contested: dict[int, list[Record]] = {}
        """All contenders of the slots that have several, by seq; below the floor those that lost.

        Of a closed chain, whatever is held."""

        self.forked = False
        """Whether two vertices of one slot were held, now or before they were pruned."""

        self.shown_forked = False
        """Whether the state at the floor shows that."""

        self.forgiven = 0
        """Forks below this position were known when an epoch began, and bar nobody (8.6)."""

        self.closed = False
        """Whether nothing beyond the floor can be final in this epoch (8.21)."""

        self.sealed = False
        """Whether the validator here will not acknowledge more of it in this epoch (8.21)."""

        self.totals = Totals()
        self.genesis_balance = balance
        self.introduced = bool(balance) or seat is not None
        """Whether somebody dealt with the issuer, so that it is no stranger (8.20)."""

        self.account = Account(balance)
        self.closed_count = 0
        """So many slots were decided before the present epoch: nobody votes in them any more."""

        self.final_count = 0
        self.final_head: Record | None = None
        self.final_turn = 0
        """How many vertices of anyone were final when the last one here became so."""

        self.waits_for: Record | Outcome | None = None
        """What has to be final, or L1, before the next vertex can be final."""

        self.settled_sent: dict[NodeId, int] = {}
        """Totals that the part below the floor has paid, in drops."""

        self._trail = bytearray()
        self._trail_from = 0

    @property
    def end(self) -> int:
        """The position after the highest vertex; of a closed chain, the floor."""
        return self.floor + len(self.slots)

    @property
    def head(self) -> Record | None:
        """The highest vertex, the one with the lowest id when there are several.

        Of a chain that forked, the highest that stands on what is final.
        """
        if not self.slots:
            return self.settled_head
        if self.contested:
            return self._head_of_final_line()
        return self.slots[-1]

    def _head_of_final_line(self) -> Record | None:
        head = self.final_head
        line: set[Record | None] = {head}
        for seq in range(self.final_count, self.end):
            following = [one for one in self.contenders(seq) if one.prev in line]
            if not following:
                break
            line = {*following}
            head = min(following, key=lambda one: one.id)
        return head

    def contenders(self, seq: int) -> Sequence[Record]:
        """Return the vertices of a slot that are held."""
        if seq in self.contested:
            return self.contested[seq]
        if seq < self.floor:
            return ()
        return self.slots[seq - self.floor : seq - self.floor + 1]

    def rivals(self, record: Record) -> Sequence[Record]:
        """Return the contenders of the slot of ``record``, itself included.

        Those at one position but of different homes are in different slots (8.18).
        """
        contenders = self.contenders(record.seq)
        if len(contenders) < 2:
            return contenders
        return [one for one in contenders if one.home is record.home]

    def records(self) -> Iterator[Record]:
        """Iterate over all vertices that are held, by slot."""
        for seq in sorted({*self.contested, *range(self.floor, self.end)}):
            yield from self.contenders(seq)

    def add(self, record: Record) -> None:
        """Add a vertex to its slot."""
        seq = record.seq
        if seq == self.end and not self.closed:
            self.slots.append(record)
            return
        contenders = self.contested.setdefault(seq, list(self.contenders(seq)))
        contenders.append(record)
        for one in contenders:
            one.special = True
        self.forked = self.forked or len(contenders) > 1 or seq < self.floor

    def is_closed(self, seq: int) -> bool:
        """Tell whether a slot was decided in an earlier epoch, so that nobody votes in it."""
        if seq < self.closed_count:
            return True
        return any(rival.carried for rival in self.contenders(seq))

    def next_confirmed(self, after: Record | None) -> Record | None:
        """Return the L1 vertex that follows ``after``, the last one counted, None for the first."""
        if self.closed:
            return None
        seq = 0 if after is None else after.seq + 1
        for record in self.contenders(seq):
            if record.confirmed and record.prev is after and not record.lost:
                return record
        return None

    # Below the floor.

    def is_settled(self, vertex_id: VertexId) -> bool | None:
        """Tell whether a vertex in a slot below the floor is on the final line; None: unknown.

        Unknown is what lies deeper than the trail reaches.
        """
        assert self.settled_head is not None
        seq = seq_in(vertex_id)
        assert seq < self.floor
        if seq == self.floor - 1:
            return vertex_id == self.settled_head.id
        if seq < self._trail_from:
            return None
        start = (seq - self._trail_from) * _DIGEST_BYTES
        return bytes(self._trail[start : start + _DIGEST_BYTES]) == vertex_id[POSITION_BYTES:]

    def begin_at(self, count: int, head: Record, payer: VertexId) -> None:
        """Begin with ``count`` settled positions, ``head`` the last, and no names before it."""
        self.floor = self.final_count = count
        self._trail_from = count - 1
        self._trail[:] = head.id[POSITION_BYTES:]
        self.settled_head = self.final_head = self.totals.at = self.account.at = head
        self.settled_payer = self.account.head = payer

    def settle(
        self,
        line: Sequence[VertexId],
        head: Record,
        payer: VertexId,
        sent: dict[NodeId, int],
    ) -> None:
        """Let the floor rise over ``line``, final vertices that follow it; ``head`` is the last.

        ``sent`` are the totals up to it, in drops.  The records are the caller's to forget, but for
        contenders that lost: they stay.
        """
        self.settled_sent = sent
        count = self.floor + len(line)
        del self.slots[: len(line)]
        self.floor = count
        self.settled_head = head
        self.settled_payer = payer
        self.lengthen_trail(line)

    def lengthen_trail(self, line: Sequence[VertexId]) -> None:
        """Remember the names of settled vertices; ``line`` follows what is remembered."""
        for vertex_id in line:
            self._trail += vertex_id[POSITION_BYTES:]

    def remember_before(self, line: Sequence[VertexId]) -> None:
        """Remember the names of settled vertices; what is remembered follows ``line``."""
        self._trail_from -= len(line)
        self._trail[:0] = b"".join([vertex_id[POSITION_BYTES:] for vertex_id in line])

    def shorten_trail(self, count: int) -> None:
        """Forget the names of all positions before ``count``."""
        if count > self._trail_from:
            del self._trail[: (count - self._trail_from) * _DIGEST_BYTES]
            self._trail_from = count

    def close(self) -> None:
        """Let nothing beyond the floor be final any more."""
        self.closed = True
        for record in self.slots:
            contenders = self.contested.setdefault(record.seq, [record])
            for one in contenders:
                one.special = True
        self.slots = []
