"""A provider that lies, for demonstrations and tests: put around the sandbox by ``[fault]``."""

import re
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from logging import getLogger
from random import Random

from fogbank_protocol.blobs.naming import blob_id
from fogbank_wasm_tasks.outcome import Ok
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.run import Pace, RunReport, RunRequest
from fogbank_wasm_tasks.verification.requests import (
    StepReport,
    StepRequest,
    VerifyReport,
    VerifyRequest,
)

from ..limits import PARTS_PER_MILLION
from ..trading.interfaces import CheckingRunner

_LIE_TOLD = "told a lie about input %s: one bit of its output is wrong"
_LIES = re.compile(r"told a lie about input ([0-9a-f]{64})")

_log = getLogger(__name__)


class LyingRunner:
    """Executes runs honestly, and falsifies some of the results before they are signed."""

    def __init__(self, runner: CheckingRunner, lie_ppm: int, random: Random) -> None:
        """Execute with ``runner``; falsify ``lie_ppm`` of a million results, by ``random``."""
        self._runner = runner
        self._lie_ppm = lie_ppm
        self._random = random

    async def execute(
        self,
        package: Package | bytes,
        request: RunRequest,
        *,
        pace: Pace | None = None,
    ) -> RunReport:
        """Run a package as ``Runner.execute`` does, and perhaps lie about its output."""
        report = await self._runner.execute(package, request, pace=pace)
        return self._perhaps_lie(request, report)

    @asynccontextmanager
    async def execute_many(
        self, package: Package, requests: AsyncIterable[RunRequest]
    ) -> AsyncGenerator[AsyncIterator[tuple[int, RunReport]]]:
        """Run many as ``LotRunner.execute_many`` does, and perhaps lie about some outputs."""
        asked: dict[int, RunRequest] = {}

        async def remembered() -> AsyncIterator[RunRequest]:
            async for request in requests:
                asked[len(asked)] = request
                yield request

        async with self._runner.execute_many(package, remembered()) as reports:

            async def bent() -> AsyncIterator[tuple[int, RunReport]]:
                async for place, report in reports:
                    yield place, self._perhaps_lie(asked[place], report)

            yield bent()

    async def execute_steps(
        self,
        package: Package,
        request: StepRequest,
        *,
        pace: Pace | None = None,
    ) -> StepReport:
        """Run a step task as ``Runner.execute_steps`` does, and perhaps lie about its output."""
        stepped = await self._runner.execute_steps(package, request, pace=pace)
        if stepped.report is None:
            return stepped
        return replace(stepped, report=self._perhaps_lie(request.run, stepped.report))

    async def verify(self, package: Package, request: VerifyRequest) -> VerifyReport:
        """Ask a verifier: even a liar wants to know whether it is lied to."""
        return await self._runner.verify(package, request)

    def _perhaps_lie(self, request: RunRequest, report: RunReport) -> RunReport:
        if not isinstance(report.outcome, Ok):
            return report
        if self._random.randrange(PARTS_PER_MILLION) >= self._lie_ppm:
            return report
        _log.warning(_LIE_TOLD, blob_id(request.input).hex())
        output = falsified(report.output)
        return replace(report, outcome=Ok(blob_id(output), len(output)), output=output)


def lies_in(log: str) -> list[bytes]:
    """Return the ids of the inputs that a liar says in its ``log`` it lied about."""
    return [bytes.fromhex(digits) for digits in _LIES.findall(log)]


def falsified(output: bytes) -> bytes:
    """Return ``output`` with one bit in its middle changed: the smallest lie there is."""
    if not output:
        return b"\0"
    middle = len(output) // 2
    return output[:middle] + bytes([output[middle] ^ 1]) + output[middle + 1 :]
