"""Kept jobs: what a restart finds, what it buys again, how outputs are joined (SPEC.md 9.11)."""

from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from random import Random

import pytest
import trio
from tests.full_disk import full_disk

from fogbank_agent.limits import JOB_ROUNDS_MAX
from fogbank_agent.market.job_request import JobRequest, RunInput
from fogbank_agent.market.job_result import JobEvent, JobResult, RunResult
from fogbank_agent.market.kept_job import JobState, KeptJob, joined
from fogbank_agent.market.orders import NoVerification
from fogbank_agent.market.reasons import Reason, sentence
from fogbank_agent.trading.job_bounds import JobPostponed, JobRefused
from fogbank_agent.trading.job_desk import FragmentDone, JobDesk
from fogbank_agent.trading.job_shell import Acceptance
from fogbank_agent.trading.journal import Journal
from fogbank_protocol.blobs.naming import BlobId, blob_id
from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.blob_store import BlobStore
from fogbank_wasm_tasks.outcome import Ok, Trap
from fogbank_wasm_tasks.receipt import Result

from .neighbourhood import Hasher, a_job, neighbourhood, settings, wait_until

TASK, REDUCE = BlobId(b"t" * 32), BlobId(b"r" * 32)
ANN = NodeId(b"a" * 32)
INPUTS = [b"one", b"two", b"three", b"four", b"five"]


def hashed(data: bytes) -> bytes:
    return blake2b(data).digest()


@dataclass(slots=True)
class Market:
    """Buys runs whose outputs are hashes, one after the other."""

    blobs: BlobStore
    bought: Counter[bytes] = field(default_factory=Counter[bytes])
    stops_after: int = 10**6
    """After so many results nothing comes any more."""

    refuses: int = 0
    """How many runs end for ``reason``."""

    reason: Reason = Reason.NO_PROVIDER

    postpones: int = 0
    """How often nothing can be bought."""

    traps: frozenset[bytes] = frozenset()
    has_bug: bool = False
    caught_after: int | None = None
    """After so many results the provider of the first is caught, and that one is wrong."""

    async def buy(
        self,
        request: JobRequest,
        events: trio.MemorySendChannel[JobEvent] | None = None,
        acceptance: Acceptance | None = None,
    ) -> JobResult:
        """Do it."""
        assert acceptance is not None
        if self.has_bug:
            raise ZeroDivisionError
        if self.postpones:
            self.postpones -= 1
            raise JobPostponed("the disk is full")
        runs: list[RunResult] = []
        for number, one in enumerate(request.inputs):
            if self.refuses:
                self.refuses -= 1
                runs.append(_run(number, one, self.reason))
                continue
            await self._do(number, one, acceptance)
            runs.append(_run(number, one, None))
            if self.caught_after == len(self.bought):
                self.caught_after = None
                acceptance.reopen(0)
                await self._do(0, request.inputs[0], acceptance)
        return JobResult(b"j" * 16, runs, [], 0, 0, 0, 0, 0, 0, [], 1.0)

    async def _do(self, number: int, one: RunInput, acceptance: Acceptance) -> None:
        if sum(self.bought.values()) >= self.stops_after:
            await trio.sleep_forever()
        data = await self.blobs.read(one.blob_id)
        self.bought[data] += 1
        if data in self.traps:
            acceptance.accept(number, Result(one.blob_id, Trap("unreachable"), 5), ANN)
            return
        output = hashed(data)
        await self.blobs.put(output)
        outcome = Ok(blob_id(output), len(output))
        acceptance.accept(number, Result(one.blob_id, outcome, 5), ANN)


def _run(number: int, one: RunInput, reason: Reason | None) -> RunResult:
    return RunResult(number, one.name, bytes(16), reason, "", None, 0, 0, None, [], 0)


@dataclass(slots=True)
class Life:
    """One life of an agent with kept jobs."""

    desk: JobDesk
    market: Market
    blobs: BlobStore
    journal: Journal
    scope: trio.CancelScope


@asynccontextmanager
async def life(folder: Path, **changes: object) -> AsyncGenerator[Life]:
    """Live in ``folder``; leaving ends that life."""
    blobs, journal = BlobStore(folder / "blobs"), Journal(folder / "journal")
    market = Market(blobs, **changes)  # type: ignore[arg-type]
    desk = JobDesk(market, blobs, journal, Random())
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(desk.run)
            yield Life(desk, market, blobs, journal, nursery.cancel_scope)
            nursery.cancel_scope.cancel()
    finally:
        journal.close()


