"""State roots, snapshots, terms, traces, disputes and proofs (SPEC.md sections 7.8 to 7.12)."""

from functools import cache
from typing import Any

from tests.wasm_tasks.verification.disputed_run import INPUT, LIE_FROM, NETWORK, TERMS, Told, tell
from tests.wasm_tasks.verification.step_task import step_package

from fogbank_protocol.encoding import Value, encode
from fogbank_wasm_tasks.verification.proof_file import (
    InStatement,
    Point,
    WrongResultProof,
    encode_proof,
)
from fogbank_wasm_tasks.verification.snapshot import decode_snapshot
from fogbank_wasm_tasks.verification.statements import (
    Question,
    Wanted,
    encode_question,
    receipt_id_of,
)
from fogbank_wasm_tasks.verification.terms import terms_to_value

told = cache(tell)


def build() -> dict[str, Any]:
    """Return the vectors; a snapshot's ``root`` is the state root, a proof's ``verdict`` follows.

    ``kind`` says what each ``hex`` is: terms, a snapshot, a question, a statement (the encoded
    array [body, signature]), or a proof.
    """
    honest, lying = told(None), told(LIE_FROM)
    receipt_id = receipt_id_of(honest.receipt, NETWORK)
    return {
        "spec": "7.12",
        "network": NETWORK.hex(),
        "module": step_package().module.hex(),
        "input": INPUT.hex(),
        "states": [each.hex() for each in honest.states],
        "trace_root": honest.trace.claim().root.hex(),
        "accept": [
            {
                "name": "the terms of the run",
                "kind": "terms",
                "hex": encode(terms_to_value(TERMS)).hex(),
                "id": TERMS.terms_id().hex(),
            },
            *(
                {
                    "name": f"the state at position {position}",
                    "kind": "snapshot",
                    "hex": honest.snapshots[position].hex(),
                    "root": honest.states[position].hex(),
                }
                for position in (0, 5, 8, 11)
            ),
            {
                "name": "a question for a statement",
                "kind": "question",
                "hex": encode_question(Question(receipt_id, 0, 5, Wanted.STATEMENT)).hex(),
            },
            {
                "name": "a statement",
                "kind": "statement",
                "hex": _statement(honest, 5).hex(),
            },
            _proof("a lie, by all of the run", lying, None, None, "wrong"),
            _proof("a lie, by an interval", lying, lying.in_trace(4), lying.in_trace(8), "wrong"),
            _proof("a lie, by one step", lying, lying.stated(5), lying.stated(6), "wrong"),
            _proof("the truth, by one step", honest, honest.stated(5), honest.stated(6), "right"),
        ],
        "reject": [
            _reject("terms of another version", "terms", _terms(0, 2), "7.8"),
            _reject("a step size of 0", "terms", _terms(9, [0, 1]), "7.8"),
            _reject("a snapshot that spells zeros out", "snapshot", _zeros(), "7.10"),
            _reject("a snapshot of half a page", "snapshot", _snapshot(8, bytes(2_048)), "7.10"),
            _reject(
                "a question of another kind", "question", encode([1, bytes(32), 0, 0, 2]), "7.11"
            ),
            _reject("a proof without a snapshot", "proof", _without_snapshot(lying), "7.10"),
            _reject("a proof that goes backwards", "proof", _backwards(lying), "7.12"),
        ],
    }


def _statement(of: Told, position: int) -> bytes:
    evidence = of.stated(position).evidence
    assert isinstance(evidence, InStatement)
    return encode(evidence.signed.to_value())


def _file(of: Told, start: Point | None, stop: Point | None, given: bytes) -> bytes:
    return encode_proof(
        WrongResultProof(
            network=NETWORK,
            package=step_package().data,
            terms=TERMS,
            receipt=of.receipt,
            index=0,
            start=start,
            stop=stop,
            given=given,
        )
    )


def _proof(
    name: str, of: Told, start: Point | None, stop: Point | None, verdict: str
) -> dict[str, str]:
    given = INPUT if start is None else of.snapshots[start.position]
    return {
        "name": name,
        "kind": "proof",
        "hex": _file(of, start, stop, given).hex(),
        "verdict": verdict,
    }


def _without_snapshot(of: Told) -> bytes:
    return _file(of, of.stated(5), of.stated(6), encode(["fogsnap"]))


def _backwards(of: Told) -> bytes:
    return _file(of, of.stated(6), of.stated(5), of.snapshots[6])


def _terms(place: int, value: Value) -> bytes:
    fields = terms_to_value(TERMS)
    assert isinstance(fields, list)
    fields[place] = value
    return encode(fields)


def _zeros() -> bytes:
    return encode(["fogsnap", 1, 0, False, 0, 1, b"", b"\1\0", bytes(4_096)])


def _snapshot(place: int, value: Value) -> bytes:
    fields: list[Value] = ["fogsnap", 1, 0, False, 0, 1, b"", b"\1\0", b"\1" * 4_096]
    decode_snapshot(encode(fields))
    fields[place] = value
    return encode(fields)


def _reject(name: str, kind: str, data: bytes, rule: str) -> dict[str, str]:
    return {"name": name, "kind": kind, "hex": data.hex(), "rule": rule}
