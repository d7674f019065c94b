"""A dispute from two receipts to a proof that a third party checks with one command."""

import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from tests.wasm_tasks.packages import package, reactor
from tests.wasm_tasks.verification.disputed_run import (
    INPUT,
    LIE_FROM,
    NETWORK,
    PLAN,
    PROVIDER,
    REQUEST,
    TERMS,
    Told,
    tell,
)
from tests.wasm_tasks.verification.step_task import step_package

from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.errors import LocalProtocolError
from fogbank_protocol.identity import NodeId
from fogbank_wasm_tasks.limits import PAGE_BYTES
from fogbank_wasm_tasks.outcome import HostFault, Ok, OutOfFuel, Trap
from fogbank_wasm_tasks.receipt import Receipt, Result, sign_receipt
from fogbank_wasm_tasks.repeat import judge_proof_file, repeat_step
from fogbank_wasm_tasks.run import RunRequest
from fogbank_wasm_tasks.sandbox.pool import Sandbox
from fogbank_wasm_tasks.verification.bisection import (
    AskSnapshot,
    AskStatement,
    Bisection,
    BisectionCommand,
    BisectionEvent,
    Claim,
    Concluded,
    Reason,
    Repeat,
    Repeated,
    SnapshotGiven,
    Stated,
)
from fogbank_wasm_tasks.verification.proof import Verdict
from fogbank_wasm_tasks.verification.proof_file import WrongResultProof, encode_proof
from fogbank_wasm_tasks.verification.requests import (
    Accepted,
    Rejected,
    StepRequest,
    VerifyRequest,
)
from fogbank_wasm_tasks.verification.state import end_digest
from fogbank_wasm_tasks.verification.terms import make_terms

pytestmark = pytest.mark.slow

ANN, BOB = NodeId(b"a" * 32), NodeId(b"b" * 32)


@asynccontextmanager
async def running(folder: Path) -> AsyncGenerator[Sandbox]:
    async with trio.open_nursery() as nursery:
        sandbox = Sandbox(folder, workers=1)
        await nursery.start(sandbox.run)
        yield sandbox
        nursery.cancel_scope.cancel()


def claim(party: NodeId, of: Told) -> Claim:
    trace = of.trace
    return Claim(party, trace.states, end_digest(trace.states, trace.outcome, trace.fuel))


@pytest.mark.parametrize("lie_from", [0, LIE_FROM, 11])
async def test_a_dispute_is_settled_by_repeating_one_step(tmp_path: Path, lie_from: int) -> None:
    told = {ANN: tell(None), BOB: tell(lie_from)}
    bisection = Bisection((claim(ANN, told[ANN]), claim(BOB, told[BOB])), PLAN.checkpoint_steps)
    async with running(tmp_path) as sandbox:
        waiting: list[BisectionCommand] = bisection.begin(0)
        while not isinstance(command := waiting.pop(0), Concluded):
            event: BisectionEvent
            match command:
                case AskStatement(party, position):
                    event = Stated(party, position, told[party].states[position])
                case AskSnapshot(party, position, digest):
                    event = SnapshotGiven(party, digest, told[party].snapshots[position])
                case Repeat(position, snapshot):
                    event = Repeated(
                        await repeat_step(
                            sandbox,
                            step_package(),
                            TERMS,
                            input_data=INPUT,
                            snapshot=snapshot,
                            position=position,
                        )
                    )
            waiting += bisection.handle(event, 0)

    assert command == Concluded({BOB: Reason.WRONG_STEP}, lie_from)


def proof_file(of: Told, *, first: int | None, last: int | None) -> bytes:
    return encode_proof(
        WrongResultProof(
            network=NETWORK,
            package=step_package().data,
            terms=TERMS,
            receipt=of.receipt,
            index=0,
            start=None if first is None else of.stated(first),
            stop=None if last is None else of.stated(last),
            given=INPUT if first is None else of.snapshots[first],
        )
    )


@pytest.mark.parametrize(
    ("first", "last", "verdict"),
    [
        (None, None, Verdict.WRONG),
        (LIE_FROM - 1, LIE_FROM, Verdict.WRONG),
        (LIE_FROM - 1, None, Verdict.WRONG),
        # What it did with its wrong state was right.
        (LIE_FROM, LIE_FROM + 1, Verdict.RIGHT),
        (None, 0, Verdict.RIGHT),
        (LIE_FROM, None, Verdict.RIGHT),
    ],
)
async def test_a_proof_holds_just_where_the_lie_is(
    tmp_path: Path, first: int | None, last: int | None, verdict: Verdict
) -> None:
    data = proof_file(tell(LIE_FROM), first=first, last=last)

    async with running(tmp_path) as sandbox:
        checked, found = await judge_proof_file(sandbox, data)

    assert found is verdict
    assert checked.provider == PROVIDER.node_id


async def test_no_proof_holds_against_an_honest_provider(tmp_path: Path) -> None:
    honest = tell(None)
    last = len(honest.states) - 1
    spans: list[tuple[int | None, int | None]] = [(None, None), (None, 0), (last, None)]
    spans += [(at, at + 1) for at in range(last)]

    async with running(tmp_path) as sandbox:
        for first, then in spans:
            data = proof_file(honest, first=first, last=then)
            assert (await judge_proof_file(sandbox, data))[1] is Verdict.RIGHT


