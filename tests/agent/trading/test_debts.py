"""What requestors owe, and which vouchers count (SPEC.md section 9.6)."""

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fogbank_agent.limits import DUE_KEPT_S, GRUDGE_HALF_LIFE_S
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


def open_debts(folder: Path, *channels: ChannelView, **options: Any) -> tuple[Debts, Journal]:
    journal = Journal(folder / "journal")
    return Debts(journal, Views(list(channels)), NETWORK, OWN, **options), journal


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def named(number: int) -> AgreementId:
    return AgreementId(number.to_bytes(32, "big"))


def due(journal: Journal) -> int:
    """Return how many rows there are of what is neither paid nor refused."""
    ((count,),) = journal.query("SELECT count(*) FROM dues")
    assert isinstance(count, int)
    return count


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


def test_what_is_paid_is_kept_as_a_sum_alone(tmp_path: Path) -> None:
    debts, journal = open_debts(tmp_path, replace(CHANNEL, deposit=10**9))
    for number in range(1, 2_001):
        debts.earn(ANN, 3, Bill(named(number), 5), is_part=number % 100 > 0)
        voucher = a_voucher(PAYER, CHANNEL, 5 * number, number)
        debts.settle(ANN, paid(voucher, named(number)))
    (ann,) = journal.earnings()
    assert (ann.runs, ann.fuel, ann.paid, ann.unpaid) == (20, 6_000, 10_000, 0)
    assert journal.earned() == (10_000, 0)
    assert due(journal) == 0
    journal.close()
    assert (tmp_path / "journal").stat().st_size < 300_000


def test_what_is_paid_is_not_paid_again_by_a_settlement_that_comes_late(tmp_path: Path) -> None:
    debts, journal = open_debts(tmp_path, CHANNEL)
    debts.earn(ANN, 10, Bill(ONE, 100))
    late = paid(a_voucher(PAYER, CHANNEL, 200), ONE)
    for _ in range(2):
        debts.settle(ANN, late)
        debts.settle(ANN, refused(ONE))
    journal.close()
    debts, journal = open_debts(tmp_path, CHANNEL)
    debts.settle(ANN, late)
    debts.settle(ANN, refused(ONE))
    assert (debts.debt(ANN), debts.paid(ANN)) == (0, 100)
    debts.earn(ANN, 10, Bill(TWO, 100))
    debts.settle(ANN, paid(late.payment.voucher, TWO) if late.payment else late)
    assert (debts.debt(ANN), debts.paid(ANN)) == (0, 200), "the other half was not used before"


def test_what_was_paid_lately_is_still_said_to_be_paid(debts: Debts) -> None:
    debts.earn(ANN, 10, Bill(ONE, 100))
    settlement = paid(a_voucher(PAYER, CHANNEL, 100), ONE)
    assert [debts.settle(ANN, settlement).paid for _ in range(3)] == [[ONE]] * 3


def test_nothing_is_due_for_a_receipt_that_did_not_leave(tmp_path: Path) -> None:
    debts, journal = open_debts(tmp_path)
    debts.earn(ANN, 10, Bill(ONE, 100))
    debts.forgo(BEN, ONE)
    assert debts.debt(ANN) == 100
    debts.forgo(ANN, ONE)
    debts.forgo(ANN, ONE)
    assert debts.debt(ANN) == 0
    (ann,) = journal.earnings()
    assert (ann.runs, ann.unpaid, ann.refused) == (1, 0, 0)


def test_what_nobody_settles_for_a_day_counts_as_refused_and_is_forgotten_by_and_by(
    tmp_path: Path,
) -> None:
    clock = Clock()
    debts, journal = open_debts(tmp_path, CHANNEL, clock=clock)
    debts.earn(ANN, 10, Bill(ONE, 100))
    clock.now += DUE_KEPT_S - 1
    debts.earn(ANN, 10, Bill(TWO, 7))
    assert due(journal) == 2
    clock.now += 1
    journal.close()

    debts, journal = open_debts(tmp_path, CHANNEL, clock=clock)
    assert due(journal) == 1
    assert debts.debt(ANN) == 107
    assert journal.earnings()[0].refused == 100
    clock.now += GRUDGE_HALF_LIFE_S - 1
    assert debts.debt(ANN) == 107
    clock.now += 1
    assert debts.debt(ANN) == 57
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 7), TWO))
    assert debts.debt(ANN) == 43
    clock.now += 10 * GRUDGE_HALF_LIFE_S
    assert debts.debt(ANN) == 0


