"""Vertices to bytes and back, signed and checked (SPEC.md sections 8.2 and 8.3).

Rules 8.3.1 to 8.3.12 are checked here: they need the bytes and the key, never the DAG.
"""

from collections.abc import Sequence
from operator import lt
from typing import TypeAlias, cast

from fogbank_protocol.encoding import decode_untyped, encode
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.identity import (
    NETWORK_ID_BYTES,
    NODE_ID_BYTES,
    SIGNATURE_BYTES,
    Identity,
    NetworkId,
    NodeId,
    is_signed_by,
)

from .committee_codec import COMMITTEE, committee_from_value, committee_value
from .committee_operations import CommitteeOperation
from .home_operations import CreateHome, MoveHome
from .limits import (
    BODY_BYTES_MAX,
    CLAIMS_MAX,
    OPERATIONS_MAX,
    PARENTS_MAX,
    POSITION_BYTES,
    SEQ_LIMIT,
    TAG_BYTES,
    VALIDATOR_BODY_BYTES_MAX,
    VALIDATOR_PARENTS_MAX,
    VERTEX_BYTES_MAX,
    VERTEX_ID_BYTES,
)
from .operation_codec import operation_from_value, operation_value
from .operations import Act, Action, Close, Operation, Settling
from .vertex import (
    NO_VERTEX,
    ORDINARY,
    VALIDATOR,
    Claim,
    Draft,
    Payment,
    Vertex,
    VertexId,
    position,
    preimage,
    vertex_id,
)

_VERSION = 1
_PAY = 1

_ARRAY_MAX = VALIDATOR_BODY_BYTES_MAX // VERTEX_ID_BYTES
"""No array in a body has more elements: each of them has an id or a key in it."""

# The bytes around body and signature on the wire: an array of two, and their headers.
_PAIR = b"\x92"
_SHORT, _LONG = b"\xc4", b"\xc5"
_BODY_AT_SHORT, _BODY_AT_LONG = 3, 4
_SIGNATURE_HEADER = b"\xc4\x40"
_TRAILER_BYTES = len(_SIGNATURE_HEADER) + SIGNATURE_BYTES

_Fields: TypeAlias = tuple[
    int,
    bytes,
    int,
    bytes,
    int,
    bytes,
    list[object],
    int,
    list[object],
    list[object],
    int,
    bytes,
    int,
    int,
    bytes,
]
_FIELD_TYPES = (
    *(int, bytes, int, bytes, int, bytes, list, int, list, list, int, bytes, int, int),
    bytes,
)


def body_of(draft: Draft, network: NetworkId, unix_time_s: int = 0) -> bytes:
    """Return the bytes of the body that ``draft`` describes."""
    return encode(
        [
            _VERSION,
            network,
            draft.kind,
            draft.issuer,
            draft.seq,
            draft.prev,
            list(draft.parents),
            draft.epoch,
            [[claim.source, claim.total] for claim in draft.claims],
            [
                *([_PAY, payment.recipient, payment.amount] for payment in draft.payments),
                *map(operation_value, draft.operations),
                *map(committee_value, draft.committee),
            ],
            draft.beat,
            draft.cert,
            unix_time_s,
            draft.work,
            draft.home,
        ]
    )


def sign_vertex(
    draft: Draft, identity: Identity, network: NetworkId, unix_time_s: int = 0
) -> Vertex:
    """Return ``draft`` as a vertex of ``identity``; ``unix_time_s`` is for display, 0 unknown.

    Raises:
        LocalProtocolError: the draft is another issuer's or breaks a rule of form.
    """
    if draft.issuer != identity.node_id:
        raise LocalProtocolError("a draft of another issuer")
    body = body_of(draft, network, unix_time_s)
    signature = identity.sign(preimage(network, vertex_id(draft.issuer, draft.seq, body)))
    try:
        return _vertex(body, signature, network)
    except RemoteProtocolError as error:
        raise LocalProtocolError(str(error)) from None


def unsigned_vertex(draft: Draft, network: NetworkId) -> Vertex:
    """Return ``draft`` as a vertex whose signature says nothing, to see whether it may be signed.

    Raises:
        RemoteProtocolError: with the rule of form that it breaks.
    """
    return _vertex(body_of(draft, network), bytes(SIGNATURE_BYTES), network)


def encode_vertex(vertex: Vertex) -> bytes:
    """Return ``vertex`` as it is on the wire."""
    return _wire(vertex.body, vertex.signature)


