"""Payments: one voucher for many bills, nothing twice, everything told (SPEC.md section 9.6)."""

from collections.abc import Sequence
from math import inf

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fogbank_agent.limits import PAYMENT_AGE_S, SETTLEMENT_AGREEMENTS_MAX, SETTLEMENT_RETRY_S
from fogbank_agent.market.agreements import AgreementId
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.settlement import Settler
from fogbank_agent.market.settlement_messages import (
    BillOwed,
    BillRefused,
    BillWithdrawn,
    CreditKnown,
    Pay,
    PaymentFailed,
    PaymentMade,
    PaymentsWanted,
    ProviderCame,
    SendSettlement,
    SettlementAnswered,
    SettlementLeft,
    SettlementUnanswered,
    SettlerCommand,
    SettlerInput,
)
from fogbank_agent.market.settlements import Payment, Settlement
from fogbank_agent.market.tally import Bill
from fogbank_dag_ledger.operations import ObjectId, Voucher
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from .town import ANN, BEN

PAYMENT = Payment(ObjectId(b"c" * 32), Voucher(0, 100, 1, bytes(32), (), bytes(64)))


def made(provider: NodeId, *agreements: AgreementId) -> PaymentMade:
    """Return the event of one voucher for these agreements."""
    return PaymentMade(provider, [(PAYMENT, agreements)])


def owed(provider: NodeId, one: AgreementId, drops: int) -> BillOwed:
    return BillOwed(provider, Bill(one, drops))


def agreement(number: int) -> AgreementId:
    return AgreementId(number.to_bytes(32, "big"))


ONE, TWO, THREE = agreement(1), agreement(2), agreement(3)


def test_a_jobs_end_pays_each_provider_once_and_tells_it() -> None:
    settler = Settler()
    for event in (
        owed(ANN, ONE, 10),
        owed(ANN, TWO, 5),
        owed(BEN, THREE, 7),
    ):
        assert settler.handle(event, 0) == []
    assert settler.owed == 22
    assert settler.handle(PaymentsWanted(), 1) == [
        Pay(ANN, [Bill(ONE, 10), Bill(TWO, 5)]),
        Pay(BEN, [Bill(THREE, 7)]),
    ]
    settlement = Settlement(PAYMENT, (ONE, TWO), ())
    assert settler.handle(made(ANN, ONE, TWO), 2) == [SendSettlement(ANN, settlement)]
    assert settler.owed == 7
    assert settler.handle(SettlementAnswered(ANN), 3) == []
    assert settler.deadline == inf


def test_a_bill_waits_for_its_job_but_not_for_ever() -> None:
    settler = Settler()
    settler.handle(owed(ANN, ONE, 10), 5)
    assert settler.deadline == 5 + PAYMENT_AGE_S
    assert settler.handle(Tick(), settler.deadline) == [Pay(ANN, [Bill(ONE, 10)])]


def test_half_of_what_a_provider_lets_a_newcomer_owe_is_paid_at_once() -> None:
    settler = Settler()
    settler.handle(CreditKnown(ANN, 1_000), 0)
    assert settler.handle(owed(ANN, ONE, 50), 0) == []
    assert settler.handle(owed(ANN, TWO, 1), 0) == [Pay(ANN, [Bill(ONE, 50), Bill(TWO, 1)])]


def test_a_bill_in_doubt_is_not_paid() -> None:
    settler = Settler()
    settler.handle(owed(ANN, ONE, 10), 0)
    settler.handle(BillWithdrawn(ANN, ONE), 1)
    assert settler.handle(PaymentsWanted(), 2) == []
    assert settler.owed == 0
    settler.handle(owed(ANN, ONE, 10), 3)
    assert settler.handle(PaymentsWanted(), 4) == [Pay(ANN, [Bill(ONE, 10)])]


