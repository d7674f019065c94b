"""Trial runs in the real sandbox, and how they are judged."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.agent.authoring.manifests import manifest
from tests.wasm_tasks.packages import command, package, reactor, wasi

from fogbank_agent.authoring.trial import (
    BOTH_TARGETS,
    TrialResult,
    local_sandbox,
    local_sandboxes,
    run_once,
    try_all,
)
from fogbank_agent.errors import ConfigError, Refused
from fogbank_agent.trading.interfaces import Runner
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.run import Pace, RunReport, RunRequest
from fogbank_wasm_tasks.sandbox.pool import Sandbox

pytestmark = pytest.mark.slow

# Its output is its input.
ECHO = package(
    reactor(
        "(i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) "
        "(i64.extend_i32_u (local.get 1)))"
    )
)
EXIT = package(command("(call $proc_exit (i32.const 3))", fields=wasi("proc_exit", "(param i32)")))


@pytest.fixture
async def sandbox() -> AsyncGenerator[Sandbox]:
    async with local_sandbox() as sandbox:
        yield sandbox


async def one(
    sandbox: Sandbox,
    task: Package,
    test: str,
    folder: Path = Path(),
    price: int = 100,
    start_price: int = 0,
) -> TrialResult:
    results: list[TrialResult] = []
    said = manifest(rest=f'[[test]]\nname = "t"\n{test}')
    engines = {"one": sandbox, "other": sandbox}
    await try_all(
        engines,
        task,
        said,
        folder,
        price=price,
        start_price=start_price,
        on_result=results.append,
    )
    [result] = results
    return result


async def test_a_test_that_gives_what_is_expected_passes(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"\xff\0")
    for test in (
        'input_text = "a"\noutput_text = "a"',
        'input_file = "in"\noutput_file = "in"',
        'input_text = "abc"\noutput_sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410'
        'ff61f20015ad"',
        'input_text = "anything"',
    ):
        result = await one(sandbox, ECHO, test, tmp_path)
        assert (result.passed, result.why) == (True, "")
        assert result.deterministic
        assert result.engines == ("one", "other")


async def test_fuel_has_a_price(sandbox: Sandbox) -> None:
    result = await one(sandbox, ECHO, "", price=10**9)
    assert result.price == result.fuel > 0
    assert (await one(sandbox, ECHO, "", price=1)).price == 1
    assert (await one(sandbox, ECHO, "", price=1, start_price=7)).price == 8


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ('input_text = "abcd"\noutput_text = "abxd"', "differs from byte 2 on: b'cd', b'xd'"),
        ('input_text = "ab"\noutput_text = "abc"', "has 2 bytes, 3 expected"),
        (f'output_sha256 = "{"0" * 64}"', "the SHA-256 of the output is e3b0c44"),
        ('outcome = "out_of_fuel"', "the outcome is ok, out_of_fuel expected"),
        ("fuel_max = 1", "the outcome is out_of_fuel, ok expected"),
    ],
)
async def test_a_test_that_gives_something_else_says_what(
    sandbox: Sandbox, test: str, why: str
) -> None:
    result = await one(sandbox, ECHO, test)
    assert not result.passed
    assert why in result.why


async def test_exits_traps_and_empty_tanks_can_be_expected(sandbox: Sandbox) -> None:
    assert (await one(sandbox, EXIT, 'outcome = "exit:3"')).passed
    assert (await one(sandbox, EXIT, 'outcome = "out_of_fuel"\nfuel_max = 5')).passed
    trap = package(command("unreachable"))
    assert (await one(sandbox, trap, 'outcome = "trap:unreachable"')).passed


async def test_a_missing_input_is_named(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere cannot be read"):
        await one(sandbox, ECHO, 'input_file = "nowhere"', tmp_path)


async def test_arguments_that_cannot_be_passed_are_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigError, match="the test 't' cannot be run"):
        await one(sandbox, ECHO, f'arguments = ["{"x" * 1025}"]')


async def test_what_does_not_validate_is_refused_in_one_sentence() -> None:
    wrong = bytearray(package(command("(drop (i32.const 1))")).module)
    wrong[wrong.rindex(b"\x41\x01\x1a")] = 0x42  # i64.const, and still dropped: valid
    broken = bytes(wrong).replace(b"\x42\x01\x1a", b"\x45\x01\x1a")  # i32.eqz of nothing
    with pytest.raises(Refused, match="cannot be run"):
        async with local_sandbox() as sandbox:
            await run_once(sandbox, package(broken), RunRequest(input=b"", fuel_max=10**6))


async def test_an_error_of_the_one_who_runs_comes_out_as_it_is() -> None:
    for error in (BrokenPipeError(), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            async with local_sandbox():
                raise error


class Miscounting:
    """A sandbox of another engine, which counts one fuel too many."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def execute(
        self,
        package: Package | bytes,
        request: RunRequest,
        *,
        pace: Pace | None = None,
    ) -> RunReport:
        report = await self._sandbox.execute(package, request, pace=pace)
        return replace(report, fuel=report.fuel + 1)


async def test_engines_that_differ_fail_the_test(sandbox: Sandbox) -> None:
    results: list[TrialResult] = []
    said = manifest(rest='[[test]]\nname = "t"\n')
    engines: dict[str, Runner] = {"one": sandbox, "other": Miscounting(sandbox)}
    await try_all(engines, ECHO, said, Path(), price=1, start_price=0, on_result=results.append)
    assert not results[0].passed
    assert not results[0].deterministic
    assert "gave different results" in results[0].why


# Sums of floats, a NaN among them, so that much could differ between two processors.
FLOATS = package(
    reactor(
        """(local $x f64) (local $i i32)
        (loop
          (local.set $x (f64.add (f64.sqrt (local.get $x)) (f64.convert_i32_u (local.get $i))))
          (f64.store (i32.shl (local.get $i) (i32.const 3)) (local.get $x))
          (br_if 0 (i32.lt_u
            (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 64))))
        (f64.store (i32.const 512) (f64.div (f64.const 0) (f64.const 0)))
        (i64.const 520)"""
    )
)


async def test_the_portable_engine_gives_the_same_output_and_fuel() -> None:
    results: list[TrialResult] = []
    said = manifest(rest='[[test]]\nname = "t"\n')
    async with local_sandboxes(BOTH_TARGETS) as sandboxes:
        await try_all(
            sandboxes, FLOATS, said, Path(), price=1, start_price=0, on_result=results.append
        )
    [result] = results
    assert result.engines == ("native", "pulley64")
    assert (result.outcome, result.output_bytes, result.why) == ("ok", 520, "")
    assert result.deterministic