def decode_vertex(data: bytes, network: NetworkId) -> Vertex:
    """Return the vertex on the wire in ``data`` after all checks of form, 8.3.1 to 8.3.11.

    Its signature is not checked: see ``check_signature``.

    Raises:
        RemoteProtocolError: with the rule that was broken.
    """
    if len(data) > VERTEX_BYTES_MAX:
        raise RemoteProtocolError(f"a vertex of {len(data)} bytes", rule="8.3.2")
    start = _BODY_AT_SHORT if data[1:2] == _SHORT else _BODY_AT_LONG
    end = len(data) - _TRAILER_BYTES
    # All but body and signature is compared with what is written for their lengths.
    if (
        end < start
        or data[:start] != _header(end - start)
        or data[end:-SIGNATURE_BYTES] != _SIGNATURE_HEADER
    ):
        raise RemoteProtocolError("not a body with a signature", rule="8.3.1")
    return _vertex(data[start:end], data[-SIGNATURE_BYTES:], network)


def check_signature(vertex: Vertex, network: NetworkId) -> None:
    """Check rule 8.3.12; safe to call in any thread, and most of the time is spent there.

    Raises:
        RemoteProtocolError: the signature does not hold.
    """
    if not is_signed_by(vertex.issuer, preimage(network, vertex.id), vertex.signature):
        raise RemoteProtocolError("a vertex with a wrong signature", rule="8.3.12")


def _wire(body: bytes, signature: bytes) -> bytes:
    """Return the canonical array of both; by hand, for it is done for every vertex."""
    return _header(len(body)) + body + _SIGNATURE_HEADER + signature


def _header(body_bytes: int) -> bytes:
    """Return what stands before a body of ``body_bytes``, less than 65,536."""
    if body_bytes < 256:
        return _PAIR + _SHORT + body_bytes.to_bytes(1, "big")
    return _PAIR + _LONG + body_bytes.to_bytes(2, "big")


def _vertex(body: bytes, signature: bytes, network: NetworkId) -> Vertex:
    try:
        fields = decode_untyped(body, array_max=_ARRAY_MAX)
    except RemoteProtocolError as error:
        raise RemoteProtocolError(f"not a vertex: {error}", rule="8.3.1") from None
    # Compared whole: a pattern of fifteen classes costs as much as the signature.  A boolean,
    # which is an integer to Python, is no int here.
    if not isinstance(fields, list) or (
        tuple(map(type, cast("list[object]", fields))) != _FIELD_TYPES
    ):
        raise RemoteProtocolError("not the fields of a vertex", rule="8.3.1")
    (
        version,
        net,
        kind,
        issuer,
        seq,
        prev,
        parents,
        epoch,
        claims,
        operations,
        beat,
        cert,
        unix_time_s,
        work,
        home,
    ) = cast("_Fields", fields)
    if version != _VERSION or kind not in (ORDINARY, VALIDATOR) or not 0 <= seq < SEQ_LIMIT:
        raise RemoteProtocolError("a version, kind or seq out of range", rule="8.3.1")
    if len(issuer) != NODE_ID_BYTES or len(net) != NETWORK_ID_BYTES:
        raise RemoteProtocolError("a name of a wrong length", rule="8.3.1")
    if home and len(home) != VERTEX_ID_BYTES:
        raise RemoteProtocolError("a name of a wrong length", rule="8.3.1")
    if min(epoch, beat, unix_time_s, work) < 0:
        raise RemoteProtocolError("a negative integer", rule="8.3.1")
    payments, others, committee = _operations(operations)
    # By position: with names it takes a microsecond longer.
    vertex = Vertex(
        vertex_id(NodeId(issuer), seq, body),
        body,
        signature,
        kind,
        NodeId(issuer),
        seq,
        VertexId(prev),
        tuple([_reference(parent) for parent in parents]),
        tuple([_claim(claim) for claim in claims]),
        payments,
        beat,
        cert,
        unix_time_s,
        others,
        committee,
        epoch,
        work,
        home,
    )
    _check_frame(vertex, net, network)
    _check_edges(vertex)
    _check_payments(vertex)
    _check_cert(vertex)
    return vertex


def _reference(value: object) -> VertexId:
    if type(value) is bytes and len(value) == VERTEX_ID_BYTES:
        return VertexId(value)
    raise RemoteProtocolError("not a vertex id", rule="8.3.1")


def _claim(value: object) -> Claim:
    if type(value) is list and tuple(map(type, cast("list[object]", value))) == (bytes, int):
        source, total = cast("tuple[bytes, int]", value)
        if len(source) == VERTEX_ID_BYTES and total >= 0:
            return Claim(VertexId(source), total)
    raise RemoteProtocolError("not a claim", rule="8.3.1")


