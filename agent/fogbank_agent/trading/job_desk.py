"""Keeps jobs over restarts: carries them out level by level, and hands out results (SPEC.md 9.11).

A job is in the journal before its first order, each result before its bill, so that an agent that
was killed goes on where it was and buys nothing twice.
"""

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass, replace
from logging import getLogger
from random import Random
from time import time
from typing import Protocol

import trio

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId
from fogbank_protocol.limits import BLOB_BYTES_MAX
from fogbank_protocol.node.blob_store import BlobMissing, BlobStore, StoreFull
from fogbank_protocol.node.containment import Contained
from fogbank_protocol.node.database import DatabaseFailure
from fogbank_wasm_tasks.outcome import Ok
from fogbank_wasm_tasks.receipt import Result

from ..limits import (
    JOB_KEPT_S,
    JOB_RETRY_S,
    JOB_RETRY_S_MAX,
    JOB_ROUNDS_MAX,
    JOBS_KEPT_MAX,
    RUN_ID_BYTES,
)
from ..market.checkpoint import Checkpoint
from ..market.job_request import JobRequest, RunInput
from ..market.job_result import JobEvent, JobResult
from ..market.kept_job import FragmentEnd, JobState, KeptJob, groups, joined
from ..market.outcome_words import describe_outcome
from ..market.reasons import Reason, sentence, sentences
from .job_book import JobBook, StoredJob
from .job_bounds import BUG_SENTENCE, JobPostponed, JobRefused, check_bounds
from .job_shell import Acceptance
from .journal import Journal

_log = getLogger(__name__)

_WAITED_FOR = frozenset((Reason.NO_PROVIDER, Reason.NO_FUNDS))
"""Why a fragment was not run, where nobody has begun it and another time may be better."""


@dataclass(frozen=True, slots=True)
class FragmentDone:
    """A fragment has ended; when its provider is caught it is done again, and told again."""

    level: int
    number: int
    name: str
    end: FragmentEnd


class Buyer(Protocol):
    """Buys runs: a ``Requestor``."""

    async def buy(
        self,
        request: JobRequest,
        events: trio.MemorySendChannel[JobEvent] | None = None,
        acceptance: Acceptance | None = None,
    ) -> JobResult:
        """Have every run of ``request`` done; results go to ``acceptance`` as they come."""
        ...


class _JobFailed(Exception):
    """The job cannot come to its end; the message says why."""


class _Life:
    """A kept job, in this life of the agent."""

    def __init__(self, stored: StoredJob) -> None:
        self.job_id = stored.job_id
        self.began_unix_s = stored.began_unix_s
        self.job = stored.job
        self.state = stored.state
        self.why = stored.why
        self.ended_unix_s = stored.ended_unix_s
        self.paid = stored.paid
        self.levels: list[list[RunInput]] = []
        self.ends: list[dict[int, FragmentEnd]] = []
        self.told: list[FragmentDone] = []
        """All that ended, in that order."""

        self.changed = trio.Event()
        self.scope = trio.CancelScope()

    def add_level(self, inputs: Sequence[RunInput], ends: dict[int, FragmentEnd]) -> None:
        self.levels.append(list(inputs))
        self.ends.append({})
        for number, end in ends.items():
            self.note(len(self.levels) - 1, number, end)

    def reopen(self) -> None:
        self.state, self.why, self.ended_unix_s = JobState.OPEN, "", None
        self.scope = trio.CancelScope()
        self.wake()

    def cut(self, level: int) -> None:
        del self.levels[level:], self.ends[level:]

    def note(self, level: int, number: int, end: FragmentEnd) -> None:
        self.ends[level][number] = end
        self.told.append(FragmentDone(level, number, self.levels[level][number].name, end))
        self.wake()

    def wake(self) -> None:
        self.changed.set()
        self.changed = trio.Event()

    @property
    def outputs(self) -> Sequence[BlobId]:
        return [one.output for ends in self.ends for one in ends.values() if one.output is not None]


