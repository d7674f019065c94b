"""Ops about homes to values and back, and what seats sign (SPEC.md section 8.18).

What has another shape than it should breaks rule 8.3.1; what only a bound forbids, 8.18.1.
"""

from typing import cast

from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import SIGNATURE_BYTES, NetworkId, NodeId, is_signed_by
from fogbank_protocol.signed import Domain

from .committee_codec import table_from_value
from .committee_operations import Table, table_value
from .home_operations import CreateHome, HomeOperation, MoveHome
from .limits import HOME_SEATS_MAX, STATEMENT_BYTES_MAX, VERTEX_ID_BYTES
from .vertex import NO_VERTEX, VertexId

HOME = 5
CREATE, MOVE = 1, 2
RULE = "8.18.1"

STATEMENT = Domain("fog-home-1", STATEMENT_BYTES_MAX)
_VERSION = 1


def home_value(operation: HomeOperation) -> Value:
    """Return the array that says ``operation``."""
    match operation:
        case CreateHome(table, signatures, succeeds):
            return [HOME, CREATE, table_value(table), list(signatures), succeeds]
        case MoveHome(home):
            return [HOME, MOVE, home]


def home_operation_from_value(value: list[object]) -> HomeOperation:
    """Return the op that ``value``, whose first element is 5, says.

    Raises:
        RemoteProtocolError: it is none (8.3.1), or a bound is broken (8.18.1).
    """
    match value:
        case [_, int(action), table, list(signatures), bytes(succeeds)] if _is(action, CREATE):
            known = table_from_value(table, RULE)
            signed = cast("list[object]", signatures)
            if not all(type(one) is bytes and len(one) == SIGNATURE_BYTES for one in signed):
                raise RemoteProtocolError("not a signature", rule="8.3.1")
            if not len(known.seats) == len(signed) <= HOME_SEATS_MAX:
                raise RemoteProtocolError("not one signature of each seat", rule=RULE)
            return CreateHome(known, tuple(cast("list[bytes]", signed)), _home_id(succeeds))
        case [_, int(action), bytes(home)] if _is(action, MOVE):
            return MoveHome(_home_id(home))
        case _:
            raise RemoteProtocolError("not an operation known in this version", rule="8.3.1")


def home_preimage(
    network: NetworkId, creator: NodeId, table: Table, succeeds: VertexId = NO_VERTEX
) -> bytes:
    """Return what seats sign: "I have this seat in a home that ``creator`` creates".

    ``succeeds`` is the home whose people are to follow; empty: none.
    """
    return STATEMENT.preimage(network, encode([_VERSION, creator, table_value(table), succeeds]))


def is_signature(name: NodeId, signature: bytes, said: bytes) -> bool:
    """Tell whether the seat of ``name`` signed ``said``, a ``home_preimage``."""
    return len(signature) == SIGNATURE_BYTES and is_signed_by(name, said, signature)


def are_signed(operation: CreateHome, network: NetworkId, creator: NodeId) -> bool:
    """Tell whether each seat signed what ``creator`` creates."""
    table = operation.table
    said = home_preimage(network, creator, table, operation.succeeds)
    return all(
        is_signature(name, signature, said)
        for (name, _), signature in zip(table.seats, operation.signatures, strict=True)
    )


def _home_id(value: bytes) -> VertexId:
    if len(value) not in (0, VERTEX_ID_BYTES):
        raise RemoteProtocolError("not the id of a home", rule="8.3.1")
    return VertexId(value)


def _is(action: int, number: int) -> bool:
    # A boolean is an integer to Python, and True equals 1; on the wire they differ.
    return type(action) is int and action == number
