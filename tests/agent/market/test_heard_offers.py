"""Offers passed on: order, age, hops and floods (SPEC.md section 9.1)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.limits import (
    HEARD_OFFERS_A_MINUTE_MAX,
    HEARD_OFFERS_MAX,
    OFFER_HOPS_MAX,
    OFFER_RELAY_S,
    OFFERS_TOLD_TOGETHER_MAX,
)
from fogbank_agent.market.heard_offers import (
    HeardOffers,
    TellOffer,
    decode_told,
    encode_told,
)
from fogbank_agent.market.offers import Offer, sign_offer
from fogbank_protocol.discovery.address import Address
from fogbank_protocol.encoding import encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId

from .objects import ANN, BEN, CAT, NETWORK

AN_OFFER = Offer(
    provider=BEN.node_id,
    sequence=5,
    valid_s=100,
    price=1,
    start_price=1,
    fuel_per_s=1,
    memory_bytes_max=1,
    input_bytes_max=1,
    output_bytes_max=1,
    fuel_max=1,
    slots=1,
    slots_free=1,
    credit=1,
    features=("reactor",),
    packages=(),
)
ADDRESS = Address("127.0.0.1", 7001)
TOLD = TellOffer(1, 60, ADDRESS, sign_offer(AN_OFFER, NETWORK, BEN))


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
    assert [one.offer for one in heard.current(59)] == [AN_OFFER]
    assert heard.current(60) == []
    assert not heard.take(AN_OFFER, TOLD, CAT.node_id, 1_000)
    newer = replace(AN_OFFER, sequence=6)
    # The provider itself said 100 seconds: nobody can say more for it.
    assert heard.take(newer, replace(TOLD, left_s=3_600), CAT.node_id, 1_000)
    assert heard.current(1_099) != []
    assert heard.current(1_100) == []


def test_hops_end_and_one_provider_is_not_passed_on_all_the_time() -> None:
    heard = HeardOffers(ANN.node_id)
    heard.take(AN_OFFER, replace(TOLD, hops=OFFER_HOPS_MAX), CAT.node_id, 0)
    assert heard.due(0) == []
    heard.take(replace(AN_OFFER, sequence=6), TOLD, CAT.node_id, 0)
    assert len(heard.due(0)) == 1
    heard.take(replace(AN_OFFER, sequence=7), TOLD, CAT.node_id, 1)
    assert heard.due(OFFER_RELAY_S - 1) == []
    assert len(heard.due(OFFER_RELAY_S)) == 1


def test_own_offers_and_floods_are_not_taken() -> None:
    heard = HeardOffers(ANN.node_id)
    assert not heard.take(replace(AN_OFFER, provider=ANN.node_id), TOLD, CAT.node_id, 0)
    for number in range(HEARD_OFFERS_MAX + 5):
        provider = NodeId(number.to_bytes(32, "big"))
        took = heard.take(replace(AN_OFFER, provider=provider), TOLD, CAT.node_id, 0)
        assert took is (number < HEARD_OFFERS_MAX)
    assert len(heard.due(0)) == OFFERS_TOLD_TOGETHER_MAX
    # Much later there is room again.
    assert heard.take(AN_OFFER, TOLD, CAT.node_id, 4_000)


def test_a_peer_that_says_too_much_is_not_listened_to_for_a_while() -> None:
    heard = HeardOffers(ANN.node_id)
    assert heard.may_say(CAT.node_id, HEARD_OFFERS_A_MINUTE_MAX, 0)
    assert not heard.may_say(CAT.node_id, 1, 59)
    assert heard.may_say(BEN.node_id, 1, 59)
    assert heard.may_say(CAT.node_id, 1, 60)


def test_what_is_told_is_read_back() -> None:
    assert decode_told(encode_told([TOLD, TOLD])) == [TOLD, TOLD]


GOOD = [1, 60, "127.0.0.1", 7001, TOLD.offer.to_value()]


@pytest.mark.parametrize(
    "value",
    [
        [],
        [GOOD] * (OFFERS_TOLD_TOGETHER_MAX + 1),
        [[0, *GOOD[1:]]],
        [[OFFER_HOPS_MAX + 1, *GOOD[1:]]],
        [[1, 0, *GOOD[2:]]],
        [[1, 3_601, *GOOD[2:]]],
        [[1, 60, "nowhere", 7001, GOOD[4]]],
        [[1, 60, "127.0.0.1", 0, GOOD[4]]],
        [[1, 60, "127.0.0.1", 7001, b""]],
        [GOOD[:4]],
        {},
    ],
)
def test_what_is_malformed_is_refused(value: object) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_told(encode(value) if isinstance(value, list) else b"\x80")


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
