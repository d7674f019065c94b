"""Objects in the state at a cut (SPEC.md section 8.21)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from fogbank_protocol.encoding import Value, decode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, NodeId

from .limits import (
    AMOUNT_LIMIT,
    OPERATIONS_MAX,
    PAYEES_MAX,
    SETTLEMENTS_MAX,
    SETTLING_MAX,
    VERTEX_ID_BYTES,
)
from .objects import Outcome
from .operation_codec import OPEN, operation_from_value
from .operations import (
    ChannelTerms,
    EscrowTerms,
    ObjectId,
    Opening,
    Share,
    StakeTerms,
    Terms,
    object_id,
    outcome_digest,
)
from .terms_codec import terms_value
from .vertex import NO_VERTEX, VertexId, seq_in

RULE = "8.21"
OBJECT, LINE = 4, 5


@dataclass(frozen=True, slots=True)
class OutcomeAt:
    """How an object was settled."""

    is_seizure: bool
    award: int
    shares: tuple[Share, ...]
    settling: tuple[VertexId, ...]
    """Covered vertices that settle it so and the funds of which are final, ascending."""

    @property
    def digest(self) -> bytes:
        """What a take calls it by."""
        return outcome_digest(self.award, self.shares, is_seizure=self.is_seizure)


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """One object at a cut."""

    id: ObjectId
    opening: VertexId
    index: int
    account: NodeId
    """The opener."""

    amount: int
    terms: Terms
    funds: VertexId
    """The last top-up that is covered; empty when there is none."""

    outcome: OutcomeAt | None
    home: VertexId = NO_VERTEX
    """The id of the home that settles it (8.18); empty: the community."""


@dataclass(frozen=True, slots=True)
class LineRecord:
    """What one account has put into an object and taken out of it, in drops."""

    account: NodeId
    object_id: ObjectId
    put: int
    taken: int
    settled: int = 0
    """How often it settled the object (8.12.8), while that has no outcome; then 0."""


def outcome_at(outcome: Outcome, settling: Iterable[VertexId]) -> OutcomeAt:
    """Return how a record tells ``outcome``."""
    return OutcomeAt(outcome.is_seizure, outcome.award, outcome.shares, tuple(sorted(settling)))


def object_value(record: ObjectRecord) -> Value:
    """Return the array of a record."""
    kind, terms = terms_value(record.terms)
    outcome: Value = []
    if record.outcome is not None:
        told = record.outcome
        shares: Value = [[who, drops] for who, drops in told.shares]
        outcome = [int(told.is_seizure), told.award, shares, b"".join(told.settling)]
    return [
        OBJECT,
        record.id,
        record.opening,
        record.index,
        record.account,
        kind,
        record.amount,
        terms,
        record.funds,
        outcome,
        record.home,
    ]


def line_value(record: LineRecord) -> Value:
    """Return the array of a record."""
    return [LINE, record.account, record.object_id, record.put, record.taken, record.settled]


def object_from_value(fields: Sequence[Value]) -> ObjectRecord:
    """Return the record with these fields, its number left out; numbers have yet to be compared.

    Raises:
        RemoteProtocolError: they are none.
    """
    match fields:
        case [
            bytes(name),
            bytes(opening),
            int(index),
            bytes(account),
            int(kind),
            int(amount),
            list(terms),
            bytes(funds),
            list(outcome),
            bytes(home),
        ] if len(opening) == VERTEX_ID_BYTES and _are_named(funds, home):
            pass
        case _:
            raise RemoteProtocolError("not a record of an object", rule=RULE)
    value = cast("list[object]", [OPEN, kind, amount, terms])
    opened = operation_from_value(value, index)
    if not 0 <= index < OPERATIONS_MAX or not isinstance(opened, Opening):
        raise RemoteProtocolError("not a record of an object", rule=RULE)
    if name != object_id(VertexId(opening), index):
        raise RemoteProtocolError("an object of another name", rule=RULE)
    return ObjectRecord(
        ObjectId(name),
        VertexId(opening),
        index,
        NodeId(account),
        amount,
        opened.terms,
        VertexId(funds),
        _outcome(outcome) if outcome else None,
        VertexId(home),
    )


def _outcome(fields: Sequence[Value]) -> OutcomeAt:
    match fields:
        case [int(seized), int(award), list(values), bytes(settling)] if (
            seized in (0, 1)
            and 0 <= award < AMOUNT_LIMIT
            and len(values) <= PAYEES_MAX
            and 0 < len(settling) <= SETTLING_MAX * VERTEX_ID_BYTES
            and len(settling) % VERTEX_ID_BYTES == 0
        ):
            pass
        case _:
            raise RemoteProtocolError("not an outcome", rule=RULE)
    shares: list[Share] = []
    for value in values:
        match value:
            case [bytes(who), int(drops)] if len(who) == NODE_ID_BYTES and 0 < drops <= award:
                shares.append((NodeId(who), drops))
            case _:
                raise RemoteProtocolError("not a share", rule=RULE)
    if shares != sorted(dict(shares).items()):
        raise RemoteProtocolError("shares out of order", rule=RULE)
    starts = range(0, len(settling), VERTEX_ID_BYTES)
    ids = tuple(VertexId(settling[start : start + VERTEX_ID_BYTES]) for start in starts)
    if list(ids) != sorted(set(ids)):
        raise RemoteProtocolError("ids that do not ascend", rule=RULE)
    return OutcomeAt(bool(seized), award, tuple(shares), ids)


def _are_named(*names: bytes) -> bool:
    return all(len(name) in (0, VERTEX_ID_BYTES) for name in names)


def line_from_value(fields: Sequence[Value]) -> LineRecord:
    """Return the record with these fields, its number left out.

    Raises:
        RemoteProtocolError: they are none.
    """
    match fields:
        case [bytes(account), bytes(name), int(put), int(taken), int(settled)] if (
            len(name) == 32
            and 0 <= put < AMOUNT_LIMIT
            and 0 <= taken < AMOUNT_LIMIT
            and 0 <= settled <= SETTLEMENTS_MAX
        ):
            if put or taken or settled:
                return LineRecord(NodeId(account), ObjectId(name), put, taken, settled)
        case _:
            pass
    raise RemoteProtocolError("not a record of drops in an object", rule=RULE)


def without_finished(records: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Return ``records`` without the objects that are at their end, and what is about those."""
    objects = [_object(data) for key, data in records.items() if key[0] == OBJECT]
    lines: dict[ObjectId, list[LineRecord]] = {}
    for key, data in records.items():
        if key[0] == LINE:
            line = _line(data)
            lines.setdefault(line.object_id, []).append(line)
    stakes: dict[NodeId, tuple[int, int]] = {}
    for one in objects:
        if isinstance(one.terms, StakeTerms) and one.outcome is None:
            place = seq_in(one.opening), one.index
            stakes[one.account] = min(place, stakes.get(one.account, place))
    finished = {one.id for one in objects if _is_finished(one, lines.get(one.id, []), stakes)}
    return {
        key: data
        for key, data in records.items()
        if key[0] not in (OBJECT, LINE) or ObjectId(key[-32:]) not in finished
    }


def _is_finished(
    one: ObjectRecord, lines: Sequence[LineRecord], stakes: dict[NodeId, tuple[int, int]]
) -> bool:
    """Tell whether nothing valid can be done to an object any more that would matter."""
    outcome = one.outcome
    # What was burned has to be known as long as the ledger lives.
    if outcome is None or outcome.is_seizure:
        return False
    taken = {line.account: line.taken for line in lines}
    if sum(line.put for line in lines) != sum(taken.values()):
        return False
    match one.terms:
        case ChannelTerms():
            # Until the opener has taken it may top up; a stake answers for its vouchers.
            place = seq_in(one.opening), one.index
            answers = stakes.get(one.account)
            return bool(taken.get(one.account)) and (answers is None or answers >= place)
        case EscrowTerms() | StakeTerms():
            return True


def _object(data: bytes) -> ObjectRecord:
    match decode(data):
        case [4, *fields]:
            return object_from_value(fields)
        case _:
            raise AssertionError("a record under another key")


def _line(data: bytes) -> LineRecord:
    match decode(data):
        case [5, *fields]:
            return line_from_value(fields)
        case _:
            raise AssertionError("a record under another key")