@dataclass(frozen=True, slots=True)
class JobView:
    """How a kept job is."""

    job_id: bytes
    name: str
    began_unix_s: int
    state: JobState
    why: str
    """Why it failed, or what it waits for while it is open; else empty."""

    fragments: int
    done: int
    """Fragments of level 0 with an accepted outcome."""

    paid: int
    """Drops for which vouchers were given, in all lives of the agent."""

    levels: int
    """Levels that were begun; 1 before there is anything to reduce."""


class JobDesk:
    """The jobs that this agent keeps."""

    def __init__(
        self, requestor: Buyer, blobs: BlobStore, journal: Journal, random: Random
    ) -> None:
        """Buy with ``requestor``; ``random`` names jobs."""
        self._requestor = requestor
        self._blobs = blobs
        self._journal = journal
        self._book = JobBook(journal)
        self._random = random
        self._jobs: dict[bytes, _Life] = {}
        self._nursery: trio.Nursery | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Go on with the jobs of earlier lives, and with new ones, until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                self._load()
                for life in self._jobs.values():
                    if life.state is JobState.OPEN:
                        nursery.start_soon(self._carry_out, life)
                task_status.started()
                await trio.sleep_forever()
            finally:
                self._nursery = None

    async def start(self, job: KeptJob) -> bytes:
        """Keep ``job`` and begin it; return its id.

        Raises:
            JobRefused: a bound is out of range, an input is missing, or it cannot be kept now.
        """
        check_bounds(job.task)
        self._check(job)
        job_id = self._random.randbytes(RUN_ID_BYTES)
        life = _Life(StoredJob(job_id, int(time()), job, JobState.OPEN, "", None))
        life.add_level(job.task.inputs, {})
        self._pin(life)
        try:
            # Whoever asks may go away meanwhile: it is kept and done all the same, or neither.
            with trio.CancelScope(shield=True):
                await self._book.keep(job_id, life.began_unix_s, job)
        except DatabaseFailure as error:
            # Written later all the same, it would be bought by the next life of this agent.
            self._book.forget(job_id)
            self._unpin(life)
            raise JobRefused(f"the job cannot be kept: {error}") from None
        self._jobs[job_id] = life
        if self._nursery is not None:
            self._nursery.start_soon(self._carry_out, life)
        return job_id

    def _check(self, job: KeptJob) -> None:
        if self._nursery is None:
            raise JobRefused("the agent is stopping: try again when it is up")
        if job.fan == 1:
            raise JobRefused("the reduce task must join at least two outputs at a time")
        for one in job.task.inputs:
            if not self._blobs.has(one.blob_id):
                raise JobRefused(f"the input {one.name!r} is not here: hand it over first")
        for life in sorted(self._jobs.values(), key=lambda life: life.ended_unix_s or 0):
            if len(self._jobs) >= JOBS_KEPT_MAX and life.state is not JobState.OPEN:
                self.forget(life.job_id)
        if len(self._jobs) >= JOBS_KEPT_MAX:
            raise JobRefused(f"{JOBS_KEPT_MAX} jobs are open: wait for one, or forget one")

    @property
    def kept(self) -> Collection[bytes]:
        """The ids of all jobs that are kept."""
        return self._jobs.keys()

    def find(self, digits: str) -> bytes:
        """Return the id of the one job that begins with the hexadecimal ``digits``.

        Raises:
            JobRefused: there is none, or more than one.
        """
        found = [job_id for job_id in self._jobs if job_id.hex().startswith(digits.lower())]
        if len(found) != 1 or not digits:
            many = "several jobs begin" if found else "no job begins"
            raise JobRefused(f"{many} with '{digits}': see 'fogbank job list'")
        return found[0]

    def view(self, job_id: bytes) -> JobView:
        """Return how a job is; it must be known."""
        life = self._jobs[job_id]
        return JobView(
            job_id=job_id,
            name=life.job.name,
            began_unix_s=life.began_unix_s,
            state=life.state,
            why=life.why,
            fragments=len(life.levels[0]),
            done=sum(end.accepted for end in life.ends[0].values()),
            paid=life.paid,
            levels=len(life.levels),
        )

    def views(self) -> Sequence[JobView]:
        """Return how all jobs are, the oldest first."""
        return [self.view(job_id) for job_id in self._jobs]

    async def follow(self, job_id: bytes) -> AsyncGenerator[FragmentDone]:
        """Give every fragment that has ended or ends, until the job has; it must be known."""
        life, place = self._jobs[job_id], 0
        while True:
            while place < len(life.told):
                yield life.told[place]
                place += 1
            if life.state is not JobState.OPEN:
                return
            await life.changed.wait()

    def forget(self, job_id: bytes) -> None:
        """Give a job up, if it is open, and keep nothing of it; what was accepted is still paid."""
        life = self._jobs.pop(job_id)
        life.scope.cancel()
        if life.state is JobState.OPEN:
            life.state, life.why = JobState.FAILED, "it was given up"
        life.wake()
        self._unpin(life)
        self._book.forget(job_id)

    def resume(self, job_id: bytes) -> JobView:
        """Go on with a job that has failed; it must be known.

        What is done is not bought again.

        Raises:
            JobRefused: it has not failed, or cannot be begun now.
        """
        life = self._jobs[job_id]
        if life.state is JobState.OPEN:
            raise JobRefused("the job is open: it has nothing to be resumed from")
        if life.state is JobState.DONE:
            raise JobRefused("the job is done: see 'fogbank job fetch'")
        if self._nursery is None:
            raise JobRefused("the agent is stopping: try again when it is up")
        self._unpin(life)
        life.reopen()
        life.ends = [self._still_here(life, ends) for ends in life.ends]
        self._pin(life)
        self._book.reopen_job(job_id)
        self._nursery.start_soon(self._carry_out, life)
        return self.view(job_id)

    # What earlier lives left.

    def _load(self) -> None:
        for stored in self._stored():
            life = _Life(stored)
            if stored.ended_unix_s is not None and stored.ended_unix_s + JOB_KEPT_S < time():
                self._book.forget(stored.job_id)
                continue
            level = 0
            while True:
                inputs, ends = self._book.level(stored.job_id, level)
                if not inputs:
                    break
                here = [self._with_state(life, one) for one in inputs]
                life.add_level(here, self._still_here(life, ends))
                level += 1
            self._jobs[stored.job_id] = life
            self._pin(life)

    def _stored(self) -> Sequence[StoredJob]:
        try:
            return self._book.jobs()
        except RemoteProtocolError as error:
            _log.error("the kept jobs cannot be read, and are left alone: %s", error)
            return ()

    def _still_here(self, life: _Life, ends: dict[int, FragmentEnd]) -> dict[int, FragmentEnd]:
        """Leave out what an open job has to do again: nobody ran it, or its output is gone."""
        if life.state is not JobState.OPEN:
            return ends
        return {
            number: end
            for number, end in ends.items()
            if end.accepted and (end.output is None or self._blobs.has(end.output))
        }

    def _with_state(self, life: _Life, one: RunInput) -> RunInput:
        """Leave out the state of a fragment that has none any more to go on from."""
        is_of_use = life.state is JobState.OPEN
        if one.start is None or (is_of_use and self._blobs.has(one.start.snapshot)):
            return one
        return replace(one, start=None)

    def _pin(self, life: _Life) -> None:
        for blob_id in self._blobs_of(life):
            self._blobs.pin(blob_id)

    def _unpin(self, life: _Life) -> None:
        for blob_id in self._blobs_of(life):
            self._blobs.unpin(blob_id)

    def _blobs_of(self, life: _Life) -> Sequence[BlobId]:
        requests = [life.job.task, *([life.job.reduce] if life.job.reduce else [])]
        inputs = [one.blob_id for level in life.levels for one in level]
        states = [one.start.snapshot for level in life.levels for one in level if one.start]
        return [*(one.package_id for one in requests), *inputs, *states, *life.outputs]

    # Carrying out.

    async def _carry_out(self, life: _Life) -> None:
        with life.scope:
            with Contained("a kept job"):
                await self._carry_to_its_end(life)
            if life.state is JobState.OPEN:
                # Else it would meet the same bug at each start of the agent.
                self._end(life, JobState.FAILED, BUG_SENTENCE)

    async def _carry_to_its_end(self, life: _Life) -> None:
        try:
            await self._do_levels(life)
        except (_JobFailed, JobRefused) as failed:
            self._end(life, JobState.FAILED, str(failed))
        except (StoreFull, BlobMissing) as error:
            self._end(life, JobState.FAILED, f"an output cannot be kept or read: {error}")
        else:
            self._end(life, JobState.DONE, "")

    def _end(self, life: _Life, state: JobState, why: str) -> None:
        life.state, life.why, life.ended_unix_s = state, why, int(time())
        self._book.end_job(life.job_id, state, why, life.ended_unix_s)
        life.wake()

    async def _do_levels(self, life: _Life) -> None:
        level = 0
        while True:
            request = life.job.task if level == 0 else life.job.reduce
            assert request is not None
            await self._do_level(life, level, request)
            outputs = self._outputs(life, level)
            if life.job.reduce is None or (level > 0 and len(outputs) == 1):
                return
            level += 1
            if level < len(life.levels):
                # A crash may have cut off what was being recorded of it.
                wanted = len(groups(len(outputs), life.job.fan))
                if len(life.levels[level]) != wanted:
                    life.cut(level)
            if level == len(life.levels):
                await self._prepare(life, level, outputs)

    def _outputs(self, life: _Life, level: int) -> Sequence[BlobId]:
        """Return the outputs of a level, which all have to be there for a further one."""
        outputs: list[BlobId] = []
        for number, one in enumerate(life.levels[level]):
            end = life.ends[level][number]
            if end.output is None:
                if life.job.reduce is not None or not end.accepted:
                    raise _JobFailed(f"{one.name}: {end.outcome}")
                continue
            outputs.append(end.output)
        return outputs

    async def _prepare(self, life: _Life, level: int, outputs: Sequence[BlobId]) -> None:
        """Join the outputs of the level before; they are ready for the reduce task then."""
        inputs: list[RunInput] = []
        for group in groups(len(outputs), life.job.fan):
            size = sum(4 + self._blobs.size(outputs[place]) for place in group)
            if size > BLOB_BYTES_MAX:
                raise _JobFailed(
                    f"the outputs to be joined have {size:,} bytes, and an input has at most "
                    f"{BLOB_BYTES_MAX:,}: join fewer at a time, with --fan"
                )
            data = joined([await self._blobs.read(outputs[place]) for place in group])
            inputs.append(RunInput(f"outputs {group[0]}-{group[-1]}", await self._blobs.put(data)))
            self._blobs.pin(inputs[-1].blob_id)
        self._book.add_level(life.job_id, level, inputs)
        life.add_level(inputs, {})

    async def _do_level(self, life: _Life, level: int, request: JobRequest) -> None:
        """Have every fragment of a level run; those that nobody ran are tried again.

        As long as that is for want of a provider or of money nothing is lost by waiting, so it
        goes on until the job's owner gives it up.
        """
        rounds, pause_s, left_before = 0, JOB_RETRY_S, 0
        while rounds < JOB_ROUNDS_MAX:
            left = [
                number
                for number in range(len(life.levels[level]))
                if not (number in life.ends[level] and life.ends[level][number].accepted)
            ]
            if not left:
                return
            is_stuck = len(left) == left_before
            pause_s = min(2 * pause_s, JOB_RETRY_S_MAX) if is_stuck else JOB_RETRY_S
            left_before = len(left)
            inputs = [life.levels[level][number] for number in left]
            keeper = _Keeper(self, life, level, left)
            paid_before = life.paid
            result = await self._buy(life, replace(request, inputs=inputs), keeper)
            failures = {run.number: run.reason for run in result.runs if run.reason is not None}
            for number, reason in failures.items():
                end = FragmentEnd(sentence(reason), None, 0, 0, None, accepted=False)
                if life.ends[level].get(left[number]) != end:
                    # Else it is no news: a job may wait for days.
                    self.note_end(life, level, left[number], end)
            reasons = set(failures.values())
            # What a provider is paid that is gone before there is a result is not paid for ever.
            is_in_vain = life.paid > paid_before and len(failures) == len(left)
            if not reasons or reasons - _WAITED_FOR or is_in_vain:
                rounds += 1
            if reasons:
                life.why = f"it waits: {sentences(sorted(reasons))}"
                await trio.sleep(pause_s)

    async def _buy(self, life: _Life, request: JobRequest, keeper: Acceptance) -> JobResult:
        """Buy as soon as anything can be bought: a job that was kept does not fail for that."""
        while True:
            try:
                return await self._requestor.buy(request, None, keeper)
            except JobPostponed as postponed:
                _log.warning("a kept job waits: %s", postponed)
                life.why = f"it waits: {postponed}"
            await trio.sleep(JOB_RETRY_S)

    def note_end(self, life: _Life, level: int, number: int, end: FragmentEnd) -> None:
        """Record how a fragment has ended, and keep its output."""
        if end.output is not None:
            self._blobs.pin(end.output)
        self._book.end_fragment(life.job_id, level, number, end)
        if end.accepted:
            life.why = ""
            self.keep_state(life, level, number, None)
        life.note(level, number, end)

    def keep_state(self, life: _Life, level: int, number: int, state: Checkpoint | None) -> None:
        """Record from where a fragment can go on, and keep that state in place of the last."""
        before = life.levels[level][number].start
        if state == before:
            return
        if state is not None:
            self._blobs.pin(state.snapshot)
        if before is not None:
            self._blobs.unpin(before.snapshot)
        life.levels[level][number] = replace(life.levels[level][number], start=state)
        self._book.keep_state(life.job_id, level, number, state)

    def note_paid(self, life: _Life, drops: int) -> None:
        """Record that a voucher for ``drops`` more was given for its runs."""
        life.paid += drops
        self._book.add_paid(life.job_id, drops)

    def note_open(self, life: _Life, level: int, number: int) -> None:
        """Record that a fragment is open again."""
        before = life.ends[level].pop(number, None)
        if before is not None and before.output is not None:
            self._blobs.unpin(before.output)
        self._book.end_fragment(life.job_id, level, number, None)


@dataclass(frozen=True, slots=True)
class _Keeper:
    """Takes in the results of one purchase of fragments of a level."""

    desk: JobDesk
    life: _Life
    level: int
    numbers: Sequence[int]
    """Which fragment each run is."""

    def accept(self, run: int, result: Result, provider: NodeId | None) -> None:
        outcome = result.outcome
        output = outcome if isinstance(outcome, Ok) else None
        end = FragmentEnd(
            outcome=describe_outcome(outcome),
            output=None if output is None else output.output_id,
            size=0 if output is None else output.output_size,
            fuel=result.fuel,
            provider=provider,
            accepted=True,
        )
        self.desk.note_end(self.life, self.level, self.numbers[run], end)

    def keep_state(self, run: int, state: Checkpoint | None) -> None:
        if self.life.job_id in self.desk.kept:
            self.desk.keep_state(self.life, self.level, self.numbers[run], state)

    def pay(self, drops: int) -> None:
        self.desk.note_paid(self.life, drops)

    def reopen(self, run: int) -> None:
        self.desk.note_open(self.life, self.level, self.numbers[run])
