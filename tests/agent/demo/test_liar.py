"""The liar of the demonstration."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wasm_tasks.packages import command, package

from fogbank_agent.demo.liar import LyingRunner, falsified, lies_in
from fogbank_protocol.blobs.naming import blob_id
from fogbank_wasm_tasks.outcome import Ok, Outcome, OutOfFuel
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.run import Pace, RunReport, RunRequest
from fogbank_wasm_tasks.verification.requests import (
    Accepted,
    StepReport,
    StepRequest,
    VerifyReport,
    VerifyRequest,
)
from fogbank_wasm_tasks.verification.terms import StepPlan

OUTPUT = b"the truth"
REQUEST = RunRequest(input=b"a question", fuel_max=10)


class Honest:
    """Answers every run with the same outcome."""

    def __init__(self, outcome: Outcome, output: bytes) -> None:
        self.report = RunReport(
            outcome=outcome,
            output=output,
            fuel=7,
            peak_memory_bytes=0,
            wall_s=0.1,
            diagnostics=b"",
        )

    async def execute(
        self,
        package: Package | bytes,
        request: RunRequest,
        *,
        pace: Pace | None = None,
    ) -> RunReport:
        return self.report

    @asynccontextmanager
    async def execute_many(
        self, package: Package, requests: AsyncIterable[RunRequest]
    ) -> AsyncGenerator[AsyncIterator[tuple[int, RunReport]]]:
        async def reports() -> AsyncIterator[tuple[int, RunReport]]:
            place = 0
            async for _ in requests:
                yield place, self.report
                place += 1

        yield reports()

    async def execute_steps(
        self,
        package: Package,
        request: StepRequest,
        *,
        pace: Pace | None = None,
    ) -> StepReport:
        return StepReport(states=3, roots=(), snapshot=None, report=self.report)

    async def verify(self, package: Package, request: VerifyRequest) -> VerifyReport:
        return VerifyReport(verdict=Accepted(), fuel=7, wall_s=0.1)


HONEST = Honest(Ok(blob_id(OUTPUT), len(OUTPUT)), OUTPUT)


async def test_a_liar_asks_verifiers_honestly() -> None:
    question = VerifyRequest(run=REQUEST, claimed=OUTPUT)
    liar = LyingRunner(HONEST, 1_000_000, Random(1))
    assert (await liar.verify(package(command("nop")), question)).verdict == Accepted()


async def test_a_lie_is_a_whole_result_with_another_output(
    caplog: pytest.LogCaptureFixture,
) -> None:
    liar = LyingRunner(HONEST, 1_000_000, Random(1))

    report = await liar.execute(b"", REQUEST)

    assert report.output != OUTPUT
    assert report.outcome == Ok(blob_id(report.output), len(OUTPUT))
    assert report.fuel == HONEST.report.fuel
    assert lies_in(caplog.text) == [blob_id(REQUEST.input)]


async def test_lies_come_as_often_as_told(caplog: pytest.LogCaptureFixture) -> None:
    liar = LyingRunner(HONEST, 250_000, Random(1))

    outputs = [(await liar.execute(b"", REQUEST)).output for _ in range(400)]

    lies = sum(output != OUTPUT for output in outputs)
    assert 70 < lies < 130
    assert len(lies_in(caplog.text)) == lies


async def test_what_is_not_an_output_is_told_as_it_is() -> None:
    failing = Honest(OutOfFuel(), b"")

    report = await LyingRunner(failing, 1_000_000, Random(1)).execute(b"", REQUEST)

    assert report is failing.report


@given(output=st.binary(max_size=40))
def test_a_falsified_output_is_never_the_output(output: bytes) -> None:
    assert falsified(output) != output


async def test_a_step_task_is_lied_about_in_its_output() -> None:
    liar = LyingRunner(HONEST, 1_000_000, Random(1))
    asked = StepRequest(run=REQUEST, plan=StepPlan(1, 1))
    stepped = await liar.execute_steps(package(command("")), asked)
    assert stepped.report is not None
    assert stepped.report.outcome == Ok(blob_id(stepped.report.output), len(OUTPUT))
    assert stepped.report.output != OUTPUT


async def test_some_of_many_runs_are_lied_about() -> None:
    async def requests() -> AsyncIterator[RunRequest]:
        for _ in range(100):
            yield REQUEST

    liar = LyingRunner(HONEST, 500_000, Random(1))
    async with liar.execute_many(package(command("")), requests()) as reports:
        outputs = [report.output async for _, report in reports]
    assert len(outputs) == 100
    assert 20 < outputs.count(OUTPUT) < 80
