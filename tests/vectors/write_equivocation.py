"""Vectors of proofs that a key signed twice (SPEC.md section 8.10)."""

from collections.abc import Iterable
from typing import Any

from fogbank_dag_ledger.equivocation import encode_proof
from fogbank_dag_ledger.vertex import NO_VERTEX, ORDINARY, Draft, Vertex, VertexId, preimage
from fogbank_dag_ledger.vertex_codec import sign_vertex
from fogbank_protocol.identity import Identity, NetworkId

from .write_vertices import ANN, BOB, NET, place

Json = dict[str, Any]


def _vertex(note: int, seq: int = 0, identity: Identity = ANN, network: NetworkId = NET) -> Vertex:
    prev = NO_VERTEX
    if seq:
        prev = VertexId(_vertex(0, seq - 1, identity, network).id)
    return sign_vertex(Draft(ORDINARY, identity.node_id, seq, prev), identity, network, note)


def _proof(one: Vertex, other: Vertex) -> bytes:
    return encode_proof(one.issuer, (one.id, one.signature), (other.id, other.signature))


def _of_ids(ids: Iterable[VertexId]) -> bytes:
    one, other = ((named, ANN.sign(preimage(NET, named))) for named in ids)
    return encode_proof(ANN.node_id, one, other)


def build() -> Json:
    """Return the vectors."""
    first, second = _vertex(1), _vertex(2)
    good = _proof(first, second)
    elsewhere = NetworkId(bytes(8))
    foreign = _proof(_vertex(1, network=elsewhere), _vertex(2, network=elsewhere))
    stranger = _proof(_vertex(1, identity=BOB), _vertex(2, identity=BOB))
    rejected = {
        "nothing": b"",
        "a byte short": good[:-1],
        "a byte long": good + b"\0",
        "ids that descend": good[:32] + good[128:] + good[32:128],
        "one vertex twice": good[:128] + good[32:128],
        "two slots": _proof(_vertex(0), _vertex(0, seq=1)),
        "another network": foreign,
        "signatures exchanged": good[:64] + good[160:] + good[128:160] + good[64:128],
        "a wrong first signature": good[:64] + bytes(64) + good[128:],
        "a wrong second signature": good[:-64] + bytes(64),
        "somebody else's vertices": ANN.node_id + stranger[32:],
        "ids with another's tag": _of_ids(VertexId(place(BOB.node_id, 0, n)) for n in (1, 2)),
        "an issuer that is no key": bytes(32) + good[32:],
    }
    return {
        "spec": "8.10",
        "network": NET.hex(),
        "accept": [
            {"name": "two first vertices", "hex": good.hex(), "issuer": ANN.node_id.hex()},
            {
                "name": "two vertices further up",
                "hex": _proof(_vertex(1, seq=3), _vertex(2, seq=3)).hex(),
                "issuer": ANN.node_id.hex(),
            },
        ],
        "reject": [
            {"name": name, "hex": proof.hex(), "rule": "8.10"} for name, proof in rejected.items()
        ],
    }
