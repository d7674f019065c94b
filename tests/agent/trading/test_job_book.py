"""Kept jobs on disk: large ones, and several at once (SPEC.md section 9.11)."""

from pathlib import Path

import pytest
import trio
from tests.full_disk import full_disk

from fogbank_agent.market.job_request import JobRequest, RunInput
from fogbank_agent.market.kept_job import KeptJob
from fogbank_agent.market.orders import NoVerification
from fogbank_agent.trading.job_book import JobBook
from fogbank_agent.trading.journal import Journal
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.node.database import DatabaseFailure

JOBS = [bytes([number]) * 16 for number in range(3)]


def a_job_of(runs: int) -> KeptJob:
    task = JobRequest(
        package_id=blob_id(b"p"),
        inputs=[RunInput(f"{number}.csv", blob_id(b"i")) for number in range(runs)],
        verification=NoVerification(),
        fuel_max=1,
        price_max=1,
        start_price_max=1,
        memory_bytes_max=1 << 16,
    )
    return KeptJob(name="a task", task=task)


async def test_large_jobs_at_once_lose_nothing_and_nothing_else_either(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", buffer_max=100)
    book = JobBook(journal)
    async with trio.open_nursery() as nursery:
        for job_id, runs in zip(JOBS, (50, 70, 200), strict=True):
            nursery.start_soon(book.keep, job_id, 1, a_job_of(runs))
    journal.record("INSERT INTO counters VALUES (?, ?)", b"one", 1)
    await journal.sync()
    assert [len(book.level(job_id, 0)[0]) for job_id in JOBS] == [50, 70, 200]
    journal.close()


async def test_a_job_for_which_there_is_no_room_is_refused_and_leaves_no_trace(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path / "journal", buffer_max=100)
    book = JobBook(journal)
    journal.record("INSERT INTO counters VALUES (?, ?)", b"one", 1)
    with full_disk(1), pytest.raises(DatabaseFailure):
        await book.keep(JOBS[0], 1, a_job_of(80))
    await journal.sync()
    assert book.jobs() == []
    await book.keep(JOBS[1], 1, a_job_of(80))
    assert [stored.job_id for stored in book.jobs()] == [JOBS[1]]
    journal.close()
