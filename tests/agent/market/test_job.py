"""Jobs: what a lie means for other runs, and that every run ends exactly once (SPEC.md 9.6)."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import chain, repeat
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank_agent.market.checkpoint import Checkpoint
from fogbank_agent.market.job_messages import (
    AgreementRefused,
    AgreementSigned,
    AttemptBroke,
    BidCame,
    CheckEnded,
    CheckHere,
    EndAttempt,
    EndJob,
    JobCommand,
    KeepReputation,
    OrderRefused,
    Owe,
    OwnRunEnded,
    Refuse,
    ResultCame,
    RunHere,
    SendOrder,
    SignAgreement,
    Withdraw,
)
from fogbank_agent.market.job_result import JobCounts
from fogbank_agent.market.orders import (
    Audit,
    NoVerification,
    Partial,
    Quorum,
    Verification,
    Verify,
)
from fogbank_agent.market.pricing import bill
from fogbank_agent.market.purchase import PurchaseState
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.story import (
    ResumeRefuted,
    RunAccepted,
    RunFailed,
    RunReopened,
    RunResumed,
)
from fogbank_agent.market.verification import Claim, Verdict, fuel_of
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from .town import (
    ANN,
    BEN,
    CAT,
    DAN,
    GIGAFUEL,
    Town,
    claim,
    own_run_ended,
    result_came,
    right,
    wrong,
)


def test_only_so_many_runs_are_under_way_at_once() -> None:
    town = Town(ANN, BEN, runs=5, lots_at_once=2)
    orders = town.begin()
    assert [order.lot for order in orders if isinstance(order, SendOrder)] == [0, 1]
    assert town.job.counts == JobCounts(accepted=0, failed=0, under_way=2, waiting=3)
    commands = town.finish(town.agree(orders[0], ANN))
    assert [one.lot for one in commands if isinstance(one, SendOrder)] == [2]
    assert town.job.counts == JobCounts(accepted=1, failed=0, under_way=2, waiting=2)


def test_a_provider_gets_no_more_runs_than_it_has_places_for() -> None:
    town = Town(ANN, runs=12)
    orders = town.begin()
    signed = [one for order in orders for one in town.bid(order, ANN)]
    assert sum(isinstance(one, SignAgreement) for one in signed) == 8


def test_once_caught_every_unconfirmed_result_of_a_provider_is_checked_again() -> None:
    # The first draw spares a run of a provider with a history, the second does not.
    draws = chain([999_999], repeat(0))
    town = Town(ANN, runs=2, lots_at_once=1, verification=Audit(0), can_run_here=True, draws=draws)
    for _ in range(5):
        town.reputation.count_confirmed(ANN, town.choice.bounds.package_id)
    (order,) = town.begin()
    owed, second = town.finish(town.agree(order, ANN), wrong(0))
    assert owed == Owe(0, 1, ANN, 101)
    assert town.finish(town.agree(second, ANN), wrong(1)) == [RunHere(1)]

    commands = town.tell(own_run_ended(1, right(1), GIGAFUEL))

    assert commands == [
        Refuse(1, 1, ANN, Reason.WRONG_RESULT),
        KeepReputation(ANN, 0),
        Withdraw(0, 1, ANN),
        RunHere(0),
    ]
    assert town.told(RunReopened) == [RunReopened(ANN)]
    assert town.tell(own_run_ended(0, right(0), GIGAFUEL)) == [
        Refuse(0, 1, ANN, Reason.WRONG_RESULT),
        EndJob(),
    ]
    assert [one.claim for one in town.job.purchases] == [
        claim(right(0)),
        claim(right(1)),
    ]


def test_an_honest_result_of_a_liar_is_owed_in_the_end() -> None:
    draws = chain([999_999], repeat(0))
    town = Town(ANN, runs=2, lots_at_once=1, verification=Audit(0), can_run_here=True, draws=draws)
    for _ in range(5):
        town.reputation.count_confirmed(ANN, town.choice.bounds.package_id)
    (order,) = town.begin()
    _, second = town.finish(town.agree(order, ANN), right(0))
    town.finish(town.agree(second, ANN), wrong(1))
    town.tell(own_run_ended(1, right(1), GIGAFUEL))
    commands = town.tell(own_run_ended(0, right(0), GIGAFUEL))
    assert commands == [Owe(0, 1, ANN, 101), EndJob()]


def test_what_a_caught_provider_still_runs_is_cancelled() -> None:
    town = Town(ANN, BEN, runs=2, verification=Audit(0), can_run_here=True)
    first, second = town.begin()
    agreement = town.agree(first, ANN)
    town.agree(second, ANN)
    town.finish(agreement, wrong())
    commands = town.tell(own_run_ended(0, right(), GIGAFUEL))
    assert EndAttempt(1, 1) in commands
    assert Refuse(1, 1, ANN, Reason.PROVIDER_CAUGHT) in commands
    assert SendOrder(1, 2, [BEN]) in commands


def test_results_that_an_own_run_confirmed_stay_when_their_provider_is_caught() -> None:
    town = Town(ANN, runs=2, lots_at_once=1, verification=Audit(0), can_run_here=True)
    (order,) = town.begin()
    town.finish(town.agree(order, ANN))
    commands = town.tell(own_run_ended(0, right(), GIGAFUEL))
    (second,) = [one for one in commands if isinstance(one, SendOrder)]
    town.finish(town.agree(second, ANN), wrong(1))
    town.tell(own_run_ended(1, right(1), GIGAFUEL))
    assert town.told(RunReopened) == []


def test_a_cancelled_job_gives_all_its_money_back_and_keeps_what_was_accepted() -> None:
    town = Town(ANN, BEN, runs=6, lots_at_once=4, verification=Audit(0), can_run_here=True)
    first, second, third, _ = town.begin()
    town.finish(town.agree(first, ANN))
    town.tell(own_run_ended(0, right(0), GIGAFUEL))
    town.finish(town.agree(second, ANN))
    town.agree(third, BEN)

    commands = town.cancel()

    assert Refuse(1, 1, ANN, Reason.CANCELLED) in commands
    assert EndAttempt(2, 1) in commands
    assert Refuse(2, 1, BEN, Reason.CANCELLED) in commands, "its receipt may be on the way"
    assert not any(isinstance(one, Refuse) and one.lot == 3 for one in commands), "none was signed"
    assert not any(isinstance(one, SendOrder | SignAgreement | EndJob) for one in commands)
    assert town.told(RunFailed) == [RunFailed(Reason.CANCELLED)] * 5
    assert town.job.counts == JobCounts(accepted=1, failed=5, under_way=0, waiting=0)
    _check_that_all_is_given_back(town)


PROVIDERS = (ANN, BEN, CAT, DAN)
LIARS = (ANN, BEN)
"""They tell the same lie whenever they lie."""


@dataclass(slots=True)
class Account:
    """What a job's commands come to, counted by the rules and not by the machine."""

    owed: dict[tuple[int, int], tuple[NodeId, int]] = field(
        default_factory=dict[tuple[int, int], tuple[NodeId, int]]
    )
    refused: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])
    results: dict[tuple[int, int], tuple[NodeId, Claim]] = field(
        default_factory=dict[tuple[int, int], tuple[NodeId, Claim]]
    )
    ended: int = 0

    def take(self, command: JobCommand) -> None:
        """Count one command."""
        match command:
            case Owe(run, attempt, provider, drops):
                assert (run, attempt) not in self.owed, "owed twice"
                assert (run, attempt) not in self.refused, "owed after it was refused"
                self.owed[run, attempt] = (provider, drops)
            case Withdraw(run, attempt, _):
                del self.owed[run, attempt]
            case Refuse(run, attempt, _, _):
                assert (run, attempt) not in self.owed, "refused while it is owed"
                self.refused.add((run, attempt))
            case EndJob():
                self.ended += 1
            case _:
                pass


