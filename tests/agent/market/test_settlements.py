"""Settlements on the wire (SPEC.md section 9.6)."""

import pytest

from fogbank_agent.market.agreements import AgreementId
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.settlements import (
    Payment,
    Settlement,
    decode_settlement,
    encode_settlement,
)
from fogbank_dag_ledger.operations import ObjectId, Voucher
from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.errors import RemoteProtocolError

from .town import ANN, BEN

ONE, TWO = AgreementId(b"\x01" * 32), AgreementId(b"\x02" * 32)
CHANNEL, ROOT, SIGNATURE = ObjectId(b"c" * 32), b"r" * 32, b"s" * 64
SPLIT = ((ANN, 3), (BEN, 4))
PAYMENT = Payment(CHANNEL, Voucher(7, 100, 5, ROOT, SPLIT, SIGNATURE))
PAID: Value = [CHANNEL, 7, 100, 5, ROOT, [[ANN, 3], [BEN, 4]], SIGNATURE]


def test_a_settlement_is_read_back_in_order() -> None:
    settlement = Settlement(PAYMENT, (TWO, ONE), ((TWO, Reason.UNVERIFIED),))
    assert decode_settlement(encode_settlement(settlement)) == Settlement(
        PAYMENT, (ONE, TWO), ((TWO, Reason.UNVERIFIED),)
    )


@pytest.mark.parametrize(
    "value",
    [
        [],
        [PAID, []],
        [PAID, [], [], 0],
        [b"v" * 31, [], []],
        [[bytes(31), 7, 100, 5, ROOT, [], SIGNATURE], [], []],
        [[CHANNEL, 8, 100, 5, ROOT, [], SIGNATURE], [], []],
        [[CHANNEL, 7, True, 5, ROOT, [], SIGNATURE], [], []],
        [[CHANNEL, 7, 100, 0, ROOT, [], SIGNATURE], [], []],
        [[CHANNEL, 7, 100, 5, bytes(31), [], SIGNATURE], [], []],
        [[CHANNEL, 7, 100, 5, ROOT, [[ANN, 101]], SIGNATURE], [], []],
        [[CHANNEL, 7, 100, 5, ROOT, [[BEN, 4], [ANN, 3]], SIGNATURE], [], []],
        [[CHANNEL, 7, 100, 5, ROOT, [[bytes([n]) * 32, 1] for n in range(9)], SIGNATURE], [], []],
        [[CHANNEL, 7, 100, 5, ROOT, [], bytes(63)], [], []],
        [None, [ONE], []],
        [PAID, [TWO, ONE], []],
        [PAID, [ONE, ONE], []],
        [PAID, [b"short"], []],
        [None, [], [[ONE, "WRONG"]]],
        [None, [], [[ONE]]],
        [None, [], [[TWO, "busy"], [ONE, "busy"]]],
        [None, [], ONE],
        [PAID, [n.to_bytes(32, "big") for n in range(513)], []],
    ],
)
def test_a_settlement_that_breaks_a_rule_is_refused(value: Value) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        decode_settlement(encode(value))
    assert refused.value.rule == "9.6"


def test_a_truncated_settlement_is_refused() -> None:
    whole = encode_settlement(Settlement(PAYMENT, (ONE, TWO), ()))
    for end in range(len(whole)):
        with pytest.raises(RemoteProtocolError):
            decode_settlement(whole[:end])
