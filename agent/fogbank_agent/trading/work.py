"""One lot on the selling side: fetch, wait for a slot, execute, sign the receipt (SPEC.md 9.5)."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from logging import getLogger
from random import Random

import trio

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity, NetworkId, NodeId, short_form
from fogbank_protocol.node.blob_store import BlobMissing, BlobStore, StoreFull
from fogbank_protocol.node.blob_transfer import FetchFailed, fetch_blob
from fogbank_protocol.node.containment import Contained
from fogbank_protocol.node.node import Node
from fogbank_protocol.node.services import RequestService
from fogbank_protocol.signed import Signed
from fogbank_wasm_tasks.errors import SandboxBusy, SandboxUnavailable
from fogbank_wasm_tasks.limits import PACKAGE_BYTES_MAX
from fogbank_wasm_tasks.module.facts import Shape
from fogbank_wasm_tasks.outcome import HostFault, Ok
from fogbank_wasm_tasks.package import Manifest, Package
from fogbank_wasm_tasks.receipt import Receipt, Result, sign_receipt
from fogbank_wasm_tasks.verification.statements import receipt_id_of
from fogbank_wasm_tasks.verification.trace import Trace

from ..limits import (
    FETCH_WAIT_S,
    HANDED_STATES_MAX,
    LOTS_COMMITTED_MAX,
    NONCE_BYTES,
    REVEAL_WAIT_EXTRA_S,
    RUN_ITEMS_WAITING_MAX,
)
from ..market.agreements import Agreement, AgreementId
from ..market.checkpoint import Checkpoint, checkpoint_of, is_snapshot_of
from ..market.commitments import commitment_to
from ..market.orders import Order, Quorum
from ..market.reasons import Reason
from ..market.reuse import Reusable
from ..market.run_messages import (
    InlineRoom,
    RunCommitted,
    RunEnded,
    RunEvidence,
    RunItem,
    RunTicked,
)
from ..market.ticks import RunningBill, Tick, sign_tick, tick_id
from .debts import Debts
from .interfaces import LotRunner
from .lot_runs import LotWork, execute_lot
from .packages import PackageShelf
from .state_answers import StateAnswers
from .ticking import LotPausedError, Ticking, TickUnpaidError
from .trace_shelf import Behind, TraceShelf

_log = getLogger(__name__)


class WorkFailed(Exception):
    """The lot cannot be finished, for a reason that is not the runs'."""

    def __init__(self, reason: Reason) -> None:
        """``reason`` is one of those that a lot's stream may end with (section 9.5)."""
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class Work:
    """An agreement that was made, and the stream that waits for its items."""

    order: Order
    agreement: Agreement
    agreement_id: AgreementId
    inputs: Sequence[bytes | None]
    """Those that came with the agreement."""

    is_reuse: bool = False
    """The bid said that its results are served again; ``reusable`` has them."""

    reusable: Reusable | None = None
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    failure: Reason | None = None
    manifest: Manifest | None = None
    """Of the package, once it is here."""

    bill: RunningBill | None = None
    """What it has made due so far, once the package is here."""

    statements: list[AgreementId] = field(default_factory=list[AgreementId])
    """What was stated of it so far."""

    revealed: trio.Event = field(default_factory=trio.Event)
    """Set when a receipt that was committed to is asked for."""

    is_committed: bool = False
    state: BlobId | None = None
    """The latest snapshot that was handed out, pinned; whoever has the work unpins it."""

    handed: list[tuple[int, BlobId]] = field(default_factory=list[tuple[int, BlobId]])
    """The positions and names of those that were handed out, thinned."""

    results: list[Result] = field(default_factory=list[Result])
    """What is done so far."""
    traces: list[Trace] = field(default_factory=list[Trace])
    """What the runs of a step task left behind."""

    wall_s: float = 0.0
    """What it took in the sandbox."""

    def __post_init__(self) -> None:
        self.post, self.items = trio.open_memory_channel[RunItem](RUN_ITEMS_WAITING_MAX)

    post: trio.MemorySendChannel[RunItem] = field(init=False)
    items: trio.MemoryReceiveChannel[RunItem] = field(init=False)


