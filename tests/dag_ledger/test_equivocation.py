"""Proofs of a fork (SPEC.md section 8.10)."""

from typing import Any

import pytest

from fogbank_dag_ledger.equivocation import check_proof, encode_proof
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId

from .community import Community
from .vector_files import case_name, vectors

VECTORS = vectors("equivocation")
NETWORK = NetworkId(bytes.fromhex(VECTORS["network"]))


@pytest.mark.parametrize("case", VECTORS["accept"], ids=case_name)
def test_an_accepted_vector_convicts(case: Any) -> None:
    assert check_proof(bytes.fromhex(case["hex"]), NETWORK).hex() == case["issuer"]


@pytest.mark.parametrize("case", VECTORS["reject"], ids=case_name)
def test_a_rejected_vector_convicts_nobody(case: Any) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        check_proof(bytes.fromhex(case["hex"]), NETWORK)
    assert caught.value.rule == case["rule"]


def test_a_proof_is_the_same_whichever_vertex_came_first() -> None:
    community = Community()
    one, other = (
        (vertex.id, vertex.signature)
        for vertex in (community.vertex(4, note=note) for note in (1, 2))
    )
    proof = encode_proof(community.names[4], one, other)
    assert proof == encode_proof(community.names[4], other, one)
    assert len(proof) == 224
    assert check_proof(proof, community.network) == community.names[4]
