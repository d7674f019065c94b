"""What is told and counted of one account's payments."""

from fogbank_dag_ledger.events import LedgerEvent
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.own_account import OwnAccount, PaymentFinal, PaymentReceived
from fogbank_dag_ledger.vertex import Vertex

from .community import Community


def test_payments_in_and_out_are_counted_when_held_and_told_when_final() -> None:
    community = Community(seats=1, others=2)
    ledger = Ledger(community.genesis)
    me = community.names[1]
    account = OwnAccount(ledger, me)

    def insert(vertex: Vertex) -> list[object]:
        events: list[LedgerEvent] = list(ledger.insert(vertex))
        return list(account.note(events))

    received = community.vertex(0, kind=1, pays={1: 7, 2: 1})
    assert insert(received) == []
    sent = community.vertex(1, pays={2: 3})
    assert insert(sent) == []
    assert (account.incoming, account.made, account.final, account.pending) == (7, 1, 0, 3)
    assert [(view.amount, view.is_final) for view in account.payments(5)] == [
        (3, False),
        (7, False),
    ]
    vote = community.vertex(0, received, [sent], acknowledges=[received])
    news = insert(vote)
    news += insert(community.vertex(0, vote, acknowledges=sorted_by_tag(vote, sent)))
    assert PaymentReceived(received.id, community.names[0], 7) in news
    assert PaymentFinal(sent.id, ((community.names[2], 3),)) in news
    assert (account.incoming, account.made, account.final, account.pending) == (0, 1, 1, 0)
    assert [(view.amount, view.is_final) for view in account.payments(1)] == [(3, True)]


def sorted_by_tag(*vertices: Vertex) -> list[Vertex]:
    return sorted(vertices, key=lambda vertex: vertex.id)
