"""Settlements on the wire (SPEC.md section 9.6)."""

import pytest

from fogbank_agent.market.agreements import AgreementId
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.settlements import Settlement, decode_settlement, encode_settlement
from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.errors import RemoteProtocolError

ONE, TWO = AgreementId(b"\x01" * 32), AgreementId(b"\x02" * 32)
VERTEX = b"v" * 32


def test_a_settlement_is_read_back_in_order() -> None:
    settlement = Settlement(VERTEX, (TWO, ONE), ((TWO, Reason.UNVERIFIED),))
    assert decode_settlement(encode_settlement(settlement)) == Settlement(
        VERTEX, (ONE, TWO), ((TWO, Reason.UNVERIFIED),)
    )


@pytest.mark.parametrize(
    "value",
    [
        [],
        [VERTEX, []],
        [VERTEX, [], [], 0],
        [b"v" * 31, [], []],
        [None, [ONE], []],
        [VERTEX, [TWO, ONE], []],
        [VERTEX, [ONE, ONE], []],
        [VERTEX, [b"short"], []],
        [None, [], [[ONE, "WRONG"]]],
        [None, [], [[ONE]]],
        [None, [], [[TWO, "busy"], [ONE, "busy"]]],
        [None, [], ONE],
        [VERTEX, [n.to_bytes(32, "big") for n in range(513)], []],
    ],
)
def test_a_settlement_that_breaks_a_rule_is_refused(value: Value) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        decode_settlement(encode(value))
    assert refused.value.rule == "9.6"


def test_a_truncated_settlement_is_refused() -> None:
    whole = encode_settlement(Settlement(VERTEX, (ONE, TWO), ()))
    for end in range(len(whole)):
        with pytest.raises(RemoteProtocolError):
            decode_settlement(whole[:end])
