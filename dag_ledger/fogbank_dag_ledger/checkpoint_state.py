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
from .cut import Cut, shows_fork
from .epochs import Epochs
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
from .objects import NOTHING, HeldObject, Outcome
from .operations import ObjectId, TopUp
from .passed_state import (
    ACT,
    SETTLEMENT,
    SIGHT,
    ActRecord,
    PassedRecord,
    SettlementRecord,
    SightRecord,
    passed_from_value,
    passed_key,
    passed_value,
)
from .passing import Open, objects_of, replay, weight_by_outcome
from .record import Record
from .vertex import NO_VERTEX, VertexId, seq_in, tag_in, tag_of

RULE = "8.21"

_ACCOUNT, _PAIR, _DEAD = 1, 2, 3
_HOME = 6
_CLOSED, _FORKED = 1, 2
_OF_OPEN = SIGHT, SETTLEMENT, ACT


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
    AccountRecord | PairRecord | DeadRecord | ObjectRecord | LineRecord | HomeRecord | PassedRecord
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
        case SightRecord() | SettlementRecord() | ActRecord():
            return passed_key(record), encode(passed_value(record))


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
    record = _record(value)
    is_named = isinstance(record, SettlementRecord | ActRecord) or (
        len(record.account) == NODE_ID_BYTES
    )
    if not is_named or encode_record(record)[1] != data:
        raise RemoteProtocolError("not a record of the state", rule=RULE)
    return record


def _record(value: Value) -> StateRecord:
    match value:
        case [1, bytes(account), bytes(home), int(count), bytes(head), bytes(payer), *numbers] if (
            len(numbers) == 4 and len(home) in (0, VERTEX_ID_BYTES)
        ):
            told = _account(account, count, head, payer, numbers)
            return replace(told, home=VertexId(home))
        case [2, bytes(account), bytes(other), int(claimed), int(sent)] if (
            len(other) == NODE_ID_BYTES
        ):
            if not (0 <= claimed < AMOUNT_LIMIT and 0 <= sent < AMOUNT_LIMIT and claimed + sent):
                raise RemoteProtocolError("totals out of range", rule=RULE)
            return PairRecord(NodeId(account), NodeId(other), claimed, sent)
        case [3, bytes(account), bytes(name)] if len(name) == VERTEX_ID_BYTES:
            return DeadRecord(NodeId(account), VertexId(name))
        case [4, *fields]:
            return object_from_value(fields)
        case [5, *fields]:
            return line_from_value(fields)
        case [6, bytes(account), bytes(home), table, bytes(succeeds)] if len(
            home
        ) == VERTEX_ID_BYTES and len(succeeds) in (0, VERTEX_ID_BYTES):
            seats = table_from_value(table, RULE)
            return HomeRecord(NodeId(account), VertexId(home), seats, VertexId(succeeds))
        case [7 | 8 | 9, *_] as fields:
            return passed_from_value(fields)
        case _:
            raise RemoteProtocolError("not a record of the state", rule=RULE)


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
    objects: dict[HeldObject, tuple[int, int, int]]
    """Drops put into each object and taken out of it, and how often it was settled."""


