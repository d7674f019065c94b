"""The own chain at the start, and what is asked for before it goes on (SPEC.md section 8.8)."""

from fogbank_dag_ledger.amnesia import AskHead, HeadAnswered, SeatJoined
from fogbank_dag_ledger.gossip_events import ParentsMissing
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.limits import FRONTIER_INTERVAL_S
from fogbank_dag_ledger.participation.happenings import AdoptOwn, ReadOwnLog
from fogbank_dag_ledger.participation.issuing_state import Silent
from fogbank_dag_ledger.participation.own_chain import OwnChain
from fogbank_dag_ledger.vertex import Vertex

from ..community import Community

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
