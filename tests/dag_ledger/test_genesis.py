"""Genesis: vectors, and what a maker of networks is told (SPEC.md section 8.1)."""

from typing import Any

import pytest

from fogbank_dag_ledger.genesis import decode_genesis, new_genesis
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.identity import NodeId

from .vector_files import case_name, vectors

VECTORS = vectors("genesis")
ANN, BOB = NodeId(b"a" * 32), NodeId(b"b" * 32)


@pytest.mark.parametrize("case", VECTORS["accept"], ids=case_name)
def test_an_accepted_vector_is_read_and_written_again(case: Any) -> None:
    genesis = decode_genesis(bytes.fromhex(case["hex"]))
    assert genesis.network.hex() == case["network"]
    assert (genesis.weight, genesis.quorum) == (case["weight"], case["quorum"])
    assert genesis.supply == int(case["supply"])
    again = new_genesis(genesis.name, genesis.seats, genesis.balances, genesis.salt, genesis.quorum)
    assert again == genesis


@pytest.mark.parametrize("case", VECTORS["reject"], ids=case_name)
def test_a_rejected_vector_breaks_its_rule(case: Any) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_genesis(bytes.fromhex(case["hex"]))
    assert caught.value.rule == case["rule"]


@pytest.mark.parametrize(("weight", "quorum"), [(1, 1), (3, 3), (4, 3), (5, 4), (7, 5), (10, 7)])
def test_the_quorum_tolerates_liars_of_a_third_unless_another_is_chosen(
    weight: int, quorum: int
) -> None:
    assert new_genesis("n", {ANN: weight}, {ANN: 1}, bytes(16)).quorum == quorum


def test_the_order_of_the_maker_does_not_matter() -> None:
    one = new_genesis("n", {ANN: 1, BOB: 2}, {BOB: 3, ANN: 4}, bytes(16))
    assert one == new_genesis("n", {BOB: 2, ANN: 1}, {ANN: 4, BOB: 3}, bytes(16))
    assert one.network != new_genesis("n", one.seats, one.balances, b"1" * 16).network


def test_a_maker_who_breaks_a_bound_is_told() -> None:
    with pytest.raises(LocalProtocolError, match="quorum of 1"):
        new_genesis("n", {ANN: 2}, {ANN: 1}, bytes(16), quorum=1)
