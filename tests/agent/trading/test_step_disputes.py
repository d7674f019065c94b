"""Wrong runs of step tasks: one interval of checkpoints is the proof (SPEC.md section 9.10)."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.market.dispute import DisputeState
from fogbank_agent.trading.findings import end_hash
from fogbank_agent.trading.stretches import find_stretch, roots_in
from fogbank_protocol.blobs.naming import blob_id
from fogbank_wasm_tasks.outcome import OutOfFuel
from fogbank_wasm_tasks.receipt import Result
from fogbank_wasm_tasks.verification.proof_file import WrongResultProof, decode_proof
from fogbank_wasm_tasks.verification.state import Digest
from fogbank_wasm_tasks.verification.terms import StepPlan, Terms
from fogbank_wasm_tasks.verification.trace import Trace

from .courtroom import Bend, Case, judged, wrong_end, wrong_from

STEPS, UNIT = 30, 4


async def proof_of(case: Case) -> WrongResultProof:
    """Return the proof that the watch looked at."""
    return decode_proof(await case.buyer.blobs.read(case.record.opening.proof_id))


def positions(proof: WrongResultProof) -> tuple[int | None, int | None]:
    """Return where a proof begins and stops."""
    points: list[Any] = [proof.start, proof.stop]
    start, stop = [None if point is None else point.position for point in points]
    return start, stop


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bend", "begins", "stops"),
    [
        (wrong_end, 28, None),
        (wrong_from(3), 8, 12),
        (wrong_from(0), None, 0),
    ],
    ids=["the end", "a step", "the beginning"],
)
async def test_the_watch_repeats_the_first_wrong_interval_alone(
    tmp_path: Path, bend: Bend, begins: int | None, stops: int | None
) -> None:
    async with judged(tmp_path, bend, steps=STEPS, unit=UNIT) as case:
        assert case.record.state is DisputeState.SEIZED
        assert positions(await proof_of(case)) == (begins, stops)


TERMS = Terms(
    package_id=blob_id(b"a package"),
    arguments=(),
    environment=(),
    seed=0,
    fuel_max=1,
    memory_bytes_max=0,
    output_bytes_max=0,
    plan=StepPlan(1, UNIT),
)


def a_trace(roots: list[int]) -> Trace:
    digests = [Digest(bytes([root]) * 32) for root in roots]
    return Trace(len(roots) * UNIT, UNIT, digests, OutOfFuel(), len(roots))


async def nothing(_position: int) -> bytes | None:
    return None


@given(said=st.lists(st.integers(0, 255), max_size=9), data=st.data())
async def test_roots_that_were_not_signed_show_nothing(
    said: list[int], data: st.DataObject
) -> None:
    trace = a_trace(said)
    result = Result(blob_id(b""), trace.outcome, trace.fuel, trace.claim())
    shown = data.draw(st.lists(st.integers(0, 255), max_size=9).filter(lambda one: one != said))
    roots = a_trace(shown).roots
    own = a_trace([7, *said])
    assert await find_stretch(result, TERMS, own, roots, b"given", nothing) is None
    first_differs = bool(said) and said[0] != 7
    found = await find_stretch(result, TERMS, own, trace.roots, b"given", nothing)
    if first_differs:
        assert found is not None
        assert (found.start, found.given, found.right) == (None, b"given", own.roots[0])
        assert found.stop is not None
    elif not said:
        assert found is not None
        assert (found.start, found.stop) == (None, None)
        assert found.right == end_hash(own.outcome, own.fuel)
    else:
        assert found is None, "the state on which both agree cannot be shown"


@given(body=st.binary(max_size=200))
def test_an_answer_is_cut_into_roots_or_taken_for_none(body: bytes) -> None:
    roots = roots_in(body)
    assert b"".join(roots) == (body if len(body) % 32 == 0 else b"")
