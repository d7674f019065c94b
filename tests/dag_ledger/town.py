"""A network at work on one ledger: accounts do things to objects, validators vote by themselves."""

from collections.abc import Iterable, Mapping, Sequence

from fogbank_dag_ledger.equivocation import encode_proof
from fogbank_dag_ledger.events import LedgerEvent
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.objects import HeldObject
from fogbank_dag_ledger.operations import (
    Act,
    Action,
    ChannelTerms,
    EscrowTerms,
    Forked,
    ObjectId,
    Opening,
    StakeTerms,
    Take,
    Terms,
    TwoVerdicts,
    TwoVouchers,
    Voucher,
    WrongResult,
    object_id,
)
from fogbank_dag_ledger.slashing import result_hash
from fogbank_dag_ledger.statements import sign_finding, sign_verdict, sign_voucher
from fogbank_dag_ledger.validator import Issue, LedgerGrew, Validator
from fogbank_dag_ledger.vertex import VALIDATOR, Draft, Vertex, VertexId
from fogbank_protocol.identity import Identity
from fogbank_protocol.machine import Tick

from .community import Community

ANN, BOB, CAT, DAN = 4, 5, 6, 7
"""Ann opens, Bob provides, Cat shares or judges, Dan looks on; 0 to 3 have seats."""

ROOT = bytes(32)


def take_by(ledger: Ledger, settling: VertexId, opening: VertexId, index: int = 0) -> Take:
    """Return what takes from an object as the vertex ``settling`` settles it."""
    held, record = ledger.object(object_id(opening, index)), ledger.dag.get(settling)
    settlement = None
    if held is not None and record is not None and record.deeds is not None:
        settlement = record.deeds.settlement(held)
    if settlement is not None:
        return Take(settling, settlement.outcome.digest)
    outcome = None if held is None else held.outcome
    return Take(settling, bytes(32) if outcome is None else outcome.digest)


