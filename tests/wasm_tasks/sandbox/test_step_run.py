"""Runs by steps: interrupted anywhere, they end as if they had not been (SPEC.md section 7.8)."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wasm_tasks.packages import package
from tests.wasm_tasks.verification.step_task import step_package

from fogbank_wasm_tasks.limits import CHECKPOINTS_MAX, MEMORY_BYTES_MAX
from fogbank_wasm_tasks.module.facts import Shape
from fogbank_wasm_tasks.outcome import OutOfFuel, Trap, TrapKind
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.sandbox.engine import Engine
from fogbank_wasm_tasks.sandbox.messages import Ended, Finished, RunCommand, StepCommand, Stepped
from fogbank_wasm_tasks.sandbox.step_run import StepRun
from fogbank_wasm_tasks.verification.snapshot import Snapshot, decode_snapshot, encode_snapshot

Steps = Callable[..., tuple[Ended, Stepped]]

ROOT_BYTES = 32
FUEL_MAX = 10**6


@pytest.fixture(name="engine", scope="module")
def make_engine() -> Engine:
    return Engine(on_call=lambda _fuel: None)


def bind(engine: Engine, task: Package) -> Steps:
    loaded = engine.load(engine.compile(task.module))

    def steps(
        data: bytes = b"\x0a",
        *,
        fuel_max: int = FUEL_MAX,
        step_size: int = 1,
        checkpoint_steps: int = 1,
        until: int | None = None,
        snapshot: bytes | None = None,
    ) -> tuple[Ended, Stepped]:
        run = RunCommand(
            key=b"",
            shape=Shape.STEP,
            input=data,
            arguments=[],
            environment=[],
            seed=0,
            fuel_max=fuel_max,
            memory_bytes_max=MEMORY_BYTES_MAX,
            output_bytes_max=1_000,
        )
        command = StepCommand(
            run=run,
            step_size=step_size,
            checkpoint_steps=checkpoint_steps,
            until=until,
            snapshot=snapshot,
        )
        played = StepRun(command, lambda _fuel: None)
        ended = engine.run(loaded, run, played.play)
        return ended, played.stepped()

    return steps


@pytest.fixture(name="steps", scope="module")
def make_steps(engine: Engine) -> Steps:
    return bind(engine, step_package())


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(0, 40),
    step_size=st.integers(1, 4),
    checkpoint_steps=st.integers(1, 5),
    data=st.data(),
)
def test_a_run_that_is_moved_ends_as_one_that_is_not(
    steps: Steps, count: int, step_size: int, checkpoint_steps: int, data: st.DataObject
) -> None:
    plan = {"step_size": step_size, "checkpoint_steps": checkpoint_steps}
    given_input = bytes([count])
    whole, passed = steps(given_input, **plan)
    position = data.draw(st.integers(0, passed.states - 1))

    first, before = steps(given_input, until=position, **plan)
    second, after = steps(snapshot=before.snapshot, **plan)

    assert (first.ending, first.output) == (Finished(), b"")
    assert (second.ending, second.output, second.fuel) == (whole.ending, whole.output, whole.fuel)
    assert second.peak_memory_bytes == whole.peak_memory_bytes
    assert after.states == passed.states
    assert before.roots + after.roots == passed.roots


def test_the_root_of_a_snapshot_is_that_of_the_checkpoint(steps: Steps) -> None:
    _, passed = steps()

    for position in range(passed.states):
        _, stopped = steps(until=position)
        root = decode_snapshot(stopped.snapshot).root()
        assert root == passed.roots[position * ROOT_BYTES : (position + 1) * ROOT_BYTES]


def test_every_state_of_a_run_has_another_root(steps: Steps) -> None:
    _, passed = steps()

    roots = [passed.roots[at : at + ROOT_BYTES] for at in range(0, len(passed.roots), ROOT_BYTES)]
    assert len(set(roots)) == passed.states == 12


def test_every_part_of_the_state_is_in_the_root_and_comes_back(steps: Steps) -> None:
    _, stopped = steps(until=8)
    snapshot = decode_snapshot(stopped.snapshot)

    assert snapshot.head.pages == 2
    assert snapshot.memory[70_000:70_008] == b"\xff" * 8
    # The globals are an i32, an i64 and an f64; the constant one is not among them.
    assert len(snapshot.head.globals) == 4 + 8 + 8
    assert int.from_bytes(snapshot.head.globals[:4], "little") == 2


@pytest.mark.parametrize("fuel_left", [0, 1, 30])
def test_fuel_ends_a_moved_run_where_it_ends_one_that_is_not(steps: Steps, fuel_left: int) -> None:
    _, stopped = steps(until=5)
    fuel_max = decode_snapshot(stopped.snapshot).head.fuel + fuel_left

    whole, passed = steps(fuel_max=fuel_max)
    moved, after = steps(fuel_max=fuel_max, snapshot=stopped.snapshot)

    assert whole.ending == moved.ending == OutOfFuel()
    assert whole.fuel == moved.fuel == fuel_max
    assert passed.states == after.states >= 6


def test_a_trap_in_a_step_leaves_the_states_before_it(steps: Steps) -> None:
    _, stopped = steps(until=3)
    snapshot = decode_snapshot(stopped.snapshot)
    memory = bytearray(snapshot.memory)
    memory[2000] = 0xEE

    ended, passed = steps(snapshot=written(Snapshot(snapshot.head, bytes(memory))))

    assert ended.ending == Trap(TrapKind.UNREACHABLE)
    assert passed.states == 4
    assert ended.output == passed.snapshot == b""


def written(snapshot: Snapshot) -> bytes:
    return encode_snapshot(snapshot.head, snapshot.memory)


def test_a_run_that_does_not_begin_has_no_states(steps: Steps) -> None:
    ended, passed = steps(b"")

    assert ended.ending == Trap(TrapKind.UNREACHABLE)
    assert passed == Stepped(0, b"", b"")


def test_a_run_may_stop_in_its_last_state_before_its_result(steps: Steps) -> None:
    whole, passed = steps()

    _, stopped = steps(until=passed.states - 1)
    assert decode_snapshot(stopped.snapshot).head.is_done
    ended, after = steps(snapshot=stopped.snapshot)

    assert (ended.output, ended.fuel) == (whole.output, whole.fuel)
    assert after == Stepped(passed.states, b"", b"")


def test_stopping_beyond_the_end_is_the_end(steps: Steps) -> None:
    whole, _ = steps()

    ended, passed = steps(until=1_000)

    assert (ended.output, passed.snapshot) == (whole.output, b"")


@pytest.mark.parametrize("checkpoint_steps", [1, 3])
def test_a_run_of_too_many_steps_traps(steps: Steps, checkpoint_steps: int) -> None:
    _, stopped = steps(b"\x64", until=5)
    snapshot = decode_snapshot(stopped.snapshot)
    last = CHECKPOINTS_MAX * checkpoint_steps - 1
    late = written(Snapshot(replace(snapshot.head, steps=last - 2), snapshot.memory))

    ended, passed = steps(snapshot=late, checkpoint_steps=checkpoint_steps)

    assert ended.ending == Trap(TrapKind.TOO_MANY_STEPS)
    assert passed.states == last + 1


def test_an_order_without_a_plan_runs_by_single_steps(engine: Engine, steps: Steps) -> None:
    whole, _ = steps(checkpoint_steps=1_000)
    loaded = engine.load(engine.compile(step_package().module))
    run = RunCommand(
        key=b"",
        shape=Shape.STEP,
        input=b"\x0a",
        arguments=[],
        environment=[],
        seed=0,
        fuel_max=FUEL_MAX,
        memory_bytes_max=MEMORY_BYTES_MAX,
        output_bytes_max=1_000,
    )

    plain = engine.run(loaded, run)

    assert (plain.ending, plain.output, plain.fuel) == (whole.ending, whole.output, whole.fuel)


def test_globals_keep_their_values_and_every_nan_becomes_the_one(engine: Engine) -> None:
    module = """(module (memory (export "memory") 1)
      (global $single (mut f32) (f32.const nan:0x200001))
      (global $double (mut f64) (f64.const -nan:0x4000000000001))
      (global $vector (mut v128) (v128.const i32x4 1 2 3 0xffffffff))
      (func (export "alloc") (param i32) (result i32) i32.const 64)
      (func (export "init") (param i32 i32))
      (func (export "step") (param i32) (result i32) i32.const 1)
      (func (export "result") (result i64)
        (v128.store (i32.const 0) (global.get $vector))
        (f32.store (i32.const 16) (global.get $single))
        (f64.store (i32.const 20) (global.get $double))
        (i64.const 28)))"""
    run = bind(engine, package(module))
    _, stopped = run(b"", until=1)

    ended, _ = run(snapshot=stopped.snapshot)

    values = decode_snapshot(stopped.snapshot).head.globals
    assert ended.output == values[12:] + values[:12]
    assert values[:12] == bytes.fromhex("0000c07f" + "000000000000f87f")