def _operations(
    values: list[object],
) -> tuple[tuple[Payment, ...], tuple[Operation, ...], tuple[CommitteeOperation, ...]]:
    payments: list[Payment] = []
    others: list[Operation] = []
    committee: list[CommitteeOperation] = []
    for index, value in enumerate(values):
        if type(value) is not list:
            raise RemoteProtocolError("an operation that is no array", rule="8.3.1")
        fields = cast("list[object]", value)
        if tuple(map(type, fields)) == (int, bytes, int):
            kind, recipient, amount = cast("tuple[int, bytes, int]", value)
            if kind == _PAY and len(recipient) == NODE_ID_BYTES and amount >= 0:
                payments.append(Payment(NodeId(recipient), amount))
                continue
        if fields and type(fields[0]) is int and fields[0] == COMMITTEE:
            committee.append(committee_from_value(fields))
        else:
            others.append(operation_from_value(fields, index))
    return tuple(payments), tuple(others), tuple(committee)


def _check_frame(vertex: Vertex, net: bytes, network: NetworkId) -> None:
    ordinary = vertex.kind == ORDINARY
    if len(vertex.body) > (BODY_BYTES_MAX if ordinary else VALIDATOR_BODY_BYTES_MAX):
        raise RemoteProtocolError(f"a body of {len(vertex.body)} bytes", rule="8.3.2")
    if net != network:
        raise RemoteProtocolError("a vertex of another network", rule="8.3.3")
    if ordinary and (vertex.beat or vertex.cert or vertex.committee):
        raise RemoteProtocolError("an ordinary vertex with a validator's fields", rule="8.3.4")


def _check_edges(vertex: Vertex) -> None:
    if vertex.seq == 0:
        prev_is_right = vertex.prev == NO_VERTEX
    else:
        below = position(vertex.id[:TAG_BYTES], vertex.seq - 1)
        prev_is_right = len(vertex.prev) == VERTEX_ID_BYTES and vertex.prev.startswith(below)
    if not prev_is_right:
        raise RemoteProtocolError("a prev that is not the vertex below", rule="8.3.5")
    parents = vertex.parents
    if len(parents) > (PARENTS_MAX if vertex.kind == ORDINARY else VALIDATOR_PARENTS_MAX):
        raise RemoteProtocolError(f"{len(parents)} parents", rule="8.3.6")
    if not _ascend(parents) or vertex.prev in parents:
        raise RemoteProtocolError("parents out of order or with prev", rule="8.3.6")
    claims = vertex.claims
    if not claims:
        return
    if len(claims) > CLAIMS_MAX or not _ascend([claim.source for claim in claims]):
        raise RemoteProtocolError("too many claims, or out of order", rule="8.3.8")
    if any(claim.total == 0 for claim in claims):
        raise RemoteProtocolError("a claim to nothing", rule="8.3.8")


def _check_payments(vertex: Vertex) -> None:
    count = len(vertex.payments) + len(vertex.operations) + len(vertex.committee)
    if not count:
        return
    if count > OPERATIONS_MAX:
        raise RemoteProtocolError(f"{count} operations", rule="8.3.9")
    recipients = {payment.recipient for payment in vertex.payments}
    if len(recipients) < len(vertex.payments) or vertex.issuer in recipients:
        raise RemoteProtocolError("a recipient named twice, or the issuer", rule="8.3.9")
    for payment in vertex.payments:
        if payment.amount == 0:
            raise RemoteProtocolError("a payment of nothing", rule="8.3.9")
    if vertex.operations:
        _check_acts(vertex.operations)
        _check_moves(vertex.operations)


def _check_acts(operations: Sequence[Operation]) -> None:
    acts = [
        (one.opening, one.index, _sort_of(one.action)) for one in operations if isinstance(one, Act)
    ]
    if len(set(acts)) < len(acts):
        raise RemoteProtocolError("one action twice on one object", rule="8.12.2")


def _check_moves(operations: Sequence[Operation]) -> None:
    sorts = [type(one) for one in operations if isinstance(one, CreateHome | MoveHome)]
    if len(set(sorts)) < len(sorts):
        raise RemoteProtocolError("two moves, or two homes at once", rule="8.18.1")


def _sort_of(action: Action) -> type:
    return Close if isinstance(action, Settling) else type(action)


def _check_cert(vertex: Vertex) -> None:
    if cert := vertex.cert:
        tags = [cert[start : start + TAG_BYTES] for start in range(0, len(cert), POSITION_BYTES)]
        if len(cert) % POSITION_BYTES or not _ascend(tags) or vertex.seq == 0:
            raise RemoteProtocolError("a malformed cert", rule="8.3.10")
    if vertex.work and vertex.kind == VALIDATOR:
        raise RemoteProtocolError("a validator vertex with work", rule="8.3.11")


def _ascend(names: "list[bytes] | list[VertexId] | tuple[VertexId, ...]") -> bool:
    return len(names) < 2 or all(map(lt, names, names[1:]))
