"""Kept jobs in the journal: what a restarted agent needs to go on with them (SPEC.md 9.11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.identity import NodeId

from ..market.checkpoint import Checkpoint, checkpoint_to_value, parse_checkpoint
from ..market.job_request import RunInput
from ..market.kept_job import (
    FragmentEnd,
    JobState,
    KeptJob,
    decode_kept_job,
    encode_kept_job,
)
from .journal import Journal


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job as it was kept; its fragments are asked for level by level."""

    job_id: bytes
    began_unix_s: int
    job: KeptJob
    state: JobState
    why: str
    ended_unix_s: int | None


class JobBook:
    """Records every step of kept jobs.

    What was accepted is recorded before the bill that is owed for it, and the journal keeps its
    order: so a voucher on disk means that the result it pays is on disk too.
    """

    def __init__(self, journal: Journal) -> None:
        """Keep the jobs in ``journal``."""
        self._journal = journal

    async def keep(self, job_id: bytes, began_unix_s: int, job: KeptJob) -> None:
        """Record a job and its fragments; return when they are on disk.

        Raises:
            DatabaseFailure: they cannot be written now.
        """
        await self._journal.wait_room(1 + len(job.task.inputs))
        self._journal.record(
            "INSERT INTO kept_jobs VALUES (?, ?, ?, ?, '', NULL)",
            job_id,
            began_unix_s,
            encode_kept_job(job),
            JobState.OPEN.value,
        )
        self.add_level(job_id, 0, job.task.inputs)
        await self._journal.sync()

    def add_level(self, job_id: bytes, level: int, inputs: Sequence[RunInput]) -> None:
        """Record what a level runs on."""
        self._journal.record_rows(
            "INSERT OR REPLACE INTO fragments (job_id, level, number, name, input_id) "
            "VALUES (?, ?, ?, ?, ?)",
            [(job_id, level, number, one.name, one.blob_id) for number, one in enumerate(inputs)],
        )

    def end_fragment(self, job_id: bytes, level: int, number: int, end: FragmentEnd | None) -> None:
        """Record how a fragment ended; None opens it again."""
        values = (
            (None, None, None, None, None, None)
            if end is None
            else (end.outcome, end.output, end.size, end.fuel, end.provider, int(end.accepted))
        )
        self._journal.record(
            "UPDATE fragments SET outcome = ?, output_id = ?, size = ?, fuel = ?, provider = ?, "
            "accepted = ? WHERE job_id = ? AND level = ? AND number = ?",
            *values,
            job_id,
            level,
            number,
        )

    def keep_state(self, job_id: bytes, level: int, number: int, state: Checkpoint | None) -> None:
        """Record from where a fragment can go on; None for the beginning."""
        self._journal.record(
            "UPDATE fragments SET state = ? WHERE job_id = ? AND level = ? AND number = ?",
            None if state is None else encode(checkpoint_to_value(state)),
            job_id,
            level,
            number,
        )

    def end_job(self, job_id: bytes, state: JobState, why: str, unix_time_s: int) -> None:
        """Record that nothing more is to be done."""
        self._journal.record(
            "UPDATE kept_jobs SET state = ?, why = ?, ended_unix_s = ? WHERE job_id = ?",
            state.value,
            why,
            unix_time_s,
            job_id,
        )

    def reopen_job(self, job_id: bytes) -> None:
        """Record that a job that had ended goes on."""
        self._journal.record(
            "UPDATE kept_jobs SET state = ?, why = '', ended_unix_s = NULL WHERE job_id = ?",
            JobState.OPEN.value,
            job_id,
        )

    def forget(self, job_id: bytes) -> None:
        """Keep nothing of a job."""
        self._journal.record("DELETE FROM fragments WHERE job_id = ?", job_id)
        self._journal.record("DELETE FROM kept_jobs WHERE job_id = ?", job_id)

    def jobs(self) -> Sequence[StoredJob]:
        """Return all, the oldest first.

        Raises:
            RemoteProtocolError: somebody else has changed the file.
        """
        rows = self._journal.query(
            "SELECT job_id, began_unix_s, body, state, why, ended_unix_s FROM kept_jobs "
            "ORDER BY began_unix_s, job_id"
        )
        return [
            _stored(*cast("tuple[bytes, int, bytes, str, str, int | None]", row)) for row in rows
        ]

    def level(self, job_id: bytes, level: int) -> tuple[Sequence[RunInput], dict[int, FragmentEnd]]:
        """Return what a level runs on, and how those fragments ended that have."""
        rows = self._journal.query(
            "SELECT number, name, input_id, outcome, output_id, size, fuel, provider, accepted, "
            "state FROM fragments WHERE job_id = ? AND level = ? ORDER BY number",
            job_id,
            level,
        )
        inputs: list[RunInput] = []
        ends: dict[int, FragmentEnd] = {}
        for row in rows:
            number, name, input_id = cast("tuple[int, str, bytes]", row[:3])
            end, state = row[3:-1], row[-1]
            inputs.append(RunInput(name, BlobId(input_id), _state(state)))
            if end[0] is not None:
                ends[number] = _end(*end)
        return inputs, ends


def _stored(
    job_id: bytes, began: int, body: bytes, state: str, why: str, ended: int | None
) -> StoredJob:
    return StoredJob(job_id, began, decode_kept_job(body), JobState(state), why, ended)


def _state(body: object) -> Checkpoint | None:
    if body is None:
        return None
    return parse_checkpoint(decode(cast("bytes", body)), rule="9.11")


def _end(
    outcome: object, output: object, size: object, fuel: object, provider: object, accepted: object
) -> FragmentEnd:
    return FragmentEnd(
        outcome=cast("str", outcome),
        output=None if output is None else BlobId(cast("bytes", output)),
        size=cast("int", size),
        fuel=cast("int", fuel),
        provider=None if provider is None else NodeId(cast("bytes", provider)),
        accepted=bool(accepted),
    )
