"""What an agent remembers of its trade: runs and their stories, bills, payments, reputations."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path
from threading import Lock
from time import time
from typing import TypeAlias, cast

import trio

from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.database import (
    WRONG_CHANGES,
    DatabaseFailure,
    Row,
    SqlValue,
    check_values,
    open_database,
)
from fogbank_protocol.signed import Signed

from ..limits import (
    DUE_KEPT_S,
    JOURNAL_BUFFER_MAX,
    JOURNAL_FLUSH_S,
    JOURNAL_LIST_MAX,
    JOURNAL_PRUNE_S,
    JOURNAL_RESERVE_PART,
    JOURNAL_RETRY_S,
    JOURNAL_RUNS_MAX,
    PROVIDERS_MAX,
    REPUTATIONS_MAX,
)
from ..market.narration import narrate
from ..market.reasons import Reason, reason_from_code
from ..market.story import StoryEvent
from ..market.story_codec import decode_story_event, encode_story_event
from .journal_tables import JOURNAL_MIGRATIONS

_log = getLogger(__name__)

OTHERS = b""
"""Stands for all those of long ago, whose accounts are counted together."""

_Entry: TypeAlias = tuple[str, Sequence[Sequence[SqlValue]]]
"""A statement with its rows."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run of the own jobs, for lists."""

    run_id: bytes
    job_id: bytes
    number: int
    name: str
    package_name: str
    began_unix_s: int
    state: str
    """"accepted", "failed" or "under way"."""

    reason: Reason | None
    """Why nobody's result was accepted."""

    outcome: str
    """How the task ended when one was, such as "ok" or "out of fuel"; else empty."""


@dataclass(frozen=True, slots=True)
class Earnings:
    """What one requestor's runs brought this provider."""

    requestor: NodeId
    runs: int
    fuel: int
    paid: int
    unpaid: int
    refused: int


