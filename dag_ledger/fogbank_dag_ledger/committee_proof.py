"""Shows who holds the seats of an epoch to somebody who knows those before (SPEC.md 8.22)."""

from collections.abc import Iterable, Sequence

from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId, NodeId

from .agreement import digest_of
from .committee_operations import CommitteeVote, Proposal, Table, table_of
from .genesis import Genesis
from .limits import COMMITTEE_PROOF_BYTES_MAX, EPOCHS_MAX, SEATS_MAX
from .vertex import Vertex
from .vertex_codec import check_signature, decode_vertex

RULE = "8.22"


def encode_committee_proof(proposal: bytes, precommits: Sequence[bytes]) -> bytes:
    """Return the answer to ``ledger.committee``: vertices in their form on the wire."""
    return encode([proposal, list(precommits)])


def encode_committee_request(epoch: int) -> bytes:
    """Return the body of ``ledger.committee``."""
    return encode([epoch])


def decode_committee_request(data: bytes) -> int:
    """Return for which epoch a proof is asked.

    Raises:
        RemoteProtocolError: the body has another form.
    """
    match decode(data):
        case [int(epoch)] if not isinstance(epoch, bool) and 1 <= epoch <= EPOCHS_MAX:
            return epoch
        case _:
            raise RemoteProtocolError("not a question for a committee", rule=RULE)


def check_committee_proof(data: bytes, network: NetworkId, epoch: int, before: Table) -> Table:
    """Return the seats of ``epoch``, which those of ``before`` decided as ``data`` shows.

    Raises:
        RemoteProtocolError: it shows nothing of the kind.
    """
    proposing, *precommitting = _vertices(
        decode(data, bytes_max=COMMITTEE_PROOF_BYTES_MAX), network
    )
    weights = before.weights()
    proposal = _proposal_in(proposing, epoch)
    if proposal is None or proposing.issuer not in weights:
        raise RemoteProtocolError("a committee that no member proposed", rule=RULE)
    vote = CommitteeVote(epoch, proposal.attempt, digest_of(proposal.value), is_precommit=True)
    issuers: set[NodeId] = set()
    for vertex in precommitting:
        is_new = vertex.issuer in weights and vertex.issuer not in issuers
        if not is_new or vote not in vertex.committee:
            raise RemoteProtocolError("a vertex that does not precommit it", rule=RULE)
        issuers.add(vertex.issuer)
    if sum(weights[one] for one in issuers) < before.quorum:
        raise RemoteProtocolError("a committee without a quorum", rule=RULE)
    return proposal.table


def committees(genesis: Genesis, proofs: Iterable[bytes]) -> list[Table]:
    """Return the seats of epoch 1 and those after it, as ``proofs`` show one after the other.

    Raises:
        RemoteProtocolError: one of them does not.
    """
    tables = [table_of(genesis.seats, genesis.quorum)]
    for epoch, proof in enumerate(proofs, 1):
        tables.append(check_committee_proof(proof, genesis.network, epoch, tables[-1]))
    return tables[1:]


def _vertices(value: Value, network: NetworkId) -> list[Vertex]:
    match value:
        case [bytes(proposal), list(precommits)] if 1 <= len(precommits) <= SEATS_MAX:
            vertices: list[Vertex] = []
            for wire in (proposal, *precommits):
                if not isinstance(wire, bytes):
                    raise RemoteProtocolError("not a vertex", rule=RULE)
                vertex = decode_vertex(wire, network)
                check_signature(vertex, network)
                vertices.append(vertex)
            return vertices
        case _:
            raise RemoteProtocolError("not a proof of a committee", rule=RULE)


def _proposal_in(vertex: Vertex, epoch: int) -> Proposal | None:
    for operation in vertex.committee:
        if isinstance(operation, Proposal) and operation.epoch == epoch:
            return operation
    return None
