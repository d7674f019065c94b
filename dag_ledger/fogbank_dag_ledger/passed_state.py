"""What a state tells of objects that a cut passes while they are open (SPEC.md section 8.21)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fogbank_protocol.encoding import Value
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, NodeId

from .limits import (
    AMOUNT_LIMIT,
    HASH_BYTES,
    OBJECT_LIST_MAX,
    PAYEES_MAX,
    SEQ_LIMIT,
    VERTEX_ID_BYTES,
)
from .objects import HeldObject, Notice, OutcomeKey, Settlement
from .operations import (
    Act,
    Agree,
    Close,
    Halve,
    Judge,
    ObjectId,
    ReclaimFinal,
    Refund,
    RefundLate,
    Release,
    ReleaseLate,
    Seize,
    Settling,
    Share,
    Voucher,
    Withdraw,
)
from .record import Record
from .vertex import NO_VERTEX, VertexId

RULE = "8.21"
SIGHT, SETTLEMENT, ACT = 7, 8, 9

_DEAD, _UNFUNDED = 1, 2

_SETTLING: dict[int, Settling] = {
    3: Close(NO_VERTEX, (), ()),
    5: ReclaimFinal((), ()),
    8: Release(),
    9: Refund(),
    10: Agree(0, b""),
    11: Judge(0, (), ()),
    12: ReleaseLate(),
    13: RefundLate(),
    14: Halve(),
    16: Withdraw(),
    18: Seize(NO_VERTEX),
}
"""By number, actions of the class; what else they say is in the settlement."""

_NUMBERS: Mapping[type, int] = {type(action): number for number, action in _SETTLING.items()}


@dataclass(frozen=True, slots=True)
class VoteAt:
    """For which outcome a seat voted, and in which epoch."""

    epoch: int
    is_seizure: bool
    award: int
    shares: tuple[Share, ...]

    @property
    def key(self) -> OutcomeKey:
        """What tells the outcome from others."""
        return self.is_seizure, self.award, self.shares


@dataclass(frozen=True, slots=True)
class SightRecord:
    """What one seat has seen of an open object, by its covered vertices."""

    object_id: ObjectId
    account: NodeId
    seen: tuple[tuple[Notice, int, int], ...]
    """Notice, at and after (8.17), ascending."""

    best: tuple[tuple[int, int], ...]
    """By lane, ascending, the most drops that a voucher in time leaves to the provider."""

    vote: VoteAt | None


@dataclass(frozen=True, slots=True)
class SettlementRecord:
    """How a covered or dead vertex settles an open object."""

    object_id: ObjectId
    settling: VertexId
    action: int
    by_provider: bool
    award: int
    shares: tuple[Share, ...]
    lanes: tuple[tuple[int, int], ...]
    is_dead: bool
    is_funded: bool
    """Whether all that it counts on is final."""

    @property
    def is_seizure(self) -> bool:
        """Whether it seizes a stake."""
        return self.action == _NUMBERS[Seize]


@dataclass(frozen=True, slots=True)
class ActRecord:
    """A voucher that a covered or dead vertex posts, or that it slashes."""

    object_id: ObjectId
    vertex: VertexId
    number: int
    """Of the voucher in the act, from 0; 0 for a slash."""

    voucher: Voucher | None
    """Without root and signature; None: a slash."""


PassedRecord = SightRecord | SettlementRecord | ActRecord


def record_of(vertex: Record, settlement: Settlement) -> SettlementRecord:
    """Return the record of ``settlement``, which ``vertex`` is, once it is below a cut."""
    funds = settlement.funds_of(vertex)
    return SettlementRecord(
        settlement.held.id,
        vertex.id,
        _NUMBERS[type(settlement.act.action)],
        settlement.by_provider,
        settlement.award,
        settlement.shares,
        tuple(sorted(settlement.lanes.items())),
        is_dead=not vertex.final,
        is_funded=funds is None or funds.final,
    )


def settlement_of(record: SettlementRecord, held: HeldObject) -> tuple[Record, Settlement]:
    """Return the vertex and the settlement that ``record`` tells of."""
    opening = held.opened_in
    assert opening is not None
    make = Record.dead if record.is_dead else None
    vertex = (
        Record.settled(record.settling, opening.chain, 0, 0)
        if make is None
        else make(record.settling, opening.chain)
    )
    action = _SETTLING[record.action]
    funds = None if record.is_funded else Record.dead(record.settling, opening.chain)
    settlement = Settlement(
        held,
        Act(opening.id, held.index, action),
        record.award,
        record.shares,
        funds,
        dict(record.lanes),
        by_provider=record.by_provider,
    )
    return vertex, settlement


def passed_key(record: PassedRecord) -> bytes:
    """Return the key that orders ``record`` among all others."""
    match record:
        case SightRecord():
            return bytes([SIGHT]) + record.object_id + record.account
        case SettlementRecord():
            return bytes([SETTLEMENT]) + record.object_id + record.settling
        case ActRecord():
            return bytes([ACT]) + record.object_id + record.vertex + bytes([record.number])


def passed_value(record: PassedRecord) -> Value:
    """Return the array of ``record``."""
    match record:
        case SightRecord():
            seen: Value = [[notice.value, at, after] for notice, at, after in record.seen]
            vote: Value = []
            if record.vote is not None:
                told = record.vote
                vote = [told.epoch, int(told.is_seizure), told.award, _pairs(told.shares)]
            return [SIGHT, record.object_id, record.account, seen, _pairs(record.best), vote]
        case SettlementRecord():
            flags = _DEAD * record.is_dead + _UNFUNDED * (not record.is_funded)
            return [
                SETTLEMENT,
                record.object_id,
                record.settling,
                record.action,
                int(record.by_provider),
                record.award,
                _pairs(record.shares),
                _pairs(record.lanes),
                flags,
            ]
        case ActRecord(voucher=None):
            return [ACT, record.object_id, record.vertex, record.number, []]
        case ActRecord(voucher=voucher):
            assert voucher is not None
            said: Value = [voucher.lane, voucher.total, voucher.count, _pairs(voucher.split)]
            return [ACT, record.object_id, record.vertex, record.number, said]


def _pairs(pairs: Sequence[tuple[int, int]] | Sequence[Share]) -> Value:
    return [[first, second] for first, second in pairs]


def passed_from_value(fields: Sequence[Value]) -> PassedRecord:
    """Return the record with these fields, its number the first; numbers have yet to be compared.

    Raises:
        RemoteProtocolError: they are none.
    """
    match fields:
        case [7, bytes(name), bytes(seat), list(seen), list(best), list(vote)] if (
            len(name) == HASH_BYTES and len(seat) == NODE_ID_BYTES and (seen or best or vote)
        ):
            lanes = _lanes(best)
            return SightRecord(ObjectId(name), NodeId(seat), _seen(seen), lanes, _vote(vote))
        case [8, bytes(name), bytes(settling), *rest] if (
            len(name) == HASH_BYTES and len(settling) == VERTEX_ID_BYTES
        ):
            return _settlement(ObjectId(name), VertexId(settling), rest)
        case [9, bytes(name), bytes(vertex), int(number), list(said)] if (
            len(name) == HASH_BYTES
            and len(vertex) == VERTEX_ID_BYTES
            and 0 <= number < (OBJECT_LIST_MAX if said else 1)
        ):
            voucher = _voucher(said) if said else None
            return ActRecord(ObjectId(name), VertexId(vertex), number, voucher)
        case _:
            raise RemoteProtocolError("not a record of an open object", rule=RULE)


def _settlement(name: ObjectId, settling: VertexId, fields: Sequence[Value]) -> SettlementRecord:
    match fields:
        case [int(action), int(by), int(award), list(shares), list(lanes), int(flags)] if (
            action in _SETTLING and by in (0, 1) and 0 <= award < AMOUNT_LIMIT and 0 <= flags < 4
        ):
            return SettlementRecord(
                name,
                settling,
                action,
                bool(by),
                award,
                _shares(shares, award),
                _lanes(lanes),
                is_dead=bool(flags & _DEAD),
                is_funded=not flags & _UNFUNDED,
            )
        case _:
            raise RemoteProtocolError("not a settlement", rule=RULE)


def _vote(fields: Sequence[Value]) -> VoteAt | None:
    match fields:
        case []:
            return None
        case [int(epoch), int(seized), int(award), list(shares)] if (
            0 <= epoch < SEQ_LIMIT and seized in (0, 1) and 0 <= award < AMOUNT_LIMIT
        ):
            return VoteAt(epoch, bool(seized), award, _shares(shares, award))
        case _:
            raise RemoteProtocolError("not a vote", rule=RULE)


def _seen(values: Sequence[Value]) -> tuple[tuple[Notice, int, int], ...]:
    seen: list[tuple[Notice, int, int]] = []
    for value in values:
        match value:
            case [int(number), int(at), int(after)] if (
                1 <= number <= len(Notice) and 0 <= after <= at < AMOUNT_LIMIT
            ):
                seen.append((Notice(number), at, after))
            case _:
                raise RemoteProtocolError("not a sight", rule=RULE)
    numbers = [notice.value for notice, _, _ in seen]
    if numbers != sorted(set(numbers)):
        raise RemoteProtocolError("sights out of order", rule=RULE)
    return tuple(seen)


def _lanes(values: Sequence[Value]) -> tuple[tuple[int, int], ...]:
    lanes: list[tuple[int, int]] = []
    for value in values:
        match value:
            case [int(lane), int(leaves)] if (
                0 <= lane < OBJECT_LIST_MAX and 0 <= leaves < AMOUNT_LIMIT
            ):
                lanes.append((lane, leaves))
            case _:
                raise RemoteProtocolError("not a lane", rule=RULE)
    if lanes != sorted(dict(lanes).items()):
        raise RemoteProtocolError("lanes out of order", rule=RULE)
    return tuple(lanes)


def _shares(values: Sequence[Value], most: int) -> tuple[Share, ...]:
    shares: list[Share] = []
    for value in values:
        match value:
            case [bytes(who), int(drops)] if len(who) == NODE_ID_BYTES and 0 < drops <= most:
                shares.append((NodeId(who), drops))
            case _:
                raise RemoteProtocolError("not a share", rule=RULE)
    if shares != sorted(dict(shares).items()) or len(shares) > PAYEES_MAX:
        raise RemoteProtocolError("shares out of order", rule=RULE)
    return tuple(shares)


def _voucher(fields: Sequence[Value]) -> Voucher:
    match fields:
        case [int(lane), int(total), int(count), list(split)] if (
            0 <= lane < OBJECT_LIST_MAX
            and 0 <= total < AMOUNT_LIMIT
            and 0 <= count < AMOUNT_LIMIT
            and len(split) <= OBJECT_LIST_MAX
        ):
            return Voucher(lane, total, count, b"", _shares(split, total), b"")
        case _:
            raise RemoteProtocolError("not a voucher", rule=RULE)
