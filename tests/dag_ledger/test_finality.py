"""What becomes final, and when (SPEC.md section 8.5)."""

from fogbank_dag_ledger.events import Final, LedgerEvent
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.vertex import Vertex, VertexId

from .community import Community


class OneSeat:
    """A ledger whose only validator votes for and acknowledges what it is told to."""

    def __init__(self, others: int = 3) -> None:
        self.community = Community(seats=1, others=others)
        self.ledger = Ledger(self.community.genesis)
        self.head: Vertex | None = None

    def insert(self, *vertices: Vertex) -> None:
        for vertex in vertices:
            self.ledger.insert(vertex)

    def vote(self, *vertices: Vertex) -> list[VertexId]:
        self.head = self.community.vertex(0, self.head, vertices)
        return finals(self.ledger.insert(self.head))

    def acknowledge(self, *vertices: Vertex) -> list[VertexId]:
        self.head = self.community.vertex(0, self.head, acknowledges=vertices)
        return finals(self.ledger.insert(self.head))


def finals(events: "list[LedgerEvent] | object") -> list[VertexId]:
    assert isinstance(events, list)
    return [event.id for event in events if isinstance(event, Final)]


def test_one_entry_covers_all_below_in_order() -> None:
    seat = OneSeat()
    chain = [seat.community.vertex(1)]
    for _ in range(4):
        chain.append(seat.community.vertex(1, chain[-1]))
    seat.insert(*chain)
    assert seat.vote(chain[-1]) == []
    assert seat.acknowledge(chain[2]) == [vertex.id for vertex in chain[:3]]
    assert seat.acknowledge(chain[4]) == [vertex.id for vertex in chain[3:]]


def test_an_acknowledgement_that_came_before_the_votes_counts_when_they_do() -> None:
    community = Community()
    ledger = Ledger(community.genesis)
    payment = community.vertex(4)
    votes = [community.vertex(seat, parents=[payment]) for seat in range(4)]
    early = [community.vertex(seat, votes[seat], acknowledges=[payment]) for seat in (0, 1)]
    for vertex in (payment, *votes[:2], *early):
        ledger.insert(vertex)
    assert not ledger.is_confirmed(payment.id)
    ledger.insert(votes[2])
    assert ledger.is_confirmed(payment.id)
    assert not ledger.is_final(payment.id)
    last = community.vertex(3, votes[3], acknowledges=[payment])
    assert finals(ledger.insert(votes[3])) == []
    assert finals(ledger.insert(last)) == [payment.id]


def test_a_chain_of_claims_becomes_final_at_once_when_the_first_source_does() -> None:
    seat = OneSeat()
    first = seat.community.vertex(1, pays={2: 10})
    second = seat.community.vertex(2, claims=[(first, 10)], pays={3: 1_010})
    third = seat.community.vertex(3, claims=[(second, 1_010)])
    seat.insert(first, second, third)
    seat.vote(third)
    assert seat.acknowledge(second, third) == []
    assert seat.acknowledge(first) == [first.id, second.id, third.id]
    assert seat.ledger.balance(seat.community.names[3]) == 1_010
    assert seat.ledger.supply_held() == seat.ledger.genesis.supply


def test_a_claim_waits_for_every_source() -> None:
    seat = OneSeat()
    sources = [seat.community.vertex(person, pays={3: 10}) for person in (1, 2)]
    claim = seat.community.vertex(3, claims=[(source, 10) for source in sources])
    seat.insert(*sources, claim)
    seat.vote(claim)
    assert seat.acknowledge(claim) == []
    assert seat.acknowledge(sources[0]) == [sources[0].id]
    assert seat.acknowledge(sources[1]) == [sources[1].id, claim.id]
    assert seat.ledger.final_count == 3


def test_a_claim_of_the_losing_side_of_a_fork_is_never_final() -> None:
    seat = OneSeat()
    winner, loser = (seat.community.vertex(1, pays={3: 10}, note=note) for note in (1, 2))
    claim = seat.community.vertex(3, claims=[(loser, 10)])
    seat.insert(winner, loser, claim)
    seat.vote(winner)
    seat.vote(claim)
    assert seat.acknowledge(winner, claim) == [winner.id]
    assert seat.ledger.is_confirmed(claim.id)
    assert not seat.ledger.is_final(claim.id)
