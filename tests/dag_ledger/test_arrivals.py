"""Fair shares for everyone while some flood everything (SPEC.md section 8.23)."""

import pytest

from fogbank_dag_ledger.arrivals import Arrivals
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.limits import ARRIVALS_COST_MAX, ARRIVALS_IN_ORDER, SIGNATURE_COST
from fogbank_dag_ledger.vertex import Vertex
from fogbank_protocol.identity import NodeId

from .community import Community, account
from .crowd import CAPACITY, Site, jain, run_crowd

MEMBERS = 12

MANY = ARRIVALS_IN_ORDER // SIGNATURE_COST
"""So many that they have to take turns."""

ANN, BEN = account(1), account(2)


def held_community() -> tuple[Community, Ledger, list[Vertex]]:
    """Return a ledger that holds the first vertex of three accounts, and those vertices."""
    community = Community(seats=4, others=4)
    ledger = Ledger(community.genesis)
    vertices = [community.vertex(person) for person in (4, 5, 6)]
    for vertex in vertices:
        ledger.insert(vertex)
    return community, ledger, vertices


def test_what_was_asked_for_and_seats_do_not_wait_behind_the_rest() -> None:
    community, ledger, (one, _, _) = held_community()
    arrivals: Arrivals[str] = Arrivals(ledger)
    for _ in range(MANY):
        arrivals.put("other", one, ANN, is_asked=False)
    for _ in range(8):
        arrivals.put("seat", community.vertex(0), ANN, is_asked=False)
        arrivals.put("asked", one, ANN, is_asked=True)
    taken = arrivals.take(30)
    assert taken.count("seat") == taken.count("asked") == 8


def test_invented_issuers_share_one_turn() -> None:
    _, ledger, (one, _, _) = held_community()
    arrivals: Arrivals[str] = Arrivals(ledger)
    for number in range(50):
        stranger = one._replace(issuer=account(100 + number))
        for _ in range(MANY // 50):
            arrivals.put("stranger", stranger, ANN, is_asked=False)
    for _ in range(40):
        arrivals.put("member", one, ANN, is_asked=False)
    assert abs(arrivals.take(60).count("member") - 30) <= 10


def test_a_forger_takes_the_turns_of_its_own_channel_only() -> None:
    _, ledger, (one, _, _) = held_community()
    arrivals: Arrivals[str] = Arrivals(ledger)
    for _ in range(MANY):
        # All in the name of somebody honest.
        arrivals.put("forged", one, BEN, is_asked=False)
    for _ in range(20):
        arrivals.put("honest", one, ANN, is_asked=False)
    assert arrivals.take(50).count("honest") == 20


def test_what_waits_is_bounded() -> None:
    _, ledger, (one, _, _) = held_community()
    arrivals: Arrivals[int] = Arrivals(ledger)
    kept = ARRIVALS_COST_MAX // (SIGNATURE_COST + len(one.body))
    dropped = sum(len(arrivals.put(n, one, ANN, is_asked=False)) for n in range(kept + 100))
    assert dropped == 100
    assert len(arrivals) == kept


@pytest.mark.slow
@pytest.mark.parametrize("spammers", [1, 4])
def test_spam_of_ten_times_the_capacity_leaves_everyone_a_fair_share(spammers: int) -> None:
    # The honest want a little more than their share, and so fill their windows too.
    honest, spam = run_crowd(MEMBERS, spammers, 60, honest_rate=1 + CAPACITY // MEMBERS)
    gained = [one.final for one in honest]
    share = (sum(gained) + sum(one.final for one in spam)) / MEMBERS
    assert jain(gained) > 0.95
    assert min(gained) > 0.8 * share
    assert max(one.final for one in spam) < 1.5 * share


class FirstComeArrivals(Arrivals[tuple[Vertex, NodeId]]):
    """Without turns: whoever comes first is served first."""

    def put(
        self, item: tuple[Vertex, NodeId], vertex: Vertex, peer: NodeId, *, is_asked: bool
    ) -> list[tuple[Vertex, NodeId]]:
        del peer, is_asked
        return self._queue.put(("all", "all", "all"), item, SIGNATURE_COST + len(vertex.body))


class FirstComeSite(Site):
    arrivals_type = FirstComeArrivals


@pytest.mark.slow
@pytest.mark.parametrize(("site_type", "is_fair"), [(Site, True), (FirstComeSite, False)])
def test_who_wants_less_than_a_share_does_not_wait_for_the_spammers(
    site_type: type[Site], is_fair: bool
) -> None:
    honest, _ = run_crowd(MEMBERS, 4, 40, honest_rate=1, site_type=site_type)
    assert (max(one.waiting for one in honest) < 12) == is_fair
