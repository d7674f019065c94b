"""What opens a dispute with a member of a stake's watch, and what it answers (SPEC.md 9.10)."""

from collections.abc import Sequence
from dataclasses import dataclass

from fogbank_dag_ledger.limits import OPERATIONS_MAX, VERTEX_ID_BYTES
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.blobs.naming import BLOB_ID_BYTES, BlobId
from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import SIGNATURE_BYTES
from fogbank_protocol.limits import BLOB_BYTES_MAX
from fogbank_wasm_tasks.limits import RESULTS_MAX
from fogbank_wasm_tasks.verification.state import Digest
from fogbank_wasm_tasks.verification.statements import Question, Wanted, decode_question

from ..limits import DISPUTE_BODY_BYTES_MAX, FINDING_BODY_BYTES_MAX
from .fields import Fields
from .offers import StakePlace

_RULE = "9.10"
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class DisputeOpening:
    """Look at the proof in a blob: the stake at a place is to be seized."""

    stake: StakePlace
    proof_id: BlobId
    proof_bytes: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What a member of the watch found, and signed (8.15)."""

    receipt_id: bytes
    number: int
    """Which result of the receipt, from 0."""

    right: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class TraceQuestion:
    """Asks for the checkpoints in the trace of result ``index`` of a receipt."""

    receipt_id: bytes
    index: int


def encode_trace_question(question: TraceQuestion) -> bytes:
    """Return the body of ``dispute.trace``."""
    return encode([question.receipt_id, question.index])


def decode_trace_question(body: bytes) -> TraceQuestion:
    """Return what a body of ``dispute.trace`` says.

    Raises:
        RemoteProtocolError: it is none.
    """
    fields = Fields(decode(body, bytes_max=DISPUTE_BODY_BYTES_MAX), 2, rule=_RULE)
    return TraceQuestion(fields.exactly(_HASH_BYTES), fields.integer(RESULTS_MAX - 1))


def decode_roots(body: bytes) -> Sequence[Digest]:
    """Return the roots that an answer to ``dispute.trace`` consists of, in order.

    Raises:
        RemoteProtocolError: it does not consist of roots.
    """
    if len(body) % _HASH_BYTES:
        raise RemoteProtocolError("not the roots of a trace", rule=_RULE)
    places = range(0, len(body), _HASH_BYTES)
    return [Digest(body[place : place + _HASH_BYTES]) for place in places]


def decode_state_question(body: bytes) -> Question:
    """Return what a body of ``dispute.state`` asks: a question of section 7.11 for a statement.

    Raises:
        RemoteProtocolError: it is none.
    """
    question = decode_question(body)
    if question.wanted is not Wanted.STATEMENT:
        raise RemoteProtocolError("a question for a snapshot", rule=_RULE)
    return question


def encode_dispute_opening(opening: DisputeOpening) -> bytes:
    """Return the body of ``dispute.open``."""
    place = opening.stake
    return encode([place.opening, place.index, opening.proof_id, opening.proof_bytes])


def decode_dispute_opening(body: bytes) -> DisputeOpening:
    """Return what a body of ``dispute.open`` says.

    Raises:
        RemoteProtocolError: it is none.
    """
    fields = Fields(decode(body, bytes_max=DISPUTE_BODY_BYTES_MAX), 4, rule=_RULE)
    return DisputeOpening(
        StakePlace(VertexId(fields.exactly(VERTEX_ID_BYTES)), fields.integer(OPERATIONS_MAX - 1)),
        BlobId(fields.exactly(BLOB_ID_BYTES)),
        fields.integer(BLOB_BYTES_MAX, least=1),
    )


def encode_finding(finding: Finding) -> bytes:
    """Return the body of the answer."""
    return encode([finding.receipt_id, finding.number, finding.right, finding.signature])


def decode_finding(body: bytes) -> Finding:
    """Return what an answer says; its signature is not checked.

    Raises:
        RemoteProtocolError: it is no finding.
    """
    fields = Fields(decode(body, bytes_max=FINDING_BODY_BYTES_MAX), 4, rule=_RULE)
    return Finding(
        fields.exactly(_HASH_BYTES),
        fields.integer(RESULTS_MAX - 1),
        fields.exactly(_HASH_BYTES),
        fields.exactly(SIGNATURE_BYTES),
    )
