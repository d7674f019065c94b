"""An account's chain: its slots, forks included, and how far it is final (SPEC.md section 8.4)."""

from collections.abc import Iterator, Sequence

from fogbank_protocol.identity import NodeId

from .accounts import Account, Totals
from .objects import Outcome
from .record import Record
from .vertex import tag_of


class Chain:
    """All vertices of one issuer that are held."""

    __slots__ = (
        "account",
        "closed_count",
        "contested",
        "final_count",
        "final_head",
        "genesis_balance",
        "issuer",
        "seat",
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
        self.slots: list[Record] = []
        """The first contender of each slot to arrive here."""

        self.contested: dict[int, list[Record]] = {}
        """All contenders of the slots that have several, by seq."""

        self.totals = Totals()
        self.genesis_balance = balance
        self.account = Account(balance)
        self.closed_count = 0
        """So many slots were decided before the present epoch: nobody votes in them any more."""

        self.final_count = 0
        self.final_head: Record | None = None
        self.waits_for: Record | Outcome | None = None
        """What has to be final, or L1, before the next vertex can be final."""

    @property
    def forked(self) -> bool:
        """Whether two vertices of one slot are held."""
        return bool(self.contested)

    @property
    def head(self) -> Record | None:
        """The highest vertex, the one with the lowest id when there are several."""
        if not self.slots:
            return None
        return min(self.contenders(len(self.slots) - 1), key=lambda record: record.id)

    def contenders(self, seq: int) -> Sequence[Record]:
        """Return the vertices of a slot."""
        if seq in self.contested:
            return self.contested[seq]
        return self.slots[seq : seq + 1]

    def records(self) -> Iterator[Record]:
        """Iterate over all vertices, from the first slot on."""
        for seq in range(len(self.slots)):
            yield from self.contenders(seq)

    def add(self, record: Record) -> Record | None:
        """Add a vertex to its slot; return one that was in the slot before."""
        if record.seq == len(self.slots):
            self.slots.append(record)
            return None
        rival = self.slots[record.seq]
        contenders = self.contested.setdefault(record.seq, [rival])
        contenders.append(record)
        record.special = rival.special = True
        return rival

    def is_closed(self, seq: int) -> bool:
        """Tell whether a slot was decided in an earlier epoch, so that nobody votes in it."""
        if seq < self.closed_count:
            return True
        return any(rival.carried for rival in self.contenders(seq))

    def next_confirmed(self, after: Record | None) -> Record | None:
        """Return the L1 vertex that follows ``after``, the last one counted, None for the first."""
        seq = 0 if after is None else after.seq + 1
        for record in self.contenders(seq):
            if record.confirmed and record.prev is after:
                return record
        return None
