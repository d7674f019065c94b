"""What verification costs (SPEC.md sections 7.8 to 7.13): ``python -m benchmarks.verification``.

JSON lines: checkpoints of a long step task, a dispute about one of its steps, verifiers.
"""

import json
import struct
from collections.abc import Iterator
from random import Random
from statistics import median
from time import perf_counter, process_time
from typing import Any

from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.identity import Identity, NodeId
from fogbank_wasm_tasks.examples import module_bytes
from fogbank_wasm_tasks.limits import MEMORY_BYTES_MAX, OUTPUT_BYTES_MAX
from fogbank_wasm_tasks.outcome import Ok
from fogbank_wasm_tasks.package import Package, open_package, pack_module
from fogbank_wasm_tasks.sandbox.engine import Engine, LoadedModule
from fogbank_wasm_tasks.sandbox.messages import Ended, RunCommand, StepCommand, Stepped
from fogbank_wasm_tasks.sandbox.shapes import Play
from fogbank_wasm_tasks.sandbox.step_run import StepRun
from fogbank_wasm_tasks.sandbox.verify_run import ACCEPTED, verify
from fogbank_wasm_tasks.verification.bisection import (
    AskSnapshot,
    AskStatement,
    Bisection,
    BisectionCommand,
    BisectionEvent,
    Claim,
    Concluded,
    Repeat,
    Repeated,
    SnapshotGiven,
    Stated,
)
from fogbank_wasm_tasks.verification.snapshot import Snapshot, decode_snapshot, encode_snapshot
from fogbank_wasm_tasks.verification.state import Digest, end_digest
from fogbank_wasm_tasks.verification.trace import Trace

GENERATIONS = 8_192
CHECKPOINTS = 256
UNIT = GENERATIONS // CHECKPOINTS
ROUNDS = 5
LIE_FROM = 5_555
STATE_BYTES = 131_072
AUTHOR = Identity.from_seed(bytes(32))
ROOT_BYTES = 32


class Task:
    """A task that is compiled once."""

    def __init__(self, name: str) -> None:
        file = pack_module(module_bytes(name), name="bench", version="1", author=AUTHOR)
        self.package: Package = open_package(file)
        self.engine = Engine(on_call=lambda _fuel: None)
        self.loaded: LoadedModule = self.engine.load(self.engine.compile(self.package.module))

    def run(self, data: bytes, play: Play | None = None, seed: int = 0) -> Ended:
        """Run it once."""
        return self.engine.run(self.loaded, self.command(data, seed), play)

    def command(self, data: bytes, seed: int = 0) -> RunCommand:
        """Return what to run."""
        return RunCommand(
            key=b"",
            shape=self.package.manifest.shape,
            input=data,
            arguments=[],
            environment=[],
            seed=seed,
            fuel_max=(1 << 42) - 1,
            memory_bytes_max=MEMORY_BYTES_MAX,
            output_bytes_max=OUTPUT_BYTES_MAX,
        )


class Life:
    """The cellular automaton of 128 KiB, run by single generations."""

    def __init__(self) -> None:
        self.task = Task("cellular_automaton")
        self.data = struct.pack("<5I", 1, 1, GENERATIONS, 16, 1_024)

    def steps(
        self, unit: int, *, until: int | None = None, snapshot: bytes | None = None
    ) -> tuple[Ended, Stepped]:
        """Run it with a checkpoint every ``unit`` generations."""
        command = StepCommand(
            run=self.task.command(self.data),
            step_size=1,
            checkpoint_steps=unit,
            until=until,
            snapshot=snapshot,
        )
        steps = StepRun(command, lambda _fuel: None)
        return self.task.run(self.data, steps.play), steps.stepped()


def say(**figures: Any) -> None:
    print(json.dumps(figures), flush=True)


def roots_of(stepped: Stepped) -> list[Digest]:
    joined = stepped.roots
    return [Digest(joined[at : at + ROOT_BYTES]) for at in range(0, len(joined), ROOT_BYTES)]


def measure_checkpoints(life: Life) -> None:
    seconds: dict[int, list[float]] = {UNIT: [], GENERATIONS * 2: []}
    fuel = 0
    for _ in range(ROUNDS):
        for unit, taken in seconds.items():
            started = process_time()
            ended, stepped = life.steps(unit)
            taken.append(process_time() - started)
            fuel = ended.fuel
            assert len(stepped.roots) // ROOT_BYTES == (CHECKPOINTS + 1 if unit == UNIT else 1)
    with_them, without = (median(each) for each in seconds.values())
    say(
        bench="checkpoints of a step task",
        state_bytes=STATE_BYTES,
        checkpoints=CHECKPOINTS,
        steps=GENERATIONS,
        fuel=fuel,
        cpu_s_without=round(without, 3),
        cpu_s_with=round(with_them, 3),
        overhead_percent=round(100 * (with_them / without - 1), 1),
        target_percent=5,
    )


