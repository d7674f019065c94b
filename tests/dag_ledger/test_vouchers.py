"""By which vouchers a channel is settled, and by which none is (SPEC.md section 8.13)."""

from dataclasses import replace

import pytest

from fogbank_dag_ledger.limits import AMOUNT_LIMIT
from fogbank_dag_ledger.operations import ChannelTerms, ObjectId, Voucher
from fogbank_dag_ledger.statements import sign_voucher
from fogbank_dag_ledger.vouchers import (
    best_of_lanes,
    check_form,
    check_settles,
    check_voucher,
    rank,
    settle_by,
)
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity, NetworkId, NodeId

PAYER, PROVIDER = Identity.from_seed(b"a" * 32), NodeId(b"p" * 32)
NETWORK, CHANNEL = NetworkId(b"network!"), ObjectId(b"c" * 32)
TERMS = ChannelTerms(PROVIDER, PAYER.node_id, 2, 60)


def who(number: int) -> NodeId:
    return NodeId(bytes([number]) * 32)


def a_voucher(total: int, *parts: int, lane: int = 0, count: int = 1, first: int = 1) -> Voucher:
    split = [(who(number), drops) for number, drops in enumerate(parts, first)]
    return sign_voucher(
        PAYER, NETWORK, CHANNEL, lane=lane, total=total, count=count, root=bytes(32), split=split
    )


def test_what_is_left_to_the_provider_decides_before_all_else() -> None:
    ordered = [
        a_voucher(200, 200, count=9),
        a_voucher(150, 51, count=8),
        a_voucher(100, count=5),
        a_voucher(101, 1, count=4),
        a_voucher(101, 1, count=6),
        a_voucher(101, count=1),
    ]
    assert sorted(ordered, key=rank) == ordered
    other = a_voucher(3, lane=1)
    assert best_of_lanes([*ordered, other]) == {0: ordered[-1], 1: other}


@pytest.mark.parametrize("parts", [(0,), (5, 6), (1,) * 9])
def test_a_split_that_no_op_can_say_is_refused(parts: tuple[int, ...]) -> None:
    check_form(a_voucher(10, 5, 5))
    with pytest.raises(RemoteProtocolError, match=r"8\.12\.1"):
        check_form(a_voucher(10, *parts))


def test_a_voucher_is_for_a_lane_and_signed_and_passes_nothing_on_to_the_provider() -> None:
    check_voucher(a_voucher(10, 1, lane=1), CHANNEL, TERMS, NETWORK)
    to_itself = sign_voucher(
        PAYER, NETWORK, CHANNEL, lane=0, total=9, count=1, root=bytes(32), split=[(PROVIDER, 1)]
    )
    for voucher, rule in (
        (a_voucher(10, lane=2), "8.13.3"),
        (to_itself, "8.13.3"),
    ):
        with pytest.raises(RemoteProtocolError, match=rule.replace(".", r"\.")):
            check_voucher(voucher, CHANNEL, TERMS, NETWORK)
    with pytest.raises(RemoteProtocolError, match=r"8\.12\.7"):
        check_voucher(a_voucher(10), ObjectId(b"d" * 32), TERMS, NETWORK)


def test_a_settlement_pays_sixteen_and_no_more_than_there_is() -> None:
    lanes = [a_voucher(8, *[1] * 8, lane=lane, first=1 + 8 * lane) for lane in range(2)]
    award, shares = settle_by(lanes, 16)
    assert (award, len(shares)) == (16, 16)
    assert settle_by([lanes[0], a_voucher(9, 2, 3, lane=1)], 99)[1][:2] == (
        (who(1), 3),
        (who(2), 4),
    )
    for vouchers, limit in (
        (lanes, 15),
        ([*lanes, a_voucher(1, 1, lane=2, first=17)], AMOUNT_LIMIT),
    ):
        with pytest.raises(RemoteProtocolError, match=r"8\.13\.4"):
            settle_by(vouchers, limit)


def test_a_voucher_counts_only_when_a_channel_could_be_closed_by_it_and_those_beside_it() -> None:
    beside = a_voucher(8, *[1] * 8, lane=1, first=9)
    check_settles(a_voucher(8, *[1] * 8), [beside], CHANNEL, TERMS, NETWORK, 16)
    for voucher, rule in (
        (a_voucher(9), "8.13.4"),
        (a_voucher(8, 0), "8.12.1"),
        (a_voucher(8, lane=2), "8.13.3"),
        (replace(a_voucher(8), count=2), "8.12.7"),
    ):
        with pytest.raises(RemoteProtocolError, match=rule.replace(".", r"\.")):
            check_settles(voucher, [beside], CHANNEL, TERMS, NETWORK, 16)
