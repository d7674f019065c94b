"""In which epoch a vertex votes, and what is carried over (SPEC.md section 8.19)."""

from fogbank_dag_ledger.agreement import digest_of
from fogbank_dag_ledger.committee_operations import (
    CommitteeOperation,
    CommitteeVote,
    Decision,
    Proposal,
    SignOff,
    Table,
    table_of,
)
from fogbank_dag_ledger.events import Confirmed, EpochBegan, Inserted
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.operations import Act, EscrowTerms, Opening, RefundLate
from fogbank_dag_ledger.vertex import VALIDATOR, Vertex, VertexId

from .community import Community
from .oracle import Oracle


class Change:
    """Four seats, built by hand, on one ledger that holds everything."""

    def __init__(self) -> None:
        self.people = Community()
        self.ledger = Ledger(self.people.genesis)
        self.heads: dict[int, Vertex] = {}
        self.events: list[object] = []

    def says(
        self, seat: int, *ops: CommitteeOperation, over: tuple[Vertex, ...] = (), epoch: int = 0
    ) -> Vertex:
        head = self.heads.get(seat)
        vertex = self.people.vertex(seat, head, over, says=ops, epoch=epoch)
        self.heads[seat] = vertex
        self.events += self.ledger.insert(vertex)
        return vertex

    def acknowledges(
        self, seat: int, vertex: Vertex, *, over: tuple[Vertex, ...] = (), epoch: int = 0
    ) -> None:
        head, people = self.heads[seat], self.people
        self.heads[seat] = self.take(
            people.vertex(seat, head, over, acknowledges=[vertex], epoch=epoch)
        )

    def take(self, vertex: Vertex) -> Vertex:
        self.events += self.ledger.insert(vertex)
        return vertex

    def table(self) -> Table:
        return table_of(dict.fromkeys(self.people.names[:5], 1), 4)

    def decide(self, z: list[Vertex], by: tuple[int, ...] = (0, 1, 2)) -> Vertex:
        proposal = Proposal(1, 0, -1, self.table(), tuple(sorted(one.id for one in z)))
        proposed = self.says(by[0], proposal)
        vote = CommitteeVote(1, 0, digest_of(proposal.value), is_precommit=True)
        votes = [self.says(seat, vote, over=(proposed,)) for seat in by]
        ids = tuple(sorted(one.id for one in votes))
        return self.says(by[0], Decision(1, proposed.id, ids))

    def taken(self) -> list[Vertex]:
        """Return all vertices, edges first."""
        return [event.vertex for event in self.events if isinstance(event, Inserted)]

    def confirmed(self) -> set[VertexId]:
        return {event.id for event in self.events if isinstance(event, Confirmed)}


def test_what_the_sign_offs_show_is_carried_over_and_closes_its_slot() -> None:
    change = Change()
    paid = change.take(change.people.vertex(5, pays={6: 1}))
    # Whoever saw both at once and could vote would vote for the rival.
    rivals = (change.people.vertex(5, pays={6: 2}, note=note) for note in range(1_000))
    rival = next(one for one in rivals if one.id < paid.id)
    off = [change.says(seat, SignOff(1), over=(paid,)) for seat in range(3)]
    change.decide(off)
    assert EpochBegan(1, change.table()) in change.events
    assert change.ledger.is_confirmed(paid.id)

    change.take(rival)
    for seat in range(5):
        change.says(seat, over=(rival, change.heads[0]) if seat else (rival,), epoch=1)
    assert not change.ledger.is_confirmed(rival.id)


def test_votes_that_no_sign_off_shows_are_void() -> None:
    change = Change()
    paid = change.take(change.people.vertex(5, pays={6: 1}))
    for seat in (0, 1, 3):
        change.says(seat, over=(paid,))
    assert change.ledger.is_confirmed(paid.id)
    # Two of the three voted on a chain that Z leaves out, or after their sign-off.
    early = Change()
    early.take(paid)
    off = [early.says(seat, SignOff(1)) for seat in range(3)]
    for seat in range(3):
        early.says(seat, over=(paid,))
    assert not early.ledger.is_confirmed(paid.id)
    decided = early.decide(off)
    assert not early.ledger.is_confirmed(paid.id)
    # Their first vertices in the new epoch vote for it again; the one that decided is one.
    for seat in (1, 2, 4):
        early.says(seat, over=(decided,) if seat < 4 else (decided, paid), epoch=1)
    assert early.ledger.is_confirmed(paid.id)


