"""Signatures checked inline, in a thread and in the process (SPEC.md rule 8.3.12)."""

import os
import signal
from pathlib import Path

import pytest
import trio

from fogbank_dag_ledger.limits import VERIFY_BATCH, VERIFY_INLINE_MAX
from fogbank_dag_ledger.service.signature_checks import SignatureChecks
from fogbank_dag_ledger.vertex import Vertex

from ..community import Community

COMMUNITY = Community()
GOOD = COMMUNITY.vertex(4)
BAD = GOOD._replace(signature=bytes(64))


def mixed(count: int) -> list[Vertex]:
    return [BAD if number % 7 == 3 else GOOD for number in range(count)]


def truth(vertices: list[Vertex]) -> list[bool]:
    return [vertex is GOOD for vertex in vertices]


async def until_in_process(checks: SignatureChecks) -> None:
    """Ask until the answers come from the process."""
    full = mixed(VERIFY_BATCH)
    with trio.fail_after(20):
        while checks.process_id is None:
            assert await checks.hold(full) == truth(full)


@pytest.mark.parametrize("count", [0, 1, VERIFY_INLINE_MAX, VERIFY_INLINE_MAX + 1, VERIFY_BATCH])
async def test_each_signature_is_told_apart_with_one_processor(count: int) -> None:
    checks = SignatureChecks(COMMUNITY.network, processors=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(checks.run)
        assert await checks.hold(mixed(count)) == truth(mixed(count))
    assert checks.process_id is None


@pytest.mark.slow
async def test_a_backlog_starts_a_process_that_answers_in_order() -> None:
    checks = SignatureChecks(COMMUNITY.network, processors=2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(checks.run)
        await until_in_process(checks)

        async def ask(count: int) -> None:
            assert await checks.hold(mixed(count)) == truth(mixed(count))

        async with trio.open_nursery() as askers:
            for count in range(VERIFY_INLINE_MAX + 1, 200, 13):
                askers.start_soon(ask, count)
        process_id = checks.process_id
        assert process_id is not None
        nursery.cancel_scope.cancel()
    assert not Path(f"/proc/{process_id}").exists()


@pytest.mark.slow
async def test_without_its_process_it_goes_on_in_a_thread() -> None:
    checks = SignatureChecks(COMMUNITY.network, processors=2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(checks.run)
        await until_in_process(checks)
        process_id = checks.process_id
        assert process_id is not None
        os.kill(process_id, signal.SIGKILL)
        full = mixed(VERIFY_BATCH)
        for _ in range(3):
            assert await checks.hold(full) == truth(full)
        assert checks.process_id is None
        nursery.cancel_scope.cancel()