class World:
    """Providers that answer, lie, fail or fall silent, in an order that the test draws."""

    def __init__(self, town: Town, data: st.DataObject, liars: frozenset[NodeId]) -> None:
        self.town = town
        self.data = data
        self.liars = liars
        self.account = Account()
        self.waiting: list[Any] = []
        self.running: dict[tuple[int, int], NodeId] = {}

    def live(self) -> None:
        """Deliver events and let time pass until the job has ended."""
        self._take(self.town.begin())
        for _ in range(5_000):
            if self.account.ended:
                return
            deadline = self.town.job.deadline
            assert self.waiting or deadline < inf, "nothing will ever happen again"
            if self.waiting and (deadline == inf or self.data.draw(st.integers(0, 9)) > 0):
                place = self.data.draw(st.integers(0, len(self.waiting) - 1))
                self._deliver(self.waiting.pop(place))
            else:
                self.town.now = max(self.town.now, deadline)
                self._take(self.town.tell(Tick()))
        raise AssertionError("the job does not end")

    def _deliver(self, event: Any) -> None:
        if isinstance(event, ResultCame):
            provider = self.running.pop((event.lot, event.attempt), None)
            if provider is not None:
                self.account.results[event.lot, event.attempt] = (
                    provider,
                    event.claim,
                )
        self._take(self.town.tell(event))

    def _take(self, commands: list[JobCommand]) -> None:
        for command in commands:
            self.account.take(command)
            match command:
                case SendOrder(run, attempt, providers):
                    for provider in providers:
                        self._answer(run, attempt, provider)
                case SignAgreement(run, attempt, provider):
                    self._agree(run, attempt, provider)
                case RunHere(run):
                    self._run_here(run)
                case CheckHere(run, attempt, claim):
                    self._check_here(run, attempt, claim)
                case EndAttempt(run, attempt):
                    self.running.pop((run, attempt), None)
                case _:
                    pass

    def _answer(self, run: int, attempt: int, provider: NodeId) -> None:
        match self.data.draw(st.integers(0, 9)):
            case 0:
                reasons = [self.data.draw(st.sampled_from([Reason.BUSY, Reason.PAUSED]))]
                self.waiting.append(OrderRefused(run, attempt, provider, reasons))
            case 1:
                pass
            case _:
                price = self.data.draw(st.integers(50, 150))
                self.waiting.append(BidCame(run, attempt, provider, price, 1, 0, 5_000))

    def _agree(self, run: int, attempt: int, provider: NodeId) -> None:
        match self.data.draw(st.integers(0, 9)):
            case 0:
                self.waiting.append(AgreementRefused(run, attempt, Reason.BUSY))
            case 1:
                pass
            case _:
                self.running[run, attempt] = provider
                self._take(self.town.tell(AgreementSigned(run, attempt)))
                self._work(run, attempt, provider)

    def _work(self, run: int, attempt: int, provider: NodeId) -> None:
        if (run, attempt) not in self.running:
            return
        match self.data.draw(st.integers(0, 11)):
            case 0:
                reason = self.data.draw(
                    st.sampled_from([Reason.HOST_FAULT, Reason.PROVIDER_LOST, Reason.BROKEN_RULE])
                )
                self.waiting.append(AttemptBroke(run, attempt, reason))
            case 1:
                pass
            case chance:
                lies = provider in self.liars and chance < 7
                outcome = wrong(run) if lies else right(run)
                self.waiting.append(result_came(run, attempt, outcome, GIGAFUEL))

    def _check_here(self, run: int, attempt: int, claim: Claim) -> None:
        fails = self.data.draw(st.integers(0, 9)) == 0
        is_right = claim[0].outcome == right(run)
        verdict = Verdict.OPEN if fails else Verdict.SOUND if is_right else Verdict.WRONG
        self.waiting.append(CheckEnded(run, attempt, verdict, GIGAFUEL))

    def _run_here(self, run: int) -> None:
        fails = self.data.draw(st.integers(0, 9)) == 0
        self.waiting.append(own_run_ended(run, None if fails else right(run), GIGAFUEL))


