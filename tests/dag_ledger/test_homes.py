"""A site makes a home, is cut off, and goes on by itself (SPEC.md section 8.18)."""

import pytest

from fogbank_dag_ledger.cut import Cut, check_cut
from fogbank_dag_ledger.home_codec import home_preimage
from fogbank_dag_ledger.home_operations import CreateHome, MoveHome
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.operations import (
    Act,
    ChannelTerms,
    Close,
    EscrowTerms,
    Opening,
    Operation,
    Release,
    Take,
    outcome_digest,
)
from fogbank_dag_ledger.vertex import NO_VERTEX, VertexId
from fogbank_dag_ledger.wallet import ImpossibleAct

from .community import Community, home_of
from .electorate import Electorate
from .vector_files import vectors

SITE = frozenset({0, 1, 2, 7, 8})
"""Seats 0 to 2 of seven, and two who live at the site."""

MIA, NED, OLE = 7, 8, 9
"""Mia and Ned are at the site, Ole is elsewhere."""


class Land(Electorate):
    """Seven seats, three of them at a site, and people there and elsewhere."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, seats=7, others=4)

    def do(self, person: int, *operations: Operation) -> VertexId:
        member = self.members[person]
        member.issue(member.wallet.operate(operations))
        head = member.ledger.head(member.name)
        assert head is not None
        return head

    def pays(self, person: int, to: int, amount: int) -> VertexId:
        member = self.members[person]
        member.issue(member.wallet.pay({self.members[to].name: amount}))
        head = member.ledger.head(member.name)
        assert head is not None
        return head

    def make_home(self, *people: int) -> VertexId:
        """Let seats 0 to 2 make a home, and all of them and ``people`` move in."""
        names = self.community.names
        home = self.do(0, home_of(self.community, names[0], names[:3]))
        self.run(8)
        for person in (0, 1, 2, *people):
            self.do(person, MoveHome(home))
        self.run(12)
        return home

    def are_final(self, *vertices: VertexId, by: int) -> bool:
        return all(self.members[by].ledger.is_final(one) for one in vertices)

    def agree(self) -> None:
        """See that everybody holds the same for final, and the definitions too."""
        self.check(epochs=self.members[0].ledger.epochs.number)
        self.ask_oracle()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_what_lives_at_a_site_becomes_final_while_it_is_cut_off(seed: int) -> None:
    land = Land(seed)
    land.run(3, pays=True)
    home = land.make_home(MIA, NED)

    # Nobody at the site hears anything from elsewhere.
    there = [land.pays(MIA, NED, 100)]
    land.run(10, apart=SITE)
    # What Ned claimed he spends, Mia's money again.
    there.append(land.pays(NED, MIA, 1_050))
    outside = land.pays(OLE, MIA, 7)
    land.run(15, apart=SITE)
    there.append(land.pays(MIA, OLE, 3))
    land.run(15, apart=SITE)

    assert land.are_final(*there, by=0)
    assert land.are_final(*there, by=NED)
    # Four of seven are no quorum of the whole community.
    assert not land.are_final(outside, by=5)
    assert there[0] not in land.members[5].ledger

    land.run(40)
    assert land.are_final(*there, outside, by=5)
    assert land.members[5].ledger.balance(land.members[OLE].name) <= 1_000
    assert land.members[5].ledger.homes.get(home) is not None
    land.agree()


@pytest.mark.slow
def test_without_the_home_nothing_at_the_site_becomes_final() -> None:
    """It is the home that makes the difference, not the site."""
    land = Land(1)
    land.run(3)
    land.make_home(NED)
    paid = land.pays(MIA, NED, 100)
    mine = land.pays(NED, MIA, 10)
    land.run(25, apart=SITE)
    assert not land.are_final(paid, by=0)
    assert land.are_final(mine, by=0)
    land.run(30)
    assert land.are_final(paid, by=0)
    land.agree()


@pytest.mark.slow
def test_accounts_move_out_of_a_home_and_are_decided_on_by_all_again() -> None:
    land = Land(2)
    land.run(3, pays=True)
    land.make_home(MIA, NED)
    back = land.do(MIA, MoveHome(NO_VERTEX))
    land.run(10, apart=SITE)
    abroad = land.pays(MIA, NED, 5)
    land.run(20, apart=SITE)
    assert land.are_final(back, by=0)
    assert not land.are_final(abroad, by=0)
    land.run(30)
    assert land.are_final(abroad, by=6)
    # Nobody signed two vertices of one position for it.
    assert not any(member.ledger.proofs() for member in land.members)
    land.agree()


@pytest.mark.slow
def test_a_channel_at_a_site_is_opened_closed_and_taken_from_while_cut_off() -> None:
    land = Land(3)
    land.run(3)
    land.make_home(MIA, NED)
    names = land.community.names
    opening = land.do(MIA, Opening(0, 300, ChannelTerms(names[NED], names[MIA], 1, 60)))
    land.run(12, apart=SITE)
    closing = land.do(NED, Act(opening, 0, Close(NO_VERTEX, (), ())))
    land.run(12, apart=SITE)
    taking = land.do(MIA, Act(opening, 0, Take(closing, outcome_digest(0, (), is_seizure=False))))
    land.run(12, apart=SITE)
    assert land.are_final(opening, closing, taking, by=0)
    assert land.members[0].ledger.balance(names[MIA]) == 1_000
    land.run(40)
    land.agree()


@pytest.mark.slow
def test_the_seats_of_the_community_change_while_a_site_is_cut_off() -> None:
    land = Land(4)
    land.run(3, pays=True)
    land.make_home(MIA, NED)
    land.wish([0, 1, 3, 4, 5, 6], by=[1, 2, 3, 4, 5, 6])
    paid = land.pays(MIA, NED, 100)
    # Two of seven away: the others decide on an epoch.
    away = frozenset({0, MIA, NED})
    land.run(60, silent=away)
    land.run(60)
    land.agree()
    assert land.members[0].ledger.epochs.number == 1
    assert land.are_final(paid, by=6)
    # Seat 2 has none in the community any more, and keeps that of the home.
    more = land.pays(MIA, NED, 1)
    land.run(25, apart=frozenset({1, 2, MIA, NED}))
    assert not land.are_final(more, by=1)
    land.run(15, apart=SITE)
    assert land.are_final(more, by=2)


@pytest.mark.slow
def test_a_site_that_is_cut_off_replaces_a_seat_and_can_lose_another() -> None:
    land = Land(6)
    land.run(3)
    names = land.community.names
    home = land.do(0, home_of(land.community, names[0], names[:4]))
    land.run(8)
    for person in (0, 1, 2, 3, 4, MIA, NED):
        land.do(person, MoveHome(home))
    land.run(12)
    # Seat 3 fails, as far as one can tell at the site; seat 4 is to take its place.
    here = (0, 1, 2, 4, MIA, NED)
    site = frozenset(here)
    paid = [land.pays(MIA, NED, 100)]
    land.run(10, apart=site)
    table = [names[seat] for seat in (0, 1, 2, 4)]
    heir = land.do(0, home_of(land.community, names[0], table, succeeds=home))
    paid.append(land.pays(NED, MIA, 1))
    land.run(12, apart=site)
    assert land.are_final(heir, *paid, by=NED)
    for person in here:
        member = land.members[person]
        old = member.ledger.homes.get(home)
        assert old is not None
        assert member.ledger.homes.destination(old, member.ledger.is_final).id == heir
        land.do(person, MoveHome(heir))
        if person in (MIA, NED):
            paid.append(land.pays(person, 0, 2))
    land.run(12, apart=site)
    assert land.are_final(*paid, by=0)
    # Now seat 2 fails as well: two of the first four would decide nothing.
    paid.append(land.pays(NED, MIA, 5))
    land.run(20, apart=site, silent=frozenset({2}))
    assert land.are_final(*paid, by=0)
    assert paid[0] not in land.members[5].ledger

    land.run(60)
    assert land.are_final(heir, *paid, by=5)
    land.agree()


@pytest.mark.parametrize("is_final", [True, False])
def test_people_follow_to_what_is_final_and_to_the_last_of_a_row(is_final: bool) -> None:
    community = Community()
    names = community.names
    made = [community.vertex(0, does=[home_of(community, names[0], names[:2])])]
    for count in (3, 4):
        op = home_of(community, names[0], names[:count], succeeds=made[-1].id)
        made.append(community.vertex(0, made[-1], does=[op]))
    ledger = Ledger(community.genesis)
    for vertex in made:
        ledger.insert(vertex)
    first = ledger.homes.get(made[0].id)
    assert first is not None
    reached = ledger.homes.destination(first, lambda one: one != made[2].id or is_final)
    assert reached.id == made[2 if is_final else 1].id
    assert ledger.homes.before(reached) == made[1 if is_final else 0].id
    # What a checkpoint lists as lost is no home to follow to.
    ledger.homes.forget([made[1].id])
    assert ledger.homes.destination(first, lambda _: True) is first


def test_who_lives_elsewhere_takes_nothing_from_an_object() -> None:
    """What is L1 in one home says nothing lasting to another, whose quorum would rely on it."""
    land = Land(5)
    land.run(3)
    names = land.community.names
    opening = land.do(OLE, Opening(0, 10, EscrowTerms(names[MIA], (), 0, (), 9, 9, bytes(32))))
    land.run(6)
    release = land.do(OLE, Act(opening, 0, Release()))
    land.make_home(MIA)
    with pytest.raises(ImpossibleAct) as refused:
        land.do(MIA, Act(opening, 0, Take(release, outcome_digest(10, (), is_seizure=False))))
    assert refused.value.rule == "8.12.10"


def test_a_site_in_the_vectors_is_decided_by_two_of_four() -> None:
    (case,) = (
        one
        for one in vectors("ledger")["dags"]
        if one["name"] == "in and out of the home of a site"
    )
    assert len(case["vertices"]) - len(case["final"]) >= 3
    # Paid in the home, by two seats: more than what three of four have said.
    assert len(case["confirmed"]) > 4


def test_a_signature_is_for_one_creator_and_one_table() -> None:
    community = Community()
    names, network = community.names, community.network
    op = home_of(community, names[0], names[:2])
    ledger = Ledger(community.genesis)
    key = community.identities[1]
    assert op.signatures[1] == key.sign(home_preimage(network, names[0], op.table))
    for other in (
        home_preimage(network, names[1], op.table),
        home_preimage(network, names[0], op.table, VertexId(bytes(32))),
    ):
        assert op.signatures[1] != key.sign(other)
    created = community.vertex(0, does=[CreateHome(op.table, op.signatures)])
    ledger.insert(created)
    home = ledger.homes.get(created.id)
    assert home is not None
    assert [home.weight_of(number) for number in range(4)] == [1, 1, 0, 0]


@pytest.mark.parametrize("lives_there", [True, False])
def test_no_checkpoint_closes_a_chain_for_seats_that_do_not_sign_it(lives_there: bool) -> None:
    """The promise that nothing more will be final there is the signers', not the site's."""
    community = Community()
    names = community.names
    created = community.vertex(0, does=[home_of(community, names[0], names[:2])])
    moved = community.vertex(4, does=[MoveHome(created.id)])
    voted = [community.vertex(seat, created if seat == 0 else None, [moved]) for seat in range(3)]
    said = [
        community.vertex(seat, voted[seat], voted, acknowledges=[created, moved])
        for seat in range(3)
    ]
    person, prev = (4, moved) if lives_there else (5, None)
    sides = [
        community.vertex(person, prev, pays={6: drops}, home=created if lives_there else None)
        for drops in (1, 2)
    ]
    ledger = Ledger(community.genesis)
    for vertex in (created, moved, *voted, *said, *sides):
        ledger.insert(vertex)
    records = [ledger.dag.get(one.id) for one in (created, moved, *sides)]
    first, second, *dead = [record for record in records if record is not None]
    assert first.final
    assert second.final
    cut = check_cut(
        [first, second],
        dead,
        Cut(),
        lambda record, _count: ledger.may_die(record),
        ledger.held_up_by,
    )
    assert (cut is None) == lives_there
