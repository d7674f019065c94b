"""Safety and liveness over many random worlds (SPEC.md sections 8.4 and 8.5)."""

from collections.abc import Sequence

import pytest

from fogbank_dag_ledger.chain import Chain
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.record import Record
from fogbank_dag_ledger.vertex import Vertex, VertexId
from fogbank_dag_ledger.votes import Votes

from .community import Community
from .simulation import confirmed_in, run_world


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seats", "byzantine", "seeds"), [(4, 0, 10), (4, 1, 40), (5, 1, 10), (7, 2, 12)]
)
def test_within_the_bound_no_two_are_confirmed_and_all_come_to_agree(
    seats: int, byzantine: int, seeds: int
) -> None:
    for seed in range(seeds):
        world = run_world(seed, seats, byzantine)
        assert not world.conflicts, f"seed {seed}"
        assert world.disagreements() == [], f"seed {seed}"


@pytest.mark.slow
@pytest.mark.parametrize(("seats", "byzantine"), [(4, 2), (7, 3)])
def test_over_the_bound_the_simulation_sees_two_confirmed(seats: int, byzantine: int) -> None:
    assert any(run_world(seed, seats, byzantine).conflicts for seed in range(60))


class ForkedVotesOnce(Votes):
    """Without the rule for forked validators: what they observed first keeps their vote."""

    def votes_for_all(self, chain: Chain) -> bool:
        return False


class LedgerOfForkedVotesOnce(Ledger):
    votes_type = ForkedVotesOnce


class FirstToArrive(Votes):
    """Without the rule for ties: of two contenders the first to arrive here gets the vote."""

    def choose(self, observed: Sequence[Record], bit: int) -> list[Record]:
        chosen: dict[tuple[Chain, int], Record] = {}
        for record in observed:
            contenders = record.chain.contenders(record.seq)
            if not any(rival.votes & bit for rival in contenders):
                first = next(rival for rival in contenders if rival in observed)
                chosen[record.chain, record.seq] = first
        return list(chosen.values())


class LedgerOfFirstToArrive(Ledger):
    votes_type = FirstToArrive


def test_counting_a_forked_validator_once_is_noticed() -> None:
    """The second observer of the fork decides at one node, and the first at the other."""
    community = Community()
    one, other = community.vertex(4, pays={5: 1}), community.vertex(4, pays={6: 1})
    faces = [community.vertex(0, parents=[side]) for side in (one, other)]
    votes = [community.vertex(seat, parents=[one]) for seat in (1, 2)]
    base = [one, other, *votes]

    def confirmed(ledger: Ledger, order: Sequence[Vertex]) -> set[VertexId]:
        for vertex in order:
            ledger.insert(vertex)
        return confirmed_in(ledger)

    for ledger_type, agree in ((Ledger, True), (LedgerOfForkedVotesOnce, False)):
        here = confirmed(ledger_type(community.genesis), [*base, *faces])
        there = confirmed(ledger_type(community.genesis), [*base, *faces[::-1]])
        assert (here == there) == agree
        assert (one.id in there) == agree


def test_breaking_ties_by_arrival_is_noticed() -> None:
    community = Community()
    one, other = community.vertex(4, pays={5: 1}), community.vertex(4, pays={6: 1})
    votes = [community.vertex(seat, parents=[one, other]) for seat in range(3)]

    for ledger_type, agree in ((Ledger, True), (LedgerOfFirstToArrive, False)):
        here, there = ledger_type(community.genesis), ledger_type(community.genesis)
        for vertex in (one, other, *votes):
            here.insert(vertex)
        for vertex in (other, one, *votes):
            there.insert(vertex)
        assert here.is_confirmed(min(one.id, other.id)) or not agree
        assert (confirmed_in(here) == confirmed_in(there)) == agree


@pytest.mark.slow
@pytest.mark.parametrize("ledger_type", [LedgerOfForkedVotesOnce, LedgerOfFirstToArrive])
def test_the_simulation_notices_both_by_itself(ledger_type: type[Ledger]) -> None:
    for seed in range(200):
        world = run_world(seed, 4, 1, ledger_type)
        if world.conflicts or world.disagreements():
            return
    pytest.fail("200 worlds with a broken rule, and nothing was wrong")
