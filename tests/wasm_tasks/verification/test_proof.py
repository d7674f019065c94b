"""Proofs hold together or are refused (SPEC.md section 7.12)."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wasm_tasks.verification.disputed_run import (
    INPUT,
    LIE_FROM,
    NETWORK,
    PROVIDER,
    REACTOR,
    TERMS,
    Told,
    sign,
    tell,
)
from tests.wasm_tasks.verification.step_task import step_package

from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity, NetworkId
from fogbank_wasm_tasks.outcome import HostFault, Ok, OutOfFuel, Trap
from fogbank_wasm_tasks.verification.proof import (
    Verdict,
    check_proof,
    end_of,
    judge_end,
    judge_state,
)
from fogbank_wasm_tasks.verification.proof_file import (
    InStatement,
    InTrace,
    Point,
    WrongResultProof,
    decode_proof,
    encode_proof,
)
from fogbank_wasm_tasks.verification.state import Digest, end_digest
from fogbank_wasm_tasks.verification.statements import Statement, receipt_id_of, sign_statement

told = cache(tell)


def proof(of: Told, **changes: Any) -> WrongResultProof:
    """Return a proof about the interval in which the lie begins."""
    fields: dict[str, Any] = {
        "index": 0,
        "network": NETWORK,
        "package": step_package().data,
        "terms": TERMS,
        "receipt": of.receipt,
        "start": of.in_trace(4),
        "stop": of.in_trace(8),
        "given": of.snapshots[4],
        **changes,
    }
    return WrongResultProof(**fields)


def kinds(of: Told) -> dict[str, WrongResultProof]:
    return {
        "an interval of the trace": proof(of),
        "one step, as stated": proof(
            of,
            start=of.stated(LIE_FROM - 1),
            stop=of.stated(LIE_FROM),
            given=of.snapshots[LIE_FROM - 1],
        ),
        "the beginning": proof(of, start=None, stop=of.in_trace(0), given=INPUT),
        "the last step": proof(
            of, start=of.stated(len(of.states) - 1), stop=None, given=of.snapshots[-1]
        ),
        "all of it": proof(of, start=None, stop=None, given=INPUT),
    }


@pytest.mark.parametrize("kind", list(kinds(told(LIE_FROM))))
@pytest.mark.parametrize("lie_from", [None, LIE_FROM])
def test_a_proof_comes_back_and_holds_together(kind: str, lie_from: int | None) -> None:
    made = kinds(told(lie_from))[kind]

    read = decode_proof(encode_proof(made))

    assert encode_proof(read) == encode_proof(made)
    checked = check_proof(read)
    assert checked.provider == PROVIDER.node_id
    assert checked.package.package_id == step_package().package_id


def broken(of: Told) -> dict[str, WrongResultProof]:
    stranger = Identity.from_seed(b"s" * 32)
    step = len(of.states)
    statement = Statement(receipt_id_of(of.receipt, NETWORK), 0, PROVIDER.node_id, 4, of.states[4])

    def says(signer: Identity, **changes: Any) -> Point:
        said = replace(statement, **{"party": signer.node_id, **changes})
        return Point(4, InStatement(sign_statement(said, NETWORK, signer)))

    other_trace = replace(of.trace, roots=[Digest(bytes(32)), *of.trace.roots[1:]])
    evidence = of.in_trace(4).evidence
    assert isinstance(evidence, InTrace)
    return {
        "another network": proof(of, network=NetworkId(bytes(8))),
        "another package": proof(of, package=REACTOR.data),
        "other terms": proof(of, terms=replace(TERMS, fuel_max=1)),
        "a receipt for other terms": proof(of, receipt=sign(of.trace, bytes(32))),
        "a result that is not there": proof(of, index=1),
        "a receipt without a trace": proof(of, receipt=sign(of.trace, trace=None)),
        "a receipt for another input": proof(
            of, start=None, given=INPUT, receipt=sign(of.trace, input_id=blob_id(b"?"))
        ),
        "a host fault": proof(
            of, receipt=sign(of.trace, outcome=HostFault("worker_died"), fuel=0, trace=None)
        ),
        "a trace of another receipt": proof(of, receipt=sign(other_trace)),
        "no snapshot": proof(of, given=b""),
        "a snapshot of another position": proof(of, given=of.snapshots[5]),
        "another snapshot of the position": proof(of, given=told(4).snapshots[4]),
        "another input": proof(of, start=None, given=b"\x0b"),
        "a stop at the start": proof(of, stop=of.in_trace(4)),
        "a stop before the start": proof(of, stop=of.in_trace(0)),
        "a state that is no checkpoint": proof(of, stop=replace(of.in_trace(8), position=7)),
        "a state beyond the end": proof(of, stop=replace(of.in_trace(8), position=step)),
        "a path too short": proof(of, start=Point(4, InTrace(evidence.digest, evidence.path[:-1]))),
        "another digest": proof(of, start=Point(4, InTrace(Digest(bytes(32)), evidence.path))),
        "a statement by another": proof(of, start=says(stranger)),
        "a statement about another receipt": proof(of, start=says(PROVIDER, receipt_id=bytes(32))),
        "a statement about another result": proof(of, start=says(PROVIDER, index=1)),
        "a statement about another position": proof(of, start=says(PROVIDER, position=5)),
    }


@pytest.mark.parametrize("name", list(broken(told(LIE_FROM))))
def test_what_does_not_belong_together_is_refused(name: str) -> None:
    with pytest.raises(RemoteProtocolError):
        check_proof(decode_proof(encode_proof(broken(told(LIE_FROM))[name])))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_hostile_bytes_are_refused(data: st.DataObject) -> None:
    whole = encode_proof(kinds(told(LIE_FROM))["one step, as stated"])
    place = data.draw(st.integers(0, len(whole) - 1))
    hostile = bytearray(whole)
    hostile[place] ^= data.draw(st.integers(1, 255))

    # Every byte of a proof is signed, hashed or counted.
    with pytest.raises(RemoteProtocolError):
        check_proof(decode_proof(bytes(hostile)))
    with pytest.raises(RemoteProtocolError):
        check_proof(decode_proof(whole[:place]))


def test_only_the_claimed_result_is_right() -> None:
    of = told(None)
    receipt = of.trace
    checked = check_proof(proof(of, start=None, stop=None, given=INPUT))
    states, outcome, fuel = receipt.states, receipt.outcome, receipt.fuel

    assert judge_end(checked, states, outcome, fuel) is Verdict.RIGHT
    assert judge_end(checked, states + 1, outcome, fuel) is Verdict.WRONG
    assert judge_end(checked, states, OutOfFuel(), fuel) is Verdict.WRONG
    assert judge_end(checked, states, Trap("unreachable"), fuel) is Verdict.WRONG
    assert judge_end(checked, states, Ok(blob_id(b"?"), 1), fuel) is Verdict.WRONG
    assert judge_end(checked, states, outcome, fuel + 1) is Verdict.WRONG
    assert judge_end(checked, 0, HostFault("time_limit"), 0) is Verdict.UNKNOWN
    assert end_of(checked.result) == end_digest(states, outcome, fuel)


def test_only_the_claimed_state_is_right() -> None:
    of = told(None)
    checked = check_proof(proof(of))

    assert judge_state(checked, of.states[8]) is Verdict.RIGHT
    assert judge_state(checked, of.states[7]) is Verdict.WRONG
    assert judge_end(checked, 6, of.trace.outcome, of.trace.fuel) is Verdict.WRONG
    assert judge_end(checked, 0, HostFault("worker_died"), 0) is Verdict.UNKNOWN
