"""Buys the runs of a job for the command line, and tells it how they go."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from math import inf
from re import fullmatch

import trio

from fogbank_protocol.blobs.naming import BLOB_ID_BYTES, BlobId
from fogbank_protocol.encoding import decode
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.identity import short_form
from fogbank_protocol.node.blob_store import BlobMissing, StoreFull
from fogbank_protocol.node.blob_transfer import FetchFailed, fetch_blob
from fogbank_wasm_tasks.limits import PACKAGE_BYTES_MAX
from fogbank_wasm_tasks.package import open_package, pack_module

from ..authoring.environment import environment_of
from ..authoring.packing import plain_name
from ..errors import Refused
from ..limits import (
    AFFORDABLE_FUEL_MIN,
    ATTEMPTS_TOLD_MAX,
    CONTROL_BLOBS_BYTES_MAX,
    CONTROL_RUNS_MAX,
    MEBIBYTE,
    PACKAGE_FETCH_S,
)
from ..market.job_result import Attempt
from ..market.narration import describe
from ..market.orders import (
    Audit,
    NoVerification,
    Partial,
    Quorum,
    Verification,
    Verify,
)
from ..market.reasons import Reason, sentence
from ..market.story import (
    CheckBegun,
    CheckedHere,
    CheckSpared,
    MoneyShort,
    NobodyToAsk,
    ProvidersSilent,
    ResumeRefuted,
    RunFailed,
    RunOrdered,
    RunResumed,
    StoryEvent,
    VoicesShort,
)
from ..parts import Parts
from ..trading.requestor import (
    JobEvent,
    JobRefused,
    JobRequest,
    JobResult,
    RunInput,
    RunResult,
)
from .requests.jobs import (
    AttemptEnded,
    JobEnded,
    JobProgressed,
    ProviderTotals,
    RunEnded,
    RunsEnded,
    StartJob,
)
from .server import Conversation

_EVENTS_WAITING_MAX = 256
_PACKAGE_VERSION = "1"


async def answer_start_job(parts: Parts, request: StartJob, conversation: Conversation) -> None:
    """Buy the runs; give up what is not done when the client hangs up."""
    job = await job_request(parts, request)
    notices: tuple[str, ...] = ()
    if request.fuel_max is None:
        job, notices = await within_means(parts, job)
    refusal = ""
    result: JobResult | None = None
    send, receive = trio.open_memory_channel[JobEvent](_EVENTS_WAITING_MAX)
    async with conversation.until_hangup(), trio.open_nursery() as nursery:
        nursery.start_soon(_tell_progress, receive, conversation)
        async with send:
            try:
                result = await parts.requestor.buy(job, send)
            except JobRefused as error:
                refusal = str(error)
    if result is None:
        raise Refused(refusal)
    _keep_outputs(parts, result, conversation)
    for page in _pages(result.runs):
        await conversation.send(RunsEnded(tuple(map(_run_ended, page)), attempts_ended(page)))
    await conversation.send(_job_ended(result, (*notices, *_advice(parts, result))))


def _advice(parts: Parts, result: JobResult) -> Iterator[str]:
    """Give a sentence for each thing that the owner can do about how the runs have ended."""
    if any(run.reason is Reason.NO_FUNDS for run in result.runs):
        own, drops = parts.identity.node_id.hex(), parts.ledger.wallet().spendable
        yield (
            f"your wallet holds {drops:,} drops; get some with 'fogbank pay {own} DROPS' on a "
            "machine that has them"
        )
    if result.stood_in:
        runs = "1 run was" if result.stood_in == 1 else f"{result.stood_in:,} runs were"
        yield (
            f"{runs} confirmed here, since fewer providers than the quorum needs gave a result; "
            "'fogbank why' tells of each"
        )


def _keep_outputs(parts: Parts, result: JobResult, conversation: Conversation) -> None:
    """Pin the outputs until the conversation ends."""
    outputs = [run.output for run in result.runs if run.output is not None]
    for output in outputs:
        parts.blobs.pin(output)

    def unpin() -> None:
        for output in outputs:
            parts.blobs.unpin(output)

    conversation.at_end.callback(unpin)


def _pages(runs: Sequence[RunResult]) -> Iterator[Sequence[RunResult]]:
    """Give ``runs`` in parts that fit into a frame."""
    page: list[RunResult] = []
    name_bytes = 0
    for run in runs:
        if len(page) == CONTROL_RUNS_MAX or name_bytes > CONTROL_BLOBS_BYTES_MAX:
            yield page
            page, name_bytes = [], 0
        page.append(run)
        name_bytes += len(run.name.encode())
    if page:
        yield page


async def _tell_progress(
    events: trio.MemoryReceiveChannel[JobEvent], conversation: Conversation
) -> None:
    async with events:
        async for event in events:
            waiting = events.statistics().current_buffer_used
            together = [event, *(events.receive_nowait() for _ in range(waiting))]
            await conversation.send_all(map(_progressed, together))


def _progressed(event: JobEvent) -> JobProgressed:
    return JobProgressed(
        run=event.runs[0],
        runs=len(event.runs),
        at_ms=event.at_ms,
        attempt=getattr(event.what, "attempt", 0),
        event=type(event.what).__name__,
        provider=_provider_of(event.what),
        what=describe(event.what),
        accepted=event.counts.accepted,
        failed=event.counts.failed,
        under_way=event.counts.under_way,
        waiting=event.counts.waiting,
    )


def _provider_of(event: StoryEvent) -> str:
    match event:
        case RunOrdered() | ProvidersSilent() | NobodyToAsk() | MoneyShort() | RunFailed():
            return ""
        case CheckBegun() | CheckSpared() | CheckedHere() | VoicesShort():
            return ""
        case RunResumed() | ResumeRefuted():
            return ""
        case _:
            return "" if event.provider is None else short_form(event.provider)


async def take_task(parts: Parts, task_id: BlobId, task_name: str) -> BlobId:
    """Return the package to run; a bare module is packed as ``task_name`` by this agent.

    Raises:
        Refused: it is not here and cannot be had, or is none.
    """
    try:
        if not parts.blobs.has(task_id):
            await _fetch(parts, task_id)
        data = await parts.blobs.read(task_id)
    except BlobMissing:
        raise Refused("the task's file is not here: hand it over again") from None
    try:
        if not data.startswith(b"\0asm"):
            await trio.to_thread.run_sync(_check_package, data)
            return task_id
        packed = await trio.to_thread.run_sync(_pack, parts, data, task_name)
        return await parts.blobs.put(packed)
    except (RemoteProtocolError, LocalProtocolError) as error:
        raise Refused(f"the task cannot be run: {error}") from None
    except StoreFull as error:
        raise Refused(str(error)) from None


def _check_package(data: bytes) -> None:
    try:
        decode(data, bytes_max=PACKAGE_BYTES_MAX)
    except RemoteProtocolError:
        raise Refused(
            "the task cannot be run: it is neither a WebAssembly module nor a package"
        ) from None
    open_package(data)


async def _fetch(parts: Parts, task_id: BlobId) -> None:
    """Bring a package that somebody published here from any neighbour that has it."""
    peers = [peer.node_id for peer in parts.node.peers()]
    if len(task_id) != BLOB_ID_BYTES or not peers:
        raise Refused(f"no neighbour is connected who could have the package {task_id.hex()}")
    try:
        await fetch_blob(
            parts.node,
            parts.blobs,
            task_id,
            peers,
            timeout_s=PACKAGE_FETCH_S,
            bytes_max=PACKAGE_BYTES_MAX,
        )
    except FetchFailed:
        raise Refused(
            f"no neighbour has the package {task_id.hex()}: its author's agent must be up, or one "
            "that ran it lately"
        ) from None
    except StoreFull as error:
        raise Refused(str(error)) from None


def _pack(parts: Parts, module: bytes, name: str) -> bytes:
    return pack_module(
        module, name=plain_name(name), version=_PACKAGE_VERSION, author=parts.identity
    )


async def _verification(parts: Parts, request: StartJob, package_id: BlobId) -> Verification:
    config = parts.config.requestor
    text = request.verify or config.verify
    try:
        if text == "auto":
            can_verify = await parts.requestor.can_verify(package_id)
            text = "verify" if can_verify else "audit"
    except JobRefused as error:
        raise Refused(str(error)) from None
    return verification_of(text, audit_ppm=config.audit_ppm)


async def job_request(parts: Parts, request: StartJob) -> JobRequest:
    """Return what the market is asked for, the rest being taken from the configuration.

    Raises:
        Refused: the task is not here and cannot be had, or the way to verify makes no sense.
    """
    package_id = await take_task(parts, BlobId(request.task_id), request.task_name)
    return _job_request(parts, request, package_id, await _verification(parts, request, package_id))


def _job_request(
    parts: Parts, request: StartJob, package_id: BlobId, verification: Verification
) -> JobRequest:
    config = parts.config.requestor
    return JobRequest(
        package_id=package_id,
        inputs=[RunInput(one.name, BlobId(one.blob_id)) for one in request.inputs],
        verification=verification,
        verifier_fuel_max=config.verifier_fuel_max,
        fuel_max=_given(request.fuel_max, config.fuel_max),
        price_max=_given(request.price_max, config.price_max),
        start_price_max=_given(request.start_price_max, config.start_price_max),
        memory_bytes_max=config.memory_mib_max * MEBIBYTE,
        run_ms_max=_given(request.deadline_s, config.deadline_s) * 1000,
        patience_s=_given(request.patience_s, config.patience_s),
        hedge_s=config.hedge_s or inf,
        lots_at_once=config.lots_at_once,
        arguments=request.arguments,
        environment=environment_of(request.environment),
        seed=request.seed,
    )


async def within_means(parts: Parts, job: JobRequest) -> tuple[JobRequest, tuple[str, ...]]:
    """Return ``job`` with no more fuel than the wallet can pay, and a sentence when that is less.

    What a run may cost is set aside before it is ordered: without this an agent with little money
    could not have even the smallest run at the default.
    """
    fuel = _affordable_fuel(parts, job)
    if fuel is not None and fuel < job.fuel_max:
        # Often its owner was paid a moment ago: a limit for the drops of before would be too low,
        # or, with none, the whole default, which is more than the new ones can ever pay.
        await parts.requestor.wait_incoming()
        fuel = _affordable_fuel(parts, job)
    if fuel is None or fuel >= job.fuel_max or fuel < AFFORDABLE_FUEL_MIN:
        return job, ()
    notice = (
        f"a run was given at most {fuel:,} fuel, which the drops in the wallet can pay, and not "
        f"{job.fuel_max:,}; --fuel-max says otherwise"
    )
    return replace(job, fuel_max=fuel), (notice,)


def _affordable_fuel(parts: Parts, job: JobRequest) -> int | None:
    return parts.requestor.affordable_fuel(
        job.price_max, job.start_price_max, copies=_copies(job.verification)
    )


def _copies(verification: Verification) -> int:
    """Return how many providers may have to be paid for one run."""
    match verification:
        case NoVerification() | Verify() | Partial():
            return 1
        case Audit():
            return 2
        case Quorum(voices):
            return voices


def verification_of(text: str, *, audit_ppm: int) -> Verification:
    """Return what ``text`` says: none, audit, verify, partial or quorum:K.

    ``audit_ppm`` of a million are audited at least, or in part.

    Raises:
        Refused: it says something else.
    """
    match text.partition(":"):
        case ("none", "", ""):
            return NoVerification()
        case ("audit", "", ""):
            return Audit(audit_ppm)
        case ("verify", "", ""):
            return Verify(audit_ppm)
        case ("partial", "", ""):
            return Partial(audit_ppm)
        case ("quorum", ":", voices) if fullmatch("[2-7]", voices):
            return Quorum(int(voices))
        case _:
            raise Refused(
                f"'{text}' is no way to verify: auto, none, audit, verify, partial or quorum:K "
                "with K from 2 to 7"
            )


def _given(value: int | None, default: int) -> int:
    return default if value is None else value


def _run_ended(run: RunResult) -> RunEnded:
    return RunEnded(
        number=run.number,
        run_id=run.run_id.hex(),
        name=run.name,
        ok=run.output is not None,
        outcome=run.outcome if run.reason is None else sentence(run.reason),
        reason="" if run.reason is None else run.reason.value,
        output_id=run.output,
        output_bytes=run.output_size,
        provider="" if run.provider is None else short_form(run.provider),
        fuel=run.fuel,
        attempts_made=len(run.attempts),
        moves=run.moves,
    )


def attempts_ended(runs: Sequence[RunResult]) -> tuple[AttemptEnded, ...]:
    """Return what became of the last agreements on each of ``runs``, those of a lot once."""
    # Runs that were bought together have their attempts together.
    lots = [list(lot) for _, lot in groupby(runs, key=lambda run: id(run.attempts))]
    return tuple(
        AttemptEnded(
            first=lot[0].number,
            last=lot[-1].number,
            runs=attempt.runs,
            number=attempt.number,
            provider=short_form(attempt.provider),
            price=attempt.price,
            start_price=attempt.start_price,
            fuel=attempt.fuel,
            paid=attempt.paid,
            ended=_how_it_ended(attempt, lot[0].reason),
        )
        for lot in lots
        for attempt in lot[0].attempts[-ATTEMPTS_TOLD_MAX:]
    )


def _how_it_ended(attempt: Attempt, reason: Reason | None) -> str:
    if attempt.accepted:
        return "accepted"
    if attempt.failure is not None:
        return attempt.failure.value
    if attempt.refused:
        return Reason.WRONG_RESULT.value
    # There is a result, about which nothing was found.
    is_cancelled = reason is Reason.CANCELLED
    return Reason.CANCELLED.value if is_cancelled else Reason.UNVERIFIED.value


def _job_ended(result: JobResult, notices: tuple[str, ...]) -> JobEnded:
    ok = sum(run.output is not None for run in result.runs)
    return JobEnded(
        job_id=result.job_id.hex(),
        ok=ok,
        failed=len(result.runs) - ok,
        lies_caught=result.lies_caught,
        fuel=result.fuel_total,
        paid=result.paid_total,
        seconds=result.seconds,
        providers=tuple(
            ProviderTotals(
                provider=short_form(line.provider),
                runs=line.runs,
                fuel=line.fuel,
                paid=line.paid,
                royalties=line.royalties,
                unpaid=line.unpaid,
                refused=line.refused,
                lost=line.lost,
                caught=line.caught,
            )
            for line in result.providers
        ),
        royalties=result.royalties_total,
        fuel_checked=result.fuel_checked,
        channels=tuple(result.channels),
        notices=notices,
    )
