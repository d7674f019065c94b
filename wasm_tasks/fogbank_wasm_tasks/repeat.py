"""Repeats what a proof names, and says who is right: ``python -m fogbank_wasm_tasks.repeat FILE``.

The one part of verification that runs something (SPEC.md sections 7.11 and 7.12).
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import trio

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import short_form

from .errors import SandboxUnavailable
from .limits import PROOF_BYTES_MAX, WALL_S_MAX
from .outcome import HostFault, Outcome
from .package import Package
from .run import RunReport, RunRequest
from .sandbox.pool import Sandbox
from .verification.proof import CheckedProof, Verdict, check_proof, judge_end, judge_state
from .verification.proof_file import decode_proof
from .verification.requests import StepReport, StepRequest
from .verification.snapshot import decode_snapshot
from .verification.state import Digest, end_digest
from .verification.terms import Terms

EXIT_REFUSED = 2
EXIT_UNKNOWN = 3
_STATUS = {Verdict.WRONG: 0, Verdict.RIGHT: 1, Verdict.UNKNOWN: EXIT_UNKNOWN}


class StepRunner(Protocol):
    """Executes runs, and step tasks by their steps: the sandbox, or what is put around it."""

    async def execute(self, package: Package, request: RunRequest) -> RunReport:
        """As ``Sandbox.execute``."""
        ...

    async def execute_steps(self, package: Package, request: StepRequest) -> StepReport:
        """As ``Sandbox.execute_steps``."""
        ...


@dataclass(frozen=True, slots=True)
class End:
    """The repeated run came to its end."""

    outcome: Outcome
    fuel: int


@dataclass(frozen=True, slots=True)
class Found:
    """What repeating a proof has shown: who is right, and where the run came to."""

    verdict: Verdict
    at: End | Digest
    """The end, or the state at the position at which the proof stops."""


async def repeat_step(
    sandbox: StepRunner,
    package: Package,
    terms: Terms,
    *,
    input_data: bytes,
    snapshot: bytes | None,
    position: int,
    wall_s_max: float = WALL_S_MAX,
) -> Digest | None:
    """Return where a run under ``terms`` is at ``position``: a state's root, or its end's digest.

    It begins at ``snapshot`` when there is one, and with ``input_data`` when there is none.
    Returns None when this machine could not do it.

    Raises:
        RemoteProtocolError, SandboxBusy, SandboxUnavailable: as ``Sandbox.execute_steps``.
    """
    report = await _run_steps(
        sandbox, package, terms, input_data, snapshot, until=position, wall_s_max=wall_s_max
    )
    if report.snapshot is not None:
        return decode_snapshot(report.snapshot).root()
    ended = report.report
    assert ended is not None
    if isinstance(ended.outcome, HostFault):
        return None
    return end_digest(report.states, ended.outcome, ended.fuel)


async def repeat_proof(
    sandbox: StepRunner, checked: CheckedProof, *, wall_s_max: float = WALL_S_MAX
) -> Found:
    """Repeat what ``checked`` names in ``sandbox`` and return who is right.

    Raises:
        RemoteProtocolError: the package's module does not validate.
        SandboxBusy, SandboxUnavailable: as ``Sandbox.execute``.
    """
    terms = checked.terms
    if terms.plan is None:
        request = terms.request(checked.input, wall_s_max=wall_s_max)
        whole = await sandbox.execute(checked.package, request)
        verdict = judge_end(checked, 0, whole.outcome, whole.fuel)
        return Found(verdict, End(whole.outcome, whole.fuel))
    report = await _run_steps(
        sandbox,
        checked.package,
        terms,
        checked.input,
        checked.snapshot,
        until=checked.last,
        wall_s_max=wall_s_max,
    )
    if report.snapshot is not None:
        snapshot = await trio.to_thread.run_sync(decode_snapshot, report.snapshot)
        root = snapshot.root()
        return Found(judge_state(checked, root), root)
    ended = report.report
    assert ended is not None
    verdict = judge_end(checked, report.states, ended.outcome, ended.fuel)
    return Found(verdict, End(ended.outcome, ended.fuel))


async def judge_proof_file(
    sandbox: Sandbox, data: bytes, *, wall_s_max: float = WALL_S_MAX
) -> tuple[CheckedProof, Verdict]:
    """Check the proof in the file ``data``, repeat what it names, and return both.

    Raises:
        RemoteProtocolError: it is no proof that holds together.
        SandboxBusy, SandboxUnavailable: as ``Sandbox.execute``.
    """
    checked = await trio.to_thread.run_sync(lambda: check_proof(decode_proof(data)))
    found = await repeat_proof(sandbox, checked, wall_s_max=wall_s_max)
    return checked, found.verdict


async def _run_steps(
    sandbox: StepRunner,
    package: Package,
    terms: Terms,
    input_data: bytes,
    snapshot: bytes | None,
    *,
    until: int | None,
    wall_s_max: float,
) -> StepReport:
    assert terms.plan is not None
    return await sandbox.execute_steps(
        package,
        StepRequest(
            run=terms.request(input_data, wall_s_max=wall_s_max),
            plan=terms.plan,
            snapshot=snapshot,
            until=until,
        ),
    )


def main() -> None:
    """Judge the proof file named on the command line; the exit status is the verdict."""
    parser = argparse.ArgumentParser(
        prog="python -m fogbank_wasm_tasks.repeat",
        description="Check a proof that a provider signed a wrong result.",
        epilog="Exit status: 0 the provider was wrong, 1 it was right, 2 the file proves nothing, "
        "3 this machine could not repeat the run.",
    )
    parser.add_argument("file", type=Path, help="the proof")
    path: Path = parser.parse_args().file
    try:
        with path.open("rb") as file:
            checked = check_proof(decode_proof(file.read(PROOF_BYTES_MAX + 1)))
        verdict = trio.run(_repeat_here, checked)
    except (OSError, RemoteProtocolError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        sys.exit(EXIT_REFUSED)
    except SandboxUnavailable as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_UNKNOWN)
    print(describe(checked, verdict))
    sys.exit(_STATUS[verdict])


async def _repeat_here(checked: CheckedProof) -> Verdict:
    """Repeat what ``checked`` names in a sandbox made for it."""
    found: Verdict | RemoteProtocolError | SandboxUnavailable
    with TemporaryDirectory(prefix="fogbank-") as folder:
        sandbox = Sandbox(Path(folder), workers=1)
        async with trio.open_nursery() as nursery:
            # Kept, because a nursery would wrap what is raised through it.
            try:
                await nursery.start(sandbox.run)
                found = (await repeat_proof(sandbox, checked)).verdict
            except (RemoteProtocolError, SandboxUnavailable) as error:
                found = error
            nursery.cancel_scope.cancel()
    if isinstance(found, Verdict):
        return found
    raise found


def describe(checked: CheckedProof, verdict: Verdict) -> str:
    """Return the sentence that tells people what came of a proof."""
    provider = f"provider {short_form(checked.provider)}"
    manifest = checked.package.manifest
    task = f"{manifest.name} {manifest.version}"
    where = "at its end" if checked.stop is None else f"at position {checked.stop}"
    match verdict:
        case Verdict.WRONG:
            return f"WRONG: {provider} signed a result of {task} that is wrong {where}"
        case Verdict.RIGHT:
            return f"RIGHT: what {provider} signed of {task} is true {where}"
        case Verdict.UNKNOWN:
            return f"UNKNOWN: this machine could not repeat the run of {task}"


if __name__ == "__main__":
    main()
