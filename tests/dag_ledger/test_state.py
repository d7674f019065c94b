"""The state hash and the supply, and whole DAGs as vectors (SPEC.md section 8.9)."""

from hashlib import blake2b
from typing import Any

import pytest

from fogbank_dag_ledger.genesis import decode_genesis
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.vertex_codec import check_signature, decode_vertex
from fogbank_protocol.encoding import encode

from .community import Community
from .oracle import Oracle
from .vector_files import case_name, vectors

DAGS = vectors("ledger")["dags"]


@pytest.mark.parametrize("case", DAGS, ids=case_name)
def test_a_dag_is_replayed_to_its_final_state(case: Any) -> None:
    genesis = decode_genesis(bytes.fromhex(case["genesis"]))
    ledger, oracle = Ledger(genesis), Oracle(genesis)
    for data in case["vertices"]:
        vertex = decode_vertex(bytes.fromhex(data), genesis.network)
        check_signature(vertex, genesis.network)
        ledger.insert(vertex)
        oracle.add(vertex)
    confirmed = {one.hex() for one in oracle.vertices if ledger.is_confirmed(one)}
    final = {one.hex() for one in oracle.vertices if ledger.is_final(one)}

    assert confirmed == set(case["confirmed"]) == {one.hex() for one in oracle.confirmed()}
    assert final == set(case["final"]) == {one.hex() for one in oracle.final()}
    assert ledger.state_hash().hex() == case["state_hash"] == oracle.state_hash().hex()
    seats = [[one.hex(), weight] for one, weight in ledger.epochs.table.seats]
    assert (ledger.epochs.number, seats) == (case["epoch"], case["seats"])
    assert oracle.present() == case["epoch"]
    assert ledger.supply_held() == case["supply_held"] == genesis.supply
    for account in genesis.balances:
        assert ledger.balance(account) == case["balances"][account.hex()]


def test_the_state_of_a_new_network_is_its_balances() -> None:
    community = Community(seats=1, others=1)
    genesis = community.genesis
    preimage = b"fog-state-1\0" + genesis.network
    preimage += encode([community.names[0], b"", 1_000, [], []]) + encode(0)
    assert Ledger(genesis).state_hash() == blake2b(preimage, digest_size=32).digest()


def test_votes_change_no_state() -> None:
    community = Community(seats=1, others=1)
    ledger = Ledger(community.genesis)
    before = ledger.state_hash()
    first = community.vertex(0)
    second = community.vertex(0, first, acknowledges=[first])
    for vertex in (first, second):
        ledger.insert(vertex)
    assert ledger.is_final(first.id)
    assert ledger.state_hash() == before
