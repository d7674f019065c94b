"""A run that is told to be like the one before ends as one that is told in full."""

from dataclasses import replace

import pytest
from tests.wasm_tasks.assembler import ECHO
from tests.wasm_tasks.large_stack import on_large_stack
from tests.wasm_tasks.packages import reactor, translate, wasi
from tests.wasm_tasks.runs import run_command

from fogbank_wasm_tasks.module.facts import Shape
from fogbank_wasm_tasks.outcome import OutOfFuel, Trap, TrapKind
from fogbank_wasm_tasks.sandbox.engine import Engine
from fogbank_wasm_tasks.sandbox.engine.short_run import is_short
from fogbank_wasm_tasks.sandbox.messages import Ended, Finished, RunCommand

COUNTING = reactor(
    "global.get $x i64.const 1 i64.add global.set $x "
    "(i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1))) "
    "(i64.add (global.get $x) (i64.extend_i32_u (i32.load8_u (i32.const 0))))",
    fields="(global $x (mut i64) (i64.const 0))",
)
GROWS = reactor("i32.const 2 memory.grow i64.extend_i32_s i64.const 99 i64.and")
LOOPS = reactor("loop br 0 end i64.const 0")
SHORT = {
    "echo": ECHO,
    "counting": translate(COUNTING),
    "grows": translate(GROWS),
    "loops": translate(LOOPS),
    "traps": translate(reactor("unreachable")),
    "beyond the memory": translate(reactor("i32.const 65533 i32.load drop i64.const 0")),
    "divides": translate(reactor("i64.const 1 i64.const 0 i64.div_u")),
    "recurses": translate(reactor("call $f i64.const 0", fields="(func $f call $f)")),
    "bad alloc": translate(reactor("i64.const 0", alloc="i32.const 65533")),
    "alloc traps": translate(reactor("i64.const 0", alloc="unreachable")),
    "bad result": translate(reactor("i64.const -1")),
    "long result": translate(reactor("i64.const 1001")),
}
OTHERS = {
    "initialized": reactor(
        "global.get $x",
        fields="(global $x (mut i64) (i64.const 0))"
        '(func (export "_initialize") i64.const 3 global.set $x)',
    ),
    "started": reactor(
        "global.get $x",
        fields="(global $x (mut i64) (i64.const 0)) (func $s i64.const 3 global.set $x) (start $s)",
    ),
    "calling": reactor(
        "(drop (call $random_get (i32.const 0) (i32.const 8))) i64.const 8",
        fields=wasi("random_get", "(param i32 i32) (result i32)"),
    ),
    "not fitting": reactor("i64.const 0", fields='(data (i32.const 65535) "ab")'),
}


@pytest.fixture(name="engine", scope="module")
def make_engine() -> Engine:
    return Engine(on_call=lambda _fuel: None)


def both(engine: Engine, module: bytes, order: RunCommand) -> tuple[list[Ended], list[Ended], bool]:
    """Return how runs end that are told in full, and again; and whether those were short."""

    def run() -> tuple[list[Ended], list[Ended], bool]:
        loaded = engine.load(engine.compile(module))
        full = [engine.run(loaded, order) for _ in range(2)]
        last = replace(order, input=b"another", seed=9, fuel_max=5)
        again = [
            engine.run_again(loaded, last, order.input, order.seed, order.fuel_max)
            for _ in range(2)
        ]
        return full, again, is_short(loaded)

    full, again, were_short = on_large_stack(run)
    return [_timeless(each) for each in full], [_timeless(each) for each in again], were_short


def _timeless(ended: Ended) -> Ended:
    return replace(ended, wall_us=0)


@pytest.mark.parametrize("name", SHORT)
@pytest.mark.parametrize("fuel_max", [0, 3, 9, 10, 10**7])
def test_short_runs_end_as_others(engine: Engine, name: str, fuel_max: int) -> None:
    order = run_command(
        Shape.REACTOR, input=b"hello", fuel_max=fuel_max, memory_bytes_max=4 * 65_536
    )

    full, again, were_short = both(engine, SHORT[name], order)

    assert were_short
    assert full == again
    assert full[0] == full[1]


@pytest.mark.parametrize("name", OTHERS)
def test_what_calls_more_than_run_is_no_short_run(engine: Engine, name: str) -> None:
    order = run_command(Shape.REACTOR, seed=4)

    full, again, were_short = both(engine, translate(OTHERS[name]), order)

    assert not were_short
    assert full == again


def test_these_are_the_ends_that_are_compared(engine: Engine) -> None:
    def ending(name: str, **fields: int) -> object:
        order = run_command(Shape.REACTOR, input=b"hello", **fields)
        return both(engine, SHORT[name], order)[1][0].ending

    kinds = {
        "traps": TrapKind.UNREACHABLE,
        "beyond the memory": TrapKind.MEMORY_OUT_OF_BOUNDS,
        "divides": TrapKind.DIVISION_BY_ZERO,
        "recurses": TrapKind.CALL_DEPTH,
        "bad alloc": TrapKind.ALLOCATION_OUT_OF_BOUNDS,
        "alloc traps": TrapKind.UNREACHABLE,
        "bad result": TrapKind.RESULT_OUT_OF_BOUNDS,
        "long result": TrapKind.OUTPUT_TOO_LARGE,
    }
    for name, kind in kinds.items():
        assert ending(name) == Trap(kind)
    assert [ending(name) for name in ("echo", "counting", "grows")] == [Finished()] * 3
    assert [ending("loops"), ending("echo", fuel_max=9)] == [OutOfFuel()] * 2


def test_a_short_run_leaves_nothing_behind_and_may_not_have_more_memory(engine: Engine) -> None:
    order = run_command(Shape.REACTOR, memory_bytes_max=2 * 65_536)

    _, again, _ = both(engine, SHORT["counting"], order)
    assert [len(each.output) for each in again] == [2, 2]
    _, again, _ = both(engine, SHORT["grows"], order)
    assert [(len(each.output), each.peak_memory_bytes) for each in again] == [(99, 65_536)] * 2
