"""Answers that read from the disk while the ledger ends (SPEC.md section 8.7)."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Never

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fogbank_dag_ledger.checkpoint import COMMITTEE
from fogbank_dag_ledger.committee_proof import encode_committee_request
from fogbank_dag_ledger.service.answers import Answers
from fogbank_dag_ledger.service.disk import open_disk
from fogbank_dag_ledger.service.store import VertexStore
from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.failures import CallRefused
from fogbank_protocol.node.services import RequestService

from .test_store import NETWORK

NAME, PEER = NodeId(bytes(31) + b"\1"), NodeId(bytes(31) + b"\2")


class SlowStore(VertexStore):
    """A store whose disk takes until ``go`` is set."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, NETWORK)
        self.go = threading.Event()

    def committee(self, epoch: int) -> bytes | None:
        self.go.wait()
        return super().committee(epoch)


def never(*_: object) -> Never:
    """Stand for what a reading answer has nothing to do with."""
    raise AssertionError


async def test_what_is_being_read_ends_before_the_disk_is_closed(tmp_path: Path) -> None:
    store = SlowStore(tmp_path / "slow.sqlite")
    opened = open_disk(tmp_path / "ledger", NETWORK, NAME)
    disk = replace(opened, store=store)
    answers = Answers(
        never,
        compare=never,
        learn_proof=never,
        heads=never,
        note_lacking=never,
        checkpoints=never,
        learn_checkpoint=never,
    )
    (service,) = [
        one
        for one in answers.services()
        if isinstance(one, RequestService) and one.method == COMMITTEE
    ]
    refused: list[str] = []
    ended: list[str] = []

    async def ask() -> None:
        with pytest.raises(CallRefused) as caught:
            await service.handler(PEER, encode_committee_request(1))
        refused.append(caught.value.code)

    async def end() -> None:
        await answers.wait_read()
        store.close()
        ended.append("closed")

    await ask()
    answers.open(disk)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        answers.close()
        nursery.start_soon(end)
        await ask()
        await wait_all_tasks_blocked()
        was_early = bool(ended)
        store.go.set()
    assert not was_early
    assert refused == ["busy", "busy", "not_found"]
    disk.close()
    opened.close()
