"""Own vertices: on disk first, one after another, or not at all (SPEC.md section 8.8)."""

from pathlib import Path

import pytest
import trio

from fogbank_dag_ledger.service.failures import LogFull, LogUnusable, NotIssuing
from fogbank_dag_ledger.service.issuer import Issuer
from fogbank_dag_ledger.service.own_log import OwnLog
from fogbank_dag_ledger.service.views import DiskIsFull, Issuing, Silent, Stopped
from fogbank_dag_ledger.vertex import NO_VERTEX, ORDINARY, Draft, Vertex
from fogbank_dag_ledger.vertex_codec import encode_vertex

from ..community import Community

COMMUNITY = Community(seats=4, others=2)
SILENT = Silent(2, 0)
DRAFT = Draft(ORDINARY, COMMUNITY.names[4], 0, NO_VERTEX)


class FailingLog(OwnLog):
    """A log whose next append fails."""

    failure: Exception | None = None

    def append(self, records: object) -> None:
        if self.failure is not None:
            raise self.failure
        super().append(records)  # type: ignore[arg-type]


class Desk:
    """An issuer with a log, and what it inserted."""

    def __init__(self, folder: Path) -> None:
        self.log = FailingLog(folder / "own.log", COMMUNITY.network, COMMUNITY.names[4])
        self.inserted: list[tuple[Vertex, list[bytes]]] = []
        self.store_failure: str | None = None
        self.issuer = Issuer(
            COMMUNITY.identities[4],
            COMMUNITY.network,
            insert=lambda vertex: self.inserted.append((vertex, list(self.log.records()))),
            unix_time_s=lambda: 5,
            store_failure=lambda: self.store_failure,
        )


async def test_a_vertex_is_on_disk_before_it_is_inserted(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.issuer.state(SILENT) == SILENT
    with pytest.raises(NotIssuing, match="too few seats"):
        await desk.issuer.issue(DRAFT)
    desk.issuer.begin(desk.log)
    assert desk.issuer.state(SILENT) == Issuing()
    vertex = await desk.issuer.issue(DRAFT)
    assert desk.inserted == [(vertex, [encode_vertex(vertex)])]
    assert vertex.unix_time_s == 5
    desk.log.close()


async def test_cancelling_after_it_began_does_not_tear_a_vertex(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.issuer.begin(desk.log)
    with trio.CancelScope() as scope:
        scope.cancel()
        await desk.issuer.issue(DRAFT)
    assert len(desk.inserted) == len(list(desk.log.records()))
    desk.log.close()


async def test_a_full_disk_stops_issuing_until_there_is_room(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    del autojump_clock
    desk = Desk(tmp_path)
    desk.issuer.begin(desk.log)
    desk.log.failure = LogFull("no room on the disk; free some space")
    with pytest.raises(NotIssuing, match="free some space"):
        await desk.issuer.issue(DRAFT)
    assert desk.inserted == []
    assert isinstance(desk.issuer.state(SILENT), DiskIsFull)
    desk.log.failure = None
    with pytest.raises(NotIssuing, match="free some space"):
        await desk.issuer.issue(DRAFT)
    await trio.sleep(6)
    assert desk.issuer.state(SILENT) == Issuing()
    await desk.issuer.issue(DRAFT)
    assert len(desk.inserted) == 1
    desk.log.close()


async def test_nothing_is_issued_while_the_store_cannot_be_written(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.issuer.begin(desk.log)
    desk.store_failure = "no room for the store"
    with pytest.raises(NotIssuing, match="no room for the store"):
        await desk.issuer.issue(DRAFT)
    assert list(desk.log.records()) == []
    desk.log.close()


async def test_a_log_in_an_unknown_state_stops_issuing_for_good(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.issuer.begin(desk.log)
    desk.log.failure = LogUnusable("cannot write the log: Input/output error")
    with pytest.raises(NotIssuing, match="Input/output"):
        await desk.issuer.issue(DRAFT)
    desk.log.failure = None
    assert isinstance(desk.issuer.state(SILENT), Stopped)
    with pytest.raises(NotIssuing, match="start the agent again"):
        await desk.issuer.issue(DRAFT)
    desk.log.close()
