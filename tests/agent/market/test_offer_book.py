"""The offer book, the purse and reputations: small, and everything relies on them."""

import pytest

from fogbank_agent.market.offer_book import OfferBook
from fogbank_agent.market.purse import Purse

from .town import ANN, BEN, an_offer


def test_the_highest_sequence_counts() -> None:
    book = OfferBook()
    assert book.put(an_offer(ANN, sequence=5, price=1), 0)
    assert not book.put(an_offer(ANN, sequence=5, price=2), 0)
    assert not book.put(an_offer(ANN, sequence=4, price=3), 0)
    assert book.put(an_offer(ANN, sequence=6, price=4), 0)
    assert [offer.price for offer in book.current(0)] == [4]


def test_an_offer_ends_with_its_time_or_its_channel() -> None:
    book = OfferBook()
    book.put(an_offer(ANN, valid_s=10), 5)
    book.put(an_offer(BEN), 5)
    assert book.find(ANN, 14.9) is not None
    assert book.find(ANN, 15.0) is None
    book.forget(BEN)
    assert book.current(14.0) == [an_offer(ANN, valid_s=10)]
    assert book.put(an_offer(BEN), 14.0), "a provider that comes back is not held to its past"


def test_a_purse_promises_only_what_it_has() -> None:
    purse = Purse(lambda: 100)
    purse.reserve("one", 60)
    purse.owed = 30
    assert (purse.free, purse.is_lending) == (10, True)
    purse.release("one")
    purse.release("one")
    assert (purse.free, purse.is_lending) == (70, False)
    purse.owed = 500
    assert purse.free == 0


def test_a_purse_reserves_an_agreement_once() -> None:
    purse = Purse(lambda: 100)
    purse.reserve("one", 1)
    with pytest.raises(AssertionError):
        purse.reserve("one", 1)


def test_a_purse_knows_what_each_provider_could_win_by_lying() -> None:
    purse = Purse(lambda: 100)
    purse.risk(ANN, "one", 60)
    purse.risk(ANN, "two", 7)
    purse.risk(BEN, "three", 5)
    purse.risk(ANN, "one", 50)
    assert (purse.at_risk(ANN), purse.at_risk(BEN)) == (57, 5)
    purse.end_risk(ANN, "one")
    purse.end_risk(ANN, "one")
    purse.end_risk(BEN, "two")
    assert (purse.at_risk(ANN), purse.at_risk(BEN)) == (7, 5)
    assert purse.free == 100, "what a lie would win is not set aside by this"