class Town:
    """Four validators, four others, and one ledger that all of them see."""

    def __init__(self, present: int = 4) -> None:
        self.community = Community(seats=4, others=5)
        self.ledger = Ledger(self.community.genesis)
        self.now = 0.0
        self.validators = [
            Validator(self.ledger, name, self.now) for name in self.community.validators[:present]
        ]
        self.issued: list[Vertex] = []
        """By validators."""

        self.inserted: list[Vertex] = []
        self.heads: dict[int, Vertex] = {}

    def key(self, person: int) -> Identity:
        return self.community.identities[person]

    def issue(
        self,
        person: int,
        *operations: Opening | Act,
        pays: Mapping[int, int] | None = None,
        claims: Iterable[tuple[Vertex, int]] = (),
    ) -> Vertex:
        """Let ``person`` issue a vertex above everything there is."""
        vertex = self.draft(person, *operations, pays=pays, claims=claims)
        self.insert(vertex)
        self.heads[person] = vertex
        return vertex

    def draft(
        self,
        person: int,
        *operations: Opening | Act,
        pays: Mapping[int, int] | None = None,
        claims: Iterable[tuple[Vertex, int]] = (),
    ) -> Vertex:
        """Return such a vertex without inserting it."""
        return self.community.vertex(
            person, self.heads.get(person), pays=pays, claims=claims, does=operations
        )

    def insert(self, vertex: Vertex) -> Sequence[LedgerEvent]:
        """Insert a vertex and tell the validators."""
        events = self.ledger.insert(vertex)
        self.inserted.append(vertex)
        for validator in self.validators:
            self._do(validator.handle(LedgerGrew(events), self.now))
        return events

    def wait(self, seconds: float) -> None:
        """Let time pass, waking each validator at its deadline."""
        end = self.now + seconds
        while True:
            self.now = max(self.now, min(one.deadline for one in self.validators))
            if self.now > end:
                self.now = end
                return
            for validator in self.validators:
                if validator.deadline <= self.now:
                    self._do(validator.handle(Tick(), self.now))

    def _do(self, commands: Sequence[Issue]) -> None:
        for command in commands:
            vertex = self.community.sign(command.draft)
            self.issued.append(vertex)
            self.insert(vertex)

    def open(self, person: int, amount: int, terms: Terms) -> Vertex:
        """Open an object and let it become final."""
        opening = self.issue(person, Opening(0, amount, terms))
        self.wait(2.0)
        assert self.ledger.is_final(opening.id)
        return opening

    def act(self, person: int, opening: Vertex, *actions: Action) -> Vertex:
        """Act on the object of ``opening`` and let the votes come in."""
        vertex = self.issue(person, *(Act(opening.id, 0, action) for action in actions))
        self.wait(2.0)
        return vertex

    def take(self, person: int, opening: Vertex, settling: Vertex) -> int:
        """Take from a settled object; return how many drops the balance rose by."""
        before = self.balance(person)
        taking = self.act(person, opening, self.taking(opening, settling))
        assert self.ledger.is_final(taking.id)
        self.check()
        return self.balance(person) - before

    def taking(self, opening: Vertex, settling: Vertex) -> Take:
        """Return what takes from the object of ``opening`` as ``settling`` settles it."""
        return take_by(self.ledger, settling.id, opening.id)

    def above(self, seat: int, head: VertexId, parents: Sequence[Vertex]) -> Vertex:
        """Return a vertex of a validator above its ``head``, which nobody but it decided on."""
        record = self.ledger.dag.get(head)
        assert record is not None
        draft = Draft(
            kind=VALIDATOR,
            issuer=self.community.names[seat],
            seq=record.seq + 1,
            prev=head,
            parents=sorted(parent.id for parent in parents),
            beat=record.beat,
        )
        return self.community.sign(draft)

    def verdicts_of(self, person: int) -> TwoVerdicts:
        """Return a proof that ``person`` gave two verdicts on some object."""
        network, name = self.community.network, ObjectId(ROOT)
        one, other = (sign_verdict(self.key(person), network, name, award) for award in (1, 2))
        return TwoVerdicts(name, (1, 2), (one, other))

    def fork_of(self, person: int) -> Forked:
        """Return a proof that ``person`` signed two vertices of one slot."""
        sides = [self.community.vertex(person, note=note) for note in (8, 9)]
        one, other = ((side.id, side.signature) for side in sides)
        return Forked(encode_proof(self.community.names[person], one, other))

    def wrong_result(
        self, person: int, *, members: int = 2, said_of: int | None = None
    ) -> WrongResult:
        """Return a proof that ``person`` signed a wrong result, as Cat and Dan found.

        What they signed is about ``said_of`` when that is given.
        """
        network, fuel = self.community.network, 1_000
        right = result_hash([1], fuel)
        watch = sorted((self.key(CAT), self.key(DAN)), key=lambda one: one.node_id)[:members]
        accused = self.key(person if said_of is None else said_of).node_id
        findings = [sign_finding(key, network, accused, ROOT, 0, right) for key in watch]
        return WrongResult(ROOT, 0, right, tuple(range(members)), tuple(findings))

    def two_vouchers(self, channel: Vertex) -> TwoVouchers:
        """Return a proof that the voucher key of ``channel`` signed two of one count."""
        vouchers = (self.voucher(channel, 10, count=7), self.voucher(channel, 11, count=7))
        return TwoVouchers(channel.id, 0, vouchers)

    def split_votes(self, opening: Vertex, *actions: Action) -> list[Vertex]:
        """Let Ann and Bob settle at the same moment, and two validators see each first."""
        sides = [
            self.community.vertex(person, self.heads.get(person), does=[Act(opening.id, 0, action)])
            for person, action in zip((ANN, BOB), actions, strict=True)
        ]
        heads = [self.ledger.head(self.community.names[seat]) for seat in range(4)]
        votes: list[Vertex] = []
        for seat, head in enumerate(heads):
            assert head is not None
            votes.append(self.above(seat, head, [sides[seat // 2]]))
        for vertex in (*sides, *votes):
            self.ledger.insert(vertex)
            self.inserted.append(vertex)
        self.heads |= {ANN: sides[0], BOB: sides[1]}
        self.wait(5)
        return sides

    def balance(self, person: int) -> int:
        return self.ledger.balance(self.community.names[person])

    def claimable(self, person: int) -> int:
        gains = self.ledger.claimable(self.community.names[person])
        return sum(gain for _, gain in gains.values())

    def check(self) -> None:
        """Check that no drop was made or lost."""
        assert self.ledger.supply_held() + self.ledger.burned == self.ledger.genesis.supply

    def held(self, opening: Vertex) -> HeldObject:
        held = self.ledger.object(name_of(opening))
        assert held is not None
        return held

    def award(self, opening: Vertex) -> int | None:
        """Return the award of the outcome that is L1, None without any."""
        outcome = self.held(opening).outcome
        return None if outcome is None else outcome.award

    # Terms.

    def channel(self, *, lanes: int = 2, beats: int = 60) -> ChannelTerms:
        """From Ann, who signs vouchers herself, to Bob."""
        names = self.community.names
        return ChannelTerms(names[BOB], names[ANN], lanes, beats)

    def escrow(self, *, arbiters: Sequence[int] = (), need: int = 0) -> EscrowTerms:
        """From Ann to Bob; a tenth goes to Cat."""
        names = self.community.names
        chosen = tuple(sorted(names[one] for one in arbiters))
        split = ((names[CAT], 100_000),)
        return EscrowTerms(names[BOB], chosen, need, split, 100, 60, ROOT)

    def stake(self, *, beats: int = 100) -> StakeTerms:
        """Watched by Cat and Dan."""
        names = self.community.names
        return StakeTerms(tuple(sorted((names[CAT], names[DAN]))), 2, beats, 60)

    def voucher(
        self,
        opening: Vertex,
        total: int,
        *,
        lane: int = 0,
        count: int = 1,
        split: Mapping[int, int] | None = None,
    ) -> Voucher:
        """One of Ann's."""
        names = self.community.names
        return sign_voucher(
            self.key(ANN),
            self.community.network,
            name_of(opening),
            lane=lane,
            total=total,
            count=count,
            root=ROOT,
            split=[(names[who], drops) for who, drops in (split or {}).items()],
        )


def name_of(opening: Vertex) -> ObjectId:
    """Return the id of the object that op 0 of ``opening`` opens."""
    return object_id(opening.id, 0)
