"""Buys runs: offers in, jobs through their machines, verified runs paid (SPEC.md section 9)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from logging import getLogger
from random import Random
from time import time

import trio

from fogbank_dag_ledger.operations import ObjectId
from fogbank_dag_ledger.service.ledger_service import LedgerService
from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.encoding import decode
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.identity import Identity, NodeId
from fogbank_protocol.node.blob_moves import BlobMoved
from fogbank_protocol.node.blob_store import BlobMissing, BlobStore
from fogbank_protocol.node.containment import Contained
from fogbank_protocol.node.database import DatabaseFailure
from fogbank_protocol.node.node import (
    Node,
    OneWayService,
    PeerConnected,
    PeerLost,
    Service,
)
from fogbank_protocol.signed import signed_from_value
from fogbank_wasm_tasks.module.facts import Shape
from fogbank_wasm_tasks.module.shape import has_verifier
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.verification.terms import StepPlan, check_start

from ..limits import (
    INCOMING_WAIT_S,
    OFFER_BODY_BYTES_MAX,
    OUTPUT_KEPT_S,
    PARTS_PER_MILLION,
    PAYMENT_WAIT_S,
    RUN_ID_BYTES,
    RUN_MEMORY_BYTES_MIN,
    STAKE_BEATS_BY_OTHERS_MIN,
    STAKE_BEATS_MIN,
    STAKE_SHARES_KEPT_S,
    STEPS_PER_CHECKPOINT,
)
from ..market.choice import Choice, RunBounds
from ..market.deterrence import Deterrence
from ..market.goodput import Goodput
from ..market.job import Job
from ..market.job_request import JobRequest, RunInput
from ..market.job_result import (
    Attempt,
    JobCounts,
    JobEvent,
    JobResult,
    ProviderTotals,
    RunResult,
)
from ..market.locality import Locality
from ..market.offer_book import OfferBook
from ..market.offers import OFFER, StakePlace, open_offer
from ..market.orders import OrderInput, Partial, Verify
from ..market.pricing import fuel_for
from ..market.purchase import PurchaseTerms
from ..market.purse import Purse
from ..market.reputation import Reputation
from ..market.service_request import ServiceRequest, ServiceView
from ..market.stakes import stake_share, stake_worth
from .bill_book import BillBook
from .disputing import Disputing
from .interfaces import CheckingRunner
from .job_bounds import BUG_SENTENCE, JobPostponed, JobRefused, check_bounds
from .job_shell import Acceptance, JobShell, JobTools
from .job_summary import summarise
from .journal import Journal
from .methods import OFFER_METHOD, SIGNED_OVERHEAD_BYTES
from .offer_relay import OfferRelay
from .own_runs import OwnRuns
from .packages import PackageShelf
from .paying_channels import PayingChannels
from .payments import Payments, VoucherGiven
from .purchase_calls import PurchaseCalls
from .service_desk import ServiceDesk, ServiceRefused
from .standings import Standings
from .watch import Watch

__all__ = [
    "Attempt",
    "JobCounts",
    "JobEvent",
    "JobRefused",
    "JobRequest",
    "JobResult",
    "OfferSummary",
    "ProviderTotals",
    "Requestor",
    "RunInput",
    "RunResult",
]


_log = getLogger(__name__)

_PLAN = StepPlan(step_size=1, checkpoint_steps=STEPS_PER_CHECKPOINT)
"""How a step task is run when its requestor does not say."""


@dataclass(frozen=True, slots=True)
class OfferSummary:
    """What a connected provider offers now."""

    provider: NodeId
    price: int
    start_price: int
    fuel_per_s: int
    memory_bytes_max: int
    slots_free: int
    features: Sequence[str]


class Requestor:
    """The buying side of an agent."""

    def __init__(
        self,
        node: Node,
        identity: Identity,
        ledger: LedgerService,
        blobs: BlobStore,
        journal: Journal,
        *,
        runner: CheckingRunner | None,
        watch: Watch,
        random: Random,
        deposit: int,
        channel_beats: int,
    ) -> None:
        """Buy from peers of ``node``; ``runner`` is the own sandbox for audits, None without one.

        Channels to providers are opened with ``deposit`` drops, and reclaimed in ``channel_beats``
        seconds from one that is gone.
        Wrong results are brought before the providers' watches, and this agent's own, ``watch``.
        ``random`` draws salts and audits: seed it from the system except in tests.
        """
        self._node = node
        self._ledger = ledger
        self._own_id = identity.node_id
        self._funds: dict[NodeId, Mapping[NodeId, int]] = {}
        self._funds_end_at = 0.0
        self._convicts: Collection[NodeId] = ()
        self._convicted_end_at = 0.0
        self._blobs = blobs
        self._journal = journal
        self._random = random
        self._runner = runner
        self._shelf = PackageShelf(blobs)
        self._offers = OfferBook()
        self._goodput = Goodput()
        node.blob_moves.watch(self._note_moved)
        self._book = book = BillBook(journal)
        self._reputation = Reputation(book.reputations(), lambda: int(time()), self._convicted)
        self._channels = PayingChannels(
            node,
            ledger,
            ledger.channels,
            identity,
            journal,
            deposit=deposit,
            beats=channel_beats,
            on_change=self._see_channels,
        )
        self._purse = Purse(
            lambda: ledger.wallet().spendable + self._channels.total_left,
            self._channels.left,
            lambda: ledger.wallet().incoming > 0 or self._channels.is_moving,
        )
        self._payments = Payments(node, self._channels, book, self._purse, self._note_voucher)
        own_runs = OwnRuns(runner, blobs)
        self.disputing = Disputing(
            node,
            identity,
            ledger,
            blobs,
            journal,
            own_runs,
            watch,
            self._stake_place,
            self._acquit,
        )
        """The disputes of this agent."""

        self._tools = JobTools(
            own_id=identity.node_id,
            calls=PurchaseCalls(node, identity, blobs),
            blobs=blobs,
            journal=journal,
            book=book,
            payments=self._payments,
            purse=self._purse,
            own_runs=own_runs,
            random=random,
            standings=Standings(journal),
            disputing=self.disputing,
        )
        self._desk = ServiceDesk(
            node,
            identity,
            blobs,
            self._offers,
            self._payments,
            self._purse,
            self._channels.want,
            random,
        )
        self._relay = OfferRelay(node, lambda: bool(self._jobs) or self._starting > 0)
        self._starting = 0
        self._jobs: dict[bytes, JobShell] = {}
        self._nursery: trio.Nursery | None = None

    def services(self) -> Sequence[Service]:
        """Return what the node must serve for this side (``market.offer``, ``market.offers``)."""
        bytes_max = OFFER_BODY_BYTES_MAX + SIGNED_OVERHEAD_BYTES
        offers = OneWayService(OFFER_METHOD, self._take_offer, bytes_max)
        return [offers, *self._relay.services()]

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the offer book, tell providers what was paid, and pay what earlier lives owe.

        Writes the journal too, for both sides.  Run it beside the node and the ledger.
        """
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            await nursery.start(self._journal.run)
            await nursery.start(self._channels.run)
            await nursery.start(self._payments.run)
            await nursery.start(self._desk.run)
            await nursery.start(self.disputing.run)
            nursery.start_soon(self._relay.run)
            nursery.start_soon(self._watch_peers)
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None

    async def buy(
        self,
        request: JobRequest,
        events: trio.MemorySendChannel[JobEvent] | None = None,
        acceptance: Acceptance | None = None,
    ) -> JobResult:
        """Have every run of ``request`` done, checked and paid; ``run`` must be running.

        Events go to ``events`` while it has room, and are dropped when it has none; each result
        goes to ``acceptance`` before anything is owed for it.  Every run of
        the result has an accepted outcome or a reason.  Cancelling stops all runs; what was
        accepted before is still paid.

        Raises:
            JobRefused: the package or an input is missing or broken, a bound is out of range, or a
                bug in this agent has ended the job.
            JobPostponed: the journal can take nothing more now, nor what would be paid.
        """
        check_bounds(request)
        package = await self._open_package(request.package_id)
        is_step_task = package.manifest.shape is Shape.STEP
        if is_step_task and request.plan is None:
            request = replace(request, plan=_PLAN)
        elif request.plan is not None and not is_step_task:
            raise JobRefused("a plan of steps belongs to a task of shape step, and to no other")
        self._check_verification(request, package)
        self._check_inputs(request)
        request = _with_possible_starts(request)
        starts = [one.start.snapshot for one in request.inputs if one.start is not None]
        try:
            await self._journal.wait_room(len(request.inputs))
        except DatabaseFailure as error:
            raise JobPostponed(f"nothing can be bought now: {error}") from None
        pinned = [request.package_id, *(one.blob_id for one in request.inputs), *starts]
        shell = self._begin(request, package, events, acceptance)
        for blob_id in pinned:
            self._blobs.pin(blob_id)
        try:
            with Contained("a job"):
                return await self._finish(request, shell)
            raise JobRefused(BUG_SENTENCE)
        finally:
            # There is nothing to do for either unless the job was cancelled, or ended by a bug.
            with Contained("the end of a job"):
                shell.end_unfinished()
            # What a bug has kept it from giving back.
            self._purse.forget(id(shell.job.choice))
            shell.take_states()
            self._payments.want_now()
            del self._jobs[shell.job_id]
            self._channels.want(shell.job_id, ())
            for blob_id in pinned:
                self._blobs.unpin(blob_id)
            self._keep_a_while(shell.outputs)

    @property
    def reputation(self) -> Reputation:
        """What this agent has found out about providers."""
        return self._reputation

    @property
    def desk(self) -> ServiceDesk:
        """The services of this agent: call, stop and list them there."""
        return self._desk

    async def start_service(self, request: ServiceRequest) -> ServiceView:
        """Have an instance kept warm by the cheapest provider that takes it (section 9.8).

        Raises:
            ServiceRefused: the package is missing or broken, or nobody takes it.
        """
        try:
            package = await self._open_package(request.package_id)
        except JobRefused as refused:
            raise ServiceRefused(str(refused)) from None
        self._starting += 1
        self._relay.seek()
        try:
            return await self._desk.start(request, package)
        finally:
            self._starting -= 1

    async def task_name(self, package_id: BlobId) -> str:
        """Return what the author of a package calls its task.

        Raises:
            JobRefused: the package is missing or broken.
        """
        return (await self._open_package(package_id)).manifest.name

    async def can_verify(self, package_id: BlobId) -> bool:
        """Tell whether a package has a verifier, and this machine a sandbox to ask it in.

        Raises:
            JobRefused: the package is missing or broken.
        """
        return self._runner is not None and _has_verifier(await self._open_package(package_id))

    def offers(self) -> Sequence[OfferSummary]:
        """Return the offers of connected providers, the cheapest first."""
        offers = sorted(
            self._offers.current(trio.current_time()),
            key=lambda offer: (offer.price, offer.start_price),
        )
        return [
            OfferSummary(
                provider=offer.provider,
                price=offer.price,
                start_price=offer.start_price,
                fuel_per_s=offer.fuel_per_s,
                memory_bytes_max=offer.memory_bytes_max,
                slots_free=offer.slots_free,
                features=offer.features,
            )
            for offer in offers
        ]

    # Jobs.

    async def _open_package(self, package_id: BlobId) -> Package:
        try:
            return await self._shelf.open(package_id)
        except BlobMissing:
            raise JobRefused("the package is not here: hand it over first") from None
        except RemoteProtocolError as error:
            raise JobRefused(f"the package cannot be run: {error}") from None

    def _check_verification(self, request: JobRequest, package: Package) -> None:
        """Check that this machine can do its part in checking the results."""
        match request.verification:
            case Verify() if not _has_verifier(package):
                raise JobRefused(
                    f"the task {package.manifest.name!r} has no verifier: choose another way to "
                    "check the results, such as --verify audit"
                )
            case Verify() | Partial() if self._runner is None:
                raise JobRefused(
                    "this machine cannot run tasks, so it cannot check results itself: choose "
                    "another way, such as --verify audit or --verify quorum:2"
                )
            case _:
                pass

    def _check_inputs(self, request: JobRequest) -> None:
        for one in request.inputs:
            if not self._blobs.has(one.blob_id):
                raise JobRefused(f"the input {one.name!r} is not here: hand it over first")

    def _begin(
        self,
        request: JobRequest,
        package: Package,
        events: trio.MemorySendChannel[JobEvent] | None,
        acceptance: Acceptance | None,
    ) -> JobShell:
        job_id = self._random.randbytes(RUN_ID_BYTES)
        run_ids = [self._random.randbytes(RUN_ID_BYTES) for _ in request.inputs]
        job = self._job(request, package)
        shell = JobShell(self._tools, request, package, job, job_id, run_ids, events, acceptance)
        try:
            self._tools.calls.sign(shell.order(range(1)))
        except LocalProtocolError as error:
            raise JobRefused(f"no such order can be made: {error}") from None
        name = package.manifest.name
        runs = [(run_id, one.name) for run_id, one in zip(run_ids, request.inputs, strict=True)]
        self._journal.record_job(job_id, int(time()), request.package_id, name, runs)
        self._jobs[job_id] = shell
        self._relay.seek()
        self._channels.want(job_id, shell.wanted())
        return shell

    def _job(self, request: JobRequest, package: Package) -> Job:
        manifest = package.manifest
        bounds = RunBounds(
            package_id=request.package_id,
            package_bytes=len(package.data),
            shape=str(manifest.shape),
            input_bytes_max=max(self._blobs.size(one.blob_id) for one in request.inputs),
            memory_bytes_max=max(
                RUN_MEMORY_BYTES_MIN, min(request.memory_bytes_max, manifest.memory_bytes_max)
            ),
            output_bytes_max=manifest.output_bytes_max,
            fuel_max=request.fuel_max,
            price_max=request.price_max,
            start_price_max=request.start_price_max,
            verification=request.verification,
            run_ms_max=request.run_ms_max,
        )
        terms = PurchaseTerms(
            verification=request.verification,
            attempts_max=request.attempts_max,
            patience_s=request.patience_s,
            run_s_max=request.run_ms_max / 1_000,
            hedge_s=request.hedge_s,
            can_run_here=self._runner is not None,
        )
        deterrence = Deterrence(
            self.stake_of,
            self._stake_worth,
            can_execute=self._runner is not None,
        )
        sizes = [self._blobs.size(one.blob_id) for one in request.inputs]
        choice = Choice(
            bounds,
            self._offers,
            self._purse,
            self._reputation,
            deterrence,
            locality=self._locality(request, package, sizes),
        )
        starts = {run: one.start for run, one in enumerate(request.inputs) if one.start is not None}
        return Job(sizes, request.lots_at_once, terms, choice, self._draws(), starts)

    def _locality(self, request: JobRequest, package: Package, sizes: Sequence[int]) -> Locality:
        inputs = [
            OrderInput(one.blob_id, size) for one, size in zip(request.inputs, sizes, strict=True)
        ]
        return Locality(self._goodput, request.package_id, len(package.data), inputs)

    def _note_moved(self, moved: BlobMoved) -> None:
        self._goodput.learn(moved.peer, moved.size, moved.seconds, is_sent=moved.is_sent)
        if moved.has_whole:
            self._goodput.note_holder(moved.peer, moved.blob_id, trio.current_time())

    def stake_of(self, provider: NodeId) -> int:
        """Return what a connected provider has at stake, in drops, as far as it counts here.

        A stake counts by the part that falls to this agent (section 9.9).
        """
        worth = self._stake_worth(provider)
        return stake_share(worth, self._funds_of(provider), self._own_id) if worth else 0

    def _stake_worth(self, provider: NodeId) -> int:
        place = self._stake_place(provider)
        if place is None:
            return 0
        seats = self._ledger.committee().table.seats
        stake = self._ledger.stake(place.object_id)
        able = self._runner is not None
        beats_min = STAKE_BEATS_MIN if able else STAKE_BEATS_BY_OTHERS_MIN
        return stake_worth(stake, provider, seats, self._own_id, beats_min)

    def _acquit(self, provider: NodeId, package_id: BlobId, unix_s: int) -> None:
        """Forget that ``provider`` was caught until ``unix_s``: the watch found it right."""
        self._reputation.acquit(provider, package_id, unix_s)
        self._book.acquit(provider, package_id, unix_s)

    def _convicted(self) -> Collection[NodeId]:
        """Return who has lost a stake, as of at most a second ago."""
        now = trio.current_time()
        if now >= self._convicted_end_at:
            self._convicts = self._ledger.convicted()
            self._convicted_end_at = now + STAKE_SHARES_KEPT_S
        return self._convicts

    def _funds_of(self, provider: NodeId) -> Mapping[NodeId, int]:
        """Return who has how much in channels to ``provider``, as of at most a second ago."""
        now = trio.current_time()
        if now >= self._funds_end_at:
            self._funds.clear()
            self._funds_end_at = now + STAKE_SHARES_KEPT_S
        if provider not in self._funds:
            self._funds[provider] = self._ledger.channel_funds(provider)
        return self._funds[provider]

    def _stake_place(self, provider: NodeId) -> StakePlace | None:
        offer = self._offers.find(provider, trio.current_time())
        return None if offer is None else offer.stake

    def _draws(self) -> Iterator[int]:
        while True:
            yield self._random.randrange(PARTS_PER_MILLION)

    async def _finish(self, request: JobRequest, shell: JobShell) -> JobResult:
        await shell.run()
        bills = [
            (named, agreed.provider)
            for agreed in shell.agreed.values()
            for named in (agreed.agreement, *(part.agreement for part in agreed.parts))
        ]
        with trio.move_on_after(PAYMENT_WAIT_S):
            await self._payments.wait_paid(bills)
        return summarise(request, shell)

    async def wait_incoming(self) -> None:
        """Return when no payment to this agent is undecided, or after ``INCOMING_WAIT_S``."""
        with trio.move_on_after(INCOMING_WAIT_S):
            async with self._ledger.watch() as news:
                while self._ledger.wallet().incoming:
                    await news.receive()

    def affordable_fuel(
        self, price_max: int, start_price_max: int, *, copies: int, drops_max: int | None = None
    ) -> int | None:
        """Return the fuel that each of ``copies`` of a run can be given with the drops at hand.

        No more than ``drops_max`` of them are counted, when that is given.
        Counted at the highest price among current offers that ask at most ``price_max`` and
        ``start_price_max``; at these where there is no such offer.  None when work is free.
        """
        fitting = [
            (offer.price, offer.start_price)
            for offer in self._offers.current(trio.current_time())
            if offer.price <= price_max and offer.start_price <= start_price_max
        ] or [(price_max, start_price_max)]
        price = max(price for price, _ in fitting)
        start_price = max(start_price for _, start_price in fitting)
        free = self._purse.free if drops_max is None else min(self._purse.free, drops_max)
        return fuel_for(free // copies, price, start_price)

    def _keep_a_while(self, outputs: set[BlobId]) -> None:
        """Leave the outputs in the store long enough for whoever asked for them."""
        if self._nursery is None:
            return  # The agent is ending, and pins with it.

        async def unpin_later() -> None:
            await trio.sleep(OUTPUT_KEPT_S)
            for blob_id in outputs:
                self._blobs.unpin(blob_id)

        self._nursery.start_soon(unpin_later)

    def _note_voucher(self, given: VoucherGiven) -> None:
        self._desk.note_voucher(given)
        for shell in self._jobs.values():
            shell.note_voucher(given)

    def given(self, channel: ObjectId) -> int:
        """Return what the vouchers given over a channel add up to, in drops."""
        return sum(voucher.total for voucher in self._channels.given(channel))

    async def close_channels(self) -> int:
        """Have all channels settled; return how many providers are not there to do it."""
        with trio.move_on_after(PAYMENT_WAIT_S):
            await self._payments.wait_settled()
        return await self._channels.close_all()

    def _see_channels(self) -> None:
        self._payments.want_now()
        self._poke()

    # Offers.

    async def _take_offer(self, peer: NodeId, body: bytes) -> None:
        bytes_max = OFFER_BODY_BYTES_MAX + SIGNED_OVERHEAD_BYTES
        signed = signed_from_value(OFFER, decode(body, bytes_max=bytes_max))
        offer = open_offer(signed, self._node.network)
        if offer.provider != peer:
            raise RemoteProtocolError("an offer of somebody else", rule="9.1")
        if self._offers.put(offer, trio.current_time()):
            self._relay.note_direct(offer, signed)
            self._payments.know_credit(peer, offer.credit)
            self._poke()
        await trio.lowlevel.checkpoint()

    async def _watch_peers(self) -> None:
        async with self._node.watch_peers() as events:
            async for event in events:
                match event:
                    case PeerConnected(peer):
                        self._payments.greet(peer)
                    case PeerLost(peer):
                        self._offers.forget(peer)
                        self._relay.forget(peer)

    def _poke(self) -> None:
        for shell in self._jobs.values():
            self._channels.want(shell.job_id, shell.wanted())
            shell.poke()


def _with_possible_starts(request: JobRequest) -> JobRequest:
    """Begin those runs anew for which no order can name the state that they go on from.

    A job is kept longer than the rules by which its states were taken: it must not stop at one.
    """
    return replace(request, inputs=[_with_possible_start(one, request) for one in request.inputs])


def _with_possible_start(one: RunInput, request: JobRequest) -> RunInput:
    if one.start is None:
        return one
    try:
        check_start(one.start.state, request.plan, request.fuel_max)
    except RemoteProtocolError as error:
        _log.error("a run begins anew: %s", error)
        return replace(one, start=None)
    return one


def _has_verifier(package: Package) -> bool:
    return has_verifier(package.facts, package.manifest.shape)