def test_the_oldest_of_too_many_bills_count_as_refused(tmp_path: Path) -> None:
    debts, journal = open_debts(tmp_path, dues_max=10)
    for number in range(25):
        debts.earn(ANN, 1, Bill(named(number), 2))
    assert due(journal) == 10
    (ann,) = journal.earnings()
    assert (ann.unpaid, ann.refused, debts.debt(ANN)) == (20, 30, 50)


def test_requestors_of_long_ago_are_counted_together(tmp_path: Path) -> None:
    debts, journal = open_debts(tmp_path, CHANNEL, requestors_max=3)
    debts.earn(BEN, 1, Bill(named(1_000), 9))
    debts.earn(ANN, 1, Bill(ONE, 5))
    debts.settle(ANN, paid(a_voucher(PAYER, CHANNEL, 5), ONE))
    for number in range(50):
        debts.earn(NodeId(bytes([number]) * 32), 1, Bill(named(2_000 + number), 0))
    earnings = journal.earnings()
    latest = {NodeId(bytes([number]) * 32) for number in (48, 49)}
    assert {one.requestor for one in earnings} == {BEN} | latest, "whoever owes is not forgotten"
    assert debts.debt(BEN) == 9
    assert journal.earned() == (5, 9)
    assert journal.query("SELECT sum(runs), sum(fuel) FROM requestors") == [(52, 52)]


class DebtsAgainstModel(RuleBasedStateMachine):
    """Whatever is settled, repeated and restarted, the sums are those of all bills there were."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.open()
        self.bills: dict[AgreementId, tuple[int, str]] = {}
        self.total = 0
        self.count = 0
        self.last = paid(a_voucher(PAYER, CHANNEL, 0, 1))

    def open(self) -> None:
        channel = replace(CHANNEL, deposit=10**9)
        self.debts, self.journal = open_debts(Path(self.folder.name), channel)

    def in_state(self, *states: str) -> int:
        return sum(drops for drops, state in self.bills.values() if state in states)

    @rule(drops=st.integers(0, 50), is_part=st.booleans())
    def earn(self, drops: int, *, is_part: bool) -> None:
        bill = Bill(named(len(self.bills)), drops)
        self.bills[bill.agreement] = drops, "unpaid" if drops else "paid"
        self.debts.earn(ANN, 1, bill, is_part=is_part)

    @rule(numbers=st.sets(st.integers(0, 40), max_size=6))
    def pay(self, numbers: set[int]) -> None:
        agreements = [named(number) for number in sorted(numbers)]
        for one in agreements:
            drops, state = self.bills.get(one, (0, "unknown"))
            if state == "unpaid":
                self.bills[one] = drops, "paid"
                self.total += drops
        self.count += 1
        self.last = paid(a_voucher(PAYER, CHANNEL, self.total, self.count), *agreements)
        self.debts.settle(ANN, self.last)

    @rule(number=st.integers(0, 40))
    def refuse(self, number: int) -> None:
        drops, state = self.bills.get(named(number), (0, "unknown"))
        if state == "unpaid":
            self.bills[named(number)] = drops, "refused"
        self.debts.settle(ANN, refused(named(number)))

    @rule(number=st.integers(0, 40))
    def forgo(self, number: int) -> None:
        drops, state = self.bills.get(named(number), (0, "unknown"))
        if state == "unpaid":
            self.bills[named(number)] = drops, "forgone"
        self.debts.forgo(ANN, named(number))

    @rule()
    def repeat(self) -> None:
        if self.count:
            self.debts.settle(ANN, self.last)

    @rule()
    def restart(self) -> None:
        self.journal.close()
        self.open()

    @invariant()
    def the_sums_agree(self) -> None:
        assert self.journal.earned() == (self.in_state("paid"), self.in_state("unpaid"))
        assert sum(one.refused for one in self.journal.earnings()) == self.in_state("refused")
        assert self.debts.paid(ANN) == self.in_state("paid")
        unpaid = [drops for drops, state in self.bills.values() if state == "unpaid"]
        assert due(self.journal) == len(unpaid)
        assert sum(unpaid) <= self.debts.debt(ANN) <= self.in_state("unpaid", "refused")

    def teardown(self) -> None:
        self.journal.close()
        self.folder.cleanup()


TestDebtsAgainstModel = DebtsAgainstModel.TestCase
TestDebtsAgainstModel.settings = hypothesis_settings(
    max_examples=15, stateful_step_count=25, deadline=None
)
