"""The rules of objects that need the cone (SPEC.md sections 8.12 to 8.15)."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_dag_ledger.genesis import decode_genesis
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.operations import EscrowTerms, Opening
from fogbank_dag_ledger.vertex_codec import check_signature, decode_vertex
from fogbank_protocol.errors import RemoteProtocolError

from .oracle import Oracle
from .town import ANN, BOB, CAT, DAN, ROOT, Town
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
        *("8.12.11", "8.14.1", "8.14.2", "8.15.1", "8.15.2", "8.3.17"),
    }


TOWN = Town()
PEOPLE = sorted(TOWN.community.names[one] for one in (ANN, CAT, DAN))


@given(
    st.integers(1, 6),
    st.lists(st.sampled_from(PEOPLE[1:]), unique=True).map(sorted),
    st.lists(
        st.tuples(st.sampled_from(PEOPLE), st.integers(1, 300_000)), unique_by=lambda one: one[0]
    ),
    st.tuples(*(st.integers(1, (1 << 32) - 1) for _ in "ab")),
)
def test_the_slow_definition_wants_the_same_deposit(
    amount: int, arbiters: Sequence[Any], split: Sequence[Any], beats: tuple[int, int]
) -> None:
    need = len(arbiters) // 2 + 1 if arbiters else 0
    terms = EscrowTerms(
        TOWN.community.names[BOB], tuple(arbiters), need, tuple(sorted(split)), *beats, ROOT
    )
    opening = TOWN.draft(ANN, Opening(0, amount, terms))
    rule = Oracle(TOWN.community.genesis).objects.broken_rule(opening)
    assert rule in (None, "8.12.11", "8.14.1")
    if rule is None:
        TOWN.ledger.check(opening)
        return
    with pytest.raises(RemoteProtocolError) as caught:
        TOWN.ledger.check(opening)
    assert caught.value.rule == rule
