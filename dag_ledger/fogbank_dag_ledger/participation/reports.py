"""What gossip is told when the ledger has looked at vertices (SPEC.md section 8.7)."""

from collections.abc import Iterator

from fogbank_protocol.identity import NodeId

from ..gossip_events import (
    Accepted,
    ParentsMissing,
    VerticesAccepted,
    VerticesChecked,
    VerticesRestored,
)
from ..intake import Intake, Outcome
from ..vertex import VertexId
from ..vertex_codec import encode_vertex


def accepted_by(outcome: Outcome) -> VerticesAccepted:
    """Return what the ledger took, each as it goes on the wire."""
    return VerticesAccepted(
        tuple(
            Accepted(vertex.id, vertex.prev, encode_vertex(vertex), source)
            for vertex, source in outcome.accepted
        )
    )


def restored_by(outcome: Outcome) -> VerticesRestored:
    """Return what the ledger took from the store; it is not sent, so it has no bytes."""
    return VerticesRestored(
        tuple(Accepted(vertex.id, vertex.prev, b"") for vertex, _ in outcome.accepted)
    )


def reports_on_peers(
    outcome: Outcome, *, excused: bool = False
) -> Iterator[ParentsMissing | VerticesChecked]:
    """Yield what each peer's vertices lack, then how many of them were invalid.

    ``excused``: what may be valid above a newer floor does not count.
    """
    missing: dict[NodeId, list[VertexId]] = {}
    for vertex_id, peer in outcome.missing.items():
        missing.setdefault(peer, []).append(vertex_id)
    for peer, ids in missing.items():
        yield ParentsMissing(peer, tuple(ids))
    for peer in outcome.checked | outcome.invalid:
        checked, invalid = outcome.checked[peer], outcome.invalid[peer]
        if excused:
            invalid -= outcome.excusable[peer]
        yield VerticesChecked(peer, checked, invalid, outcome.broken_rule)


def missing_of_proof(peer: NodeId, proof: bytes, intake: Intake) -> ParentsMissing:
    """Return those of the two vertices of a proof from ``peer`` that are not held."""
    ids = (VertexId(proof[32:64]), VertexId(proof[128:160]))
    return ParentsMissing(peer, tuple(named for named in ids if not intake.holds(named)))