class Workbench:
    """Carries out one work after another in bounded slots."""

    def __init__(
        self,
        node: Node,
        identity: Identity,
        blobs: BlobStore,
        shelf: PackageShelf,
        runner: LotRunner,
        debts: Debts,
        slots: int,
        *,
        random: Random,
        is_paused: Callable[[], bool],
    ) -> None:
        """Execute with ``runner``, at most ``slots`` at the same time; ``debts`` tell who pays.

        What others can go on with stops when ``is_paused``; ``random`` hides what is committed to.
        """
        self._random = random
        self._committed = 0
        self._is_paused = is_paused
        self._debts = debts
        self._node = node
        self._identity = identity
        self._network: NetworkId = node.network
        self._blobs = blobs
        self._shelf = shelf
        self._runner = runner
        self._slots = trio.CapacityLimiter(slots)
        self._begun = 0
        self._traces = TraceShelf()
        self._answers = StateAnswers(node.network, identity, blobs, shelf, runner, self._traces)

    def services(self) -> list[RequestService]:
        """Return what the node must serve about what is behind the receipts."""
        return [*self._traces.services(), *self._answers.services()]

    @property
    def running(self) -> int:
        """Runs that have a slot."""
        return self._slots.borrowed_tokens

    @property
    def waiting(self) -> int:
        """Runs that have none yet, or are fetching what they need."""
        # What is done and waits for others takes room in memory alone.
        return self._begun - self.running - min(self._committed, LOTS_COMMITTED_MAX)

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None]:
        """Take a slot for something else than a run, waiting for it in line."""
        self._begun += 1
        try:
            async with self._slots:
                yield
        finally:
            self._begun -= 1

    async def carry_out(self, work: Work, on_change: Callable[[], None]) -> None:
        """Do ``work`` to its end; its ``items`` get the progress and the receipt.

        ``on_change`` is called when a slot is taken or free again.
        """
        self._begun += 1
        try:
            with work.post, work.scope:
                # The requestor counts from the agreement too, so this is all the time there is.
                work.scope.deadline = trio.current_time() + work.order.run_ms_max / 1_000
                with Contained("the work on a lot") as wall:
                    await self._try(work, on_change)
                if wall.has_failed:
                    work.failure = Reason.HOST_FAULT
            if work.scope.cancelled_caught and work.failure is None:
                work.failure = Reason.DEADLINE_TOO_SOON
        finally:
            self._debts.await_no_more(work.statements)
            self._begun -= 1
            on_change()

    async def _try(self, work: Work, on_change: Callable[[], None]) -> None:
        try:
            package = await self._package(work)
            work.manifest = package.manifest
            work.bill = RunningBill(work.agreement, package.manifest)
            if work.reusable is not None:
                outputs = await self._serve_again(work, work.reusable)
            else:
                outputs = await self._run_all(work, package, on_change)
            ended = self._sign(work, outputs)
            if isinstance(work.order.verification, Quorum):
                ended = await self._commit(work, ended, on_change)
        except WorkFailed as failed:
            work.failure = failed.reason
            _log.info("a run for %s ends: %s", short_form(work.order.requestor), failed.reason)
            return
        if work.reusable is not None:
            await work.post.send(RunEvidence(work.reusable.receipts))
        await work.post.send(ended)

    async def _run_all(
        self, work: Work, package: Package, on_change: Callable[[], None]
    ) -> Sequence[bytes | None]:
        with self._blobs.all_pinned(work.order.blobs()):
            await self._bring_inputs(work)
            async with self._slots:
                on_change()
                return await self._execute(work, package)

    async def _serve_again(self, work: Work, kept: Reusable) -> Sequence[bytes | None]:
        """Take results that are here; return the outputs that ride with the receipt."""
        outputs: list[bytes | None] = []
        inline = InlineRoom()
        try:
            for result, output in zip(kept.results, kept.outputs, strict=True):
                assert isinstance(result.outcome, Ok)
                work.results.append(result)
                if inline.takes(result.outcome.output_size):
                    there = output is not None
                    outputs.append(
                        output if there else await self._blobs.read(result.outcome.output_id)
                    )
                    continue
                if output is not None:
                    await self._keep(output)
                outputs.append(None)
        except BlobMissing:
            raise WorkFailed(Reason.OUTPUT_UNAVAILABLE) from None
        return outputs

    async def _package(self, work: Work) -> Package:
        package_id = work.order.package_id
        await self._fetch(
            package_id, work.order.requestor, PACKAGE_BYTES_MAX, Reason.PACKAGE_UNAVAILABLE
        )
        try:
            return await self._shelf.open(package_id)
        except BlobMissing:
            raise WorkFailed(Reason.PACKAGE_UNAVAILABLE) from None
        except RemoteProtocolError as error:
            _log.info("a package from %s: %s", short_form(work.order.requestor), error)
            raise WorkFailed(Reason.PACKAGE_BROKEN) from None

    async def _bring_inputs(self, work: Work) -> None:
        requestor = work.order.requestor
        for one, data in zip(work.order.inputs, work.inputs, strict=True):
            if data is None:
                await self._fetch(one.blob_id, requestor, one.size, Reason.INPUT_UNAVAILABLE)
        start = work.order.start
        if start is not None:
            await self._fetch(start.snapshot, requestor, start.size, Reason.INPUT_UNAVAILABLE)

    async def _snapshot(self, work: Work) -> bytes | None:
        """Return the state that the run goes on from, if it is the order's."""
        start = work.order.start
        if start is None:
            return None
        try:
            data = await self._blobs.read(start.snapshot)
        except BlobMissing:
            raise WorkFailed(Reason.INPUT_UNAVAILABLE) from None
        if not await trio.to_thread.run_sync(is_snapshot_of, data, start.state):
            raise WorkFailed(Reason.INPUT_UNAVAILABLE)
        return data

    async def _input(self, work: Work, place: int) -> bytes:
        data = work.inputs[place]
        if data is not None:
            return data
        # Read only now: what waits for its turn waits on disk and not in memory.
        one = work.order.inputs[place]
        try:
            data = await self._blobs.read(one.blob_id)
        except BlobMissing:
            raise WorkFailed(Reason.INPUT_UNAVAILABLE) from None
        if len(data) != one.size:
            raise WorkFailed(Reason.INPUT_UNAVAILABLE)
        return data

    async def _fetch(
        self, blob_id: BlobId, requestor: NodeId, bytes_max: int, otherwise: Reason
    ) -> None:
        """Bring a blob here, from the requestor or whoever else has it."""
        if self._blobs.has(blob_id):
            return
        others = [peer.node_id for peer in self._node.peers() if peer.node_id != requestor]
        try:
            await fetch_blob(
                self._node,
                self._blobs,
                blob_id,
                [requestor, *others],
                timeout_s=FETCH_WAIT_S,
                bytes_max=bytes_max,
            )
        except (FetchFailed, StoreFull) as error:
            _log.info("cannot fetch what a run needs: %s", error)
            raise WorkFailed(otherwise) from None

    async def _execute(self, work: Work, package: Package) -> Sequence[bytes | None]:
        """Run the lot; return the outputs that ride with the receipt, the others being kept."""
        order = work.order
        outputs: list[bytes | None] = []
        inline = InlineRoom()

        async def take(result: Result, output: bytes | None) -> None:
            work.results.append(result)
            if output is not None and not inline.takes(len(output)):
                await self._keep(output)
                output = None
            outputs.append(output)

        if (order.plan is None) is (package.manifest.shape is Shape.STEP):
            raise WorkFailed(Reason.PACKAGE_BROKEN)
        if work.scope.deadline <= trio.current_time():
            raise WorkFailed(Reason.DEADLINE_TOO_SOON)
        inputs = [one.blob_id for one in order.inputs]
        lot = LotWork(package, order.terms(), inputs, await self._snapshot(work))
        try:
            work.wall_s = await execute_lot(
                self._runner,
                lot,
                lambda place: self._input(work, place),
                take,
                seconds_left=lambda: work.scope.deadline - trio.current_time(),
                pace=self._pace(work),
                note_trace=work.traces.append,
            )
        except RemoteProtocolError:
            raise WorkFailed(Reason.PACKAGE_BROKEN) from None
        except SandboxBusy:
            raise WorkFailed(Reason.BUSY) from None
        except SandboxUnavailable:
            raise WorkFailed(Reason.CANNOT_EXECUTE) from None
        except TickUnpaidError:
            raise WorkFailed(Reason.TICK_UNPAID) from None
        except LotPausedError:
            raise WorkFailed(Reason.PAUSED) from None
        if isinstance(work.results[-1].outcome, HostFault):
            raise WorkFailed(Reason.HOST_FAULT)
        return outputs

    def _pace(self, work: Work) -> Ticking:
        """Return what holds ``work`` to what is paid."""
        bill, order, requestor = work.bill, work.order, work.order.requestor
        assert bill is not None

        async def keep(snapshot: bytes) -> Checkpoint:
            return await self._keep_state(work, snapshot)

        def sign(fuel: int, checkpoint: Checkpoint | None) -> tuple[AgreementId, Signed]:
            tick = Tick(work.agreement_id, self._identity.node_id, fuel, checkpoint)
            signed = sign_tick(tick, self._network, self._identity)
            work.statements.append(tick_id(signed, self._network))
            return work.statements[-1], signed

        async def send(signed: Signed) -> None:
            await self._debts.keep_earned()
            await work.post.send(RunTicked(signed))

        return Ticking(
            work.agreement.tick,
            bill,
            sign,
            lambda fuel, part, on_paid: self._debts.earn_tick(requestor, fuel, part, on_paid),
            send,
            keep if order.plan is not None and len(order.inputs) == 1 else None,
            self._is_paused,
        )

    async def _keep_state(self, work: Work, snapshot: bytes) -> Checkpoint:
        """Keep a state for whoever goes on with the run, in place of the one before."""
        try:
            named = await self._blobs.put(snapshot)
        except StoreFull as error:
            _log.error("a state cannot be kept for its requestor: %s", error)
            raise WorkFailed(Reason.HOST_FAULT) from None
        # Whoever has the work may have left it meanwhile, and unpins nothing any more.
        await trio.lowlevel.checkpoint_if_cancelled()
        self._blobs.pin(named)
        if work.state is not None:
            self._blobs.unpin(work.state)
        work.state = named
        checkpoint = await trio.to_thread.run_sync(checkpoint_of, snapshot, named)
        work.handed.append((checkpoint.position, named))
        if len(work.handed) > HANDED_STATES_MAX:
            del work.handed[::2]
        return checkpoint

    def _sign(self, work: Work, outputs: Sequence[bytes | None]) -> RunEnded:
        receipt = Receipt(
            agreement_id=work.agreement_id,
            provider=self._identity.node_id,
            package_id=work.order.package_id,
            terms_id=work.order.terms().terms_id(),
            results=work.results,
        )
        signed = sign_receipt(receipt, self._network, self._identity)
        if work.traces:
            behind = [_behind(work, place) for place in range(len(work.traces))]
            self._traces.keep(receipt_id_of(signed, self._network), work.traces, behind)
        return RunEnded(signed, outputs)

    async def _commit(self, work: Work, ended: RunEnded, on_change: Callable[[], None]) -> RunEnded:
        """Bind this provider to its receipt, and return it when it may be shown."""
        nonce = self._random.randbytes(NONCE_BYTES)
        wait_s = work.order.run_ms_max / 1_000 + REVEAL_WAIT_EXTRA_S
        work.scope.deadline = trio.current_time() + wait_s
        work.is_committed = True
        self._committed += 1
        on_change()
        try:
            await work.post.send(RunCommitted(commitment_to(ended.receipt, nonce, self._network)))
            await work.revealed.wait()
        finally:
            self._committed -= 1
        return replace(ended, nonce=nonce)

    async def _keep(self, output: bytes) -> None:
        try:
            await self._blobs.put(output)
        except StoreFull as error:
            _log.error("an output cannot be kept for its requestor: %s", error)
            raise WorkFailed(Reason.HOST_FAULT) from None


def _behind(work: Work, place: int) -> Behind:
    order = work.order
    return Behind(
        requestor=order.requestor,
        package_id=order.package_id,
        terms=order.terms(),
        input_id=order.inputs[place].blob_id,
        data=work.inputs[place],
        start=None if order.start is None else order.start.snapshot,
        handed=tuple(work.handed),
    )
