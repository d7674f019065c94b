"""What requestors owe, and which vouchers count (SPEC.md section 9.6)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fogbank_agent.market.agreements import AgreementId
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.settlements import Payment, Settlement
from fogbank_agent.market.tally import Bill
from fogbank_agent.trading.debts import BadVoucher, Debts
from fogbank_agent.trading.journal import Journal
from fogbank_dag_ledger.operations import Voucher
from fogbank_dag_ledger.own_objects import ChannelView, ObjectState
from fogbank_protocol.identity import Identity, NodeId

from .channel_views import NETWORK, Views, a_channel, a_voucher

PAYER, STRANGER = Identity.from_seed(b"a" * 32), Identity.from_seed(b"b" * 32)
ANN, BEN, OWN = PAYER.node_id, STRANGER.node_id, NodeId(b"o" * 32)
AUTHOR = NodeId(b"w" * 32)
ONE, TWO, THREE = (AgreementId(bytes([number]) * 32) for number in (1, 2, 3))
CHANNEL = a_channel(ANN, OWN)


def open_debts(folder: Path, *channels: ChannelView) -> tuple[Debts, Journal]:
    journal = Journal(folder / "journal")
    return Debts(journal, Views(list(channels)), NETWORK, OWN), journal


@pytest.fixture
def debts(tmp_path: Path) -> Debts:
    return open_debts(tmp_path, CHANNEL)[0]


def paid(voucher: Voucher, *agreements: AgreementId, channel: ChannelView = CHANNEL) -> Settlement:
    return Settlement(Payment(channel.id, voucher), agreements, ())


def refused(*agreements: AgreementId) -> Settlement:
    return Settlement(None, (), tuple((one, Reason.WRONG_RESULT) for one in agreements))


def test_a_voucher_pays_the_bills_that_it_covers(debts: Debts) -> None:
    debts.earn(ANN, 10, Bill(ONE, 100))
    debts.earn(ANN, 10, Bill(TWO, 50))
    assert debts.debt(ANN) == 150
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 100), ONE))
    assert debts.debt(ANN) == 50
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 150, 2), TWO))
    assert debts.debt(ANN) == 0
    assert debts.total(CHANNEL.id) == 150


def test_a_voucher_that_says_too_little_pays_nothing(
    debts: Debts, caplog: pytest.LogCaptureFixture
) -> None:
    debts.earn(ANN, 10, Bill(ONE, 100))
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 99), ONE))
    assert debts.debt(ANN) == 100
    assert "claims to have paid more than it has" in caplog.text
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 100, 2), ONE))
    assert debts.debt(ANN) == 0


def test_drops_pay_once(debts: Debts) -> None:
    debts.earn(ANN, 10, Bill(ONE, 100))
    debts.earn(ANN, 10, Bill(TWO, 100))
    voucher = a_voucher(PAYER, CHANNEL, 150)
    debts.settle(ANN, paid(voucher, ONE))
    debts.settle(ANN, paid(voucher, TWO))
    assert debts.debt(ANN) == 100


def test_a_settlement_that_is_repeated_changes_nothing(debts: Debts) -> None:
    debts.earn(ANN, 10, Bill(ONE, 100))
    debts.earn(ANN, 10, Bill(TWO, 107))
    voucher = a_voucher(PAYER, CHANNEL, 100)
    for _ in range(3):
        debts.settle(ANN, replace(paid(voucher, ONE, THREE), refused=refused(TWO).refused))
    assert debts.debt(ANN) == 107, "what was refused counts still"
    assert debts.total(CHANNEL.id) == 100


def test_a_royalty_is_taken_from_what_the_voucher_passes_on(debts: Debts) -> None:
    debts.earn(ANN, 10, Bill(ONE, 100, AUTHOR, 10))
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 100, split=[(AUTHOR, 11)]), ONE))
    assert debts.debt(ANN) == 100, "the provider's part is too small"
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 101, 2, split=[(AUTHOR, 11)]), ONE))
    assert debts.debt(ANN) == 0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"total": 1_001}, "more than there is"),
        ({"signer": STRANGER}, "wrong signature"),
        ({"lane": 7, "lanes": 7}, "not open"),
        ({"split": [(OWN, 1)]}, "provider in a split"),
        ({"split": [(AUTHOR, 0)]}, "amount of nothing"),
        ({"name": b"x"}, "no such channel"),
        ({"state": ObjectState.OPENING}, "not open"),
        ({"state": ObjectState.CLOSING}, "not open"),
        ({"state": ObjectState.SETTLED}, "not open"),
        ({"payer": BEN}, "another's"),
        ({"provider": BEN}, "another's"),
    ],
)
def test_a_voucher_that_does_not_count_is_refused(
    tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    held = a_channel(change.get("payer", ANN), change.get("provider", OWN))
    terms = replace(held.terms, lanes=change.get("lanes", 8))
    held = replace(held, terms=terms, state=change.get("state", ObjectState.OPEN))
    debts, _ = open_debts(tmp_path, held)
    named = a_channel(ANN, OWN, change.get("name", b"c"))
    signer = change.get("signer", PAYER)
    rest = {name: change[name] for name in ("lane", "split") if name in change}
    voucher = a_voucher(signer, named, change.get("total", 100), **rest)
    debts.earn(ANN, 10, Bill(ONE, 100))
    with pytest.raises(BadVoucher, match=why):
        debts.settle(ANN, paid(voucher, ONE, channel=named))
    assert (debts.debt(ANN), debts.total(named.id)) == (100, 0)


def test_a_voucher_does_not_fall_behind_the_one_before(debts: Debts) -> None:
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 100, 5, split=[(AUTHOR, 9)])))
    for total, count, share in ((99, 6, 9), (101, 5, 9), (101, 6, 8)):
        voucher = a_voucher(PAYER, CHANNEL, total, count, split=[(AUTHOR, share)])
        with pytest.raises(BadVoucher):
            debts.settle(ANN, paid(voucher))
    assert debts.total(CHANNEL.id) == 100


def test_a_voucher_that_passes_on_what_was_the_provider_s_is_refused(debts: Debts) -> None:
    good = a_voucher(PAYER, CHANNEL, 100, split=[(AUTHOR, 10)])
    debts.settle(ANN, paid(good))
    for total, split in ((100, [(AUTHOR, 11)]), (150, [(AUTHOR, 10), (BEN, 51)])):
        with pytest.raises(BadVoucher, match="less than the one before"):
            debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, total, 2, split=sorted(split))))
    assert debts.vouchers() == [(CHANNEL.id, good)]
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 150, 2, split=[(AUTHOR, 60)])))


def test_all_lanes_together_pass_on_to_no_more_than_a_settlement_pays(debts: Debts) -> None:
    others = [NodeId(bytes([number]) * 32) for number in range(1, 18)]
    for lane in range(2):
        split = [(who, 1) for who in others[8 * lane : 8 * lane + 8]]
        debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 8, lane=lane, split=split)))
    with pytest.raises(BadVoucher, match="too many to pay"):
        debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 8, lane=2, split=[(others[16], 1)])))
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 8, lane=2, split=[(others[0], 1)])))


def test_what_is_kept_for_the_ledger_is_the_voucher_that_was_signed(debts: Debts) -> None:
    voucher = a_voucher(PAYER, CHANNEL, 100)
    assert debts.settle(ANN, paid(voucher)).voucher == voucher
    assert debts.settle(ANN, paid(replace(voucher, signature=bytes(64)))).voucher == voucher
    assert debts.settle(ANN, refused(ONE)).voucher is None


def test_what_a_voucher_does_not_cover_is_not_said_to_be_paid(debts: Debts) -> None:
    debts.earn(ANN, 10, Bill(ONE, 100))
    debts.earn(ANN, 10, Bill(TWO, 100))
    debts.earn(BEN, 10, Bill(THREE, 100))
    assert debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 99), ONE)).paid == []
    enough = paid(a_voucher(PAYER, CHANNEL, 100, 2), ONE, THREE)
    assert [debts.settle(ANN, enough).paid for _ in range(2)] == [[ONE], [ONE]]
    assert debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 100, 2), ONE, TWO)).paid == [ONE]


def test_the_lanes_of_a_channel_share_its_funds(debts: Debts) -> None:
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 600)))
    with pytest.raises(BadVoucher, match="more than there is"):
        debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 401, lane=1)))
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 400, lane=1)))
    assert debts.total(CHANNEL.id) == 1_000


def test_a_channel_that_is_being_closed_takes_no_voucher(debts: Debts) -> None:
    debts.begin_closing(CHANNEL.id)
    assert debts.room(ANN) == 0
    with pytest.raises(BadVoucher):
        debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 100)))
    debts.end_closing(CHANNEL.id)
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 100)))


def test_there_is_room_for_what_channels_have_beyond_vouchers_and_debt(tmp_path: Path) -> None:
    other, over = a_channel(ANN, OWN, b"d", deposit=50), a_channel(ANN, OWN, b"e")
    debts, _ = open_debts(tmp_path, CHANNEL, other, replace(over, state=ObjectState.SETTLED))
    assert (debts.room(ANN), debts.room(BEN)) == (1_050, 0)
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 100)))
    debts.earn(ANN, 10, Bill(ONE, 30))
    assert debts.room(ANN) == 920


def test_nobody_settles_anothers_bill(debts: Debts) -> None:
    debts.earn(BEN, 10, Bill(ONE, 100))
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 100), ONE))
    debts.settle(ANN, refused(ONE))
    assert debts.debt(BEN) == 100


def test_refused_work_counts_as_debt_until_payments_make_up_for_it(debts: Debts) -> None:
    debts.earn(ANN, 10, Bill(ONE, 100))
    debts.earn(ANN, 10, Bill(TWO, 60))
    debts.settle(ANN, refused(ONE))
    assert debts.debt(ANN) == 160
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 60), TWO))
    assert debts.debt(ANN) == 40


def test_what_costs_nothing_is_never_owed(tmp_path: Path) -> None:
    debts, journal = open_debts(tmp_path)
    debts.earn(ANN, 10, Bill(ONE, 0))
    assert debts.debt(ANN) == 0
    assert journal.earnings()[0].runs == 1


def test_debts_and_vouchers_survive_a_restart(tmp_path: Path) -> None:
    debts, journal = open_debts(tmp_path, CHANNEL)
    debts.earn(ANN, 10, Bill(ONE, 100, AUTHOR, 10))
    debts.earn(ANN, 10, Bill(TWO, 40, AUTHOR, 4))
    debts.earn(BEN, 10, Bill(THREE, 30))
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 120, split=[(AUTHOR, 12)]), ONE))
    debts.settle(BEN, refused(THREE))
    journal.close()

    debts, journal = open_debts(tmp_path, CHANNEL)
    assert (debts.debt(ANN), debts.debt(BEN), debts.total(CHANNEL.id)) == (40, 30, 120)
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 139, 2, split=[(AUTHOR, 13)]), TWO))
    assert debts.debt(ANN) == 40, "20 drops of the first voucher are left, not all of it"
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 140, 3, split=[(AUTHOR, 14)]), TWO))
    (ann, ben) = sorted(journal.earnings(), key=lambda one: one.requestor != ANN)
    assert (ann.paid, ann.unpaid, ben.refused) == (140, 0, 30)
    debts.forget(CHANNEL.id)
    journal.close()
    assert open_debts(tmp_path, CHANNEL)[0].total(CHANNEL.id) == 0
