"""Offers passed on: order, age, hops and floods (SPEC.md section 9.1)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.limits import (
    HEARD_AGAIN_S_MIN,
    HEARD_DIALLED_MAX,
    HEARD_OFFERS_A_MINUTE_MAX,
    HEARD_OFFERS_MAX,
    HEARD_ROUND_S,
    HEARD_TELLERS_MAX,
    OFFER_HOPS_MAX,
    OFFER_RELAY_S,
    OFFERS_TOLD_TOGETHER_MAX,
)
from fogbank_agent.market.dial_rounds import DialProvider
from fogbank_agent.market.heard_offers import HeardOffers
from fogbank_protocol.discovery.address import Address
from fogbank_protocol.identity import NodeId

from .heard import ADDRESS, AN_OFFER, LIAR, TOLD, Inventor, is_invented, provider
from .objects import ANN, BEN, CAT

BENS = DialProvider(BEN.node_id, ADDRESS)
ELSEWHERE = Address("192.0.2.1", 9)


def nobody(_: NodeId) -> bool:
    return False


def test_an_offer_is_passed_on_once_with_one_hop_more_and_less_time() -> None:
    heard = HeardOffers(ANN.node_id)
    assert heard.take(AN_OFFER, TOLD, CAT.node_id, 0)
    [passed] = heard.due(10)
    assert (passed.provider, passed.source) == (BEN.node_id, CAT.node_id)
    assert passed.told == replace(TOLD, hops=2, left_s=50)
    assert heard.due(20) == []


def test_an_old_offer_is_no_news_and_cannot_be_made_to_last() -> None:
    heard = HeardOffers(ANN.node_id)
    heard.take(AN_OFFER, TOLD, CAT.node_id, 0)
    assert not heard.take(AN_OFFER, replace(TOLD, left_s=3_600), CAT.node_id, 50)
    assert not heard.is_news(BEN.node_id, 4)
    assert heard.draw(nobody, 60) == []
    assert not heard.take(AN_OFFER, TOLD, CAT.node_id, 1_000)
    newer = replace(AN_OFFER, sequence=6)
    # The provider itself said 100 seconds: nobody can say more for it, nor anybody else later.
    assert heard.take(newer, replace(TOLD, left_s=3_600), CAT.node_id, 1_000)
    assert heard.take(newer, replace(TOLD, left_s=3_600), LIAR, 1_099)
    assert not heard.take(newer, replace(TOLD, left_s=3_600), NodeId(b"M" * 32), 1_100)
    assert heard.draw(nobody, 1_100) == []
    assert heard.take(replace(newer, sequence=7), TOLD, CAT.node_id, 1_200)
    assert heard.draw(nobody, 1_259) == [BENS]


def test_hops_end_and_one_provider_is_not_passed_on_all_the_time() -> None:
    heard = HeardOffers(ANN.node_id)
    heard.take(AN_OFFER, replace(TOLD, hops=OFFER_HOPS_MAX), CAT.node_id, 0)
    assert heard.due(0) == []
    heard.take(replace(AN_OFFER, sequence=6), TOLD, CAT.node_id, 0)
    assert len(heard.due(0)) == 1
    heard.take(replace(AN_OFFER, sequence=7), TOLD, CAT.node_id, 1)
    assert heard.due(OFFER_RELAY_S - 1) == []
    assert len(heard.due(OFFER_RELAY_S)) == 1


def test_own_offers_are_not_taken() -> None:
    heard = HeardOffers(ANN.node_id)
    assert not heard.take(replace(AN_OFFER, provider=ANN.node_id), TOLD, CAT.node_id, 0)


@pytest.mark.slow
def test_a_flood_takes_the_room_of_nobody_else() -> None:
    heard, liar = HeardOffers(ANN.node_id), Inventor()
    taken = liar.tell(heard, 600, 0) + liar.tell(heard, 600, 60)
    assert taken == HEARD_OFFERS_MAX
    for number in range(HEARD_OFFERS_MAX // 2):
        offer = replace(AN_OFFER, provider=provider(100_000 + number))
        assert heard.take(offer, TOLD, CAT.node_id, 61)
    # Two that tell as much have half each, and none pushes out what the other has said.
    assert not heard.take(AN_OFFER, TOLD, CAT.node_id, 61)
    assert liar.tell(heard, 100, 61) == 0


@pytest.mark.slow
def test_not_even_a_neighbour_that_passes_a_flood_on_has_no_room_for_long() -> None:
    heard, liar = HeardOffers(ANN.node_id), Inventor(CAT.node_id)
    for minute in range(4):
        liar.tell(heard, HEARD_OFFERS_A_MINUTE_MAX, 60.0 * minute)
    assert heard.take(AN_OFFER, TOLD, CAT.node_id, 240)


def test_what_has_ended_gives_way_to_what_the_same_neighbour_tells() -> None:
    heard = HeardOffers(ANN.node_id)
    for number in range(HEARD_OFFERS_MAX):
        heard.take(replace(AN_OFFER, provider=provider(number)), TOLD, CAT.node_id, 0)
    assert not heard.take(AN_OFFER, TOLD, CAT.node_id, 59)
    assert heard.take(AN_OFFER, TOLD, CAT.node_id, 60)


def test_what_was_dialled_in_vain_gives_way_too() -> None:
    heard = HeardOffers(ANN.node_id)
    for number in range(HEARD_OFFERS_MAX):
        heard.take(replace(AN_OFFER, provider=provider(number)), TOLD, CAT.node_id, 0)
    assert not heard.take(AN_OFFER, TOLD, CAT.node_id, 1)
    assert len(heard.draw(nobody, 1)) == HEARD_DIALLED_MAX
    assert heard.take(AN_OFFER, TOLD, CAT.node_id, 2)


def test_a_peer_that_says_too_much_is_not_listened_to_for_a_while() -> None:
    heard = HeardOffers(ANN.node_id)
    assert heard.may_say(CAT.node_id, HEARD_OFFERS_A_MINUTE_MAX, 0)
    heard.forget(CAT.node_id)
    assert not heard.may_say(CAT.node_id, 1, 59), "it may not say more for having come anew"
    assert heard.may_say(BEN.node_id, 1, 59)
    assert heard.may_say(CAT.node_id, 1, 60)


def test_of_many_peers_it_is_forgotten_how_much_they_said() -> None:
    heard = HeardOffers(ANN.node_id)
    assert not heard.may_say(CAT.node_id, HEARD_OFFERS_A_MINUTE_MAX + 1, 0)
    for number in range(HEARD_TELLERS_MAX - 1):
        heard.may_say(provider(number), 1, 1)
    assert not heard.may_say(CAT.node_id, 1, 2)
    heard.may_say(provider(HEARD_TELLERS_MAX), 1, 3)
    assert heard.may_say(CAT.node_id, 1, 4)


def test_a_flood_of_free_offers_does_not_keep_an_honest_provider_from_being_dialled() -> None:
    heard, liar = HeardOffers(ANN.node_id), Inventor()
    liar.tell(heard, 600, 0)
    heard.take(replace(AN_OFFER, price=1_000), TOLD, CAT.node_id, 1)
    drawn = heard.draw(nobody, 2)
    assert len(drawn) == HEARD_DIALLED_MAX
    assert BENS in drawn


@pytest.mark.slow
def test_it_is_dialled_soon_when_it_is_heard_of_in_the_middle_of_a_flood() -> None:
    heard, liar, now = HeardOffers(ANN.node_id), Inventor(), 0.0
    for _ in range(5):
        liar.tell(heard, 100, now)
        drawn = heard.draw(nobody, now)
        assert len(drawn) == HEARD_DIALLED_MAX
        now += HEARD_ROUND_S
    heard.take(AN_OFFER, TOLD, CAT.node_id, now)
    assert BENS in heard.draw(nobody, now)


@pytest.mark.slow
def test_behind_the_neighbour_that_passes_the_flood_on_it_is_dialled_as_well() -> None:
    heard, now = HeardOffers(ANN.node_id), 0.0
    # Told to Cat with one hop, and so to Ann with two; Ben is next to Cat.
    liar = Inventor(CAT.node_id, hops=2)
    for _ in range(12):
        liar.tell(heard, 100, now)
        now += HEARD_ROUND_S
    assert heard.take(replace(AN_OFFER, price=1_000), TOLD, CAT.node_id, now)
    assert BENS in heard.draw(nobody, now)


def test_among_inventions_as_far_away_it_is_dialled_after_those_that_came_before_it() -> None:
    heard, liar = HeardOffers(ANN.node_id), Inventor(CAT.node_id)
    before = 50
    liar.tell(heard, before, 0)
    offer = replace(AN_OFFER, price=1_000, valid_s=3_600)
    heard.take(offer, replace(TOLD, left_s=3_600), CAT.node_id, 1)
    rounds, now = 0, 2.0
    while BENS not in heard.draw(nobody, now):
        rounds, now = rounds + 1, now + HEARD_ROUND_S
        # Every place could go to new ones that cost less.
        liar.tell(heard, 2 * HEARD_DIALLED_MAX, now)
        assert rounds <= before / (HEARD_DIALLED_MAX / 2)


def test_who_is_told_again_waits_no_longer_for_it() -> None:
    heard, liar = HeardOffers(ANN.node_id), Inventor(CAT.node_id)
    heard.take(AN_OFFER, TOLD, CAT.node_id, 0)
    liar.tell(heard, 50, 1)
    heard.take(replace(AN_OFFER, sequence=6), TOLD, CAT.node_id, 2)
    assert BENS in heard.draw(nobody, 3)


def test_a_wrong_address_does_not_hide_the_right_one() -> None:
    heard = HeardOffers(ANN.node_id)
    # The liar is first, says that the offer has almost ended, and that it has come far.
    lie = replace(TOLD, hops=OFFER_HOPS_MAX, left_s=1, address=ELSEWHERE)
    assert heard.take(AN_OFFER, lie, LIAR, 0)
    assert heard.draw(nobody, 0) == [DialProvider(BEN.node_id, ELSEWHERE)]
    assert heard.take(AN_OFFER, TOLD, CAT.node_id, 0.5)
    assert heard.draw(nobody, 0.5) == [BENS], "what was dialled in vain is the address, not Ben"


def test_a_wrong_address_told_with_a_later_offer_does_not_either() -> None:
    heard = HeardOffers(ANN.node_id)
    heard.take(AN_OFFER, TOLD, CAT.node_id, 0)
    heard.take(replace(AN_OFFER, sequence=7), replace(TOLD, address=ELSEWHERE), LIAR, 1)
    assert BENS in heard.draw(nobody, 2)
    # Nor when the honest neighbour is always an offer behind.
    late = HeardOffers(ANN.node_id)
    late.take(replace(AN_OFFER, sequence=7), replace(TOLD, address=ELSEWHERE), LIAR, 0)
    assert late.note(BEN.node_id, 6, TOLD, CAT.node_id, 1)
    assert BENS in late.draw(nobody, 2)


def test_a_lie_that_comes_first_does_not_keep_an_offer_from_being_passed_on() -> None:
    heard = HeardOffers(ANN.node_id)
    heard.take(AN_OFFER, replace(TOLD, hops=OFFER_HOPS_MAX, address=ELSEWHERE), LIAR, 0)
    assert heard.due(0) == []
    heard.take(AN_OFFER, TOLD, CAT.node_id, 1)
    [passed] = heard.due(1)
    assert (passed.source, passed.told) == (CAT.node_id, replace(TOLD, hops=2))


def test_of_several_the_nearest_is_passed_on() -> None:
    heard = HeardOffers(ANN.node_id)
    heard.take(AN_OFFER, replace(TOLD, address=ELSEWHERE), LIAR, 0)
    heard.take(AN_OFFER, replace(TOLD, hops=0), BEN.node_id, 1)
    [passed] = heard.due(1)
    assert (passed.source, passed.told) == (BEN.node_id, TOLD)


def test_what_neighbours_say_of_one_that_is_here_itself_is_no_use() -> None:
    heard = HeardOffers(ANN.node_id)
    heard.take(AN_OFFER, replace(TOLD, hops=0), BEN.node_id, 0)
    assert not heard.take(AN_OFFER, TOLD, CAT.node_id, 1)
    heard.forget(BEN.node_id)
    assert heard.take(AN_OFFER, TOLD, CAT.node_id, 2)


def test_what_was_dialled_in_vain_is_not_passed_on_until_it_is_here() -> None:
    heard = HeardOffers(ANN.node_id)
    heard.take(AN_OFFER, TOLD, CAT.node_id, 0)
    assert heard.draw(nobody, 0) == [BENS]
    assert heard.due(1) == []
    assert heard.take(AN_OFFER, replace(TOLD, hops=0), BEN.node_id, 2)
    assert [one.told.hops for one in heard.due(2)] == [1]


def test_a_new_offer_or_address_of_the_same_neighbour_is_not_dialled_before_its_time() -> None:
    heard = HeardOffers(ANN.node_id)
    heard.take(AN_OFFER, TOLD, CAT.node_id, 0)
    assert heard.draw(nobody, 0) == [BENS]
    other = replace(TOLD, address=ELSEWHERE)
    heard.take(replace(AN_OFFER, sequence=6), other, CAT.node_id, 1)
    # Another neighbour, which repeats the address, is believed no more.
    heard.take(replace(AN_OFFER, sequence=6), other, LIAR, 1)
    assert heard.draw(nobody, HEARD_AGAIN_S_MIN - 1) == []
    assert heard.draw(nobody, HEARD_AGAIN_S_MIN) == [DialProvider(BEN.node_id, ELSEWHERE)]


def test_a_provider_that_was_here_is_dialled_at_once_when_it_is_gone() -> None:
    heard = HeardOffers(ANN.node_id)
    heard.take(AN_OFFER, TOLD, CAT.node_id, 0)
    assert heard.draw(nobody, 0) == [BENS]
    heard.take(replace(AN_OFFER, sequence=6), replace(TOLD, hops=0), BEN.node_id, 1)
    heard.forget(BEN.node_id)
    assert heard.draw(nobody, HEARD_ROUND_S) == [BENS]


def test_the_offers_of_others_are_passed_on_in_the_middle_of_a_flood() -> None:
    heard, liar = HeardOffers(ANN.node_id), Inventor()
    liar.tell(heard, 600, 0)
    assert len(heard.due(0)) == OFFERS_TOLD_TOGETHER_MAX
    heard.take(AN_OFFER, TOLD, CAT.node_id, 1)
    passed = heard.due(1)
    assert len(passed) == OFFERS_TOLD_TOGETHER_MAX
    assert [one.provider for one in passed if not is_invented(one.provider)] == [BEN.node_id]
    for second in range(2, 2 * OFFERS_TOLD_TOGETHER_MAX):
        heard.take(replace(AN_OFFER, provider=provider(100_000 + second)), TOLD, LIAR, second)
    # On one way it is those that have waited longest.
    assert all(is_invented(one.provider) for one in heard.due(20))


@given(
    hops=st.integers(1, OFFER_HOPS_MAX),
    left_s=st.integers(1, 3_600),
    waits=st.lists(st.integers(0, 200), max_size=6),
)
def test_along_any_line_of_agents_an_offer_ends_in_time(
    hops: int, left_s: int, waits: list[int]
) -> None:
    told, now = replace(TOLD, hops=hops, left_s=left_s), 0
    ends_at = min(left_s, AN_OFFER.valid_s)
    for number, wait in enumerate(waits):
        heard = HeardOffers(NodeId(bytes([number]) * 32))
        heard.take(AN_OFFER, told, CAT.node_id, now)
        now += wait
        passing = heard.due(now)
        if not passing:
            break
        told = passing[0].told
        assert now + told.left_s <= ends_at
        assert told.hops <= OFFER_HOPS_MAX
