"""The ledger in numbers."""

from fogbank_dag_ledger.intake import Intake
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.own_account import OwnAccount
from fogbank_dag_ledger.service.summary import Summary
from fogbank_dag_ledger.vertex import Vertex

from ..community import Community

COMMUNITY = Community(seats=1, others=2)
SEAT, PAYER = COMMUNITY.names[0], COMMUNITY.names[1]
PAYMENT = COMMUNITY.vertex(1, pays={0: 5})
VOTE = COMMUNITY.vertex(0, None, [PAYMENT])
ACKNOWLEDGEMENT = COMMUNITY.vertex(0, VOTE, acknowledges=[PAYMENT])


class Books:
    """A ledger with the account of who pays, and its summary."""

    def __init__(self) -> None:
        self.ledger = Ledger(COMMUNITY.genesis)
        self.account = OwnAccount(self.ledger, PAYER)
        self.intake = Intake(self.ledger)
        self.summary = Summary(self.ledger, self.account)

    def take(self, *vertices: Vertex) -> None:
        for vertex in vertices:
            self.account.note(self.intake.take([(vertex, None)]).events)


def test_the_numbers_follow_what_is_held_and_final() -> None:
    books = Books()
    before = books.summary.statistics(parked=0, present=())
    assert (before.vertices, before.final) == (0, 0)
    books.take(PAYMENT)
    pending = books.summary.statistics(parked=3, present=())
    assert (pending.vertices, pending.final, pending.parked) == (1, 0, 3)
    assert (pending.payments_made, pending.payments_final, pending.payments_pending) == (1, 0, 1)
    assert pending.state_hash == before.state_hash
    books.take(VOTE, ACKNOWLEDGEMENT)
    after = books.summary.statistics(parked=0, present=())
    assert (after.payments_made, after.payments_final, after.payments_pending) == (1, 1, 0)
    assert after.final == books.ledger.final_count > 0
    assert after.state_hash == books.ledger.state_hash() != before.state_hash
    assert after.supply_held == after.supply == COMMUNITY.genesis.supply


def test_only_seats_that_are_present_have_weight() -> None:
    summary = Books().summary
    assert summary.statistics(parked=0, present={PAYER}).weight_connected == 0
    assert summary.statistics(parked=0, present={SEAT, PAYER}).weight_connected == 1
