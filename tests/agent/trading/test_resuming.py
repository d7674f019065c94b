"""A kept job of a step task goes on from its last state after a restart (SPEC.md 9.11)."""

from contextlib import aclosing
from pathlib import Path
from random import Random

import pytest
import trio

from fogbank_agent.market.kept_job import JobState, KeptJob
from fogbank_agent.market.story import RunResumed
from fogbank_agent.trading.job_book import JobBook
from fogbank_agent.trading.job_desk import JobDesk

from .neighbourhood import Agent
from .test_moving import STEPS, a_step_job, town

pytestmark = pytest.mark.slow


def a_desk(buyer: Agent, life: int) -> JobDesk:
    return JobDesk(buyer.requestor, buyer.blobs, buyer.journal, Random(life))


async def test_a_job_goes_on_from_the_state_that_was_kept(tmp_path: Path) -> None:
    async with town(tmp_path) as one:
        buyer, book = one.buyer, JobBook(one.buyer.journal)
        async with trio.open_nursery() as first_life:
            desk = a_desk(buyer, 1)
            await first_life.start(desk.run)
            task = await a_step_job(buyer, STEPS)
            job_id = await desk.start(KeptJob(name="long", task=task))
            while book.level(job_id, 0)[0][0].start is None:  # noqa: ASYNC110
                await trio.sleep(0.05)
            first_life.cancel_scope.cancel()

        [kept] = book.level(job_id, 0)[0]
        assert kept.start is not None
        assert buyer.blobs.has(kept.start.snapshot)

        async with trio.open_nursery() as second_life:
            desk = a_desk(buyer, 2)
            await second_life.start(desk.run)
            async with aclosing(desk.follow(job_id)) as ends:
                [end] = [one.end async for one in ends]
            assert desk.view(job_id).state is JobState.DONE
            assert desk.view(job_id).paid > 0
            second_life.cancel_scope.cancel()
        assert (end.outcome, end.accepted) == ("ok", True)
        run = buyer.journal.runs(count_max=1)[0]
        [resumed] = [
            event for _, event in buyer.journal.story(run.run_id) if isinstance(event, RunResumed)
        ]
        assert 0 < kept.start.fuel <= resumed.fuel < end.fuel
        # Nothing is left to go on from.
        assert book.level(job_id, 0)[0][0].start is None
