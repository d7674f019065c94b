"""Replays the vectors of verification (SPEC.md sections 7.8 to 7.12)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId
from fogbank_protocol.signed import signed_from_value
from fogbank_wasm_tasks.repeat import judge_proof_file
from fogbank_wasm_tasks.sandbox.pool import Sandbox
from fogbank_wasm_tasks.verification.proof import check_proof
from fogbank_wasm_tasks.verification.proof_file import decode_proof, encode_proof
from fogbank_wasm_tasks.verification.snapshot import decode_snapshot
from fogbank_wasm_tasks.verification.statements import (
    STATEMENT,
    decode_question,
    encode_question,
    open_statement,
)
from fogbank_wasm_tasks.verification.terms import decode_terms, terms_to_value

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "verification.json").read_text(encoding="utf-8")
)
NETWORK = NetworkId(bytes.fromhex(VECTORS["network"]))


def read_statement(data: bytes) -> object:
    return open_statement(signed_from_value(STATEMENT, decode(data)), NETWORK)


READERS: dict[str, Callable[[bytes], object]] = {
    "terms": decode_terms,
    "snapshot": decode_snapshot,
    "question": decode_question,
    "statement": read_statement,
    "proof": lambda data: check_proof(decode_proof(data)),
}


def cases(side: str, *kinds: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in VECTORS[side] if case["kind"] in kinds]


@pytest.mark.parametrize("case", cases("accept", *READERS))
def test_what_is_accepted(case: dict[str, Any]) -> None:
    READERS[case["kind"]](bytes.fromhex(case["hex"]))


@pytest.mark.parametrize("case", cases("reject", *READERS))
def test_what_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        READERS[case["kind"]](bytes.fromhex(case["hex"]))
    assert caught.value.rule == case["rule"]


@pytest.mark.parametrize("case", cases("accept", "snapshot"))
def test_a_snapshot_has_its_root(case: dict[str, Any]) -> None:
    assert decode_snapshot(bytes.fromhex(case["hex"])).root().hex() == case["root"]
    assert case["root"] in VECTORS["states"]


@pytest.mark.parametrize("case", cases("accept", "terms"))
def test_terms_have_their_id(case: dict[str, Any]) -> None:
    terms = decode_terms(bytes.fromhex(case["hex"]))

    assert terms.terms_id().hex() == case["id"]
    assert encode(terms_to_value(terms)).hex() == case["hex"]


@pytest.mark.parametrize("case", cases("accept", "question"))
def test_a_question_is_written_again(case: dict[str, Any]) -> None:
    question = decode_question(bytes.fromhex(case["hex"]))

    assert encode_question(question).hex() == case["hex"]


@pytest.mark.slow
@pytest.mark.parametrize("case", cases("accept", "proof"))
async def test_a_proof_has_its_verdict(case: dict[str, Any], tmp_path: Path) -> None:
    data = bytes.fromhex(case["hex"])
    assert encode_proof(decode_proof(data)) == data

    async with trio.open_nursery() as nursery:
        sandbox = Sandbox(tmp_path, workers=1)
        await nursery.start(sandbox.run)
        _, verdict = await judge_proof_file(sandbox, data)
        nursery.cancel_scope.cancel()

    assert verdict == case["verdict"]
