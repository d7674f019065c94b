"""The journal: what survives a restart, a crash, and a batch that cannot be written."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import trio
from tests.full_disk import full_disk
from tests.one_thread import one_thread

from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.story import RunFailed, RunOrdered
from fogbank_agent.trading.journal import Earnings, Journal
from fogbank_agent.trading.journal_tables import JOURNAL_MIGRATIONS
from fogbank_agent.trading.standings import Standings
from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.database import DatabaseFailure, open_database

from .neighbourhood import wait_until

ANN = NodeId(b"a" * 32)
JOB, PACKAGE = b"j" * 16, b"p" * 32


def run_id(number: int) -> bytes:
    return bytes([number]) * 16


def lot_id(number: int) -> bytes:
    return bytes([100 + number]) * 16


def record_runs(journal: Journal, count: int) -> None:
    """Record a job whose runs are bought one by one."""
    runs = [(run_id(number), f"{number}.csv") for number in range(count)]
    journal.record_job(JOB, 1_700_000_000, PACKAGE, "sensor-statistics", runs)
    for number in range(count):
        journal.record_lot(lot_id(number), JOB, range(number, number + 1))


async def test_a_story_survives_a_restart(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    record_runs(journal, 2)
    journal.record_event(lot_id(1), 0, RunOrdered(1, 3))
    journal.record_event(lot_id(1), 1_500, RunFailed(Reason.NO_PROVIDER))
    journal.record_lot_failure(lot_id(1), Reason.NO_PROVIDER)
    journal.close()

    journal = Journal(tmp_path / "journal")
    assert journal.story(run_id(1)) == [
        (0, RunOrdered(1, 3)),
        (1_500, RunFailed(Reason.NO_PROVIDER)),
    ]
    assert len(journal.why(run_id(1))) == 2
    assert [run.outcome for run in journal.runs()] == ["", ""]
    journal.record_lot_results(lot_id(0), [run_id(0)], ["out of fuel"])
    assert [run.outcome for run in journal.runs()] == ["", "out of fuel"]
    newest = journal.runs(count_max=1)[0]
    assert (newest.number, newest.name, newest.state) == (1, "1.csv", "failed")
    assert newest.package_name == "sensor-statistics"
    journal.close()


async def test_runs_that_a_crash_cut_off_are_not_under_way_for_ever(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    record_runs(journal, 1)
    assert journal.runs()[0].state == "under way"
    journal.close()
    journal = Journal(tmp_path / "journal")
    assert (journal.runs()[0].state, journal.runs()[0].reason) == (
        "failed",
        Reason.REQUESTOR_STOPPED,
    )
    journal.close()


async def test_a_run_is_found_by_its_first_digits_in_either_case(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    runs = [(first + bytes(14), "") for first in (b"\xab\xcd", b"\xab\xce", b"\xac\x00")]
    journal.record_job(JOB, 0, PACKAGE, "name", runs)
    assert [run.number for run in journal.find_runs("ab")] == [0, 1]
    assert [run.number for run in journal.find_runs("ABC")] == [0, 1]
    assert [run.number for run in journal.find_runs("abcd")] == [0]
    assert journal.find_runs("ff") == []
    assert journal.why(b"?" * 16) == []
    journal.close()


@pytest.mark.slow
async def test_what_is_recorded_is_written_soon(tmp_path: Path) -> None:
    journal, other = Journal(tmp_path / "journal"), Journal(tmp_path / "journal")
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await nursery.start(journal.run)
            record_runs(journal, 3)
            assert other.runs() == []
            await wait_until(lambda: len(other.runs()) == 3)
            nursery.cancel_scope.cancel()
    other.close()
    journal.close()


async def test_what_cannot_be_written_stays_in_memory(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    with full_disk(1):
        record_runs(journal, 3)
        with pytest.raises(DatabaseFailure):
            await journal.sync()
        assert journal.runs() == []
        journal.record_event(lot_id(0), 0, RunOrdered(1, 3))
    await journal.sync()
    assert len(journal.runs()) == 3
    assert len(journal.story(run_id(0))) == 1
    journal.close()


async def test_what_is_lost_for_want_of_memory_is_never_said_to_be_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", buffer_max=2)
    counted = "INSERT INTO counters VALUES (?, ?)"
    with full_disk(1):
        journal.record(counted, "lives", 1)
        journal.record("DELETE FROM counters")
        journal.record_event(lot_id(0), 0, RunOrdered(1, 3))
    await journal.sync()
    with full_disk(1):
        journal.record(counted, "lives", 1)
        journal.record("DELETE FROM counters")
        journal.record(counted, "lives", 2)
    for _ in range(2):
        with pytest.raises(DatabaseFailure, match="start the agent again"):
            await journal.sync()
    journal.close()
    journal = Journal(tmp_path / "journal")
    await journal.sync()
    journal.close()


async def test_the_runs_of_a_lot_share_its_story(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    runs = [(run_id(number), f"{number}.csv") for number in range(4)]
    journal.record_job(JOB, 1_700_000_000, PACKAGE, "sensor-statistics", runs)
    journal.record_lot(lot_id(0), JOB, range(1, 3))
    journal.record_event(lot_id(0), 0, RunOrdered(1, 3))
    journal.record_lot_results(lot_id(0), [run_id(1), run_id(2)], ["ok", "ok"])
    assert [len(journal.story(run_id(number))) for number in range(4)] == [0, 1, 1, 0]
    states = {run.number: run.state for run in journal.runs()}
    assert states == {0: "under way", 1: "accepted", 2: "accepted", 3: "under way"}
    journal.close()


async def test_runs_of_a_lot_may_end_each_in_its_way(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    ids = [run_id(number) for number in range(2)]
    journal.record_job(JOB, 0, PACKAGE, "name", [(each, "") for each in ids])
    journal.record_lot(lot_id(0), JOB, range(2))

    def outcomes() -> list[str]:
        return [run.outcome for run in reversed(journal.runs())]

    journal.record_lot_results(lot_id(0), ids, ["ok", "out of fuel"])
    assert outcomes() == ["ok", "out of fuel"]
    journal.record_lot_reopened(lot_id(0), ids)
    assert outcomes() == ["", ""]
    assert {run.state for run in journal.runs()} == {"under way"}
    journal.record_lot_results(lot_id(0), ids, ["ok", "ok"])
    assert outcomes() == ["ok", "ok"]
    journal.close()


async def test_runs_that_never_had_a_lot_have_failed_after_a_crash(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    runs = [(run_id(number), "") for number in range(3)]
    journal.record_job(JOB, 0, PACKAGE, "name", runs)
    journal.record_lot(lot_id(0), JOB, range(1))
    journal.record_lot_results(lot_id(0), [run_id(0)], ["ok"])
    journal.close()
    for _ in range(2):
        journal = Journal(tmp_path / "journal")
        states = [(run.state, run.reason) for run in reversed(journal.runs())]
        stopped = ("failed", Reason.REQUESTOR_STOPPED)
        assert states == [("accepted", None), stopped, stopped]
        journal.close()


async def test_counters_rise_over_restarts(tmp_path: Path) -> None:
    for life in (1, 2, 3):
        journal = Journal(tmp_path / "journal")
        assert journal.count_up("lives") == life
        journal.close()


async def test_receipts_are_kept_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    record_runs(journal, 1)
    for body in (b"first", b"second"):
        journal.record_receipt(b"g" * 32, lot_id(0), ANN, body, b"s")
    journal.record_receipt(b"h" * 32, lot_id(0), ANN, b"other", b"s")
    assert sorted(journal.evidence(run_id(0))) == [(b"first", b"s"), (b"other", b"s")]
    journal.close()


async def test_nothing_overtakes_a_batch_that_waits_for_a_thread(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    with one_thread() as thread:
        async with trio.open_nursery() as nursery, thread:
            record_runs(journal, 1)
            nursery.start_soon(journal.sync)
            await trio.testing.wait_all_tasks_blocked()
            journal.record_lot_results(lot_id(0), [run_id(0)], ["ok"])
            assert journal.runs()[0].state == "accepted"
    assert journal.runs()[0].state == "accepted"
    journal.close()


async def test_what_is_recorded_together_is_written_together(tmp_path: Path) -> None:
    """A thread that writes sees the list of entries at any moment, also between two of them."""
    journal = Journal(tmp_path / "journal")
    with one_thread() as thread:
        async with trio.open_nursery() as nursery, thread:
            record_runs(journal, 1)
            nursery.start_soon(journal.sync)
            await trio.testing.wait_all_tasks_blocked()
            # The first of two that belong together, as far as the thread can know.
            journal.record_lot_results(lot_id(0), [run_id(0)], ["ok"])
    # What this process has still in memory is lost with it.
    with closing(sqlite3.connect(tmp_path / "journal")) as file:
        assert file.execute("SELECT state FROM lots").fetchall() == [("under way",)]
    await journal.sync()
    with closing(sqlite3.connect(tmp_path / "journal")) as file:
        assert file.execute("SELECT state FROM lots").fetchall() == [("accepted",)]
    journal.close()


OLD_BOOKS = """
    INSERT INTO earned VALUES (x'01', x'aa', 10, 100, NULL, 0, 'paid', 0);
    INSERT INTO earned VALUES (x'02', x'aa', 11, 20, x'cc', 2, 'unpaid', 1);
    INSERT INTO earned VALUES (x'03', x'aa', 12, 7, NULL, 0, 'refused', 0);
    INSERT INTO earned VALUES (x'04', x'bb', 13, 9, NULL, 0, 'paid', 1);
    INSERT INTO grudges VALUES (x'aa', 5);
    INSERT INTO standings VALUES (x'dd', 1, 2, 3, 4);
    INSERT INTO bills VALUES (x'11', x'dd', x'22', 30, NULL, 0, 'told', x'33', 0);
    INSERT INTO bills VALUES (x'12', x'ee', x'22', 40, NULL, 0, 'told', x'33', 0);
    INSERT INTO bills VALUES (x'13', x'dd', x'22', 50, NULL, 0, 'paid', x'33', 0);
    INSERT INTO refusals VALUES (x'14', x'dd', 'cancelled');