class Journal:
    """The market's memory in one SQLite file.

    What is recorded waits in memory for at most ``JOURNAL_FLUSH_S`` while ``run`` runs, so that a
    memory card is not written for each bid; whoever needs it on disk first calls ``sync``.  What is
    recorded without a pause in between is in the file as a whole or not at all, whenever the
    process is killed: that a result is accepted, say, and what is owed for it.  Only when all
    places in memory are taken is it written before it is complete.
    """

    def __init__(
        self,
        path: Path,
        *,
        buffer_max: int = JOURNAL_BUFFER_MAX,
        providers_max: int = PROVIDERS_MAX,
    ) -> None:
        """Open or make the file; at most ``buffer_max`` entries wait in memory.

        When there are more than ``providers_max`` providers, those of long ago are counted
        together.

        Raises:
            DatabaseFailure: it cannot be used; the message says what to do.
        """
        self._database = open_database(path, JOURNAL_MIGRATIONS, synchronous="FULL")
        self._pending: list[_Entry] = []
        self._recorded_rows = 0
        """How many rows were ever recorded, and of them how many are in the file.  Each is counted
        by one thread at a time, which their difference would not be."""

        self._written_rows = 0
        self._buffer_max = buffer_max
        self._providers_max = providers_max
        self._shared_max = buffer_max - buffer_max // JOURNAL_RESERVE_PART
        """Places for all that is recorded; the others are for what must not be lost."""

        self._recorded = 0
        """How many statements were ever recorded, and of them how many are in the file."""

        self._written = 0
        self._writing = trio.Lock()
        self._has_lost = False
        self._turn = Lock()
        self._is_failing = False
        self._prune()

    @property
    def set_aside(self) -> Path | None:
        """Where a corrupted file was put when this one was opened; None when all was well."""
        return self._database.set_aside

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write what is recorded, in batches, until cancelled."""
        task_status.started()
        prune_at = trio.current_time() + JOURNAL_PRUNE_S
        while True:
            await trio.sleep(JOURNAL_RETRY_S if self._is_failing else JOURNAL_FLUSH_S)
            try:
                await self._write_all()
                if trio.current_time() >= prune_at:
                    prune_at = trio.current_time() + JOURNAL_PRUNE_S
                    await trio.to_thread.run_sync(self._prune_names)
            except DatabaseFailure:
                _log.debug("the journal is tried again in %g s", JOURNAL_RETRY_S)

    def close(self) -> None:
        """Write what is buffered and close the file."""
        try:
            self._flush(self._recorded)
        except DatabaseFailure as error:
            _log.error("the last entries of the journal are lost: %s", error)
        finally:
            self._database.close()

    async def sync(self) -> None:
        """Return when everything recorded so far is written.

        Raises:
            DatabaseFailure: it cannot be; it stays in memory to be tried again, or there was no
                room for it even there.
        """
        self._check_complete()
        await self._write_all()

    async def wait_room(self, rows: int) -> None:
        """Return when ``rows`` more can wait in memory, after writing what waits if need be.

        Ask before something is begun that records a lot, while it can still be left.

        Raises:
            DatabaseFailure: there is no room, and nothing can be written.
        """
        self._check_complete()
        while not self._has_room(rows, self._shared_max):
            await self._write_all()

    def _has_room(self, rows: int, rows_max: int) -> bool:
        # What is larger than all places together is at most a job, and has them for itself.
        waiting = self._recorded_rows - self._written_rows
        return waiting == 0 or waiting + rows <= rows_max

    def _check_complete(self) -> None:
        if self._has_lost:
            raise DatabaseFailure(
                "the journal could not be written for so long that entries are lost: make room on "
                "the disk and start the agent again"
            )

    async def _write_all(self) -> None:
        async with self._writing:
            # Counted here, where no coroutine is half-way through what belongs together; the thread
            # may find more.
            until = self._recorded
            if self._written < until:
                with trio.CancelScope(shield=True):
                    await trio.to_thread.run_sync(self._flush, until)

    def record(self, statement: str, *values: SqlValue) -> None:
        """Buffer one change; as ``record_rows``."""
        self.record_rows(statement, (values,))

    def record_together(self, *changes: tuple[str, Sequence[SqlValue]]) -> None:
        """Buffer changes that are lost all at once, if any; as ``record_rows``."""
        self._keep([(statement, (values,)) for statement, values in changes])

    def record_rows(self, statement: str, rows: Sequence[Sequence[SqlValue]]) -> None:
        """Buffer one change for each of ``rows``.

        When there is no room all that waits is written first, here and now.  Only when the disk
        takes nothing either it is lost, and ``sync`` fails from then on: so no voucher leaves that
        the next life would not know of.

        Raises:
            ValueError: no column holds one of the values; nothing was buffered.
        """
        self._keep([(statement, rows)])

    def _keep(self, entries: Sequence[_Entry]) -> None:
        self._has_lost |= not self._buffer(entries, self._buffer_max)

    def _record_story(self, *entries: _Entry) -> None:
        """Buffer what nobody is paid by, and may be lost for once."""
        self._buffer(entries, self._shared_max)

    def _buffer(self, entries: Sequence[_Entry], rows_max: int) -> bool:
        """Buffer ``entries`` while no more than ``rows_max`` wait; tell whether there was room."""
        for _, rows in entries:
            for values in rows:
                check_values(values)
        count = sum(len(rows) for _, rows in entries)
        if not self._has_room(count, rows_max) and not self._is_failing:
            # Rather a pause than a loss; while the disk takes nothing it is tried by ``run`` alone.
            with suppress(DatabaseFailure):
                self._flush(self._recorded)
        if not self._has_room(count, rows_max):
            return False
        self._pending += entries
        self._recorded_rows += count
        self._recorded += len(entries)
        return True

    def query(self, statement: str, *values: SqlValue) -> Sequence[Row]:
        """Return the rows of a query, after everything recorded so far that can be written."""
        with suppress(DatabaseFailure):
            self._flush(self._recorded)
        return self._database.query(statement, values)

    # Stories.

    def record_job(
        self,
        job_id: bytes,
        began_unix_s: int,
        package_id: bytes,
        package_name: str,
        runs: Sequence[tuple[bytes, str]],
    ) -> None:
        """Remember that a job began, with the ids and names of its runs."""
        job = (job_id, began_unix_s, package_id, package_name, len(runs))
        rows = [(run_id, job_id, number, name) for number, (run_id, name) in enumerate(runs)]
        self._record_story(
            ("INSERT INTO jobs VALUES (?, ?, ?, ?, ?)", (job,)),
            ("INSERT INTO runs (run_id, job_id, number, name) VALUES (?, ?, ?, ?)", rows),
        )

    def record_lot(self, lot_id: bytes, job_id: bytes, runs: range) -> None:
        """Remember that these runs of a job are bought together."""
        lot = (lot_id, job_id, runs[0], runs[-1], "under way")
        self._record_story(
            ("INSERT INTO lots (lot_id, job_id, first, last, state) VALUES (?, ?, ?, ?, ?)", (lot,))
        )

    def record_lot_failure(self, lot_id: bytes, reason: Reason) -> None:
        """Remember that there will be no result of the runs of a lot."""
        failed = "UPDATE lots SET state = 'failed', reason = ? WHERE lot_id = ?"
        self._record_story((failed, ((reason.value, lot_id),)))

    def record_lot_results(
        self, lot_id: bytes, run_ids: Sequence[bytes], outcomes: Sequence[str]
    ) -> None:
        """Remember how the tasks of a lot's runs ended, in the words of the accepted results."""
        common = outcomes[0] if len(set(outcomes)) == 1 else None
        accepted = "UPDATE lots SET state = 'accepted', reason = NULL, outcome = ? WHERE lot_id = ?"
        each = [] if common is not None else list(zip(outcomes, run_ids, strict=True))
        self._record_story(
            (accepted, ((common, lot_id),)), ("UPDATE runs SET outcome = ? WHERE run_id = ?", each)
        )

    def record_lot_reopened(self, lot_id: bytes, run_ids: Sequence[bytes]) -> None:
        """Take back what was said of a lot: it is checked again."""
        reopened = (
            "UPDATE lots SET state = 'under way', reason = NULL, outcome = NULL WHERE lot_id = ?"
        )
        self._record_story(
            (reopened, ((lot_id,),)),
            (
                "UPDATE runs SET outcome = NULL WHERE run_id = ?",
                [(run_id,) for run_id in run_ids],
            ),
        )

    def record_event(self, lot_id: bytes, at_ms: int, event: StoryEvent) -> None:
        """Add to the story of a lot's runs."""
        row = (lot_id, at_ms, encode_story_event(event))
        self._record_story(("INSERT INTO story (lot_id, at_ms, event) VALUES (?, ?, ?)", (row,)))

    def record_receipt(
        self, agreement: bytes, lot_id: bytes, provider: NodeId, body: bytes, signature: bytes
    ) -> None:
        """Keep what a provider signed."""
        row = (agreement, lot_id, provider, body, signature)
        self._record_story(("INSERT OR IGNORE INTO receipts VALUES (?, ?, ?, ?, ?)", (row,)))

    def receipt(self, agreement: bytes) -> Signed | None:
        """Return what a provider signed for an agreement; None when nothing came."""
        rows = self.query("SELECT body, signature FROM receipts WHERE agreement_id = ?", agreement)
        return Signed(*cast("tuple[bytes, bytes]", rows[0])) if rows else None

    def receipts(self, lot_id: bytes) -> Sequence[Signed]:
        """Return what providers signed for a lot."""
        rows = self.query("SELECT body, signature FROM receipts WHERE lot_id = ?", lot_id)
        return [Signed(*cast("tuple[bytes, bytes]", row)) for row in rows]

    def runs(self, *, count_max: int = 100) -> Sequence[RunSummary]:
        """Return the latest own runs, the newest first."""
        rows = self.query(
            f"{_RUN_COLUMNS} ORDER BY place DESC LIMIT ?", min(count_max, JOURNAL_LIST_MAX)
        )
        return [_summary(row) for row in rows]

    def find_runs(self, digits: str) -> Sequence[RunSummary]:
        """Return the runs whose id begins with the hexadecimal ``digits``; at most 100."""
        rows = self.query(
            f"{_RUN_COLUMNS} WHERE substr(lower(hex(run_id)), 1, ?) = ? ORDER BY place LIMIT 100",
            len(digits),
            digits.lower(),
        )
        return [_summary(row) for row in rows]

    def story(self, run_id: bytes) -> Sequence[tuple[int, StoryEvent]]:
        """Return what happened to a run, each with its milliseconds since the job began."""
        rows = self.query(
            "SELECT at_ms, event FROM story WHERE lot_id = "
            "(SELECT lot_id FROM bought WHERE run_id = ?) ORDER BY place",
            run_id,
        )
        return [
            (cast("int", at_ms), decode_story_event(cast("bytes", event))) for at_ms, event in rows
        ]

    def why(self, run_id: bytes) -> Sequence[str]:
        """Return the story of a run in sentences, in order; empty when it is unknown."""
        return narrate(self.story(run_id))

    def evidence(self, run_id: bytes) -> Sequence[tuple[bytes, bytes]]:
        """Return body and signature of every receipt that came for a run and those of its lot."""
        rows = self.query(
            "SELECT body, signature FROM receipts WHERE lot_id = "
            "(SELECT lot_id FROM bought WHERE run_id = ?)",
            run_id,
        )
        return [(cast("bytes", body), cast("bytes", signature)) for body, signature in rows]

    def earnings(self) -> Sequence[Earnings]:
        """Return what this agent earned as a provider, by requestor, but for those of long ago."""
        rows = self.query(
            "SELECT requestor, runs, fuel, paid, unpaid, refused FROM requestors "
            "WHERE requestor != ? ORDER BY requestor",
            OTHERS,
        )
        return [Earnings(*cast("tuple[NodeId, int, int, int, int, int]", row)) for row in rows]

    def earned(self) -> tuple[int, int]:
        """Return the drops that this agent was paid as a provider ever, and those due to it."""
        rows = self.query("SELECT coalesce(sum(paid), 0), coalesce(sum(unpaid), 0) FROM requestors")
        return cast("tuple[int, int]", rows[0])

    def count_up(self, name: str) -> int:
        """Raise a counter that lives over restarts by one, and return it."""
        self.record(
            "INSERT INTO counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1",
            name,
        )
        rows = self.query("SELECT value FROM counters WHERE name = ?", name)
        return cast("int", rows[0][0]) if rows else 1

    def _flush(self, until: int) -> None:
        """Write the first ``until`` statements, in their order, from whichever thread.

        What cannot be written stays.
        """
        # Taken and written in one turn: else entries that were taken and wait for a thread would be
        # overtaken by later ones.  Meanwhile ``record`` may add to the end of the list.
        with self._turn:
            entries = self._pending[: max(0, until - self._written)]
            try:
                self._write(entries)
            except DatabaseFailure as error:
                if not self._is_failing:
                    _log.error("the journal cannot be written, and is kept in memory: %s", error)
                self._is_failing = True
                raise
            except WRONG_CHANGES:
                self._write_around(entries)
                raise
            self._is_failing = False
            self._forget(len(entries))

    def _forget(self, count: int) -> None:
        """Forget the first ``count`` entries: they are written, or never can be."""
        self._written_rows += sum(len(rows) for _, rows in self._pending[:count])
        del self._pending[:count]
        self._written += count

    def _write_around(self, entries: Sequence[_Entry]) -> None:
        """Write ``entries`` but for those that are wrong, which would keep all others from it."""
        # By halves: one by one a memory card would take minutes for a full buffer.
        half = len(entries) // 2
        for part in (entries[:half], entries[half:]):
            try:
                self._write(part)
            except WRONG_CHANGES as error:
                if len(part) > 1:
                    self._write_around(part)
                    continue
                _log.error("an entry of the journal is wrong and lost: %s: %r", part[0][0], error)
            self._forget(len(part))

    def _write(self, entries: Sequence[_Entry]) -> None:
        if not entries:
            return
        with self._database.transaction():
            for statement, rows in entries:
                self._database.executemany(statement, rows)

    def _prune(self) -> None:
        """Forget the oldest runs beyond ``JOURNAL_RUNS_MAX``; end those that a crash cut off."""
        rows = self.query("SELECT max(place) FROM runs")
        newest = cast("int", rows[0][0] or 0)
        with self._database.transaction():
            values = (newest - JOURNAL_RUNS_MAX,)
            self._database.execute("DELETE FROM runs WHERE place <= ?", values)
            # A lot is remembered as long as any of its runs is.
            self._database.execute(
                "DELETE FROM lots WHERE NOT EXISTS (SELECT 1 FROM runs "
                "WHERE runs.job_id = lots.job_id AND number BETWEEN first AND last)"
            )
            self._database.execute("DELETE FROM jobs WHERE job_id NOT IN (SELECT job_id FROM runs)")
            for table in ("story", "receipts"):
                self._database.execute(
                    f"DELETE FROM {table} WHERE NOT EXISTS "
                    f"(SELECT 1 FROM lots WHERE lots.lot_id = {table}.lot_id)",
                )
            self._database.execute(
                "DELETE FROM bills WHERE state = 'told' "
                "AND NOT EXISTS (SELECT 1 FROM lots WHERE lots.lot_id = bills.lot_id)"
            )
            self._prune_names()
            stopped = (Reason.REQUESTOR_STOPPED.value,)
            self._database.execute(
                "UPDATE lots SET state = 'failed', reason = ? WHERE state = 'under way'", stopped
            )
            # Lots are formed in order: those that had none yet are the last of their job.
            self._database.execute(_LOTS_NEVER_FORMED, stopped)

    def _prune_names(self) -> None:
        """Forget the oldest of what others can make this agent remember under ever new names."""
        with self._database.transaction():
            self._database.execute(
                "DELETE FROM reputation WHERE (provider, package_id) NOT IN (SELECT provider, "
                "package_id FROM reputation ORDER BY unix_s DESC LIMIT ?)",
                (REPUTATIONS_MAX,),
            )
            # By then its provider takes it for refused.
            self._database.execute(
                "DELETE FROM refusals WHERE unix_s < ?", (int(time()) - DUE_KEPT_S,)
            )
            self._database.execute(_FOLD_PROVIDERS, (OTHERS, OTHERS, self._providers_max))
            self._database.execute(_FORGET_PROVIDERS, (OTHERS, self._providers_max))


