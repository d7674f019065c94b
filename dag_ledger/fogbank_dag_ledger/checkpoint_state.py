"""The state at a cut, as records in one order (SPEC.md section 8.21).

A record is a canonical array whose first element says what it is about; its key orders it among
all others.  Only chains of which more is covered are written anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, NodeId

from .chain import Chain
from .committee_codec import table_from_value
from .committee_operations import Table, table_value
from .cut import Cut
from .limits import AMOUNT_LIMIT, SEQ_LIMIT, VERTEX_ID_BYTES
from .object_state import (
    LINE,
    OBJECT,
    LineRecord,
    ObjectRecord,
    line_from_value,
    line_value,
    object_from_value,
    object_value,
    outcome_at,
    without_finished,
)
from .objects import NOTHING, HeldObject
from .operations import ObjectId, TopUp
from .record import Record
from .vertex import NO_VERTEX, VertexId, seq_in, tag_in, tag_of

RULE = "8.21"

_ACCOUNT, _PAIR, _DEAD = 1, 2, 3
_HOME = 6
_CLOSED, _FORKED = 1, 2


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """One account at a cut."""

    account: NodeId
    count: int
    """So many positions of its chain are covered."""

    head: VertexId
    """The last of them; empty when there is none."""

    payer: VertexId
    """The last of them that carries something; empty when there is none."""

    balance: int
    beat: int
    epoch: int
    """In which epoch the head is (8.19)."""

    closed: bool
    forked: bool
    home: VertexId = NO_VERTEX
    """The id of the home of what follows the head (8.18); empty: the community."""


@dataclass(frozen=True, slots=True)
class PairRecord:
    """What one account claimed from another and sent to it, in drops."""

    account: NodeId
    other: NodeId
    claimed: int
    sent: int


@dataclass(frozen=True, slots=True)
class DeadRecord:
    """A dead vertex beyond the cut, on a closed chain: no seq tells that it is settled."""

    account: NodeId
    id: VertexId


@dataclass(frozen=True, slots=True)
class HomeRecord:
    """A home that a covered vertex of ``account`` created."""

    account: NodeId
    home: VertexId
    table: Table
    succeeds: VertexId = NO_VERTEX


StateRecord: TypeAlias = (
    AccountRecord | PairRecord | DeadRecord | ObjectRecord | LineRecord | HomeRecord
)


def encode_record(record: StateRecord) -> tuple[bytes, bytes]:
    """Return the key of a record and its bytes."""
    match record:
        case AccountRecord():
            flags = _CLOSED * record.closed | _FORKED * record.forked
            value: Value = [
                _ACCOUNT,
                record.account,
                record.home,
                record.count,
                record.head,
                record.payer,
                record.balance,
                record.beat,
                record.epoch,
                flags,
            ]
            return bytes([_ACCOUNT]) + record.account, encode(value)
        case PairRecord(account, other, claimed, sent):
            return bytes([_PAIR]) + account + other, encode([_PAIR, account, other, claimed, sent])
        case DeadRecord(account, name):
            return bytes([_DEAD]) + account + name, encode([_DEAD, account, name])
        case ObjectRecord():
            return object_key(record.id), encode(object_value(record))
        case LineRecord():
            return line_key(record.account, record.object_id), encode(line_value(record))
        case HomeRecord(account, home, table, succeeds):
            key = bytes([_HOME]) + account + home
            return key, encode([_HOME, account, home, table_value(table), succeeds])


def object_key(name: ObjectId) -> bytes:
    """Return the key of the record of an object."""
    return bytes([OBJECT]) + name


def line_key(account: NodeId, name: ObjectId) -> bytes:
    """Return the key of the record of what one account moved into and out of an object."""
    return bytes([LINE]) + account + name


def decode_record(data: bytes) -> StateRecord:
    """Return the record of ``data``.

    Raises:
        RemoteProtocolError: it is none, or not canonical.
    """
    value = decode(data)
    if _says_true_or_false(value):
        raise RemoteProtocolError("not a record of the state", rule=RULE)
    match value:
        case [1, bytes(account), bytes(home), int(count), bytes(head), bytes(payer), *numbers] if (
            len(numbers) == 4 and len(home) in (0, VERTEX_ID_BYTES)
        ):
            told = _account(account, count, head, payer, numbers)
            record: StateRecord = replace(told, home=VertexId(home))
        case [2, bytes(account), bytes(other), int(claimed), int(sent)] if (
            len(other) == NODE_ID_BYTES
        ):
            if not (0 <= claimed < AMOUNT_LIMIT and 0 <= sent < AMOUNT_LIMIT and claimed + sent):
                raise RemoteProtocolError("totals out of range", rule=RULE)
            record = PairRecord(NodeId(account), NodeId(other), claimed, sent)
        case [3, bytes(account), bytes(name)] if len(name) == VERTEX_ID_BYTES:
            record = DeadRecord(NodeId(account), VertexId(name))
        case [4, *fields]:
            record = object_from_value(fields)
        case [5, *fields]:
            record = line_from_value(fields)
        case [6, bytes(account), bytes(home), table, bytes(succeeds)] if len(
            home
        ) == VERTEX_ID_BYTES and len(succeeds) in (0, VERTEX_ID_BYTES):
            seats = table_from_value(table, RULE)
            record = HomeRecord(NodeId(account), VertexId(home), seats, VertexId(succeeds))
        case _:
            raise RemoteProtocolError("not a record of the state", rule=RULE)
    if len(record.account) != NODE_ID_BYTES or encode_record(record)[1] != data:
        raise RemoteProtocolError("not a record of the state", rule=RULE)
    return record


def _says_true_or_false(value: Value) -> bool:
    # Python takes them for numbers.
    if isinstance(value, bool):
        return True
    return isinstance(value, list) and any(map(_says_true_or_false, value))


def _account(
    account: bytes, count: int, head: bytes, payer: bytes, numbers: Iterable[Value]
) -> AccountRecord:
    match numbers:
        case [int(balance), int(beat), int(epoch), int(flags)] if (
            0 <= balance < AMOUNT_LIMIT
            and 0 <= beat < AMOUNT_LIMIT
            and 0 <= epoch < SEQ_LIMIT
            and 0 <= flags < 4
        ):
            pass
        case _:
            raise RemoteProtocolError("numbers out of range", rule=RULE)
    named = [VertexId(one) for one in (head, payer) if one]
    tag = tag_of(NodeId(account))
    if any(len(one) != VERTEX_ID_BYTES or tag_in(one) != tag for one in named):
        raise RemoteProtocolError("a head of another chain", rule=RULE)
    if not 0 <= count < SEQ_LIMIT or bool(count) != bool(head) or (payer and not head):
        raise RemoteProtocolError("a head in a wrong place", rule=RULE)
    if (head and seq_in(VertexId(head)) != count - 1) or (payer and payer[8:12] > head[8:12]):
        raise RemoteProtocolError("a head in a wrong place", rule=RULE)
    return AccountRecord(
        NodeId(account),
        count,
        VertexId(head),
        VertexId(payer),
        balance,
        beat,
        epoch,
        bool(flags & _CLOSED),
        bool(flags & _FORKED),
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """A chain as it stood at a position."""

    head: Record | None
    payer: VertexId
    balance: int
    beat: int
    claimed: dict[NodeId, int]
    sent: dict[NodeId, int]
    objects: dict[HeldObject, tuple[int, int]]
    """Drops put into each object and taken out of it."""


def standing(chain: Chain, count: int) -> Standing:
    """Return how ``chain`` stood after ``count`` final positions, not below the floor.

    Costs the distance to its final head.
    """
    claimed, sent = dict(chain.account.claimed), dict(chain.account.sent)
    objects = {held: (put, taken) for held, (put, taken, _) in chain.account.objects.items()}
    record = chain.final_head
    while record is not None and record.seq >= count:
        for held, put, taken, _ in () if record.deeds is None else record.deeds.moves:
            before = objects.get(held, NOTHING)
            objects[held] = before[0] - put, before[1] - taken
        for recipient, amount, total in record.payments:
            sent[recipient] = total - amount
        for source, gained in record.claims:
            claimed[source.chain.issuer] -= gained
        record = record.prev
    head = record
    while record is not None and not record.carries and record is not chain.settled_head:
        record = record.prev
    is_below = record is None or record is chain.settled_head
    payer = chain.settled_payer if record is None or is_below else record.id
    balance = chain.genesis_balance if head is None else head.balance
    beat = 0 if head is None else head.beat
    return Standing(head, payer, balance, beat, claimed, sent, objects)


def state_after(
    before: Mapping[bytes, bytes], cut: Cut, covered: Sequence[Record]
) -> dict[bytes, bytes]:
    """Return all records at ``cut``, by key and ascending; ``before`` are those of the cut before.

    ``covered`` are the final vertices that it covers beyond that.  Costs the chains that changed,
    and the objects that there are.
    """
    records = dict(before)
    _write_objects(records, cut, covered)
    records.update(
        encode_record(HomeRecord(one.chain.issuer, one.id, one.creates.table, one.creates.succeeds))
        for one in covered
        if one.creates is not None
    )
    closed = cut.closed()
    for chain in {*cut.counts, *(one.chain for one in cut.dead.values())}:
        count = cut.count(chain)
        stood = standing(chain, count)
        old = before.get(bytes([_ACCOUNT]) + chain.issuer)
        known = decode_record(old) if old is not None else None
        was = known if isinstance(known, AccountRecord) else None
        account = AccountRecord(
            chain.issuer,
            count,
            VertexId(b"") if stood.head is None else stood.head.id,
            stood.payer,
            stood.balance,
            stood.beat,
            0 if stood.head is None else stood.head.epoch,
            closed=chain in closed or (was is not None and was.closed),
            forked=_is_forked(cut, chain, count) or (was is not None and was.forked),
            home=NO_VERTEX if stood.head is None else VertexId(stood.head.next_home.id),
        )
        pairs = [
            PairRecord(chain.issuer, other, stood.claimed.get(other, 0), stood.sent.get(other, 0))
            for other in {*stood.claimed, *stood.sent}
        ]
        records.update([encode_record(account)])
        records.update(encode_record(pair) for pair in pairs if pair.claimed or pair.sent)
        records.update(
            encode_record(LineRecord(chain.issuer, held.id, put, taken))
            for held, (put, taken) in stood.objects.items()
            if (put or taken) and object_key(held.id) in records
        )
    beyond = [one for one in cut.dead.values() if one.chain in closed]
    records.update(
        encode_record(DeadRecord(one.chain.issuer, one.id))
        for one in beyond
        if one.seq >= cut.count(one.chain)
    )
    return dict(sorted(without_finished(records).items()))


def _write_objects(records: dict[bytes, bytes], cut: Cut, covered: Sequence[Record]) -> None:
    """Write what ``covered`` opened, topped up or settled."""
    touched: dict[HeldObject, VertexId] = {}
    opened: set[HeldObject] = set()
    for record in sorted(covered, key=lambda one: one.seq):
        if record.deeds is None:
            continue
        opened.update(record.deeds.opened)
        touched.update(dict.fromkeys(record.deeds.opened, NO_VERTEX))
        for held, act in record.deeds.acts:
            funds = touched.get(held, NO_VERTEX)
            touched[held] = record.id if isinstance(act.action, TopUp) else funds
    for dead in cut.dead.values():
        for held, _ in () if dead.deeds is None else dead.deeds.acts:
            touched.setdefault(held, NO_VERTEX)
    for held, funds in touched.items():
        key = object_key(held.id)
        old = decode_record(records[key]) if key in records else None
        assert held.opened_in is not None
        if old is None and held not in opened:
            # It has come to its end, or its opening is dead.
            continue
        known = old if isinstance(old, ObjectRecord) else None
        written = ObjectRecord(
            held.id,
            held.opened_in.id,
            held.index,
            held.opener,
            held.amount,
            held.terms,
            funds or (NO_VERTEX if known is None else known.funds),
            None,
            VertexId(held.home.id),
        )
        settling = cut.settling(held)
        if known is not None and known.outcome is not None:
            written = replace(written, outcome=known.outcome)
        elif settling and held.outcome is not None:
            written = replace(written, outcome=outcome_at(held.outcome, settling))
        records[key] = encode_record(written)[1]


def _is_forked(cut: Cut, chain: Chain, count: int) -> bool:
    """Tell whether the cut alone shows two vertices of one slot."""
    seqs = [one.seq for one in cut.dead.values() if one.chain is chain]
    return any(seq < count for seq in seqs) or len(set(seqs)) < len(seqs)