ways_to_verify: st.SearchStrategy[Verification] = st.one_of(
    st.just(NoVerification()),
    st.sampled_from([Audit(0), Audit(1_000_000)]),
    st.sampled_from([Quorum(2), Quorum(3)]),
    st.sampled_from([Verify(0), Verify(1_000_000), Partial(0), Partial(1_000_000)]),
)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), verification=ways_to_verify, can_run_here=st.booleans())
@pytest.mark.slow
def test_whatever_happens_every_run_ends_once_and_money_is_counted(
    data: st.DataObject, verification: Verification, can_run_here: bool
) -> None:
    runs = data.draw(st.integers(1, 6))
    draws = iter(lambda: data.draw(st.integers(0, 999_999)), None)
    town = Town(
        *PROVIDERS,
        runs=runs,
        lots_at_once=3,
        verification=verification,
        can_run_here=can_run_here,
        draws=draws,
        hedge_s=data.draw(st.sampled_from([inf, 5.0])),
    )
    world = World(town, data, frozenset(LIARS))

    world.live()

    _check_endings(town, runs)
    _check_money(town, world.account)
    _check_that_all_is_given_back(town)


def _check_endings(town: Town, runs: int) -> None:
    assert town.job.counts.accepted + town.job.counts.failed == runs
    last: dict[int, Any] = {}
    for run, event in town.story:
        if isinstance(event, RunAccepted | RunFailed | RunReopened):
            assert isinstance(event, RunReopened) == isinstance(last.get(run), RunAccepted), (
                "a run ends once, or again after it was opened again"
            )
            last[run] = event
    for purchase in town.job.purchases:
        accepted = purchase.state is PurchaseState.ACCEPTED
        assert accepted == (purchase.reason is None) == (purchase.claim is not None)
        assert isinstance(last[purchase.number], RunAccepted) == accepted