def test_a_bill_that_was_paid_is_not_paid_again() -> None:
    settler = Settler()
    settler.handle(owed(ANN, ONE, 10), 0)
    settler.handle(PaymentsWanted(), 0)
    settler.handle(BillWithdrawn(ANN, ONE), 1)
    settler.handle(owed(ANN, ONE, 10), 2)
    settler.handle(made(ANN, ONE), 3)
    settler.handle(owed(ANN, ONE, 10), 4)
    assert settler.handle(PaymentsWanted(), 5) == []
    assert settler.owed == 0


def test_a_payment_that_fails_is_tried_again_later() -> None:
    settler = Settler()
    settler.handle(owed(ANN, ONE, 10), 0)
    settler.handle(PaymentsWanted(), 0)
    assert settler.handle(PaymentFailed(ANN), 1) == []
    assert settler.owed == 10
    assert settler.deadline == 1 + SETTLEMENT_RETRY_S
    assert settler.handle(Tick(), settler.deadline) == [Pay(ANN, [Bill(ONE, 10)])]


def test_a_bill_that_no_voucher_covers_is_tried_again_later() -> None:
    settler = Settler()
    settler.handle(owed(ANN, ONE, 10), 0)
    settler.handle(owed(ANN, TWO, 5), 0)
    settler.handle(PaymentsWanted(), 0)
    settlement = Settlement(PAYMENT, (ONE,), ())
    assert settler.handle(made(ANN, ONE), 1) == [SendSettlement(ANN, settlement)]
    assert settler.owed == 5
    assert settler.handle(Tick(), 1 + SETTLEMENT_RETRY_S) == [Pay(ANN, [Bill(TWO, 5)])]


def test_a_refusal_is_told_with_its_reason() -> None:
    settler = Settler()
    told = settler.handle(BillRefused(ANN, ONE, Reason.WRONG_RESULT), 0)
    settlement = Settlement(None, (), ((ONE, Reason.WRONG_RESULT),))
    assert told == [SendSettlement(ANN, settlement)]


def test_what_is_not_answered_is_told_again_also_when_the_provider_comes_back() -> None:
    settler = Settler()
    (told,) = settler.handle(BillRefused(ANN, ONE, Reason.WRONG_RESULT), 0)
    assert settler.handle(SettlementUnanswered(ANN), 1) == []
    assert settler.handle(Tick(), 1 + SETTLEMENT_RETRY_S) == [told]
    settler.handle(SettlementUnanswered(ANN), 10)
    assert settler.handle(ProviderCame(ANN), 11) == [told]


def test_what_an_earlier_life_left_untold_is_told() -> None:
    settler = Settler()
    settlement = Settlement(PAYMENT, (ONE,), ())
    left = settler.handle(SettlementLeft(ANN, settlement), 0)
    assert left == [SendSettlement(ANN, settlement)]


def test_more_bills_than_a_settlement_holds_are_paid_in_several() -> None:
    settler = Settler()
    for number in range(SETTLEMENT_AGREEMENTS_MAX + 1):
        settler.handle(owed(ANN, agreement(number), 1), 0)
    (pay,) = settler.handle(PaymentsWanted(), 0)
    assert isinstance(pay, Pay)
    assert pay.drops == SETTLEMENT_AGREEMENTS_MAX
    commands = settler.handle(made(ANN, *[bill.agreement for bill in pay.bills]), 0)
    assert [one for one in commands if isinstance(one, Pay)] == [
        Pay(ANN, [Bill(agreement(SETTLEMENT_AGREEMENTS_MAX), 1)])
    ]


