"""What is held of objects, and of what vertices do to them (SPEC.md section 8.12).

An object is settled at most once: validators vote for one **outcome** in the object's slot.  An
outcome moves no money; the vertices that take from it do, each on its own issuer's chain.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias, TypeVar

from fogbank_protocol.identity import NodeId

from .home import Home
from .operations import (
    Act,
    ObjectId,
    ReclaimFinal,
    Seize,
    Share,
    StakeTerms,
    Terms,
    Voucher,
    outcome_digest,
)
from .record import Record
from .vertex import NO_VERTEX, VertexId

Wanted = TypeVar("Wanted")

NOTHING = (0, 0, 0)
"""What an account has put into an object and taken out of it, and how often it settled it."""

Move: TypeAlias = "tuple[HeldObject, int, int, int]"
"""By how much a vertex changes those three numbers."""


OutcomeKey: TypeAlias = tuple[bool, int, tuple[Share, ...]]
"""Whether it is a seizure, the award, the shares."""


class Notice(Enum):
    """What starts or stops a validator's count of beats."""

    OPENED = auto()
    RECLAIMED = auto()
    DELIVERED = auto()
    DISPUTED = auto()
    UNSTAKED = auto()
    SLASHED = auto()


class Sight:
    """What one validator has observed of one object, by its own beats."""

    __slots__ = ("best", "seen", "waiting")

    def __init__(self) -> None:
        self.seen: dict[Notice, tuple[int, int]] = {}
        """By sort of notice, for the first observed: the beat of the validator's vertex that
        observed it, and of the one before."""

        self.best: dict[int, int] = {}
        """By lane, the most drops that a voucher observed in time leaves to the provider."""

        self.waiting: list[tuple[Record, Settlement]] = []
        """Observed, and not to be voted for before another notice is."""


class Outcome:
    """One way to settle an object: a contender of the object's slot."""

    __slots__ = (
        "award",
        "carried",
        "cast_in",
        "confirmed",
        "held",
        "is_seizure",
        "settling",
        "shares",
        "votes",
        "weight",
    )

    def __init__(
        self, held: "HeldObject", award: int, shares: tuple[Share, ...], *, is_seizure: bool
    ) -> None:
        self.held = held
        self.award = award
        """Drops for the provider, what it has to pass on included; all of a seized stake."""

        self.shares = shares
        """What the provider passes on."""

        self.is_seizure = is_seizure
        self.settling: list[tuple[Record, Settlement]] = []
        """The vertices that settle by it, in order of arrival."""

        self.votes = 0
        self.weight = 0
        self.confirmed = False
        self.cast_in: dict[int, Record] = {}
        """By number of the voter, the vertex that voted."""

        self.carried = False
        """Whether it was L1 in an earlier epoch and stays so."""

    @property
    def digest(self) -> bytes:
        """What a take calls it by."""
        return outcome_digest(self.award, self.shares, is_seizure=self.is_seizure)

    @property
    def hangs_on_forker(self) -> bool:
        """Whether it is L1 only with votes of validators that forked (8.12).

        Who does not see the fork may count such a vote for another outcome, and nobody has to name
        the vertices of a known forker: nobody may ever be able to acknowledge what is taken.
        """
        if self.carried or self.held.is_over:
            return False
        home = self.held.home
        honest = [seat for seat, voter in self.cast_in.items() if not voter.chain.forked]
        return sum(map(home.weight_of, honest)) < home.quorum

    def owed(self, account: NodeId, put: int, taken: int) -> int:
        """Return the drops that are ``account``'s when the object is settled this way.

        ``put`` and ``taken`` are what it has put in and taken out so far.
        """
        terms = self.held.terms
        if isinstance(terms, StakeTerms) and self.is_seizure:
            return self.held.part if account in terms.watch and not taken else 0
        if account == self.held.opener:
            return max(0, put - self.award - taken)
        if isinstance(terms, StakeTerms) or account != terms.provider or taken:
            return 0
        return self.award


