"""The own chain at the start, and what is asked for before it goes on (SPEC.md section 8.8)."""

import pytest

from fogbank_dag_ledger.amnesia import AskHead, HeadAnswered, SeatJoined
from fogbank_dag_ledger.gossip_events import ParentsMissing
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.limits import FRONTIER_INTERVAL_S
from fogbank_dag_ledger.participation.happenings import AdoptOwn, ReadOwnLog, ShortenOwnLog
from fogbank_dag_ledger.participation.issuing_state import Silent
from fogbank_dag_ledger.participation.own_chain import OwnChain
from fogbank_dag_ledger.vertex import Vertex, seq_in

from ..community import Community
from ..simulation import World
from ..test_checkpointing import Parties, grow

COMMUNITY = Community(seats=4, others=2)
ANN = COMMUNITY.names[0]
OTHER = COMMUNITY.vertex(5)
FIRST = COMMUNITY.vertex(4)
SECOND = COMMUNITY.vertex(4, FIRST, [OTHER])


def take_ready(chain: OwnChain, ledger: Ledger) -> list[Vertex]:
    taken: list[Vertex] = []
    for vertex in chain.ready():
        ledger.insert(vertex)
        taken.append(vertex)
    return taken


def test_own_vertices_wait_for_their_edges_which_are_asked_for_again() -> None:
    ledger = Ledger(COMMUNITY.genesis)
    chain = OwnChain(ledger, COMMUNITY.names[4])
    assert chain.begin() == [ReadOwnLog()]
    assert chain.read_on(ANN, now=0) == []
    chain.take_page([FIRST, SECOND], now=0)
    assert take_ready(chain, ledger) == [FIRST]
    assert chain.read_on(ANN, now=0) == [ParentsMissing(ANN, (OTHER.id,))]
    assert chain.silence == Silent(3, 1)
    assert chain.read_on(ANN, now=1) == []
    assert chain.deadline == FRONTIER_INTERVAL_S
    assert chain.read_on(ANN, now=FRONTIER_INTERVAL_S) == [ParentsMissing(ANN, (OTHER.id,))]
    ledger.insert(OTHER)
    assert take_ready(chain, ledger) == [SECOND]
    assert chain.read_on(ANN, now=3) == [ReadOwnLog()]
    assert chain.silence == Silent(3, 0)


def test_what_the_store_had_and_the_log_had_not_is_adopted_before_anything_is_issued() -> None:
    ledger = Ledger(COMMUNITY.genesis)
    chain = OwnChain(ledger, COMMUNITY.names[4])
    for vertex in (OTHER, FIRST, SECOND):
        ledger.insert(vertex)
    assert chain.note([(FIRST, None), (SECOND, None)], now=0) == []
    chain.begin()
    chain.take_page([FIRST], now=0)
    assert take_ready(chain, ledger) == []
    assert chain.read_on(None, now=0) == [ReadOwnLog()]
    for seat in COMMUNITY.validators[:3]:
        assert chain.handle(SeatJoined(seat), now=0) == []
    assert chain.take_page([], now=0) == [AskHead(seat) for seat in COMMUNITY.validators[:3]]
    answers = [
        chain.handle(HeadAnswered(seat, (SECOND.id,)), now=0) for seat in COMMUNITY.validators[:3]
    ]
    assert answers == [[], [], [AdoptOwn((SECOND.id,))]]


@pytest.mark.slow
@pytest.mark.parametrize("seats", [4, 1])
def test_what_is_below_the_floor_is_not_needed_where_others_can_be_asked(seats: int) -> None:
    """A seat whose own weight is a quorum may be the only one that has anything."""
    world = World(1, seats, 0)
    parties = Parties(world)
    for _ in range(3):
        grow(world)
        world.settle()
        parties.round()
    node = world.honest[0]
    head = node.ledger.chain(node.name)
    assert head is not None
    assert head.settled_head is not None
    chain = OwnChain(node.ledger, node.name)
    chain.begin()
    assert chain.shorten() == []
    chain.take_page([], now=0)
    for other in world.honest[1:]:
        chain.handle(SeatJoined(other.name), now=0)
        chain.handle(HeadAnswered(other.name, ()), now=0)
    first = seq_in(head.settled_head.id)
    assert first > 0
    assert chain.shorten() == ([ShortenOwnLog(first)] if seats > 1 else [])