class SettlerAgainstModel(RuleBasedStateMachine):
    """Whatever happens, each bill is paid at most once, and all that is owed is paid in the end."""

    def __init__(self) -> None:
        super().__init__()
        self.settler = Settler()
        self.now = 0.0
        self.owed: dict[tuple[NodeId, AgreementId], int] = {}
        self.paid: dict[tuple[NodeId, AgreementId], int] = {}
        self.paying: dict[NodeId, Pay] = {}
        self.telling: dict[NodeId, Settlement] = {}
        self.told: list[AgreementId] = []
        self.refused: set[tuple[NodeId, AgreementId]] = set()

    bills = st.one_of(
        st.tuples(st.just(ANN), st.integers(0, 3).map(agreement)),
        st.tuples(st.just(BEN), st.integers(4, 7).map(agreement)),
    )

    @rule(bill=bills, drops=st.integers(1, 20))
    def owe(self, bill: tuple[NodeId, AgreementId], drops: int) -> None:
        if bill in self.refused:
            return
        if bill not in self.owed and bill not in self.paid:
            self.owed[bill] = drops
        self._tell(owed(*bill, self.owed.get(bill, drops)))

    @rule(bill=bills)
    def withdraw(self, bill: tuple[NodeId, AgreementId]) -> None:
        is_under_way = bill[0] in self.paying and any(
            bill[1] == one.agreement for one in self.paying[bill[0]].bills
        )
        if not is_under_way:
            self.owed.pop(bill, None)
        self._tell(BillWithdrawn(*bill))

    @rule(bill=bills)
    def refuse(self, bill: tuple[NodeId, AgreementId]) -> None:
        if bill in self.owed or bill in self.paid or bill in self.refused:
            return
        self.refused.add(bill)
        self._tell(BillRefused(*bill, Reason.WRONG_RESULT))

    @rule(provider=st.sampled_from([ANN, BEN]), works=st.booleans(), left_out=st.integers(0, 2))
    def end_payment(self, provider: NodeId, works: bool, left_out: int) -> None:
        pay = self.paying.pop(provider, None)
        if pay is None:
            return
        if works:
            self._tell(made(provider, *self._pay(provider, pay.bills[left_out:])))
        else:
            self._tell(PaymentFailed(provider))

    def _pay(self, provider: NodeId, bills: Sequence[Bill]) -> list[AgreementId]:
        for bill in bills:
            assert (provider, bill.agreement) not in self.paid, "paid twice"
            self.paid[provider, bill.agreement] = bill.drops
            assert self.owed.pop((provider, bill.agreement)) == bill.drops
        return [bill.agreement for bill in bills]

    @rule(provider=st.sampled_from([ANN, BEN]), works=st.booleans())
    def end_telling(self, provider: NodeId, works: bool) -> None:
        settlement = self.telling.pop(provider, None)
        if settlement is None:
            return
        if works:
            self.told += settlement.accepted
        self._tell(SettlementAnswered(provider) if works else SettlementUnanswered(provider))

    @rule(seconds=st.floats(0, 100))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self._tell(Tick())

    @rule()
    def end_a_job(self) -> None:
        self._tell(PaymentsWanted())

    @invariant()
    def what_is_owed_is_the_sum_of_the_bills(self) -> None:
        assert self.settler.owed == sum(self.owed.values())

    def teardown(self) -> None:
        for _ in range(10):
            for provider in (ANN, BEN):
                self._finish(provider)
            self.now += 1_000
            self._tell(Tick())
        assert not self.owed
        assert sorted(self.told) == sorted(one for _, one in self.paid)

    def _finish(self, provider: NodeId) -> None:
        pay = self.paying.pop(provider, None)
        if pay is not None:
            self._tell(made(provider, *self._pay(provider, pay.bills)))
        settlement = self.telling.pop(provider, None)
        if settlement is not None:
            self.told += settlement.accepted
            self._tell(SettlementAnswered(provider))

    def _tell(self, event: SettlerInput | Tick) -> None:
        commands: list[SettlerCommand] = self.settler.handle(event, self.now)
        for command in commands:
            match command:
                case Pay(provider, _):
                    assert provider not in self.paying, "two vouchers to one provider at a time"
                    self.paying[provider] = command
                case SendSettlement(provider, settlement):
                    assert provider not in self.telling
                    self.telling[provider] = settlement


TestSettlerAgainstModel = SettlerAgainstModel.TestCase
TestSettlerAgainstModel.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
