"""Carries out runs of step tasks here and keeps states on the way (SPEC.md section 9.10).

So any stretch of a run can be shown to others without doing all of it again.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from fogbank_protocol.blobs.naming import BlobId
from fogbank_wasm_tasks.outcome import HostFault, Ok
from fogbank_wasm_tasks.receipt import Result
from fogbank_wasm_tasks.verification.requests import StepReport, StepRequest
from fogbank_wasm_tasks.verification.state import Digest
from fogbank_wasm_tasks.verification.terms import Terms
from fogbank_wasm_tasks.verification.trace import Trace

from ..limits import OWN_STATES_BYTES_MAX, OWN_STEP_RUN_PARTS, OWN_STEP_RUNS_KEPT
from .interfaces import LotRunner
from .lot_runs import LotWork

_Key: TypeAlias = tuple[bytes, BlobId]


@dataclass(frozen=True, slots=True)
class _Kept:
    trace: Trace
    states: dict[int, bytes] = field(default_factory=dict[int, bytes])
    """Snapshots by position."""


class OwnSteps:
    """The latest runs of step tasks in the own sandbox."""

    def __init__(self, runner: LotRunner) -> None:
        """Execute with ``runner``."""
        self._runner = runner
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()

    def trace(self, terms: Terms, input_id: BlobId) -> Trace | None:
        """Return what a run left behind; None when it was not done here, or is forgotten."""
        kept = self._kept.get((terms.terms_id(), input_id))
        return None if kept is None else kept.trace

    def adopt(self, work: LotWork, trace: Trace, states: Mapping[int, bytes]) -> None:
        """Take the ``trace`` of the one run of ``work``, and ``states`` by position, for own ones.

        They came from here, or were checked.
        """
        self._keep((work.terms.terms_id(), work.inputs[0]), _Kept(trace, dict(states)))

    async def execute(
        self, work: LotWork, data: bytes, states: int, seconds_left: Callable[[], float]
    ) -> tuple[Result, bytes | None]:
        """Do the one run of ``work``, whose input is ``data``, in parts; return result and output.

        ``states`` is how many somebody says that it has: where to keep one follows from it.

        Raises:
            RemoteProtocolError, SandboxBusy, SandboxUnavailable: as ``Runner.execute``.
        """
        plan = work.terms.plan
        assert plan is not None
        unit = plan.checkpoint_steps
        stride = unit * max(1, -(-states // (unit * OWN_STEP_RUN_PARTS)))
        start = work.terms.start
        # On the grid of checkpoints, so that what is kept can be shown to be on the way.
        position = 0 if start is None else start.position // unit * unit
        roots: list[Digest] = []
        kept: dict[int, bytes] = {}
        snapshot = work.snapshot
        while True:
            position += stride
            until = position if position < states else None
            report = await self._go(work, data, snapshot, until, seconds_left())
            roots += report.roots
            if report.report is not None:
                break
            assert report.snapshot is not None
            kept[position] = snapshot = report.snapshot
        ended = report.report
        input_id = work.inputs[0]
        if isinstance(ended.outcome, HostFault):
            return Result(input_id, ended.outcome, 0), None
        trace = Trace(report.states, unit, roots, ended.outcome, ended.fuel)
        self._keep((work.terms.terms_id(), input_id), _Kept(trace, kept))
        output = ended.output if isinstance(ended.outcome, Ok) else None
        return Result(input_id, ended.outcome, ended.fuel, trace.claim()), output

    async def state_at(
        self, work: LotWork, data: bytes, position: int, wall_s_max: float
    ) -> bytes | None:
        """Return the snapshot of the run at ``position``; None when it does not come there here.

        Raises:
            RemoteProtocolError, SandboxBusy, SandboxUnavailable: as ``execute``.
        """
        kept = self._kept.get((work.terms.terms_id(), work.inputs[0]))
        states = {} if kept is None else kept.states
        if position in states:
            return states[position]
        before = max((at for at in states if at < position), default=None)
        snapshot = work.snapshot if before is None else states[before]
        report = await self._go(work, data, snapshot, position, wall_s_max)
        found = report.snapshot
        if kept is not None and found is not None and self._has_room(found):
            # Whoever looks for a single step comes back to what lies beside.
            kept.states[position] = found
        return found

    def _has_room(self, state: bytes) -> bool:
        return self._bytes() + len(state) <= OWN_STATES_BYTES_MAX

    async def _go(
        self, work: LotWork, data: bytes, snapshot: bytes | None, until: int | None, wall_s: float
    ) -> StepReport:
        assert work.terms.plan is not None
        run = work.terms.request(data, wall_s_max=max(wall_s, 0.001))
        part = StepRequest(run=run, plan=work.terms.plan, snapshot=snapshot, until=until)
        return await self._runner.execute_steps(work.package, part)

    def _keep(self, key: _Key, kept: _Kept) -> None:
        self._kept.pop(key, None)
        self._kept[key] = kept
        while len(self._kept) > OWN_STEP_RUNS_KEPT or (
            self._kept and self._bytes() > OWN_STATES_BYTES_MAX
        ):
            self._kept.popitem(last=False)

    def _bytes(self) -> int:
        return sum(len(data) for one in self._kept.values() for data in one.states.values())