class HeldObject:
    """An object whose opening is valid, whether final or not."""

    __slots__ = (
        "amount",
        "has_ended",
        "home",
        "id",
        "index",
        "opened_in",
        "opener",
        "outcome",
        "outcomes",
        "passed",
        "passed_acts",
        "settled_funds",
        "settled_put",
        "settling",
        "sights",
        "terms",
        "voted",
    )

    def __init__(
        self,
        name: ObjectId,
        index: int,
        opener: NodeId,
        amount: int,
        terms: Terms,
        home: Home,
    ) -> None:
        """``amount`` is what the opening puts in, in drops."""
        self.id = name
        self.index = index
        self.opener = opener
        self.amount = amount
        self.terms = terms
        self.home = home
        """The home of the slot of its opening: who votes on its outcome (8.18)."""

        self.outcomes: dict[OutcomeKey, Outcome] = {}
        self.outcome: Outcome | None = None
        """The one that is L1."""

        self.voted = 0
        """One bit for each validator that voted for an outcome."""

        self.sights: dict[int, Sight] = {}
        """By number of the validator's seat."""

        self.opened_in: Record | None = None
        """The vertex that opens it; None while that is being checked."""

        self.has_ended = False
        """Whether all was taken from it below the floor, where its record is gone."""

        self.settled_put = 0
        """Drops that the opener had put in at the floor (8.21); 0 when it was opened above."""

        self.settled_funds: VertexId = NO_VERTEX
        """The last top-up below the floor."""

        self.settling: tuple[VertexId, ...] = ()
        """The vertices below the floor that settle it by ``outcome``."""

        self.passed: dict[VertexId, tuple[Record, Settlement]] = {}
        """What the state at the floor names as settling it, while it has no outcome there."""

        self.passed_acts: dict[VertexId, tuple[Voucher, ...] | None] = {}
        """By vertex below the floor, the vouchers that it posts, or None for a slash."""

    @property
    def is_over(self) -> bool:
        """Whether the state at the floor says how it was settled: only takes are left to do."""
        return bool(self.settling)

    def sight(self, seat: int) -> Sight:
        """Return what the validator of ``seat`` has observed."""
        return self.sights.setdefault(seat, Sight())

    def contender(self, key: OutcomeKey) -> Outcome:
        """Return the outcome with these values, one object for all vertices that settle by it."""
        if key not in self.outcomes:
            is_seizure, award, shares = key
            self.outcomes[key] = Outcome(self, award, shares, is_seizure=is_seizure)
        return self.outcomes[key]

    @property
    def part(self) -> int:
        """What each of a stake's watch takes when it is seized, in drops; 0 of other objects."""
        if isinstance(self.terms, StakeTerms):
            return self.terms.reward // len(self.terms.watch)
        return 0


@dataclass(frozen=True, slots=True)
class Settlement:
    """How one vertex settles an object."""

    held: HeldObject
    act: Act
    award: int
    shares: tuple[Share, ...]
    funds: Record | None = None
    """The opener's top-up that the provider counts on."""

    lanes: Mapping[int, int] = field(default_factory=dict[int, int])
    """By lane, the drops that the voucher that it goes by leaves to the provider."""

    by_provider: bool = False
    """Whether the provider settles, and not the opener."""

    def funds_of(self, record: Record) -> Record | None:
        """Return what has to be final before anything is taken; ``record`` settles this way.

        A reclaim counts on top-ups of its own line, which lose with it when the opener has forked.
        """
        return record if isinstance(self.act.action, ReclaimFinal) else self.funds

    @property
    def outcome(self) -> Outcome:
        """Return the contender that it is for, made when there is none; of vertices held only."""
        return self.held.contender(self.key)

    @property
    def key(self) -> OutcomeKey:
        """What tells its outcome from others of the object."""
        return isinstance(self.act.action, Seize), self.award, self.shares


@dataclass(frozen=True, slots=True)
class Deeds:
    """What one vertex does to objects."""

    opened: tuple[HeldObject, ...]
    acts: tuple[tuple[HeldObject, Act], ...]
    settlements: tuple[Settlement, ...]
    moves: tuple[Move, ...]
    sources: tuple[Record, ...]
    """Openings, which must be final before the vertex can be."""

    funds: tuple[tuple[HeldObject, Record], ...]
    """For takes, top-ups that must be final too, unless the object is over."""

    taken: tuple[Outcome, ...]
    """What must be L1 before the vertex can be final."""

    def awaited(self) -> Record | Outcome | None:
        """Return something that has to be final, or L1, before the vertex can be; None: nothing."""
        for source in self.sources:
            if not source.final:
                return source
        for held, source in self.funds:
            if not source.final and not held.is_over:
                return source
        for outcome in self.taken:
            if not outcome.confirmed:
                return outcome
        return None

    def settlement(self, held: HeldObject) -> Settlement | None:
        """Return how the vertex settles ``held``; None when it does not."""
        for one in self.settlements:
            if one.held is held:
                return one
        return None

    def act_on(self, held: HeldObject, action: type[Wanted]) -> Wanted | None:
        """Return what the vertex does to ``held`` by an action of this class; None: nothing."""
        for other, act in self.acts:
            if other is held and isinstance(act.action, action):
                return act.action
        return None
