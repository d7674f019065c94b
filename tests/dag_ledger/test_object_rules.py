"""The rules of objects that need the cone (SPEC.md sections 8.12 to 8.15)."""

from typing import Any

import pytest

from fogbank_dag_ledger.genesis import decode_genesis
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.vertex_codec import check_signature, decode_vertex
from fogbank_protocol.errors import RemoteProtocolError

from .oracle import Oracle
from .vector_files import vectors

BROKEN = vectors("objects")["broken"]


@pytest.mark.parametrize(
    "group", BROKEN, ids=["the rules", "what came later", "too many settlements"]
)
def test_a_rejected_vector_breaks_its_rule_and_changes_nothing(group: Any) -> None:
    genesis = decode_genesis(bytes.fromhex(group["genesis"]))
    ledger, oracle = Ledger(genesis), Oracle(genesis)
    for data in group["held"]:
        vertex = decode_vertex(bytes.fromhex(data), genesis.network)
        ledger.insert(vertex)
        oracle.add(vertex)
    before = ledger.state_hash(), set(ledger.heads()), set(ledger.tips())
    for case in group["cases"]:
        vertex = decode_vertex(bytes.fromhex(case["hex"]), genesis.network)
        check_signature(vertex, genesis.network)
        with pytest.raises(RemoteProtocolError) as caught:
            ledger.insert(vertex)
        assert caught.value.rule == case["rule"] == oracle.broken_rule(vertex), case["name"]
        assert (ledger.state_hash(), set(ledger.heads()), set(ledger.tips())) == before


def test_every_rule_of_the_cone_has_a_rejected_vector() -> None:
    rules = {case["rule"] for group in BROKEN for case in group["cases"]}
    assert rules == {
        *(f"8.12.{number}" for number in range(3, 10)),
        *(f"8.13.{number}" for number in range(1, 5)),
        *("8.14.1", "8.14.2", "8.15.1", "8.15.2", "8.3.17"),
    }
