"""What an account does about its objects by itself (SPEC.md sections 8.12 to 8.17)."""

from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.operations import (
    Act,
    ChannelTerms,
    Close,
    Opening,
    PostVouchers,
    Reclaim,
    object_id,
)
from fogbank_dag_ledger.own_objects import OwnObjects, ShareView
from fogbank_dag_ledger.vertex import NO_VERTEX

from .community import Community
from .town import ANN, BOB, CAT, DAN, Town, name_of, take_by


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
    assert own.takes() == [Act(opening.id, 0, take_by(ledger, settling.id, opening.id))]


def test_an_author_learns_what_others_settle_in_its_favour_and_nobody_else_does() -> None:
    town = Town()
    opening = town.open(ANN, 500, town.channel())
    vouchers = (
        town.voucher(opening, 300, split={CAT: 30}),
        town.voucher(opening, 100, lane=1, split={CAT: 5}),
    )
    ledger = Ledger(town.community.genesis)
    cat, dan = (OwnObjects(ledger, town.key(who).node_id) for who in (CAT, DAN))
    town.act(BOB, opening, Close(NO_VERTEX, (), vouchers))
    assert cat.shares() == []
    for vertex in town.inserted:
        events = ledger.insert(vertex)
        cat.note(events)
        dan.note(events)
    ann, bob = (town.key(who).node_id for who in (ANN, BOB))
    assert cat.shares() == [ShareView(name_of(opening), ann, bob, 35)]
    assert dan.shares() == []


def test_a_reclaim_is_answered_by_what_leaves_the_provider_more_than_what_was_shown() -> None:
    town = Town()
    opening = town.open(ANN, 500, town.channel())
    good, eaten = (
        town.voucher(opening, 120, split={CAT: 20}),
        town.voucher(opening, 130, count=2, split={CAT: 130}),
    )
    town.act(ANN, opening, PostVouchers((eaten,)))
    town.act(ANN, opening, Reclaim())
    ledger = Ledger(town.community.genesis)
    bob = OwnObjects(ledger, town.key(BOB).node_id)
    for vertex in town.inserted:
        bob.note(ledger.insert(vertex))
    for voucher in (good, eaten):
        bob.remember(name_of(opening), voucher)
    assert bob.remembered(name_of(opening)) == [good]
    assert bob.due() == [Act(opening.id, 0, PostVouchers((good,)))]


def test_nobody_takes_from_an_outcome_that_hangs_on_the_vote_of_a_forker() -> None:
    community = Community()
    ann, bob = community.names[4], community.names[5]
    ledger = Ledger(community.genesis)
    own = OwnObjects(ledger, ann)
    opening = community.vertex(4, does=[Opening(0, 100, ChannelTerms(bob, ann, 1, 5))])
    close = Act(opening.id, 0, Close(NO_VERTEX, (), ()))
    settling = community.vertex(5, parents=[opening], does=[close])
    votes = [community.vertex(seat, parents=[settling]) for seat in range(3)]
    certs = [
        community.vertex(seat, votes[seat], votes, acknowledges=[opening, settling])
        for seat in range(3)
    ]
    for vertex in (opening, settling, *votes, *certs):
        own.note(ledger.insert(vertex))
    assert len(own.takes()) == 1
    own.note(ledger.insert(community.vertex(2, note=1)))
    held = ledger.object(object_id(opening.id, 0))
    assert held is not None
    assert held.outcome is not None
    assert own.takes() == []
    vote = community.vertex(3, parents=[settling])
    own.note(ledger.insert(vote))
    assert len(own.takes()) == 1