def standing(chain: Chain, count: int) -> Standing:
    """Return how ``chain`` stood after ``count`` final positions, not below the floor.

    Costs the distance to its final head.
    """
    claimed, sent = dict(chain.account.claimed), dict(chain.account.sent)
    objects = dict(chain.account.objects)
    record = chain.final_head
    while record is not None and record.seq >= count:
        for held, put, taken, times in () if record.deeds is None else record.deeds.moves:
            after = objects.get(held, NOTHING)
            objects[held] = after[0] - put, after[1] - taken, after[2] - times
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
    before: Mapping[bytes, bytes],
    cut: Cut,
    covered: Sequence[Record],
    epochs: Epochs,
    objects: Mapping[ObjectId, HeldObject],
) -> dict[bytes, bytes]:
    """Return all records at ``cut``, by key and ascending; ``before`` are those of the cut before.

    ``covered`` are the final vertices that it covers beyond that, ``objects`` all that are held.
    Costs the chains that changed, and the objects that there are.
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
            forked=shows_fork(cut, chain) or (was is not None and was.forked),
            home=NO_VERTEX if stood.head is None else VertexId(stood.head.next_home.id),
        )
        pairs = [
            PairRecord(chain.issuer, other, stood.claimed.get(other, 0), stood.sent.get(other, 0))
            for other in {*stood.claimed, *stood.sent}
        ]
        records.update([encode_record(account)])
        records.update(encode_record(pair) for pair in pairs if pair.claimed or pair.sent)
        records.update(
            encode_record(LineRecord(chain.issuer, held.id, put, taken, settled))
            for held, (put, taken, settled) in stood.objects.items()
            if (put or taken or settled) and object_key(held.id) in records
        )
    beyond = [one for one in cut.dead.values() if one.chain in closed]
    records.update(
        encode_record(DeadRecord(one.chain.issuer, one.id))
        for one in beyond
        if one.seq >= cut.count(one.chain)
    )
    _write_open_objects(records, cut, covered, epochs, objects)
    return dict(sorted(without_finished(records).items()))


def _write_open_objects(
    records: dict[bytes, bytes],
    cut: Cut,
    covered: Sequence[Record],
    epochs: Epochs,
    objects: Mapping[ObjectId, HeldObject],
) -> None:
    """Write what seats have seen of objects without outcome, and the outcomes that they voted."""
    open_ = _open_objects(records, cut, covered, objects)
    seats = [name for name in epochs.holders if is_shown_forked(records, name)]
    replay(cut, covered, open_, epochs, seats)
    decided: set[ObjectId] = set()
    for name, one in open_.items():
        outcome = _outcome(one, cut, epochs, seats)
        settling = [] if outcome is None else cut.settling(outcome)
        if outcome is not None and settling:
            decided.add(name)
            told = replace(one.record, outcome=outcome_at(outcome, settling))
            records.update([encode_record(told)])
        elif one.is_changed:
            records.update(map(encode_record, one.records()))
    for key in [key for key in records if key[0] in _OF_OPEN and key[1:33] in decided]:
        del records[key]
    _forget_how_often(records)


def _forget_how_often(records: dict[bytes, bytes]) -> None:
    """Leave out how often an account settled what has an outcome: nodes differ in it, and the rule
    that asks for it is not asked any more.
    """
    for key, data in list(records.items()):
        if key[0] != LINE:
            continue
        line = decode_record(data)
        assert isinstance(line, LineRecord)
        told_of = decode_record(records[object_key(line.object_id)]) if line.settled else None
        if isinstance(told_of, ObjectRecord) and told_of.outcome is not None:
            if line.put or line.taken:
                records[key] = encode_record(replace(line, settled=0))[1]
            else:
                del records[key]


def _open_objects(
    records: Mapping[bytes, bytes],
    cut: Cut,
    covered: Sequence[Record],
    objects: Mapping[ObjectId, HeldObject],
) -> dict[ObjectId, Open]:
    """Return the objects without outcome of which something is told, here or by a cut before."""
    states = [decode_record(data) for key, data in records.items() if key[0] in _OF_OPEN]
    told = [one for one in states if isinstance(one, PassedRecord)]
    known: dict[ObjectId, Open] = {}
    names = {held.id for one in (*covered, *cut.dead.values()) for held in objects_of(one)}
    for name in sorted(names.union(one.object_id for one in told)):
        data = records.get(object_key(name))
        record = None if data is None else decode_record(data)
        if isinstance(record, ObjectRecord) and record.outcome is None:
            known[name] = Open(objects[name], record)
    for one in told:
        known[one.object_id].load(one)
    return known


def _outcome(one: Open, cut: Cut, epochs: Epochs, forked: Sequence[NodeId]) -> Outcome | None:
    """Return the outcome that is L1 by covered votes, None when there is none."""
    held = one.held
    if held.outcome is not None and held.outcome.carried and cut.epoch == epochs.number:
        return held.outcome
    table = epochs.table_of(cut.epoch) if held.home.is_general else held.home.table
    weights = weight_by_outcome(one, cut, epochs, forked)
    enough = sorted(key for key, weight in weights.items() if table and weight >= table.quorum)
    return held.outcomes[enough[0]] if enough else None


def is_shown_forked(records: Mapping[bytes, bytes], name: NodeId) -> bool:
    """Tell whether a state shows two vertices of one slot of an account."""
    data = records.get(bytes([_ACCOUNT]) + name)
    record = None if data is None else decode_record(data)
    return isinstance(record, AccountRecord) and record.forked


def _write_objects(records: dict[bytes, bytes], cut: Cut, covered: Sequence[Record]) -> None:
    """Write what ``covered`` opened or topped up."""
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
        if known is not None and known.outcome is not None:
            written = replace(written, outcome=known.outcome)
        records[key] = encode_record(written)[1]
