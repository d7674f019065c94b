"""What takes a while, on a disk that has no room for it (SPEC.md section 8.21)."""

import logging
from pathlib import Path
from typing import Any, cast

import pytest
import trio
from tests.full_disk import full_disk

from fogbank_dag_ledger.checkpoint import CheckpointHash
from fogbank_dag_ledger.checkpointing import CheckpointSigned, SignCheckpoint
from fogbank_dag_ledger.participation.happenings import ParticipantEvent
from fogbank_dag_ledger.service.disk import STORE_NAME, open_disk
from fogbank_dag_ledger.service.errands import Errands
from fogbank_protocol.identity import Identity, NodeId

from .services import PATIENCE_S, wait_until
from .test_store import NETWORK

CLOSED = NodeId(bytes(32))


@pytest.mark.slow
async def test_nothing_is_signed_before_the_promise_of_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("fogbank_dag_ledger.service.errands.DISK_RETRY_S", 0.05)
    identity = Identity.from_seed(bytes(32))
    disk = open_disk(tmp_path, NETWORK, identity.node_id)
    told: list[ParticipantEvent] = []
    # Nobody is asked, and no vertex issued.
    nobody = cast("Any", None)
    errands = Errands(disk, nobody, nobody, identity, NETWORK, tell=told.append, wishes={})
    with trio.fail_after(PATIENCE_S), caplog.at_level(logging.WARNING):
        async with trio.open_nursery() as nursery:
            errands.nursery = nursery
            with full_disk((tmp_path / STORE_NAME).stat().st_size // 2):
                errands.begin(SignCheckpoint(CheckpointHash(bytes(32)), (CLOSED,), 3))
                await wait_until(lambda: "waits to be signed" in caplog.text)
                assert not told
                assert not disk.store.sealed()
    assert [type(event) for event in told] == [CheckpointSigned]
    assert disk.store.sealed() == [(CLOSED, 3)]
    disk.close()
