"""Who votes for what (SPEC.md section 8.4)."""

from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.vertex import Vertex
from fogbank_dag_ledger.votes import has_observed

from .community import Community


def voters(ledger: Ledger, vertex: Vertex) -> set[int]:
    """Return the numbers of the seats that vote for ``vertex``."""
    record = ledger.dag.get(vertex.id)
    assert record is not None
    return {seat for seat in range(len(ledger.genesis.seats)) if record.votes >> seat & 1}


class Contest:
    """A ledger in which person 4 has signed two first vertices; ``low`` has the lower id."""

    def __init__(self) -> None:
        self.community = Community()
        self.ledger = Ledger(self.community.genesis)
        sides = [self.community.vertex(4, note=note) for note in (1, 2)]
        self.low, self.high = sorted(sides, key=lambda vertex: vertex.id)
        self.insert(*sides)

    def insert(self, *vertices: Vertex) -> None:
        for vertex in vertices:
            self.ledger.insert(vertex)


def test_an_edge_path_is_a_vote_and_a_validator_votes_for_its_own() -> None:
    community = Community()
    ledger = Ledger(community.genesis)
    bottom = community.vertex(4)
    middle = community.vertex(5, parents=[bottom])
    top = community.vertex(2, parents=[middle])
    for vertex in (bottom, middle, top):
        ledger.insert(vertex)
    assert [voters(ledger, one) for one in (bottom, middle, top)] == [{2}, {2}, {2}]


def test_a_validator_votes_whatever_the_kind_of_its_vertex() -> None:
    community = Community()
    ledger = Ledger(community.genesis)
    ledger.insert(payment := community.vertex(4))
    ledger.insert(community.vertex(1, parents=[payment], kind=1))
    assert voters(ledger, payment) == {1}


def test_the_first_contender_observed_keeps_the_vote() -> None:
    contest = Contest()
    first = contest.community.vertex(0, parents=[contest.high])
    contest.insert(first, contest.community.vertex(0, first, [contest.low]))
    assert voters(contest.ledger, contest.high) == {0}
    assert voters(contest.ledger, contest.low) == set()


def test_of_contenders_observed_together_the_lowest_id_gets_the_vote() -> None:
    contest = Contest()
    contest.insert(contest.community.vertex(0, parents=[contest.high, contest.low]))
    assert voters(contest.ledger, contest.low) == {0}
    assert voters(contest.ledger, contest.high) == set()


def test_the_vote_for_a_vertex_says_nothing_of_what_follows_it() -> None:
    """Each slot is voted for by itself, on whatever line its contender stands."""
    contest = Contest()
    above = contest.community.vertex(4, contest.high)
    first = contest.community.vertex(0, parents=[contest.low])
    contest.insert(above, first, contest.community.vertex(0, first, [above]))
    assert voters(contest.ledger, contest.high) == set()
    assert voters(contest.ledger, above) == {0}


def test_a_forked_validator_votes_for_all_that_any_of_its_vertices_observed() -> None:
    contest = Contest()
    faces = [contest.community.vertex(0, parents=[side]) for side in (contest.low, contest.high)]
    contest.insert(faces[0])
    assert voters(contest.ledger, contest.high) == set()
    contest.insert(faces[1])
    assert voters(contest.ledger, contest.low) == voters(contest.ledger, contest.high) == {0}
    assert voters(contest.ledger, contest.community.vertex(0, parents=[contest.low])) == {0}


def test_a_fork_found_later_counts_what_was_observed_and_not_voted_for() -> None:
    contest = Contest()
    contest.insert(contest.community.vertex(0, parents=[contest.low, contest.high]))
    assert voters(contest.ledger, contest.high) == set()
    contest.insert(contest.community.vertex(0))
    assert voters(contest.ledger, contest.high) == {0}


def test_weights_decide_and_not_heads() -> None:
    community = Community(weights=[1, 1, 1, 7], quorum=7)
    ledger = Ledger(community.genesis)
    ledger.insert(payment := community.vertex(4))
    for seat in range(3):
        ledger.insert(community.vertex(seat, parents=[payment]))
    assert not ledger.is_confirmed(payment.id)
    ledger.insert(community.vertex(3, parents=[payment]))
    assert ledger.is_confirmed(payment.id)


def test_observing_is_asked_of_a_validator_only() -> None:
    contest = Contest()
    contest.insert(contest.community.vertex(0, parents=[contest.low]))
    record = contest.ledger.dag.get(contest.low.id)
    chains = [contest.ledger.chain(contest.community.names[person]) for person in (0, 1, 4)]
    assert record is not None
    assert [has_observed(chain, record) for chain in chains if chain] == [True, False, False]
