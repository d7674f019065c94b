"""What a validator owes the others (SPEC.md section 8.6)."""

from fogbank_dag_ledger.acknowledgements import Entry
from fogbank_dag_ledger.duties import Duties
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.limits import (
    ACKNOWLEDGED_IN_PASSING,
    CERT_ENTRIES_MAX,
    VALIDATOR_PARENTS_MAX,
)
from fogbank_dag_ledger.vertex import Vertex

from .community import Community


class OnDuty:
    """The duties of the first validator, told of everything."""

    def __init__(self, seats: int = 1, others: int = 3) -> None:
        self.community = Community(seats=seats, others=others)
        self.ledger = Ledger(self.community.genesis)
        chain = self.ledger.chain(self.community.names[0])
        assert chain is not None
        self.duties = Duties(self.ledger, chain)

    def insert(self, *vertices: Vertex) -> None:
        for vertex in vertices:
            self.duties.note(self.ledger.insert(vertex))


def entry(vertex: Vertex) -> Entry:
    return Entry(vertex.id[:8], vertex.seq)


def test_a_vertex_that_carries_something_is_to_be_observed_and_acknowledged() -> None:
    duty = OnDuty()
    assert not duty.duties.exist()
    duty.insert(payment := duty.community.vertex(1, pays={2: 1}))
    assert duty.duties.exist()
    assert duty.duties.entries() == []

    duty.insert(vote := duty.community.vertex(0, parents=[payment]))
    assert duty.duties.exist()
    assert duty.duties.entries() == [entry(payment)]

    duty.insert(duty.community.vertex(0, vote, acknowledges=[payment]))
    assert not duty.duties.exist()


def test_a_vertex_that_carries_nothing_is_no_duty() -> None:
    duty = OnDuty(seats=2)
    duty.insert(duty.community.vertex(2), duty.community.vertex(1))
    assert not duty.duties.exist()


def test_what_claims_a_source_that_is_not_final_is_not_acknowledged() -> None:
    duty = OnDuty(seats=2)
    community = duty.community
    payment = community.vertex(2, pays={3: 10})
    claim = community.vertex(3, claims=[(payment, 10)])
    votes = [community.vertex(seat, parents=[claim]) for seat in (0, 1)]
    duty.insert(payment, claim, *votes)
    assert duty.duties.entries() == [entry(payment)]

    acknowledging = [community.vertex(seat, votes[seat], acknowledges=[payment]) for seat in (0, 1)]
    duty.insert(acknowledging[0])
    assert not duty.duties.exist()
    duty.insert(acknowledging[1])
    assert duty.duties.exist()
    assert duty.duties.entries() == [entry(claim)]


def test_an_entry_reaches_as_far_as_the_chain_may_be_acknowledged() -> None:
    duty = OnDuty()
    first = duty.community.vertex(1, pays={2: 1})
    second = duty.community.vertex(1, first)
    duty.insert(first, second, duty.community.vertex(0, parents=[second]))
    assert duty.duties.entries() == [entry(second)]


def test_what_carries_nothing_is_acknowledged_in_passing_when_there_is_much_of_it() -> None:
    duty = OnDuty()
    chain = [duty.community.vertex(1)]
    head: Vertex | None = None
    for _ in range(ACKNOWLEDGED_IN_PASSING):
        head = duty.community.vertex(0, head, [chain[-1]])
        duty.insert(chain[-1], head)
        if len(chain) < ACKNOWLEDGED_IN_PASSING:
            assert entry(chain[-1]) not in duty.duties.entries()
            chain.append(duty.community.vertex(1, chain[-1]))
    assert entry(chain[-1]) in duty.duties.entries()
    assert not duty.duties.exist()


def test_a_cert_has_no_more_entries_than_allowed_and_duties_come_first() -> None:
    duty = OnDuty(others=CERT_ENTRIES_MAX + 10)
    people = range(1, CERT_ENTRIES_MAX + 10)
    first = [duty.community.vertex(person, pays={0: 1}) for person in people]
    duty.insert(*first)
    head: Vertex | None = None
    while first_left := [one for one in first if not duty.ledger.is_confirmed(one.id)]:
        head = duty.community.vertex(0, head, first_left[:32])
        duty.insert(head)
    # Its own chain has grown long enough to be acknowledged in passing, and finds no room.
    assert head is not None
    assert head.seq >= ACKNOWLEDGED_IN_PASSING
    entries = duty.duties.entries()
    assert len(entries) == CERT_ENTRIES_MAX
    assert entry(head) not in entries

    head = duty.community.vertex(0, head, acknowledges=first[:CERT_ENTRIES_MAX])
    duty.insert(head)
    left = duty.duties.entries()
    assert set(left) == {entry(head), *map(entry, first[CERT_ENTRIES_MAX:])}


def test_duties_are_found_again_in_a_ledger_that_is_there_already() -> None:
    duty = OnDuty()
    payment = duty.community.vertex(1, pays={2: 1})
    duty.insert(payment, duty.community.vertex(0, parents=[payment]))
    chain = duty.ledger.chain(duty.community.names[0])
    assert chain is not None
    assert Duties(duty.ledger, chain).entries() == [entry(payment)]


def test_what_was_confirmed_without_being_observed_is_not_acknowledged() -> None:
    duty = OnDuty(seats=4)
    community = duty.community
    payment = community.vertex(4, pays={5: 1})
    own = community.vertex(0)
    duty.insert(own, payment, *(community.vertex(seat, parents=[payment]) for seat in (1, 2, 3)))
    assert duty.ledger.is_confirmed(payment.id)
    assert duty.duties.entries() == []
    duty.insert(community.vertex(0, own, [payment]))
    assert duty.duties.entries() == [entry(payment)]


def test_what_the_next_vertex_does_not_show_the_votes_of_is_not_acknowledged() -> None:
    duty = OnDuty(seats=3, others=VALIDATOR_PARENTS_MAX + 2)
    community = duty.community
    others = range(3, 3 + VALIDATOR_PARENTS_MAX)
    payment = community.vertex(others[-1] + 1, pays={0: 1})
    own = community.vertex(0, parents=[payment])
    duty.insert(payment, own, *(community.vertex(number) for number in others))
    # The votes are the youngest tips: the next vertex has room for the older ones only.
    votes = [community.vertex(seat, parents=[payment]) for seat in (1, 2)]
    duty.insert(*votes)
    assert duty.ledger.is_confirmed(payment.id)
    assert duty.duties.entries() == []

    duty.insert(community.vertex(0, own, votes))
    assert duty.duties.entries() == [entry(payment)]