class Party:
    """A run that went wrong at ``lie_from``, or not at all, which answers questions about it."""

    def __init__(self, life: Life, name: NodeId, lie_from: int | None) -> None:
        self.life, self.name, self.lie_from = life, name, lie_from
        self.kept: dict[int, bytes] = {}
        self.roots: dict[int, Digest] = {}
        self.replays: list[float] = []
        if lie_from is None:
            ended, stepped = life.steps(UNIT)
            roots = roots_of(stepped)
        else:
            _, before = life.steps(UNIT, until=lie_from)
            self.kept[lie_from] = wrong = spoiled(before.snapshot)
            ended, stepped = life.steps(UNIT, snapshot=wrong)
            roots = [*roots_of(before), *roots_of(stepped)]
        outcome = Ok(blob_id(ended.output), len(ended.output))
        self.trace = Trace(stepped.states, UNIT, roots, outcome, ended.fuel)

    def claim(self) -> Claim:
        """Return what its receipt would say."""
        trace = self.trace
        end = end_digest(trace.states, trace.outcome, trace.fuel)
        return Claim(self.name, trace.states, end)

    def at(self, position: int) -> Digest:
        """Return its digest, running a part again if needed."""
        known = self.trace.digest(position) or self.roots.get(position)
        if known is not None:
            return known
        started = perf_counter()
        first = position // UNIT * UNIT
        for place in range(first + 1, first + UNIT):
            self.roots[place] = decode_snapshot(self.snapshot(place)).root()
        self.replays.append(perf_counter() - started)
        return self.roots[position]

    def snapshot(self, position: int) -> bytes:
        """Return its snapshot, running a part again if needed."""
        earlier = [place for place in self.kept if place <= position]
        begin = max(earlier, default=None)
        if self.lie_from is not None and begin is not None and begin < self.lie_from <= position:
            begin = self.lie_from
        if begin == position:
            return self.kept[position]
        start = None if begin is None else self.kept[begin]
        _, stepped = self.life.steps(GENERATIONS * 2, until=position, snapshot=start)
        self.kept[position] = stepped.snapshot
        return stepped.snapshot


def spoiled(data: bytes) -> bytes:
    """Return the snapshot ``data`` with some thousand cells changed: a few would die out."""
    snapshot = decode_snapshot(data)
    memory = bytearray(snapshot.memory)
    place = next(at for at in range(len(memory)) if memory[at]) + STATE_BYTES // 2
    for at in range(place, place + 2_048):
        memory[at] ^= 0x5A
    changed = Snapshot(snapshot.head, bytes(memory))
    pages = (changed.memory[at : at + 4_096] for at in range(0, len(memory), 4_096))
    return encode_snapshot(changed.head, pages)


def measure_dispute(life: Life) -> None:
    names = NodeId(b"a" * 32), NodeId(b"b" * 32)
    parties = {
        name: Party(life, name, lie) for name, lie in zip(names, (None, LIE_FROM), strict=True)
    }
    claims = [party.claim() for party in parties.values()]
    bisection = Bisection((claims[0], claims[1]), UNIT)
    referee_s = 0.0
    snapshot_bytes = 0
    waiting: list[BisectionCommand] = bisection.begin(0)
    while not isinstance(command := waiting.pop(0), Concluded):
        event: BisectionEvent
        match command:
            case AskStatement(name, position):
                event = Stated(name, position, parties[name].at(position))
            case AskSnapshot(name, position, digest):
                event = SnapshotGiven(name, digest, parties[name].snapshot(position))
            case Repeat(position, snapshot):
                assert snapshot is not None
                snapshot_bytes = len(snapshot)
                started = perf_counter()
                _, stepped = life.steps(UNIT, until=position, snapshot=snapshot)
                event = Repeated(decode_snapshot(stepped.snapshot).root())
                referee_s = perf_counter() - started
        waiting += bisection.handle(event, 0)
    assert list(command.wrong) == [names[1]]
    assert command.position == LIE_FROM
    say(
        bench="a dispute about one of the steps",
        steps=GENERATIONS,
        rounds=bisection.rounds,
        snapshot_bytes=snapshot_bytes,
        referee_ms=round(referee_s * 1e3, 1),
        party_replays=len(parties[names[0]].replays),
    )


def measure_verifiers() -> None:
    for name, data in verifiable():
        task = Task(name)
        started = process_time()
        ran = task.run(data)
        run_s = process_time() - started

        def check(
            instance: Any, _meter: Any, data: bytes = data, output: bytes = ran.output
        ) -> Any:
            return verify(instance, data, output)

        started = process_time()
        checked = task.run(data, check, seed=1)
        check_s = process_time() - started
        assert checked.output == ACCEPTED
        say(
            bench="a verifier",
            task=name,
            run_fuel=ran.fuel,
            verify_fuel=checked.fuel,
            run_ms=round(run_s * 1e3, 1),
            verify_ms=round(check_s * 1e3, 1),
            times_cheaper=round(ran.fuel / checked.fuel, 1),
        )


def verifiable() -> Iterator[tuple[str, bytes]]:
    random = Random(1)
    side = 384
    elements = [random.randrange(2**31 - 1) for _ in range(2 * side * side)]
    yield "matrix_product", struct.pack(f"<{1 + len(elements)}I", side, *elements)
    hidden = [random.choice((at, -at)) for at in range(1, 401)]
    clauses: list[list[int]] = []
    while len(clauses) < 1_640:
        clause = [random.choice((1, -1)) * at for at in random.sample(range(1, 401), 3)]
        if set(clause) & set(hidden):
            clauses.append(clause)
    lines = ["p cnf 400 1640", *(" ".join(map(str, [*clause, 0])) for clause in clauses)]
    yield "satisfiability", "\n".join(lines).encode()


def main() -> None:
    life = Life()
    measure_checkpoints(life)
    measure_dispute(life)
    measure_verifiers()


if __name__ == "__main__":
    main()
