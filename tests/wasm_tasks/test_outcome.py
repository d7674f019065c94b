"""Outcomes: said and understood, and when two agree (SPEC.md section 7.6)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank_protocol.blobs.naming import BlobId, blob_id
from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.outcome import (
    Exited,
    HostFault,
    HostFaultKind,
    Ok,
    Outcome,
    OutOfFuel,
    Trap,
    TrapKind,
    agree,
    outcome_from_value,
    outcome_to_value,
)

KINDS = st.from_regex(r"[a-z_]{1,64}", fullmatch=True)
OUTCOMES: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(Ok, st.binary(min_size=32, max_size=32).map(BlobId), st.integers(0, 67_108_864)),
    st.just(OutOfFuel()),
    st.builds(Trap, st.sampled_from(TrapKind) | KINDS),
    st.builds(Exited, st.integers(0, 2**32 - 1)),
    st.builds(HostFault, st.sampled_from(HostFaultKind) | KINDS),
)


@settings(deadline=None)
@given(OUTCOMES)
def test_an_outcome_survives_the_wire(outcome: Outcome) -> None:
    assert outcome_from_value(decode(encode(outcome_to_value(outcome)))) == outcome


@pytest.mark.parametrize(
    "value",
    [
        0, [], [0], [0, bytes(31), 1], [0, bytes(32)], [0, bytes(32), 67_108_865],
        [0, bytes(32), True], [False, bytes(32), 1], [True], [1, 0], [2], [2, ""], [2, "Trap"],
        [2, "a" * 65], [2, b"trap"], [2, "new\n"], [3, 2**32], [3, True], [3], [4], [4, "no 1"],
        [5], None, [[1]],
    ],
)  # fmt: skip
def test_what_is_no_outcome_is_refused(value: Value) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        outcome_from_value(value)
    assert caught.value.rule == "7.6"


OK = Ok(blob_id(b"out"), 3)


@pytest.mark.parametrize("outcome", [OK, OutOfFuel(), Trap("unreachable"), Exited(3)])
def test_equal_results_agree_only_with_equal_fuel(outcome: Outcome) -> None:
    assert agree((outcome, 7), (outcome, 7))
    assert not agree((outcome, 7), (outcome, 8))


def test_different_results_disagree() -> None:
    assert not agree((OK, 7), (Ok(blob_id(b"oat"), 3), 7))
    assert not agree((Trap("unreachable"), 7), (Trap("call_depth"), 7))
    assert not agree((OK, 7), (OutOfFuel(), 7))


def test_a_host_fault_agrees_with_nothing() -> None:
    fault = HostFault(HostFaultKind.WORKER_DIED)

    assert not agree((fault, 0), (fault, 0))
    assert not agree((fault, 0), (OK, 0))


def test_a_kind_from_the_wire_equals_our_word_for_it() -> None:
    assert outcome_from_value([2, "unreachable"]) == Trap(TrapKind.UNREACHABLE)