async def test_a_result_of_another_shape_is_proved_wrong_by_repeating_it(tmp_path: Path) -> None:
    task = package(reactor("i64.const 0x1000000010", memory="1"))
    request = RunRequest(input=b"x", fuel_max=1_000)
    terms = make_terms(task.package_id, request)

    def file(fuel: int) -> bytes:
        receipt = Receipt(
            agreement_id=bytes(32),
            provider=PROVIDER.node_id,
            package_id=terms.package_id,
            terms_id=terms.terms_id(),
            results=(Result(blob_id(b"x"), Ok(blob_id(bytes(16)), 16), fuel),),
        )
        return encode_proof(
            WrongResultProof(
                network=NETWORK,
                package=task.data,
                terms=terms,
                receipt=sign_receipt(receipt, NETWORK, PROVIDER),
                index=0,
                start=None,
                stop=None,
                given=b"x",
            )
        )

    async with running(tmp_path) as sandbox:
        fuel = (await sandbox.execute(task, request)).fuel
        assert (await judge_proof_file(sandbox, file(fuel)))[1] is Verdict.RIGHT
        assert (await judge_proof_file(sandbox, file(fuel + 1)))[1] is Verdict.WRONG


@pytest.mark.parametrize(
    ("lie_from", "status", "word"), [(LIE_FROM, 0, "WRONG"), (None, 1, "RIGHT")]
)
def test_one_command_checks_a_proof(
    tmp_path: Path, lie_from: int | None, status: int, word: str
) -> None:
    file = tmp_path / "a.fogproof"
    file.write_bytes(proof_file(tell(lie_from), first=LIE_FROM - 1, last=LIE_FROM))

    finished = judge(file)

    assert (finished.returncode, finished.stderr) == (status, "")
    assert finished.stdout.startswith(f"{word}: ")


def test_the_command_refuses_what_is_no_proof(tmp_path: Path) -> None:
    file = tmp_path / "a.fogproof"
    file.write_bytes(b"\x90")

    for path in (file, tmp_path / "none"):
        finished = judge(path)
        assert finished.returncode == 2
        assert str(path) in finished.stderr


def judge(file: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "fogbank_wasm_tasks.repeat", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


async def test_a_run_moves_between_sandboxes_as_a_blob(tmp_path: Path) -> None:
    whole = StepRequest(run=REQUEST, plan=PLAN)
    async with running(tmp_path / "one") as sandbox:
        uninterrupted = await sandbox.execute_steps(step_package(), whole)
        first = await sandbox.execute_steps(
            step_package(), StepRequest(run=REQUEST, plan=PLAN, until=6)
        )
    assert first.report is None
    # The second one never sees the input.
    without = RunRequest(input=b"", fuel_max=REQUEST.fuel_max)
    rest = StepRequest(run=without, plan=PLAN, snapshot=first.snapshot)
    async with running(tmp_path / "two") as sandbox:
        second = await sandbox.execute_steps(step_package(), rest)

    assert uninterrupted.report is not None
    assert second.report is not None
    assert second.report.outcome == uninterrupted.report.outcome
    assert second.report.fuel == uninterrupted.report.fuel
    assert second.states == uninterrupted.states == 12
    assert (*first.roots, *second.roots) == uninterrupted.roots


async def test_a_run_by_steps_that_this_machine_cannot_finish_is_a_host_fault(
    tmp_path: Path,
) -> None:
    slow = RunRequest(input=INPUT, fuel_max=10**6, wall_s_max=1e-9)
    async with running(tmp_path) as sandbox:
        report = await sandbox.execute_steps(step_package(), StepRequest(run=slow, plan=PLAN))

        assert (report.states, report.roots, report.snapshot) == (0, (), None)
        assert report.report is not None
        assert isinstance(report.report.outcome, HostFault)


async def test_only_step_tasks_are_run_by_steps_and_only_forwards(tmp_path: Path) -> None:
    async with running(tmp_path) as sandbox:
        stopped = await sandbox.execute_steps(
            step_package(), StepRequest(run=REQUEST, plan=PLAN, until=6)
        )
        for task, request in (
            (package(reactor("i64.const 0")), StepRequest(run=REQUEST, plan=PLAN)),
            (
                step_package(),
                StepRequest(run=REQUEST, plan=PLAN, snapshot=stopped.snapshot, until=5),
            ),
        ):
            with pytest.raises(LocalProtocolError):
                await sandbox.execute_steps(task, request)


async def test_a_verifier_is_asked_with_a_fuel_limit_of_its_own(tmp_path: Path) -> None:
    async with running(tmp_path) as sandbox:

        async def verdict(claimed: bytes, fuel_max: int = 10**6) -> object:
            run = RunRequest(input=INPUT, fuel_max=fuel_max)
            request = VerifyRequest(run=run, claimed=claimed)
            return (await sandbox.verify(step_package(), request)).verdict

        assert await verdict(bytes(16)) == Accepted()
        assert await verdict(bytes(15)) == Rejected()
        assert await verdict(bytes(16), fuel_max=1) == OutOfFuel()
        assert await verdict(bytes(PAGE_BYTES)) == Trap("allocation_out_of_bounds")
        none = package(reactor("i64.const 0"))
        with pytest.raises(LocalProtocolError):
            await sandbox.verify(none, VerifyRequest(run=REQUEST, claimed=b""))