async def a_kept_job(
    blobs: BlobStore, inputs: Sequence[bytes], *, reduce: bool = False, fan: int = 0
) -> KeptJob:
    task = JobRequest(
        package_id=TASK,
        inputs=[RunInput(data.decode(), await blobs.put(data)) for data in inputs],
        verification=NoVerification(),
        fuel_max=10**9,
        price_max=1,
        start_price_max=1,
        memory_bytes_max=1 << 20,
    )
    reducer = replace(task, package_id=REDUCE, inputs=()) if reduce else None
    return KeptJob(name="a task", task=task, reduce=reducer, fan=fan)


async def results(desk: JobDesk, job_id: bytes) -> list[FragmentDone]:
    return [done async for done in desk.follow(job_id)]


async def test_a_bug_ends_a_kept_job_for_good_and_nothing_else(
    tmp_path: Path, contained_bugs: list[str]
) -> None:
    async with life(tmp_path, has_bug=True) as first:
        job_id = await first.desk.start(await a_kept_job(first.blobs, INPUTS))
        await wait_until(lambda: first.desk.view(job_id).state is not JobState.OPEN)
        first.market.has_bug = False
        other = await first.desk.start(await a_kept_job(first.blobs, INPUTS))
        await wait_until(lambda: first.desk.view(other).state is JobState.DONE)
    async with life(tmp_path, has_bug=True) as second:
        assert second.desk.view(job_id).state is JobState.FAILED
        assert "a bug in this agent" in second.desk.view(job_id).why
    assert len(contained_bugs) == 1
    contained_bugs.clear()


async def test_results_come_while_the_job_goes_on(tmp_path: Path) -> None:
    async with life(tmp_path, stops_after=2) as one:
        job_id = await one.desk.start(await a_kept_job(one.blobs, INPUTS))
        async with aclosing(one.desk.follow(job_id)) as done:
            for data in INPUTS[:2]:
                assert (await anext(done)).end.output == blob_id(hashed(data))
        assert one.desk.view(job_id).state is JobState.OPEN


async def done_until(one: Life, job_id: bytes, count: int) -> None:
    """Return when so many results are there and nothing more comes."""
    await wait_until(
        lambda: (
            sum(one.market.bought.values()) >= one.market.stops_after
            and one.desk.view(job_id).done >= count
        )
    )


async def test_a_restarted_agent_buys_only_what_it_has_not(tmp_path: Path) -> None:
    async with life(tmp_path, stops_after=2) as one:
        job_id = await one.desk.start(await a_kept_job(one.blobs, INPUTS, reduce=True))
        await done_until(one, job_id, 2)
        first = one.market.bought
    async with life(tmp_path) as two:
        done = await results(two.desk, job_id)
        assert [(one.level, one.number) for one in done] == [
            (0, 0),
            (0, 1),
            (0, 2),
            (0, 3),
            (0, 4),
            (1, 0),
        ]
        assert set((first + two.market.bought).values()) == {1}
        assert set(first) == set(INPUTS[:2])
        whole = hashed(joined([hashed(data) for data in INPUTS]))
        assert await two.blobs.read(done[-1].end.output or TASK) == whole
    async with life(tmp_path) as three:
        # Nothing is left to do, and all of it is still here.
        assert len(await results(three.desk, job_id)) == 6
        assert not three.market.bought


