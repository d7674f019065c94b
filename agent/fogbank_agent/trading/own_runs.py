"""Runs that this agent carries out itself, to check what it buys (SPEC.md section 9.6)."""

from logging import getLogger

import trio

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.node.blob_store import BlobMissing, BlobStore, StoreFull
from fogbank_wasm_tasks.errors import SandboxBusy, SandboxUnavailable
from fogbank_wasm_tasks.outcome import HostFault
from fogbank_wasm_tasks.receipt import Result

from ..limits import OWN_RUNS_AT_ONCE
from ..market.verification import Claim
from .interfaces import LotRunner
from .lot_runs import LotWork, execute_lot

_log = getLogger(__name__)


class OwnRuns:
    """The own sandbox as a check: at most ``OWN_RUNS_AT_ONCE``, for all jobs together."""

    def __init__(self, runner: LotRunner | None, blobs: BlobStore) -> None:
        """Execute with ``runner``, None where there is none; ``blobs`` has inputs and outputs."""
        self._runner = runner
        self._blobs = blobs
        self._turns = trio.CapacityLimiter(OWN_RUNS_AT_ONCE)

    async def execute(self, work: LotWork, wall_s_max: float) -> Claim | None:
        """Return what the lot comes to, its outputs kept; None when it has no result here."""
        assert self._runner is not None
        claim: list[Result] = []

        async def take(result: Result, output: bytes | None) -> None:
            if output is not None:
                await self._blobs.put(output)
            claim.append(result)

        try:
            async with self._turns:
                ends_at = trio.current_time() + wall_s_max
                await execute_lot(
                    self._runner,
                    work,
                    lambda place: self._blobs.read(work.inputs[place]),
                    take,
                    seconds_left=lambda: ends_at - trio.current_time(),
                )
        except (BlobMissing, RemoteProtocolError, SandboxBusy, SandboxUnavailable) as error:
            _log.warning("a result cannot be checked in the own sandbox: %s", error)
            return None
        except StoreFull as error:
            _log.error("the output of an own run cannot be kept: %s", error)
            return None
        return None if isinstance(claim[-1].outcome, HostFault) else tuple(claim)
