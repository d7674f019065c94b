"""Runs that this agent carries out itself, to check what it buys (SPEC.md section 9.6)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from logging import getLogger

import trio

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.node.blob_store import BlobMissing, BlobStore, StoreFull
from fogbank_wasm_tasks.errors import SandboxBusy, SandboxUnavailable
from fogbank_wasm_tasks.outcome import HostFault, Ok, OutOfFuel
from fogbank_wasm_tasks.receipt import Result
from fogbank_wasm_tasks.verification.requests import (
    Accepted,
    StepRequest,
    VerifierVerdict,
    VerifyRequest,
)

from ..limits import OWN_RUNS_AT_ONCE
from ..market.checkpoint import is_snapshot_of
from ..market.verification import Claim, Verdict, fuel_of
from .interfaces import CheckingRunner
from .lot_blobs import InputShelf, OutputShelf
from .lot_runs import LotWork, execute_lot
from .own_steps import OwnSteps

_log = getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check has shown, and the fuel that it took here."""

    verdict: Verdict
    fuel: int


class OwnRuns:
    """The own sandbox as a check: at most ``OWN_RUNS_AT_ONCE``, for all jobs together."""

    def __init__(self, runner: CheckingRunner | None, blobs: BlobStore) -> None:
        """Execute with ``runner``, None where there is none; ``blobs`` has inputs and outputs."""
        self._runner = runner
        self._blobs = blobs
        self._steps = None if runner is None else OwnSteps(runner)
        self._turns = trio.CapacityLimiter(OWN_RUNS_AT_ONCE)

    @property
    def is_able(self) -> bool:
        """Whether this machine has a sandbox."""
        return self._runner is not None

    @property
    def steps(self) -> OwnSteps:
        """What was done of step tasks."""
        assert self._steps is not None
        return self._steps

    async def execute(self, work: LotWork, wall_s_max: float, *, states: int = 0) -> Claim | None:
        """Return what the lot comes to, its outputs kept; None when it has no result here.

        ``states`` is how many a provider says that the one run of a step task has, 0 unknown.
        """
        assert self._runner is not None
        claim: list[Result] = []
        inputs, outputs = InputShelf(self._blobs, work.inputs), OutputShelf(self._blobs)

        async def take(result: Result, output: bytes | None) -> None:
            if output is not None:
                await outputs.keep(output)
            claim.append(result)

        try:
            async with self._turns:
                ends_at = trio.current_time() + wall_s_max

                def seconds_left() -> float:
                    return ends_at - trio.current_time()

                if states and work.terms.plan is not None and len(work.inputs) == 1:
                    data = await inputs.read(0)
                    await take(*await self.steps.execute(work, data, states, seconds_left))
                else:
                    await execute_lot(
                        self._runner, work, inputs.read, take, seconds_left=seconds_left
                    )
            await outputs.end()
        except (BlobMissing, RemoteProtocolError, SandboxBusy, SandboxUnavailable) as error:
            _log.warning("a result cannot be checked in the own sandbox: %s", error)
            return None
        except StoreFull as error:
            _log.error("the output of an own run cannot be kept: %s", error)
            return None
        return None if isinstance(claim[-1].outcome, HostFault) else tuple(claim)

    async def is_start_right(self, work: LotWork, wall_s_max: float) -> bool | None:
        """Tell whether the run comes to the state that ``work`` starts from; None if unknown."""
        assert self._runner is not None
        start, plan = work.terms.start, work.terms.plan
        assert start is not None
        assert plan is not None
        try:
            async with self._turns:
                request = work.terms.request(
                    await self._blobs.read(work.inputs[0]), wall_s_max=wall_s_max
                )
                part = StepRequest(run=request, plan=plan, until=start.position)
                report = await self._runner.execute_steps(work.package, part)
        except (BlobMissing, RemoteProtocolError, SandboxBusy, SandboxUnavailable) as error:
            _log.warning("the start of a run cannot be checked in the own sandbox: %s", error)
            return None
        if report.snapshot is None:
            # It is over before, unless this machine failed.
            ended = report.report
            return None if ended is None or isinstance(ended.outcome, HostFault) else False
        return await trio.to_thread.run_sync(is_snapshot_of, report.snapshot, start)

    async def repeat(
        self, work: LotWork, claim: Claim, places: Sequence[int], wall_s_max: float
    ) -> Checked:
        """Repeat the runs at ``places`` of the lot, and compare them with ``claim``."""
        chosen = replace(work, inputs=[work.inputs[place] for place in places])
        own = await self.execute(chosen, wall_s_max)
        if own is None:
            return Checked(Verdict.OPEN, 0)
        said = tuple(claim[place] for place in places)
        return Checked(Verdict.SOUND if own == said else Verdict.WRONG, fuel_of(own))

    async def verify(
        self,
        work: LotWork,
        claim: Claim,
        seeds: Sequence[int],
        fuel_max: int,
        wall_s_max: float,
    ) -> Checked:
        """Ask the package's verifier about each output, with a seed and ``fuel_max`` for each.

        One that runs out of fuel has not judged: how much there is was not the provider's choice.
        """
        fuel = 0
        try:
            async with self._turns:
                ends_at = trio.current_time() + wall_s_max
                for place, (result, seed) in enumerate(zip(claim, seeds, strict=True)):
                    wall_s = max(ends_at - trio.current_time(), 0.001)
                    request = await self._question(work, place, result, seed, fuel_max, wall_s)
                    assert self._runner is not None
                    report = await self._runner.verify(work.package, request)
                    fuel += report.fuel
                    verdict = _judge(report.verdict)
                    if verdict is not Verdict.SOUND:
                        return Checked(verdict, fuel)
        except (BlobMissing, RemoteProtocolError, SandboxBusy, SandboxUnavailable) as error:
            _log.warning("the verifier cannot be asked in the own sandbox: %s", error)
            return Checked(Verdict.OPEN, fuel)
        return Checked(Verdict.SOUND, fuel)

    async def _question(
        self, work: LotWork, place: int, result: Result, seed: int, fuel_max: int, wall_s: float
    ) -> VerifyRequest:
        assert isinstance(result.outcome, Ok)
        data = await self._blobs.read(work.inputs[place])
        request = work.terms.request(data, wall_s_max=wall_s)
        return VerifyRequest(
            run=replace(request, seed=seed, fuel_max=fuel_max),
            claimed=await self._blobs.read(result.outcome.output_id),
        )


def _judge(verdict: VerifierVerdict) -> Verdict:
    match verdict:
        case Accepted():
            return Verdict.SOUND
        case OutOfFuel() | HostFault():
            return Verdict.OPEN
        case _:
            return Verdict.WRONG
