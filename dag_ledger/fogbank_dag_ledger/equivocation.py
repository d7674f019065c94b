"""Proofs that a key signed two vertices of one slot (SPEC.md section 8.10)."""

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import (
    NODE_ID_BYTES,
    SIGNATURE_BYTES,
    NetworkId,
    NodeId,
    is_signed_by,
)

from .limits import EQUIVOCATION_PROOF_BYTES, POSITION_BYTES, TAG_BYTES, VERTEX_ID_BYTES
from .vertex import VertexId, preimage, seq_in, tag_of

RULE = "8.10"

_SIGNED_ID_BYTES = VERTEX_ID_BYTES + SIGNATURE_BYTES


def encode_proof(
    issuer: NodeId, one: tuple[VertexId, bytes], other: tuple[VertexId, bytes]
) -> bytes:
    """Return the 224 bytes that say that ``issuer`` signed both; each is an id and a signature."""
    lower, higher = sorted((one, other))
    return issuer + lower[0] + lower[1] + higher[0] + higher[1]


def accused(proof: bytes) -> NodeId:
    """Return whom ``proof`` is about, if it proves anything."""
    return NodeId(proof[:NODE_ID_BYTES])


def forked_at(proof: bytes) -> int:
    """Return in which position of its chain ``proof`` says that somebody forked."""
    return seq_in(VertexId(proof[NODE_ID_BYTES : NODE_ID_BYTES + VERTEX_ID_BYTES]))


def check_proof(proof: bytes, network: NetworkId) -> NodeId:
    """Return whom ``proof`` convicts.

    Raises:
        RemoteProtocolError: it proves nothing.
    """
    if len(proof) != EQUIVOCATION_PROOF_BYTES:
        raise RemoteProtocolError(f"a proof of {len(proof)} bytes", rule=RULE)
    issuer = accused(proof)
    signed = proof[NODE_ID_BYTES:]
    lower, higher = signed[:_SIGNED_ID_BYTES], signed[_SIGNED_ID_BYTES:]
    in_one_slot = lower[:POSITION_BYTES] == higher[:POSITION_BYTES]
    if not in_one_slot or lower[:TAG_BYTES] != tag_of(issuer):
        raise RemoteProtocolError("not two vertices of one slot of the issuer", rule=RULE)
    if lower[:VERTEX_ID_BYTES] >= higher[:VERTEX_ID_BYTES]:
        raise RemoteProtocolError("ids that do not ascend", rule=RULE)
    for one in (lower, higher):
        vertex_id, signature = VertexId(one[:VERTEX_ID_BYTES]), one[VERTEX_ID_BYTES:]
        if not is_signed_by(issuer, preimage(network, vertex_id), signature):
            raise RemoteProtocolError("a proof with a wrong signature", rule=RULE)
    return issuer
