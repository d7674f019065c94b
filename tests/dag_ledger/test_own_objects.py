"""What an account does about its objects by itself (SPEC.md sections 8.12 to 8.17)."""

from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.operations import Act, ChannelTerms, Close, Opening, Take
from fogbank_dag_ledger.own_objects import OwnObjects
from fogbank_dag_ledger.vertex import NO_VERTEX

from .community import Community


def test_what_is_owed_is_taken_later_when_the_opening_is_not_final_yet() -> None:
    community = Community(seats=4, others=3)
    ann, bob = community.names[4], community.names[5]
    ledger = Ledger(community.genesis)
    own = OwnObjects(ledger, ann)
    opening = community.vertex(4, does=[Opening(0, 100, ChannelTerms(bob, ann, 1, 5))])
    close = Act(opening.id, 0, Close(NO_VERTEX, (), ()))
    settling = community.vertex(5, parents=[opening], does=[close])
    votes = [community.vertex(seat, parents=[settling]) for seat in range(3)]
    for vertex in (opening, settling, *votes):
        own.note(ledger.insert(vertex))
    assert not ledger.is_final(opening.id)
    assert own.takes() == []
    for seat in range(3):
        cert = community.vertex(seat, votes[seat], votes, acknowledges=[opening, settling])
        own.note(ledger.insert(cert))
    assert ledger.is_final(opening.id)
    assert own.takes() == [Act(opening.id, 0, Take(settling.id))]
