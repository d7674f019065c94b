"""A run of the step task, honest or not, with all that a proof about it needs."""

from dataclasses import dataclass, replace

from tests.wasm_tasks.packages import package, reactor
from tests.wasm_tasks.verification.step_task import step_package

from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.identity import Identity, NetworkId
from fogbank_protocol.signed import Signed
from fogbank_wasm_tasks.limits import MEMORY_BYTES_MAX
from fogbank_wasm_tasks.outcome import Ok
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.receipt import Receipt, Result, sign_receipt
from fogbank_wasm_tasks.run import RunRequest
from fogbank_wasm_tasks.sandbox.engine import Engine
from fogbank_wasm_tasks.sandbox.messages import RunCommand, StepCommand
from fogbank_wasm_tasks.sandbox.step_run import StepRun
from fogbank_wasm_tasks.verification.proof_file import InStatement, InTrace, Point
from fogbank_wasm_tasks.verification.snapshot import Snapshot, decode_snapshot, encode_snapshot
from fogbank_wasm_tasks.verification.state import Digest
from fogbank_wasm_tasks.verification.statements import Statement, receipt_id_of, sign_statement
from fogbank_wasm_tasks.verification.terms import StepPlan, make_terms
from fogbank_wasm_tasks.verification.trace import Trace

PROVIDER = Identity.from_seed(b"p" * 32)
NETWORK = NetworkId(b"net-work")
INPUT = b"\x0a"
REQUEST = RunRequest(input=INPUT, fuel_max=10**6)
PLAN = StepPlan(step_size=1, checkpoint_steps=4)
TERMS = make_terms(step_package().package_id, REQUEST, PLAN)
REACTOR = package(reactor("i64.const 0"))
LIE_FROM = 6


@dataclass(frozen=True)
class Told:
    """What the provider tells of its run: every state, its snapshots, and the signed receipt."""

    states: list[Digest]
    snapshots: list[bytes]
    trace: Trace
    receipt: Signed

    def in_trace(self, position: int) -> Point:
        digest = self.trace.digest(position)
        assert digest is not None
        return Point(position, InTrace(digest, self.trace.path(position)))

    def stated(self, position: int) -> Point:
        statement = Statement(
            receipt_id_of(self.receipt, NETWORK),
            0,
            PROVIDER.node_id,
            position,
            self.states[position],
        )
        return Point(position, InStatement(sign_statement(statement, NETWORK, PROVIDER)))


def tell(lie_from: int | None) -> Told:
    """Run the task; from ``lie_from`` on, go on from a state with one byte changed."""
    engine = Engine(on_call=lambda _fuel: None)
    found = step_package()
    loaded = engine.load(engine.compile(found.module))
    snapshot: bytes | None = None
    states: list[Digest] = []
    snapshots: list[bytes] = []
    while True:
        command = StepCommand(
            run=run_command(found),
            step_size=1,
            checkpoint_steps=1,
            until=len(states),
            snapshot=snapshot,
        )
        steps = StepRun(command, lambda _fuel: None)
        ended = engine.run(loaded, command.run, steps.play)
        snapshot = steps.stepped().snapshot
        if not snapshot:
            break
        if len(states) == lie_from:
            snapshot = changed(snapshot)
        states.append(decode_snapshot(snapshot).root())
        snapshots.append(snapshot)
    unit = PLAN.checkpoint_steps
    outcome = Ok(blob_id(ended.output), len(ended.output))
    trace = Trace(len(states), unit, states[::unit], outcome, ended.fuel)
    return Told(states, snapshots, trace, sign(trace))


def changed(data: bytes) -> bytes:
    """Return the snapshot ``data`` with another value in a global and in memory."""
    snapshot = decode_snapshot(data)
    memory = bytearray(snapshot.memory)
    memory[60_000] ^= 1
    values = snapshot.head.globals
    lied = Snapshot(
        replace(snapshot.head, globals=values[:4] + bytes([values[4] ^ 1]) + values[5:]),
        bytes(memory),
    )
    return encode_snapshot(lied.head, lied.memory)


def sign(run: Trace, terms_id: bytes | None = None, **changes: object) -> Signed:
    """Return the receipt of ``run``; ``changes`` are to its only result."""
    result = Result(blob_id(INPUT), run.outcome, run.fuel, run.claim())
    receipt = Receipt(
        agreement_id=bytes(32),
        provider=PROVIDER.node_id,
        package_id=TERMS.package_id,
        terms_id=TERMS.terms_id() if terms_id is None else terms_id,
        results=(replace(result, **changes),),  # type: ignore[arg-type]
    )
    return sign_receipt(receipt, NETWORK, PROVIDER)


def run_command(found: Package) -> RunCommand:
    return RunCommand(
        key=b"",
        shape=found.manifest.shape,
        input=INPUT,
        arguments=[],
        environment=[],
        seed=0,
        fuel_max=REQUEST.fuel_max,
        memory_bytes_max=MEMORY_BYTES_MAX,
        output_bytes_max=REQUEST.output_bytes_max,
    )
