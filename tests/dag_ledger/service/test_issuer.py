"""Own vertices: on disk first, or not at all (SPEC.md section 8.8)."""

from pathlib import Path

import pytest
import trio

from fogbank_dag_ledger.limits import STRANGER_MARGIN_BITS
from fogbank_dag_ledger.participation.happenings import OwnKept, OwnLost, OwnRefused
from fogbank_dag_ledger.service.failures import LogFull, LogUnusable
from fogbank_dag_ledger.service.issuer import Issuer
from fogbank_dag_ledger.service.own_log import OwnLog
from fogbank_dag_ledger.strangers import bits_of
from fogbank_dag_ledger.vertex import NO_VERTEX, ORDINARY, Draft
from fogbank_dag_ledger.vertex_codec import encode_vertex

from ..community import Community

COMMUNITY = Community(seats=4, others=2)
DRAFT = Draft(ORDINARY, COMMUNITY.names[4], 0, NO_VERTEX)


class FailingLog(OwnLog):
    """A log whose next append fails."""

    failure: Exception | None = None

    def append(self, records: object) -> None:
        if self.failure is not None:
            raise self.failure
        super().append(records)  # type: ignore[arg-type]


def desk(folder: Path, bits: int = 0) -> tuple[FailingLog, Issuer]:
    log = FailingLog(folder / "own.log", COMMUNITY.network, COMMUNITY.names[4])
    return log, Issuer(COMMUNITY.identities[4], COMMUNITY.network, log, lambda: 5, lambda _: bits)


async def test_a_vertex_is_on_disk_when_it_is_told(tmp_path: Path) -> None:
    log, issuer = desk(tmp_path)
    kept = await issuer.keep(DRAFT)
    assert isinstance(kept, OwnKept)
    assert list(log.records()) == [encode_vertex(kept.vertex)]
    assert kept.vertex.unix_time_s == 5
    log.close()


async def test_cancelling_after_it_began_does_not_tear_a_vertex(tmp_path: Path) -> None:
    log, issuer = desk(tmp_path)
    with trio.CancelScope() as scope:
        scope.cancel()
        assert isinstance(await issuer.keep(DRAFT), OwnKept)
    assert len(list(log.records())) == 1
    log.close()


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (LogFull("free some space"), OwnRefused("free some space")),
        (LogUnusable("Input/output error"), OwnLost("Input/output error")),
    ],
)
async def test_what_is_not_on_disk_is_told_and_not_kept(
    tmp_path: Path, failure: Exception, told: OwnRefused | OwnLost
) -> None:
    log, issuer = desk(tmp_path)
    log.failure = failure
    assert await issuer.keep(DRAFT) == told
    assert list(log.records()) == []
    log.close()


async def test_a_stranger_shows_more_work_than_its_own_node_asks_for(tmp_path: Path) -> None:
    log, issuer = desk(tmp_path, bits=6)
    kept = await issuer.keep(DRAFT)
    assert isinstance(kept, OwnKept)
    shown = bits_of(COMMUNITY.network, DRAFT.issuer, DRAFT.seq, kept.vertex.work)
    assert shown >= 6 + STRANGER_MARGIN_BITS
    log.close()
