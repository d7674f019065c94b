"""Vouchers: what they say next, and what they cover (SPEC.md section 9.6)."""

from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.market.agreements import AgreementId
from fogbank_agent.market.tally import (
    NOTHING_PAID,
    Bill,
    ChannelTally,
    LaneTally,
    ReceivedLane,
    next_root,
    royalty_of,
)
from fogbank_protocol.identity import NodeId

from .town import ANN, BEN


def agreement(number: int) -> AgreementId:
    return AgreementId(number.to_bytes(32, "big"))


def author(number: int) -> NodeId:
    return NodeId(bytes([number]) * 32)


def a_bill(number: int, drops: int, who: int, ppm: int) -> Bill:
    return Bill(agreement(number), drops, author(who), royalty_of(drops, ppm))


bills = st.lists(
    st.builds(
        a_bill,
        st.integers(0, 1 << 62),
        st.integers(1, 1 << 40),
        st.integers(1, 20),
        st.integers(0, 1_000_000),
    ),
    min_size=1,
    max_size=6,
)


def test_a_voucher_says_all_that_was_ever_owed() -> None:
    tally = ChannelTally()
    (first,) = tally.pay([Bill(agreement(1), 100)])
    (second,) = tally.pay([Bill(agreement(2), 11), Bill(agreement(3), 9, ANN, 3)])
    assert (first.after.total, first.after.count) == (100, 1)
    assert (second.after.total, second.after.count) == (120, 2)
    assert second.after.split == {ANN: 3}
    assert tally.total == 120


def test_a_share_of_nothing_is_not_said() -> None:
    tally = ChannelTally([LaneTally(total=5, count=1, split={BEN: 0})])
    (paid,) = tally.pay([Bill(agreement(1), 3, ANN, 0)])
    assert (paid.lane, paid.after.split, paid.after.total) == (0, {}, 8)


def test_what_is_left_to_the_provider_does_not_fall() -> None:
    lane = ReceivedLane(LaneTally(total=100, count=1, split={ANN: 10}))
    assert lane.is_newer(LaneTally(total=101, count=2, split={ANN: 11}))
    assert not lane.is_newer(LaneTally(total=101, count=2, split={ANN: 12}))
    assert not lane.is_newer(LaneTally(total=100, count=2, split={ANN: 10, BEN: 1}))


def test_the_root_names_every_agreement_in_whatever_order_it_was_paid() -> None:
    one, two, three = (agreement(number) for number in (1, 2, 3))
    root = next_root(NOTHING_PAID, [one, two])
    assert root == next_root(NOTHING_PAID, [two, one])
    assert root != next_root(NOTHING_PAID, [one, three])
    assert next_root(root, [three]) != next_root(NOTHING_PAID, [one, two, three])


@given(st.lists(bills, max_size=12))
def test_what_a_requestor_pays_covers_the_bills_at_the_provider(batches: list[list[Bill]]) -> None:
    tally, received = ChannelTally(), [ReceivedLane()] * 8
    paid = 0
    for batch in batches:
        for payment in tally.pay(batch):
            lane = received[payment.lane]
            assert lane.is_newer(payment.after)
            assert not lane.is_newer(lane.said)
            covered = lane.hear(payment.after).cover(payment.bills)
            assert covered is not None
            received[payment.lane] = covered
            paid += sum(bill.drops for bill in payment.bills)
    assert tally.total == paid == sum(lane.used for lane in received)
    assert all(len(lane.said.split) <= 8 for lane in received)
    assert len(set[NodeId]().union(*[lane.said.split for lane in received])) <= 16


def test_the_seventeenth_author_needs_another_channel() -> None:
    tally = ChannelTally()
    made = tally.pay([Bill(agreement(number), 10, author(number), 1) for number in range(1, 18)])
    assert sum(len(payment.bills) for payment in made) == 16
    assert len(made) == 2
    assert tally.pay([Bill(agreement(99), 10, author(17), 1)]) == []
    assert len(tally.pay([Bill(agreement(99), 10)])) == 1


def test_a_voucher_that_says_less_than_the_one_before_is_not_newer() -> None:
    lane = ReceivedLane().hear(LaneTally(100, 5, NOTHING_PAID, {ANN: 10}))
    assert lane.is_newer(LaneTally(100, 6, NOTHING_PAID, {ANN: 10}))
    assert not lane.is_newer(LaneTally(101, 5, NOTHING_PAID, {ANN: 10}))
    assert not lane.is_newer(LaneTally(99, 6, NOTHING_PAID, {ANN: 10}))
    assert not lane.is_newer(LaneTally(101, 6, NOTHING_PAID, {ANN: 9}))
    assert not lane.is_newer(LaneTally(101, 6, NOTHING_PAID, {BEN: 20}))


def test_drops_pay_for_one_bill_only() -> None:
    lane = ReceivedLane().hear(LaneTally(100, 1))
    covered = lane.cover([Bill(agreement(1), 60)])
    assert covered is not None
    assert covered.cover([Bill(agreement(2), 41)]) is None
    assert covered.cover([Bill(agreement(2), 40)]) is not None


def test_an_author_does_not_get_more_than_the_royalties_out_of_the_providers_part() -> None:
    lane = ReceivedLane().hear(LaneTally(100, 1, NOTHING_PAID, {ANN: 50}))
    assert lane.cover([Bill(agreement(1), 100, ANN, 50)]) is not None
    assert lane.cover([Bill(agreement(1), 100, ANN, 49)]) is None
    assert lane.cover([Bill(agreement(1), 50)]) is not None