def test_a_vertex_of_the_old_epoch_that_comes_late_votes_no_more() -> None:
    change = Change()
    paid = change.take(change.people.vertex(5, pays={6: 1}))
    off = [change.says(seat, SignOff(1)) for seat in range(3)]
    change.decide(off)
    change.says(3, over=(paid,))
    before = {one.votes for one in change.ledger.dag.graph if one.id == paid.id}
    assert before == {0}


def test_acknowledgements_count_in_their_epoch_only() -> None:
    change = Change()
    paid = change.take(change.people.vertex(5, pays={6: 1}))
    for seat in range(3):
        change.says(seat, over=(paid,))
    for seat in (0, 1):
        change.acknowledges(seat, paid)
    off = [change.says(seat, SignOff(1)) for seat in range(3)]
    decided = change.decide(off)
    assert change.ledger.is_confirmed(paid.id)
    for seat in (2, 3, 4):
        change.says(seat, over=(decided, paid) if seat > 2 else (decided,), epoch=1)
    change.acknowledges(2, paid, epoch=1)
    # With those of the old epoch it would be three of four, and not four of five.
    assert not change.ledger.is_final(paid.id)
    for seat in (0, 1, 3):
        over = (decided,) if seat == 1 else ()
        change.acknowledges(seat, paid, over=over, epoch=1)
    assert change.ledger.is_final(paid.id)


def paid_and_acknowledged_by_two() -> tuple[Change, Vertex]:
    """Return a payment that four of four voted for."""
    change = Change()
    paid = change.take(change.people.vertex(5, pays={6: 1}))
    for seat in range(4):
        change.says(seat, over=(paid,))
    for seat in (0, 1):
        change.acknowledges(seat, paid)
    return change, paid


def test_what_was_acknowledged_in_the_old_epoch_is_final_however_late_that_arrives() -> None:
    change, paid = paid_and_acknowledged_by_two()
    late = change.people.vertex(3, change.heads[3], acknowledges=[paid])
    off = [change.says(seat, SignOff(1)) for seat in range(3)]
    change.decide(off)
    assert not change.ledger.is_final(paid.id)
    # Whoever held it before the decision held the payment for final, and says so to nobody.
    change.take(late)
    assert change.ledger.is_final(paid.id)


def test_who_signed_off_acknowledges_no_more() -> None:
    change, paid = paid_and_acknowledged_by_two()
    after = change.people.vertex(3, change.heads[3], says=[SignOff(1)])
    late = change.people.vertex(3, after, acknowledges=[paid])
    change.decide([change.says(seat, SignOff(1)) for seat in range(3)])
    change.take(after)
    change.take(late)
    assert not change.ledger.is_final(paid.id)


def test_a_new_seat_sees_what_it_had_below_it_before_in_its_first_vertex_with_a_seat() -> None:
    change = Change()
    people = change.people
    terms = EscrowTerms(people.names[6], (), 0, (), 10, 10, bytes(32))
    opening = change.take(people.vertex(5, does=[Opening(0, 100, terms)]))
    # Number 4 has no seat yet; this one arrives when it has.
    known = people.vertex(4, None, (opening,))
    for seat in range(4):
        change.says(seat, over=(opening,))
    for seat in range(3):
        change.acknowledges(seat, opening)
    assert change.ledger.is_final(opening.id)
    late = change.take(people.vertex(5, opening, does=[Act(opening.id, 0, RefundLate())]))
    decided = change.decide([change.says(seat, SignOff(1)) for seat in range(3)])
    change.take(known)
    heads = {seat: change.heads[seat] for seat in range(4)} | {4: known}

    def wait(beat: int, *seats: int) -> None:
        for seat in seats:
            over = (decided, late) if heads[seat] is not decided else (late,)
            vertex = people.vertex(seat, heads[seat], over, beat=beat, epoch=1, kind=VALIDATOR)
            heads[seat] = change.take(vertex)

    wait(5, 4)
    wait(20, 0, 1, 2)
    held = next(iter(change.ledger.objects()))
    assert held.outcome is None
    wait(14, 4)
    assert held.outcome is None
    wait(15, 4)
    assert held.outcome is not None
    oracle = Oracle(people.genesis)
    for vertex in change.taken():
        oracle.add(vertex)
    assert {one.award for one in oracle.objects.confirmed()} == {0}
