"""Runs that this agent carries out itself, to check what it buys (SPEC.md section 9.6)."""

from dataclasses import dataclass
from logging import getLogger

import trio

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.node.blob_store import BlobMissing, BlobStore, StoreFull
from fogbank_wasm_tasks.errors import SandboxBusy, SandboxUnavailable
from fogbank_wasm_tasks.outcome import HostFault, Ok
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.run import RunReport, RunRequest

from ..limits import OWN_RUNS_AT_ONCE
from ..market.job_request import JobRequest
from .interfaces import Runner

_log = getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTerms:
    """What is executed, and the bounds that the orders of the job name too."""

    package: Package
    fuel_max: int
    memory_bytes_max: int
    output_bytes_max: int


class OwnRuns:
    """The own sandbox as a check: at most ``OWN_RUNS_AT_ONCE``, for all jobs together."""

    def __init__(self, runner: Runner | None, blobs: BlobStore) -> None:
        """Execute with ``runner``, None where there is none; ``blobs`` has inputs and outputs."""
        self._runner = runner
        self._blobs = blobs
        self._turns = trio.CapacityLimiter(OWN_RUNS_AT_ONCE)

    async def execute(
        self, terms: RunTerms, request: JobRequest, input_id: BlobId
    ) -> RunReport | None:
        """Return how the run on ``input_id`` went, its output kept; None when it has no result."""
        assert self._runner is not None
        try:
            async with self._turns:
                asked = RunRequest(
                    input=await self._blobs.read(input_id),
                    fuel_max=terms.fuel_max,
                    arguments=request.arguments,
                    environment=request.environment,
                    seed=request.seed,
                    memory_bytes_max=terms.memory_bytes_max,
                    output_bytes_max=terms.output_bytes_max,
                    wall_s_max=request.run_ms_max / 1_000,
                )
                report = await self._runner.execute(terms.package, asked)
            if isinstance(report.outcome, Ok):
                await self._blobs.put(report.output)
        except (BlobMissing, RemoteProtocolError, SandboxBusy, SandboxUnavailable) as error:
            _log.warning("a result cannot be checked in the own sandbox: %s", error)
            return None
        except StoreFull as error:
            _log.error("the output of an own run cannot be kept: %s", error)
            return None
        return None if isinstance(report.outcome, HostFault) else report
