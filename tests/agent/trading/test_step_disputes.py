"""Wrong runs of step tasks: one interval of checkpoints is the proof (SPEC.md section 9.10)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.market.dispute import DisputeState
from fogbank_agent.market.dispute_messages import decode_roots
from fogbank_agent.trading.stretches import Stretch, find_stretch, narrow_stretch
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.signed import Signed
from fogbank_wasm_tasks.outcome import OutOfFuel
from fogbank_wasm_tasks.receipt import Result
from fogbank_wasm_tasks.verification.proof_file import (
    InTrace,
    Point,
    WrongResultProof,
    decode_proof,
)
from fogbank_wasm_tasks.verification.snapshot import decode_snapshot, encode_snapshot
from fogbank_wasm_tasks.verification.state import Digest, StateHead
from fogbank_wasm_tasks.verification.terms import StepPlan, Terms
from fogbank_wasm_tasks.verification.trace import Trace

from .courtroom import Bend, Case, fewer_states, judged, wrong_end, wrong_from

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
        (wrong_end, 30, None),
        (wrong_from(3), 11, 12),
        (wrong_from(0), None, 0),
        (fewer_states, 28, None),
    ],
    ids=["the end", "a step", "the beginning", "states left out"],
)
async def test_the_watch_repeats_one_step_alone(
    tmp_path: Path, bend: Bend, begins: int | None, stops: int | None
) -> None:
    async with judged(tmp_path, bend, steps=STEPS, unit=UNIT) as case:
        assert case.record.state is DisputeState.SEIZED
        assert positions(await proof_of(case)) == (begins, stops)


@pytest.mark.slow
async def test_a_provider_that_states_nothing_is_proved_wrong_by_an_interval(
    tmp_path: Path,
) -> None:
    async with judged(tmp_path, wrong_from(3), steps=STEPS, unit=UNIT, answers=False) as case:
        assert case.record.state is DisputeState.SEIZED
        assert positions(await proof_of(case)) == (8, 12)


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
    else:
        assert found is None, "a state that is to be shown cannot be"


@given(body=st.binary(max_size=200))
def test_an_answer_is_cut_into_roots_or_refused(body: bytes) -> None:
    if len(body) % 32:
        with pytest.raises(RemoteProtocolError):
            decode_roots(body)
    else:
        assert b"".join(decode_roots(body)) == body


# Down to one step.


class Other:
    """Another side, which states the roots ``said``, as long as it has ``answers``."""

    def __init__(self, said: Sequence[Digest], answers: int) -> None:
        self.said = said
        self.answers = answers
        self.asked: list[int] = []

    async def ask(self, position: int) -> tuple[Signed, Digest] | None:
        """Return what it states."""
        self.asked.append(position)
        if len(self.asked) > self.answers:
            return None
        return Signed(b"", bytes(64)), self.said[position]


def a_state(position: int, is_right: bool = True) -> bytes:
    """Return the file of a state of no memory."""
    fuel = position if is_right else position + 1
    head = StateHead(steps=position, is_done=False, fuel=fuel, pages=0, globals=b"")
    return encode_snapshot(head, b"")


@given(
    length=st.integers(1, 300),
    answers=st.integers(0, 10),
    data=st.data(),
)
async def test_halving_finds_the_one_step_and_keeps_what_was_stated(
    length: int, answers: int, data: st.DataObject
) -> None:
    first_wrong = data.draw(st.integers(1, length))
    roots = [
        decode_snapshot(a_state(position, position < first_wrong)).root()
        for position in range(length + 1)
    ]
    other = Other(roots, answers)
    own = Trace(length + 1, length, [], OutOfFuel(), 0)
    said = Result(blob_id(b""), OutOfFuel(), 0, own.claim())

    async def state_at(position: int) -> bytes:
        return a_state(position)

    point = Point(0, InTrace(roots[0], ()))
    stop = Point(length, InTrace(roots[length], ()))
    stretch = Stretch(point, stop, a_state(0), b"right")
    found = await narrow_stretch(stretch, said, TERMS, own, state_at, other.ask)
    low, high = found.ends(said, own)
    assert low < first_wrong <= high
    assert found.given == a_state(low)
    rounds = (length - 1).bit_length()
    if answers >= rounds:
        assert (low, high) == (first_wrong - 1, first_wrong)
        assert len(other.asked) <= rounds
    if high < length:
        assert found.right == decode_snapshot(a_state(high)).root()