def _check_money(town: Town, account: Account) -> None:
    for purchase in town.job.purchases:
        for (run, attempt), (provider, said) in account.results.items():
            if run != purchase.number:
                continue
            is_right = purchase.claim == said
            assert ((run, attempt) in account.owed) == is_right
            if not is_right:
                assert (run, attempt) in account.refused
            else:
                terms = purchase.records[attempt].proposal
                owed = (provider, bill(fuel_of(said), terms.price, terms.start_price, len(said)))
                assert account.owed[run, attempt] == owed
    assert set(account.owed) <= set(account.results), "owed for work that was never done"


def _check_that_all_is_given_back(town: Town) -> None:
    assert not town.purse.is_lending
    assert town.choice.idle_since(town.now) <= town.now
    for provider in PROVIDERS:
        assert town.choice.in_flight(provider) == 0


@settings(max_examples=25, deadline=None)
@given(data=st.data(), voices=st.sampled_from([2, 3]), can_run_here=st.booleans())
@pytest.mark.slow
def test_a_quorum_larger_than_the_liars_never_accepts_a_lie(
    data: st.DataObject, voices: int, can_run_here: bool
) -> None:
    liars = frozenset(PROVIDERS[: voices - 1])
    town = Town(
        *PROVIDERS,
        runs=4,
        verification=Quorum(voices),
        can_run_here=can_run_here,
        hedge_s=data.draw(st.sampled_from([inf, 5.0])),
    )
    World(town, data, liars).live()
    for purchase in town.job.purchases:
        if purchase.claim is not None:
            assert purchase.claim == claim(right(purchase.number))


@settings(max_examples=25, deadline=None)
@given(data=st.data())
@pytest.mark.slow
def test_a_job_audited_for_certain_accepts_no_lie_and_pays_no_liar_for_one(
    data: st.DataObject,
) -> None:
    town = Town(*PROVIDERS, runs=4, verification=Audit(1_000_000), can_run_here=False)
    world = World(town, data, frozenset([ANN]))
    world.live()
    for purchase in town.job.purchases:
        if purchase.claim is not None:
            assert purchase.claim == claim(right(purchase.number))
    for run, attempt in world.account.owed:
        _, said = world.account.results[run, attempt]
        assert said == claim(right(run))


def test_the_providers_of_a_quorum_are_all_different() -> None:
    town = Town(*PROVIDERS, runs=3, verification=Quorum(3))
    orders = town.begin()
    for order in orders:
        for command in town.bid(order, *PROVIDERS):
            assert isinstance(command, SignAgreement)
            town.tell(AgreementSigned(command.lot, command.attempt))
    for purchase in town.job.purchases:
        providers = Counter(record.proposal.provider for record in purchase.records.values())
        assert len(providers) == 3


def test_small_runs_are_bought_together_once_their_size_is_known() -> None:
    town = Town(ANN, runs=1_000, lots_at_once=2)
    orders = town.begin()
    assert town.lots == [range(1), range(1, 2)], "the first tell how large the runs are"
    commands = town.finish(town.agree(orders[0], ANN), fuel=1_000_000)
    assert town.lots[2:] == [range(2, 102)], "a tenth of a gigafuel together"
    assert [one.lot for one in commands if isinstance(one, SendOrder)] == [2]