_PROVIDERS_OF_LONG_AGO = """
    provider IN (SELECT provider FROM providers WHERE provider != ?
        ORDER BY unix_s DESC, provider LIMIT -1 OFFSET ?)
"""

_FOLD_PROVIDERS = f"""
    INSERT INTO providers
        SELECT ?, sum(confirmed), sum(wrong), sum(lost), sum(refused), sum(paid),
            max(unix_s)
        FROM providers WHERE {_PROVIDERS_OF_LONG_AGO} HAVING count(*) > 0
        ON CONFLICT (provider) DO UPDATE SET
            confirmed = confirmed + excluded.confirmed, wrong = wrong + excluded.wrong,
            lost = lost + excluded.lost, refused = refused + excluded.refused,
            paid = paid + excluded.paid, unix_s = excluded.unix_s
"""

_FORGET_PROVIDERS = f"DELETE FROM providers WHERE {_PROVIDERS_OF_LONG_AGO}"

_LOTS_NEVER_FORMED = """
    INSERT INTO lots SELECT randomblob(16), job_id, next, runs - 1, 'failed', ?, NULL FROM (
        SELECT job_id, runs, coalesce(
            (SELECT max(last) + 1 FROM lots WHERE lots.job_id = jobs.job_id), 0) AS next
        FROM jobs
    ) WHERE next < runs
"""

_RUN_COLUMNS = """
    SELECT run_id, bought.job_id, number, name, package_name, began_unix_s, state, reason,
        outcome
    FROM bought JOIN jobs ON jobs.job_id = bought.job_id
"""


def _summary(row: Row) -> RunSummary:
    run_id, job_id, number, name, package_name, began, state, code, outcome = cast(
        "tuple[bytes, bytes, int, str, str, int, str, str | None, str]", row
    )
    reason = None if code is None else reason_from_code(code)
    return RunSummary(run_id, job_id, number, name, package_name, began, state, reason, outcome)