async def test_an_output_that_is_gone_is_bought_again(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with life(tmp_path, stops_after=2) as one:
        job_id = await one.desk.start(await a_kept_job(one.blobs, INPUTS))
        await done_until(one, job_id, 2)
    lost = blob_id(hashed(INPUTS[0])).hex()
    for path in (tmp_path / "blobs").rglob(f"*{lost[2:]}*"):
        path.unlink()
    async with life(tmp_path) as two:
        await results(two.desk, job_id)
        assert set(two.market.bought) == {INPUTS[0], *INPUTS[2:]}


async def test_outputs_are_joined_a_few_at_a_time(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with life(tmp_path) as one:
        job_id = await one.desk.start(await a_kept_job(one.blobs, INPUTS, reduce=True, fan=2))
        done = await results(one.desk, job_id)
        assert Counter(one.level for one in done) == {0: 5, 1: 3, 2: 2, 3: 1}
        level = [hashed(data) for data in INPUTS]
        while len(level) > 1:
            level = [hashed(joined(level[first : first + 2])) for first in range(0, len(level), 2)]
        assert done[-1].end.output == blob_id(level[0])


async def test_one_output_is_reduced_once(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with life(tmp_path) as one:
        job_id = await one.desk.start(await a_kept_job(one.blobs, [b"one"], reduce=True, fan=2))
        done = await results(one.desk, job_id)
        assert done[-1].end.output == blob_id(hashed(joined([hashed(b"one")])))
        assert len(done) == 2


async def test_what_nobody_runs_is_tried_again_for_some_time(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with life(tmp_path, refuses=3) as one:
        job_id = await one.desk.start(await a_kept_job(one.blobs, INPUTS[:2]))
        told = await results(one.desk, job_id)
        assert [(done.number, done.end.accepted) for done in told] == [
            (0, False),
            (1, False),
            (1, True),
            (0, True),
        ]
    fields = {"refuses": 10**6, "reason": Reason.ATTEMPTS_EXHAUSTED}
    async with life(tmp_path, **fields) as two:
        job_id = await two.desk.start(await a_kept_job(two.blobs, [b"x"]))
        told = await results(two.desk, job_id)
        assert len(told) == 1
        assert 10**6 - two.market.refuses == JOB_ROUNDS_MAX
        view = two.desk.view(job_id)
        assert view.state is JobState.FAILED
        assert "x: " in view.why


@pytest.mark.parametrize("reason", [Reason.NO_PROVIDER, Reason.NO_FUNDS])
async def test_a_job_that_nobody_takes_stays_open_and_says_what_it_waits_for(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, reason: Reason
) -> None:
    async with life(tmp_path) as one:
        one.market.stops_after = 2
        job_id = await one.desk.start(await a_kept_job(one.blobs, INPUTS))
        await done_until(one, job_id, 2)
    async with life(tmp_path, refuses=10**6, reason=reason) as two:
        await trio.sleep(3 * 86_400)
        view = two.desk.view(job_id)
        assert (view.state, view.done) == (JobState.OPEN, 2)
        assert view.why == f"it waits: {sentence(reason)}"
        assert 10**6 - two.market.refuses < 3 * (3 * 86_400 // 100), "it is in no hurry"

        two.market.refuses = 0
        done = await results(two.desk, job_id)
        # What failed is told once, however often it was tried.
        assert [one.end.accepted for one in done] == [True] * 2 + [False] * 3 + [True] * 3
        view = two.desk.view(job_id)
        assert (view.state, view.why) == (JobState.DONE, "")
        assert set(two.market.bought) == set(INPUTS[2:]), "nothing is paid again"


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_a_job_that_has_failed_goes_on_with_what_it_has(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, is_restarted: bool
) -> None:
    async def check(one: Life) -> None:
        one.market.refuses = 0
        assert one.desk.resume(job_id).state is JobState.OPEN
        with pytest.raises(JobRefused, match="is open"):
            one.desk.resume(job_id)
        await results(one.desk, job_id)
        assert one.desk.view(job_id).state is JobState.DONE
        with pytest.raises(JobRefused, match="is done"):
            one.desk.resume(job_id)

    fields = {"refuses": 2 * JOB_ROUNDS_MAX, "reason": Reason.ATTEMPTS_EXHAUSTED}
    async with life(tmp_path, stops_after=3) as one:
        job_id = await one.desk.start(await a_kept_job(one.blobs, INPUTS))
        await done_until(one, job_id, 3)
    async with life(tmp_path, **fields) as two:
        await results(two.desk, job_id)
        assert (two.desk.view(job_id).state, two.desk.view(job_id).done) == (JobState.FAILED, 3)
        if not is_restarted:
            await check(two)
            assert set(two.market.bought) == set(INPUTS[3:])
    if is_restarted:
        async with life(tmp_path, stops_after=0) as killed:
            assert killed.desk.resume(job_id).done == 3
    async with life(tmp_path) as three:
        await results(three.desk, job_id)
        if is_restarted:
            assert set(three.market.bought) == set(INPUTS[3:])
        assert three.desk.view(job_id).state is JobState.DONE


async def test_a_job_that_waits_can_be_given_up(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with life(tmp_path, refuses=10**6) as one:
        job_id = await one.desk.start(await a_kept_job(one.blobs, INPUTS))
        await trio.sleep(86_400)
        one.desk.forget(job_id)
        refuses = one.market.refuses
        await trio.sleep(86_400)
        assert one.market.refuses == refuses


async def test_a_job_waits_while_nothing_can_be_bought(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with life(tmp_path, postpones=2 * JOB_ROUNDS_MAX) as one:
        job_id = await one.desk.start(await a_kept_job(one.blobs, INPUTS))
        assert len(await results(one.desk, job_id)) == len(INPUTS)
        assert one.desk.view(job_id).state is JobState.DONE


async def test_a_fragment_that_traps_is_not_bought_again_and_cannot_be_joined(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with life(tmp_path, traps=frozenset([b"two"])) as one:
        plain = await one.desk.start(await a_kept_job(one.blobs, INPUTS))
        await results(one.desk, plain)
        assert one.desk.view(plain).state is JobState.DONE
        reduced = await one.desk.start(await a_kept_job(one.blobs, INPUTS, reduce=True))
        await results(one.desk, reduced)
        view = one.desk.view(reduced)
        assert (view.state, view.why) == (JobState.FAILED, "two: trap: unreachable")
        assert one.market.bought[b"two"] == 2


async def test_a_result_that_is_doubted_is_taken_back_and_told_again(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with life(tmp_path, caught_after=3, stops_after=3) as one:
        job_id = await one.desk.start(await a_kept_job(one.blobs, INPUTS))
        await wait_until(lambda: one.market.caught_after is None)
        assert one.desk.view(job_id).done == 2
    async with life(tmp_path) as two:
        await results(two.desk, job_id)
        assert set(two.market.bought) == {INPUTS[0], *INPUTS[3:]}


async def test_a_job_that_could_not_be_kept_is_not_bought_by_the_next_life(
    tmp_path: Path,
) -> None:
    async with life(tmp_path) as one:
        job = await a_kept_job(one.blobs, INPUTS)
        with full_disk(1), pytest.raises(JobRefused, match="cannot be kept"):
            await one.desk.start(job)
        await one.journal.sync()
    async with life(tmp_path) as one:
        assert one.desk.views() == []


async def test_a_job_is_done_though_whoever_asked_for_it_went_away_at_once(tmp_path: Path) -> None:
    async with life(tmp_path) as one:
        job = await a_kept_job(one.blobs, INPUTS)
        with trio.CancelScope() as scope:
            scope.cancel()
            await one.desk.start(job)
        (view,) = one.desk.views()
        assert len(await results(one.desk, view.job_id)) == len(INPUTS)


async def test_a_job_that_is_forgotten_leaves_nothing(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with life(tmp_path, stops_after=1) as one:
        job_id = await one.desk.start(await a_kept_job(one.blobs, INPUTS))
        await done_until(one, job_id, 1)
        assert one.desk.find(job_id.hex()[:4]) == job_id
        one.desk.forget(job_id)
        with pytest.raises(JobRefused, match="no job begins"):
            one.desk.find(job_id.hex())
        assert sum(one.market.bought.values()) == 1
    async with life(tmp_path) as two:
        assert two.desk.views() == []


@pytest.mark.slow
async def test_real_providers_are_paid_once_for_each_fragment_over_a_restart(
    tmp_path: Path,
) -> None:
    async with neighbourhood(tmp_path, 2, limit_s=90) as hood:
        hasher = Hasher()
        buyer = await hood.start(1)
        await hood.start(2, sells=hasher, terms=settings(price=0, start_price=1))
        await hood.wait_ready()
        request = await a_job(
            buyer,
            [b"%d" % number for number in range(30)],
            verification=NoVerification(),
            fuel_max=10**10,
        )
        kept = KeptJob(name="a", task=request, reduce=replace(request, inputs=()))
        async with trio.open_nursery() as nursery:
            desk = JobDesk(buyer.requestor, buyer.blobs, buyer.journal, Random(1))
            await nursery.start(desk.run)
            job_id = await desk.start(kept)
            await wait_until(lambda: desk.view(job_id).done >= 3)
            nursery.cancel_scope.cancel()
        async with trio.open_nursery() as nursery:
            desk = JobDesk(buyer.requestor, buyer.blobs, buyer.journal, Random(2))
            await nursery.start(desk.run)
            done = await results(desk, job_id)
            nursery.cancel_scope.cancel()
        assert desk.view(job_id).state is JobState.DONE
        # On a busy machine one may be told as run by nobody, before it is.
        assert len({(one.level, one.number) for one in done if one.end.accepted}) == 31

        def paid() -> int:
            return sum(buyer.requestor.given(view.id) for view in buyer.ledger.channels.all())

        await wait_until(lambda: paid() >= 31)
        assert paid() == 31