def test_a_lot_has_no_more_runs_than_a_receipt_can_tell_of() -> None:
    town = Town(ANN, runs=10_000, lots_at_once=1)
    (order,) = town.begin()
    town.finish(town.agree(order, ANN), fuel=1)
    assert town.lots[1:] == [range(1, 257)]


def test_the_last_runs_are_shared_among_all_that_may_work_at_once() -> None:
    town = Town(ANN, runs=11, lots_at_once=4)
    orders = town.begin()
    town.finish(town.agree(orders[0], ANN), fuel=10_000_000)
    assert town.lots[4:] == [range(4, 6)]


def test_runs_that_are_next_to_nothing_are_not_shared() -> None:
    town = Town(ANN, runs=200, lots_at_once=4)
    orders = town.begin()
    town.finish(town.agree(orders[0], ANN), fuel=100_000)
    assert town.lots[4:] == [range(4, 129)], "an eighth of a tenth of a gigafuel together"


def test_the_inputs_of_a_lot_ride_in_one_message() -> None:
    town = Town(ANN, input_sizes=[1, 500_000, 24_288, 1, 600_000, 1], lots_at_once=1)
    (order,) = town.begin()
    for _ in range(4):
        commands = town.finish(town.agree(order, ANN), fuel=1)
        order = commands[-1]
    assert town.lots == [range(1), range(1, 3), range(3, 4), range(4, 5), range(5, 6)]


def test_a_lot_costs_the_fuel_of_all_its_runs_and_a_start_for_each() -> None:
    town = Town(ANN, runs=3, lots_at_once=1)
    (order,) = town.begin()
    commands = town.finish(town.agree(order, ANN), fuel=10)
    agreement = town.agree(commands[-1], ANN)
    owed = town.tell(ResultCame(agreement.lot, agreement.attempt, claim(right(), 10, 2)))
    assert town.lots == [range(1), range(1, 3)]
    assert owed == [Owe(1, 1, ANN, 1 + 2), EndJob()]
    assert town.job.counts == JobCounts(accepted=3, failed=0, under_way=0, waiting=0)


def test_a_cancelled_job_ends_the_runs_that_had_no_lot_yet() -> None:
    town = Town(ANN, runs=1_000, lots_at_once=2)
    town.begin()
    town.cancel()
    assert town.job.counts == JobCounts(accepted=0, failed=1_000, under_way=0, waiting=0)
    assert [run for lot in town.lots for run in lot] == list(range(1_000))


STATE = Checkpoint(40, GIGAFUEL, bytes(32), blob_id(b"a state"), 7)


def test_a_run_of_which_a_state_was_kept_goes_on_from_there_in_a_lot_by_itself() -> None:
    town = Town(ANN, runs=5, lots_at_once=1, starts={1: STATE, 2: STATE})
    # So small that all would be bought together.
    town.choice.count_results(ANN, 1_000, 1)
    [first] = town.begin()
    assert isinstance(first, SendOrder)
    assert (town.lots[-1], first.start) == (range(1), None)
    [second] = town.finish(town.agree(first, ANN))[1:]
    assert isinstance(second, SendOrder)
    assert (town.lots[-1], second.start) == (range(1, 2), STATE)
    assert town.told(RunResumed) == [RunResumed(1, 40, GIGAFUEL)]
    town.finish(town.agree(second, ANN), fuel=2 * GIGAFUEL)
    assert town.lots[-1] == range(2, 3)


def test_a_kept_state_that_is_wrong_is_nobodys_fault_now_and_the_run_begins_anew() -> None:
    town = Town(ANN, BEN, verification=Audit(10**6), can_run_here=True, starts={0: STATE})
    [order] = town.begin()
    commands = town.finish(town.agree(order, ANN), fuel=2 * GIGAFUEL)
    assert RunHere(0) in commands
    commands = town.tell(OwnRunEnded(0, None, is_start_wrong=True))
    anew = [one for one in commands if isinstance(one, SendOrder)]
    assert [one.start for one in anew] == [None] * len(anew)
    assert anew
    assert town.told(ResumeRefuted) == [ResumeRefuted()]
    assert not town.choice.is_caught(ANN)
    assert not town.choice.is_caught(BEN)
