"""Runs one job: performs what its machine wants, tells it what came of that, keeps its story."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from logging import getLogger
from random import Random
from time import time
from typing import Protocol, TypeVarTuple, Unpack

import trio

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.identity import NodeId, short_form
from fogbank_protocol.node.blob_store import BlobMissing, BlobStore
from fogbank_protocol.node.driver import Driver
from fogbank_wasm_tasks.outcome import Ok
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.receipt import Result

from ..limits import CHECKPOINT_WAIT_S, RUN_ID_BYTES, SALT_BYTES, WEIGHTS_VERSION
from ..market.agreements import Agreement, AgreementId
from ..market.bids import Bid, Decline
from ..market.checkpoint import Checkpoint
from ..market.job import Job
from ..market.job_messages import (
    Accuse,
    AgreementRefused,
    AgreementSigned,
    AskReveal,
    AttemptBroke,
    BidCame,
    CheckEnded,
    CheckHere,
    CheckpointKept,
    CommitmentCame,
    EndAttempt,
    EndJob,
    JobCommand,
    JobInput,
    KeepReputation,
    LotFormed,
    OffersChanged,
    OrderRefused,
    Owe,
    OwnRunEnded,
    PayTick,
    Refuse,
    ResultCame,
    RunHere,
    SendOrder,
    SignAgreement,
    Tell,
    TickStated,
    Withdraw,
)
from ..market.job_request import JobRequest
from ..market.job_result import JobEvent
from ..market.orders import Order, OrderInput
from ..market.outcome_words import describe_outcome
from ..market.purse import Purse
from ..market.reasons import Reason
from ..market.run_messages import InlineRoom
from ..market.story import (
    ProviderCaught,
    ProviderPaid,
    ResultRefused,
    RunAccepted,
    RunFailed,
    RunProgressed,
    RunReopened,
    StateKept,
    StoryEvent,
)
from ..market.tally import Bill
from ..market.ticks import RunningBill, Tick
from ..market.verification import Claim
from .accusations import Accusation
from .bill_book import BillBook
from .disputing import Disputing
from .journal import Journal
from .lot_runs import LotWork
from .order_out import OrderOut
from .own_runs import OwnRuns
from .payments import Payments, VoucherGiven
from .purchase_calls import AttemptEnded, LotResult, PurchaseCalls
from .standings import Standings

_log = getLogger(__name__)

Arguments = TypeVarTuple("Arguments")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTools:
    """What every job of an agent shares."""

    own_id: NodeId
    calls: PurchaseCalls
    blobs: BlobStore
    journal: Journal
    book: BillBook
    payments: Payments
    purse: Purse
    own_runs: OwnRuns
    random: Random
    standings: Standings
    disputing: Disputing


@dataclass(frozen=True, slots=True)
class Agreed:
    """An agreement that a provider signed."""

    agreement: AgreementId
    provider: NodeId
    bill: RunningBill
    parts: list[Bill] = field(default_factory=list[Bill])
    """What its statements made due."""


class Acceptance(Protocol):
    """Whoever keeps the results of a job beyond its end."""

    def accept(self, run: int, result: Result, provider: NodeId | None) -> None:
        """Take the result of ``run``, before anything is owed for it."""
        ...

    def reopen(self, run: int) -> None:
        """Take it back: it is checked again."""
        ...

    def pay(self, drops: int) -> None:
        """Know that a voucher for ``drops`` more was given for runs of the job."""
        ...

    def keep_state(self, run: int, state: Checkpoint | None) -> None:
        """Know that ``run`` can go on from ``state``, whose snapshot is here; None: from none."""
        ...


class JobShell:
    """One job, from its first order to the end of its last run."""

    def __init__(
        self,
        tools: JobTools,
        request: JobRequest,
        package: Package,
        job: Job,
        job_id: bytes,
        run_ids: Sequence[bytes],
        watcher: trio.MemorySendChannel[JobEvent] | None,
        acceptance: Acceptance | None = None,
    ) -> None:
        """Perform what ``job`` wants of ``request``; tell ``watcher`` while it has room.

        Results go to ``acceptance`` as they come.
        """
        self.job = job
        self.job_id = job_id
        self.run_ids = run_ids
        self.agreed: dict[tuple[int, int], Agreed] = {}
        """By lot and attempt."""
        self.paid: dict[AgreementId, int] = {}
        self.royalties: dict[AgreementId, int] = {}
        self.channels: dict[bytes, None] = {}
        self.outputs: set[BlobId] = set()
        """Pinned in the blob store for this job."""

        self._tools = tools
        self._request = request
        self._package = package
        self._watcher = watcher
        self._acceptance = acceptance
        self._sizes = [tools.blobs.size(one.blob_id) for one in request.inputs]
        """Of the inputs, kept: a blob whose file goes bad later is gone from the store."""

        self._began = trio.current_time()
        self._orders: dict[tuple[int, int], OrderOut] = {}
        self._driver = Driver(job, self._perform)
        self._ended = trio.Event()
        self._nursery: trio.Nursery | None = None
        self._lot_of_agreement: dict[AgreementId, int] = {}
        self._states: dict[int, BlobId] = {}
        """The latest state of a run under way, by lot; pinned."""

        self._states_coming: dict[tuple[int, int], trio.Event] = {}
        """Attempts of which a state is on its way."""

        self._states_said: dict[int, int] = {}
        """How many states a provider says that the run of a lot has, if it is by steps."""

        self._agreement_of_tick: dict[AgreementId, AgreementId] = {}
        self._lot_ids: list[bytes] = []

    @property
    def seconds(self) -> float:
        """How long the job has lasted."""
        return trio.current_time() - self._began

    async def run(self) -> None:
        """Return when every run has ended."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for command in self.job.begin(trio.current_time()):
                self._perform(command)
            nursery.start_soon(self._driver.run)
            await self._ended.wait()
            nursery.cancel_scope.cancel()

    def poke(self) -> None:
        """Look again at runs that nobody took: offers or the wallet have changed."""
        if not self._ended.is_set():
            self._driver.tell(OffersChanged())

    def end_unfinished(self) -> None:
        """End, after a cancellation, the runs that had not ended, and give their money back."""
        for command in self.job.cancel(trio.current_time()):
            self._perform(command)

    def wanted(self) -> Sequence[NodeId]:
        """Return the providers that the job would buy from."""
        if self._ended.is_set():
            return ()
        return self.job.choice.wanted(trio.current_time())

    def note_voucher(self, given: VoucherGiven) -> None:
        """Tell the runs whose bills a voucher pays."""
        told: set[int] = set()
        total = sum(bill.drops for bill in given.bills)
        for bill in given.bills:
            agreement = self._agreement_of_tick.get(bill.agreement, bill.agreement)
            lot = self._lot_of_agreement.get(agreement)
            if lot is None:
                continue
            self.paid[agreement] = self.paid.get(agreement, 0) + bill.drops
            if self._acceptance is not None:
                self._acceptance.pay(bill.drops)
            self.royalties[agreement] = self.royalties.get(agreement, 0) + bill.royalty
            self.channels[given.payment.channel] = None
            # Statements are many, and are told of together at the end (``TicksOwed``).
            if lot not in told and agreement == bill.agreement:
                told.add(lot)
                channel, bills = given.payment.channel.hex(), len(given.bills)
                self._tell(lot, ProviderPaid(given.provider, total, channel, bills))

    # What the machine wants.

    def _perform(self, command: JobCommand) -> None:
        """Do it, or begin it when it takes time."""
        match command:
            case LotFormed(_, runs):
                self._note_lot(runs)
            case SendOrder():
                self._send_order(command)
            case SignAgreement():
                self._start(self._buy, command)
            case RunHere():
                self._start(self._run_here, command.lot)
            case CheckHere():
                self._start(self._check_here, command)
            case AskReveal():
                self._start(self._ask_reveal, command)
            case EndAttempt(lot, attempt):
                order = self._orders.pop((lot, attempt), None)
                if order is not None:
                    order.ends.cancel()
            case EndJob():
                self._ended.set()
            case Tell(lot, ResultRefused(attempt) as refused):
                self._tell(lot, replace(refused, kept=self._kept_by_provider(lot, attempt)))
            case Tell(lot, what):
                self._tell(lot, what)
            case KeepReputation(provider, confirmed, newly):
                self._tools.book.keep_confirmed(
                    provider, self._request.package_id, confirmed, int(time())
                )
                self._tools.standings.note_confirmed(provider, newly)
            case Owe() | PayTick() | Withdraw() | Refuse() | Accuse():
                self._account(command)

    def _kept_by_provider(self, lot: int, attempt: int) -> int:
        """Return the drops that a refusal does not take back.

        They were due for statements, whose vouchers may still be on their way, or paid while
        nobody doubted the result.
        """
        agreed = self.agreed.get((lot, attempt))
        if agreed is None:
            return 0
        stated = sum(part.drops for part in agreed.parts)
        return max(stated, self.paid.get(agreed.agreement, 0))

    def _start(
        self, call: Callable[[Unpack[Arguments]], Awaitable[None]], *arguments: *Arguments
    ) -> None:
        assert self._nursery is not None
        self._nursery.start_soon(call, *arguments)

    def _note_lot(self, runs: range) -> None:
        self._lot_ids.append(self._tools.random.randbytes(RUN_ID_BYTES))
        self._tools.journal.record_lot(self._lot_ids[-1], self.job_id, runs)

    def _account(self, command: Owe | PayTick | Withdraw | Refuse | Accuse) -> None:
        agreed = self.agreed.get((command.lot, command.attempt))
        if agreed is None:
            return
        payments = self._tools.payments
        match command:
            case Owe(lot, _, provider, drops):
                rest = agreed.bill.rest(agreed.agreement, drops)
                payments.owe(provider, self._lot_ids[lot], rest)
            case PayTick(lot, _, provider, statement, fuel):
                part = agreed.bill.state(statement, fuel)
                agreed.parts.append(part)
                self._agreement_of_tick[statement] = agreed.agreement
                payments.owe(provider, self._lot_ids[lot], part, is_urgent=True)
            case Withdraw(_, _, provider):
                payments.withdraw(agreed.agreement, provider)
            case Refuse(lot, _, provider, reason):
                payments.refuse(agreed.agreement, provider, reason)
                if reason is Reason.WRONG_RESULT:
                    self._accuse(lot, agreed)
            case Accuse(lot):
                self._accuse(lot, agreed)

    def _accuse(self, lot: int, agreed: Agreed) -> None:
        receipt = self._tools.journal.receipt(agreed.agreement)
        if receipt is None:
            return
        purchase, runs = self.job.purchases[lot], self._runs(lot)
        start, claim = purchase.start, purchase.claim
        self._tools.disputing.accuse(
            Accusation(
                provider=agreed.provider,
                lot_id=self._lot_ids[lot],
                receipt=receipt,
                package_id=self._request.package_id,
                terms=self.order(runs, start).terms(),
                inputs=[self._request.inputs[run].blob_id for run in runs],
                snapshot=None if start is None else start.snapshot,
                wall_s_max=self._request.run_ms_max / 1_000,
                # When nothing was believed: whoever is not the accused.
                confirmed_by=sorted(
                    voice.provider
                    for voice in purchase.ballot.voices
                    if voice.provider not in (None, agreed.provider)
                    and (claim is None or voice.claim == claim)
                ),
            )
        )

    def _send_order(self, command: SendOrder) -> None:
        wanted = self.order(self._runs(command.lot), command.start)
        order = OrderOut(self._tools.calls.sign(wanted))
        self._orders[command.lot, command.attempt] = order
        for provider in command.providers:
            self._start(self._ask, command, order, provider)

    def _runs(self, lot: int) -> range:
        return self.job.purchases[lot].runs

    def order(self, runs: range, start: Checkpoint | None = None) -> Order:
        """Return a new order for these runs, or for the rest of one from ``start`` on."""
        request, limits = self._request, self.job.choice.bounds
        return Order(
            requestor=self._tools.own_id,
            salt=self._tools.random.randbytes(SALT_BYTES),
            package_id=request.package_id,
            inputs=[OrderInput(request.inputs[run].blob_id, self._sizes[run]) for run in runs],
            arguments=request.arguments,
            environment=request.environment,
            seed=request.seed,
            fuel_max=limits.fuel_max,
            memory_bytes_max=limits.memory_bytes_max,
            output_bytes_max=limits.output_bytes_max,
            plan=request.plan,
            start=start,
            run_ms_max=request.run_ms_max,
            price_max=request.price_max,
            start_price_max=request.start_price_max,
            weights=WEIGHTS_VERSION,
            verification=request.verification,
        )

    async def _ask(self, command: SendOrder, order: OrderOut, provider: NodeId) -> None:
        lot, attempt = command.lot, command.attempt
        with order.ends.open():
            match await self._tools.calls.ask(order.order, provider):
                case Bid() as bid:
                    terms = (bid.price, bid.start_price, bid.start_ms, bid.valid_ms, bid.reuse)
                    self._driver.tell(BidCame(lot, attempt, provider, *terms))
                case Decline(reasons=reasons):
                    self._driver.tell(OrderRefused(lot, attempt, provider, reasons))

    async def _buy(self, command: SignAgreement) -> None:
        order = self._orders.get((command.lot, command.attempt))
        if order is None:
            return
        self._tools.disputing.rely_on(command.provider)
        with order.ends.open():
            try:
                result = await self._tools.calls.buy(
                    order.order,
                    command.provider,
                    await self._inline_inputs(self._runs(command.lot)),
                    lambda named, agreement: self._note_agreement(command, named, agreement),
                    lambda statement, tick: self._note_tick(command, statement, tick),
                    lambda: self._driver.tell(CommitmentCame(command.lot, command.attempt)),
                )
            except AttemptEnded as ended:
                # From there others go on.
                await self._wait_state((command.lot, command.attempt))
                self._driver.tell(_attempt_over(command, ended))
            else:
                self._take_result(command, result)

    async def _ask_reveal(self, command: AskReveal) -> None:
        key = command.lot, command.attempt
        order, agreed = self._orders.get(key), self.agreed.get(key)
        if order is None or agreed is None:
            return
        with order.ends.open():
            await self._tools.calls.reveal(agreed.agreement, command.provider)

    def _take_result(self, command: SignAgreement, result: LotResult) -> None:
        lot, attempt = command.lot, command.attempt
        self._pin_outputs(result.claim)
        if result.claim[0].trace is not None:
            self._states_said[lot] = result.claim[0].trace.states
        self._tools.journal.record_receipt(
            result.agreement,
            self._lot_ids[lot],
            command.provider,
            result.signed.body,
            result.signed.signature,
        )
        self._driver.tell(ResultCame(lot, attempt, result.claim, result.evidence))

    def _note_agreement(
        self, command: SignAgreement, named: AgreementId, agreement: Agreement
    ) -> None:
        lot, attempt = command.lot, command.attempt
        bill = RunningBill(agreement, self._package.manifest)
        self.agreed[lot, attempt] = Agreed(named, command.provider, bill)
        self._lot_of_agreement[named] = lot
        self._driver.tell(AgreementSigned(lot, attempt))

    async def _note_tick(self, command: SignAgreement, statement: AgreementId, tick: Tick) -> None:
        key = command.lot, command.attempt
        await self._wait_state(key)
        self._driver.tell(TickStated(*key, statement, tick.fuel))
        if tick.checkpoint is not None and key not in self._states_coming:
            self._states_coming[key] = trio.Event()
            self._start(self._keep_state, command, tick.checkpoint)

    async def _wait_state(self, key: tuple[int, int]) -> None:
        """Wait for a state that is on its way.

        What is done after the last one that is here is lost with its provider: so no more of it is
        paid for before this one is here, too.
        """
        kept = self._states_coming.get(key)
        if kept is not None:
            with trio.move_on_after(CHECKPOINT_WAIT_S):
                await kept.wait()

    async def _keep_state(self, command: SignAgreement, checkpoint: Checkpoint) -> None:
        """Bring a state here from which others can go on, in place of the one before."""
        lot, attempt = command.lot, command.attempt
        # Pinned twice for a moment: the job may end while it is on its way.
        with self._tools.blobs.pinned(checkpoint.snapshot):
            if await self._tools.calls.keep_state(checkpoint, command.provider):
                self._take_state(command, checkpoint)
        self._states_coming.pop((lot, attempt)).set()

    def _take_state(self, command: SignAgreement, checkpoint: Checkpoint) -> None:
        lot, attempt = command.lot, command.attempt
        blobs, before = self._tools.blobs, self._states.pop(lot, None)
        blobs.pin(checkpoint.snapshot)
        self._states[lot] = checkpoint.snapshot
        self._driver.tell(CheckpointKept(lot, attempt, checkpoint))
        self._hand_on_state(lot, checkpoint)
        start = self.job.purchases[lot].start
        if before is not None and (start is None or start.snapshot != before):
            blobs.unpin(before)
        elif before is not None:
            self.outputs.add(before)

    def take_states(self) -> None:
        """Keep the states no longer than the outputs of the job."""
        for state in self._states.values():
            if state in self.outputs:
                self._tools.blobs.unpin(state)
            self.outputs.add(state)
        self._states.clear()

    async def _inline_inputs(self, runs: range) -> Sequence[bytes | None]:
        room = InlineRoom()
        riding = [run for run in runs if room.takes(self._sizes[run])]
        found = await self._tools.blobs.read_small(
            [self._request.inputs[run].blob_id for run in riding]
        )
        if None in found:
            # The provider does not find it here either, and says so.
            _log.error("an input went bad on this disk")
        data = dict(zip(riding, found, strict=True))
        return [data.get(run) for run in runs]

    async def _run_here(self, lot: int) -> None:
        own_runs, work = self._tools.own_runs, await self._work(lot)
        wall_s_max = self._request.run_ms_max / 1_000
        if await self._is_start_wrong(lot, work):
            return
        claim = await own_runs.execute(work, wall_s_max, states=self._states_said.get(lot, 0))
        if claim is not None:
            self._pin_outputs(claim)
        self._driver.tell(OwnRunEnded(lot, claim))

    async def _is_start_wrong(self, lot: int, work: LotWork) -> bool:
        """Check the part that was done before, somebody's word too, and tell if it is wrong."""
        if work.terms.start is None:
            return False
        wall_s_max = self._request.run_ms_max / 1_000
        if await self._tools.own_runs.is_start_right(work, wall_s_max) is not False:
            return False
        self._driver.tell(OwnRunEnded(lot, None, is_start_wrong=True))
        self._hand_on_state(lot, None)
        return True

    async def _check_here(self, command: CheckHere) -> None:
        own_runs, request = self._tools.own_runs, self._request
        work, wall_s_max = await self._work(command.lot), request.run_ms_max / 1_000
        if command.places is None:
            # Drawn now: the provider could not know it when it signed.
            seeds = [self._tools.random.getrandbits(64) for _ in command.claim]
            checked = await own_runs.verify(
                work, command.claim, seeds, request.verifier_fuel_max, wall_s_max
            )
        elif await self._is_start_wrong(command.lot, work):
            return
        else:
            checked = await own_runs.repeat(work, command.claim, command.places, wall_s_max)
        ended = CheckEnded(command.lot, command.attempt, checked.verdict, checked.fuel)
        self._driver.tell(ended)

    async def _work(self, lot: int) -> LotWork:
        runs, start = self._runs(lot), self.job.purchases[lot].start
        inputs = [self._request.inputs[run].blob_id for run in runs]
        snapshot = None
        if start is not None:
            try:
                snapshot = await self._tools.blobs.read(start.snapshot)
            except BlobMissing as error:
                _log.error("a state went bad on this disk: %s", error)
                snapshot = b""
        return LotWork(self._package, self.order(runs, start).terms(), inputs, snapshot)

    def _pin_outputs(self, claim: Claim) -> None:
        for result in claim:
            outcome = result.outcome
            if isinstance(outcome, Ok) and outcome.output_id not in self.outputs:
                self.outputs.add(outcome.output_id)
                self._tools.blobs.pin(outcome.output_id)

    # The story.

    def _hand_on(self, lot: int, provider: NodeId | None) -> None:
        if self._acceptance is None:
            return
        claim = self.job.purchases[lot].claim or ()
        for run, result in zip(self._runs(lot), claim, strict=True):
            self._acceptance.accept(run, result, provider)

    def _hand_on_state(self, lot: int, state: Checkpoint | None) -> None:
        if self._acceptance is not None:
            self._acceptance.keep_state(self._runs(lot)[0], state)

    def _forget_states(self, provider: NodeId) -> None:
        """Let no later life go on from what ``provider`` had a part in."""
        for number, purchase in enumerate(self.job.purchases):
            if purchase.involves(provider):
                self._hand_on_state(number, None)

    def _take_back(self, lot: int) -> None:
        if self._acceptance is None:
            return
        for run in self._runs(lot):
            self._acceptance.reopen(run)

    def _run_ids(self, lot: int) -> Sequence[bytes]:
        runs = self._runs(lot)
        return self.run_ids[runs.start : runs.stop]

    def _record_results(self, lot: int) -> None:
        claim = self.job.purchases[lot].claim or ()
        words = [describe_outcome(result.outcome) for result in claim]
        self._tools.journal.record_lot_results(self._lot_ids[lot], self._run_ids(lot), words)

    def _tell(self, lot: int, what: StoryEvent) -> None:
        at_ms = round(self.seconds * 1_000)
        journal, lot_id = self._tools.journal, self._lot_ids[lot]
        if not isinstance(what, RunProgressed | StateKept):
            journal.record_event(lot_id, at_ms, what)
            self._tools.standings.note(what, len(self._runs(lot)))
        match what:
            case RunAccepted(provider):
                self._hand_on(lot, provider)
                self._record_results(lot)
            case RunFailed(reason):
                journal.record_lot_failure(lot_id, reason)
            case ProviderCaught(provider):
                self._forget_states(provider)
            case RunReopened():
                self._take_back(lot)
                journal.record_lot_reopened(lot_id, self._run_ids(lot))
            case _:
                pass
        if self._watcher is None:
            return
        event = JobEvent(self.job_id, self._runs(lot), at_ms, what, self.job.counts)
        # Whoever watches may be slow or gone; the next event has the right counts.
        with suppress(trio.WouldBlock, trio.BrokenResourceError):
            self._watcher.send_nowait(event)


def _attempt_over(command: SignAgreement, ended: AttemptEnded) -> JobInput:
    lot, attempt = command.lot, command.attempt
    _log.debug("%s gave no result: %s", short_form(command.provider), ended.reason)
    if ended.is_refusal:
        return AgreementRefused(lot, attempt, ended.reason)
    return AttemptBroke(lot, attempt, ended.reason)
