"""One order's auction (SPEC.md section 9.3)."""

from fogbank_agent.limits import BID_WAIT_S, BID_WINDOW_S, BIDS_ENOUGH
from fogbank_agent.market.auction import Auction, Proposal
from fogbank_protocol.identity import NodeId

from .town import ANN, BEN, CAT


def proposal(provider: NodeId, valid_until: float = 10.0) -> Proposal:
    return Proposal(provider, 100, 1, 0, valid_until)


def test_it_is_over_when_everybody_has_answered() -> None:
    auction = Auction([ANN, BEN], 0)
    assert auction.add(proposal(ANN))
    assert not auction.is_over(0.01)
    assert auction.decline(BEN)
    assert auction.is_over(0.01)


def test_it_is_over_when_there_are_enough_bids() -> None:
    providers = [NodeId(bytes([n]) * 32) for n in range(BIDS_ENOUGH + 1)]
    auction = Auction(providers, 0)
    for provider in providers[:-1]:
        assert not auction.is_over(0.0)
        auction.add(proposal(provider))
    assert auction.is_over(0.0)


def test_it_waits_for_its_window_with_a_bid_and_longer_without() -> None:
    auction = Auction([ANN, BEN], 5)
    assert auction.deadline == 5 + BID_WAIT_S
    auction.add(proposal(ANN))
    assert auction.deadline == 5 + BID_WINDOW_S
    assert auction.is_over(5 + BID_WINDOW_S)


def test_strangers_and_second_answers_do_not_count() -> None:
    auction = Auction([ANN, BEN], 0)
    assert not auction.add(proposal(CAT))
    assert auction.add(proposal(ANN))
    assert not auction.add(proposal(ANN))
    assert not auction.decline(ANN)
    assert auction.proposals(0) == [proposal(ANN)]


def test_bids_that_expired_or_were_dropped_are_gone() -> None:
    auction = Auction([ANN, BEN, CAT], 0)
    auction.add(proposal(ANN, valid_until=1.0))
    auction.add(proposal(BEN))
    auction.add(proposal(CAT))
    auction.drop(CAT)
    assert auction.proposals(1.0) == [proposal(BEN)]
