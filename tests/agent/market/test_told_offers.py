"""The message that passes offers on (SPEC.md section 9.1)."""

import pytest

from fogbank_agent.limits import OFFER_HOPS_MAX, OFFERS_TOLD_TOGETHER_MAX
from fogbank_agent.market.told_offers import decode_told, encode_told
from fogbank_protocol.encoding import encode
from fogbank_protocol.errors import RemoteProtocolError

from .heard import TOLD


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