"""


async def test_the_books_of_an_older_version_are_carried_over(tmp_path: Path) -> None:
    older = next(
        number for number, script in enumerate(JOURNAL_MIGRATIONS) if "TABLE requestors" in script
    )
    open_database(tmp_path / "journal", JOURNAL_MIGRATIONS[:older]).close()
    with closing(sqlite3.connect(tmp_path / "journal")) as file:
        file.executescript(OLD_BOOKS)
    journal = Journal(tmp_path / "journal")
    assert journal.set_aside is None
    assert journal.earnings() == [
        Earnings(NodeId(b"\xaa"), 2, 33, 100, 20, 7),
        Earnings(NodeId(b"\xbb"), 0, 13, 9, 0, 0),
    ]
    assert journal.query("SELECT requestor, grudge FROM requestors") == [
        (b"\xaa", 5),
        (b"\xbb", 0),
    ]
    dues = journal.query("SELECT agreement_id, requestor, drops, author, royalty FROM dues")
    assert dues == [(b"\x02", b"\xaa", 20, b"\xcc", 2)]
    assert journal.query(
        "SELECT provider, confirmed, wrong, lost, refused, paid FROM providers"
    ) == [(b"\xdd", 1, 2, 3, 4, 30), (b"\xee", 0, 0, 0, 0, 40)]
    assert journal.query("SELECT agreement_id FROM bills") == [(b"\x13",)]
    assert journal.query("SELECT agreement_id FROM refusals") == [(b"\x14",)]
    journal.close()


async def test_providers_of_long_ago_are_counted_together(tmp_path: Path) -> None:
    insert = "INSERT INTO providers VALUES (?, 1, 2, 3, 4, 5, ?)"
    for life in range(3):
        journal = Journal(tmp_path / "journal", providers_max=3)
        for number in range(10):
            journal.record(insert, bytes([life, number]) * 16, 100 * life + number)
        journal.close()
    journal = Journal(tmp_path / "journal", providers_max=3)
    sums = "sum(confirmed), sum(wrong), sum(lost), sum(refused), sum(paid), count(*)"
    assert journal.query(f"SELECT {sums} FROM providers") == [(30, 60, 90, 120, 150, 4)]
    assert [one.provider for one in Standings(journal).providers()] == [
        bytes([2, number]) * 16 for number in (7, 8, 9)
    ]
    journal.close()


OWING = "INSERT OR REPLACE INTO counters VALUES (?, ?)"


def owed(journal: Journal) -> int:
    ((count,),) = journal.query("SELECT count(*) FROM counters")
    assert isinstance(count, int)
    return count


async def test_a_full_buffer_is_written_rather_than_lost(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", buffer_max=4)
    for number in range(10):
        journal.record(OWING, bytes([number]), number)
    journal.record_together(*((OWING, (bytes([number]), 1)) for number in range(10, 13)))
    await journal.sync()
    assert owed(journal) == 13
    journal.close()


async def test_stories_leave_room_for_what_must_not_be_lost(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", buffer_max=8)
    with full_disk(1):
        for at_ms in range(20):
            journal.record_event(lot_id(0), at_ms, RunOrdered(1, 3))
        journal.record_together((OWING, (b"one", 1)), (OWING, (b"two", 2)))
    await journal.sync()
    assert owed(journal) == 2
    assert journal.query("SELECT count(*) FROM story") == [(6,)]
    journal.close()


async def test_a_story_longer_than_the_buffer_is_kept_while_the_disk_takes_it(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path / "journal", buffer_max=8)
    record_runs(journal, 12)
    assert len(journal.runs()) == 12
    journal.close()


async def test_what_is_begun_waits_for_room_and_is_refused_without(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", buffer_max=8)
    journal.record(OWING, b"one", 1)
    await journal.wait_room(5)
    with full_disk(1):
        with pytest.raises(DatabaseFailure):
            await journal.wait_room(6)
        assert owed(journal) == 0
    await journal.wait_room(6)
    with closing(sqlite3.connect(tmp_path / "journal")) as file:
        assert file.execute("SELECT count(*) FROM counters").fetchall() == [(1,)]
    await journal.wait_room(100)
    journal.close()


async def test_a_full_disk_is_not_tried_again_for_each_entry(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", buffer_max=2)
    with full_disk(1):
        for number in range(4):
            journal.record(OWING, bytes([number]), number)
    # The third was lost when the disk took nothing; it is ``run`` that tries again.
    for number in range(4):
        journal.record(OWING, bytes([number]), number)
    with pytest.raises(DatabaseFailure, match="start the agent again"):
        await journal.wait_room(1)
    assert owed(journal) == 2
    journal.close()


@pytest.mark.parametrize("value", [1 << 63, -(1 << 63) - 1, "\ud800"])
async def test_what_no_column_holds_is_refused_where_it_is_recorded(
    tmp_path: Path, value: int | str
) -> None:
    journal = Journal(tmp_path / "journal")
    journal.record(OWING, b"largest", (1 << 63) - 1)
    with pytest.raises(ValueError, match=r"no column holds|surrogates"):
        journal.record_together((OWING, (b"one", 1)), (OWING, (b"two", value)))
    await journal.sync()
    assert owed(journal) == 1
    journal.close()


async def test_a_wrong_entry_keeps_no_other_from_being_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    for number in range(9):
        journal.record(OWING, b"one", 1)
        journal.record("INSERT INTO counters VALUES (?, ?)", b"one", 2)
        journal.record(OWING, b"one", number)
    journal.record(OWING, b"two", 2)
    with pytest.raises(sqlite3.IntegrityError):
        await journal.sync()
    await journal.sync()
    assert journal.query("SELECT value FROM counters ORDER BY value") == [(2,), (8,)]
    journal.record("INSERT INTO counters VALUES (?, ?)", b"one", 2)
    journal.record(OWING, b"three", 3)
    with pytest.raises(sqlite3.IntegrityError):
        journal.close()
    journal = Journal(tmp_path / "journal")
    assert owed(journal) == 3
    journal.close()


async def test_a_disk_that_takes_nothing_is_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(tmp_path / "journal")
    for _ in range(2):
        journal.record(OWING, b"one", 1)
        with full_disk(1):
            for _ in range(3):
                assert owed(journal) in (0, 1)
            with pytest.raises(DatabaseFailure):
                await journal.sync()
        await journal.sync()
    assert caplog.text.count("cannot be written") == 2
    journal.close()
