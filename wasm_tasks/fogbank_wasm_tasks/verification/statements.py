"""What two parties say about a run that they dispute (SPEC.md section 7.11).

A statement is signed, so that a party which contradicts the task's own rules has proved it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, Identity, NetworkId, NodeId
from fogbank_protocol.signed import Domain, Signed, object_id, open_signed, sign

from ..limits import QUESTION_BYTES_MAX, RESULTS_MAX, STATEMENT_BYTES_MAX, STATES_MAX
from ..receipt import RECEIPT
from .merkle import HASH_BYTES
from .state import DIGEST_BYTES, Digest

STATEMENT = Domain("fog-step-1", STATEMENT_BYTES_MAX)
_VERSION: Final = 1
_RULE: Final = "7.11"


class Wanted(IntEnum):
    """What a question asks for."""

    STATEMENT = 0
    SNAPSHOT = 1


@dataclass(frozen=True, slots=True)
class Question:
    """Asks where the run of result ``index`` of receipt ``receipt_id`` was at ``position``."""

    receipt_id: bytes
    index: int
    position: int
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Statement:
    """``party`` states that its run for a result was in the state ``digest`` at ``position``."""

    receipt_id: bytes
    index: int
    party: NodeId
    position: int
    digest: Digest


def receipt_id_of(signed: Signed, network: NetworkId) -> bytes:
    """Return the 32-byte name of a signed receipt in questions and statements."""
    return object_id(RECEIPT, network, signed.body)


def encode_question(question: Question) -> bytes:
    """Return the encoding of ``question``."""
    return encode(
        [
            _VERSION,
            question.receipt_id,
            question.index,
            question.position,
            int(question.wanted),
        ]
    )


def decode_question(data: bytes) -> Question:
    """Return the question that ``data`` encodes.

    Raises:
        RemoteProtocolError: it encodes none (section 7.11).
    """
    match decode(data, bytes_max=QUESTION_BYTES_MAX):
        case [int(version), bytes(receipt_id), int(index), int(position), int(wanted)] if (
            _is_version(version)
            and len(receipt_id) == HASH_BYTES
            and _in_range(index, RESULTS_MAX - 1)
            and _in_range(position, STATES_MAX - 1)
            and _in_range(wanted, max(Wanted))
        ):
            return Question(receipt_id, index, position, Wanted(wanted))
        case _:
            raise RemoteProtocolError("not a question about a run", rule=_RULE)


def sign_statement(statement: Statement, network: NetworkId, identity: Identity) -> Signed:
    """Return ``statement`` signed by ``identity``, which must be its party, for ``network``."""
    assert identity.node_id == statement.party
    fields: Sequence[Value] = [
        _VERSION,
        statement.receipt_id,
        statement.index,
        statement.party,
        statement.position,
        statement.digest,
    ]
    return sign(STATEMENT, network, identity, fields)


def open_statement(signed: Signed, network: NetworkId) -> Statement:
    """Return the statement in ``signed`` after checking that the party it names signed it.

    Raises:
        RemoteProtocolError: not a statement (section 7.11), or a wrong signature (section 2.3).
    """
    match decode(signed.body, bytes_max=STATEMENT_BYTES_MAX):
        case [
            int(version),
            bytes(receipt_id),
            int(index),
            bytes(party),
            int(position),
            bytes(digest),
        ] if (
            _is_version(version)
            and len(receipt_id) == HASH_BYTES
            and _in_range(index, RESULTS_MAX - 1)
            and len(party) == NODE_ID_BYTES
            and _in_range(position, STATES_MAX - 1)
            and len(digest) == DIGEST_BYTES
        ):
            statement = Statement(receipt_id, index, NodeId(party), position, Digest(digest))
        case _:
            raise RemoteProtocolError("not a statement about a run", rule=_RULE)
    open_signed(STATEMENT, network, statement.party, signed)
    return statement


def _is_version(value: int) -> bool:
    # A boolean is an int in Python, but another value on the wire.
    return not isinstance(value, bool) and value == _VERSION


def _in_range(value: int, largest: int) -> bool:
    return value <= largest and not isinstance(value, bool)
