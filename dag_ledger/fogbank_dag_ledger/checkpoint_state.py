"""The state at a cut, as records in one order (SPEC.md section 8.21).

A record is a canonical array whose first element says what it is about; its key orders it among
all others.  Only chains of which more is covered are written anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, NodeId

from .chain import Chain
from .cut import Cut
from .limits import AMOUNT_LIMIT, SEQ_LIMIT, VERTEX_ID_BYTES
from .record import Record
from .vertex import VertexId, seq_in, tag_in, tag_of

RULE = "8.21"

_ACCOUNT, _PAIR, _DEAD = 1, 2, 3
_CLOSED, _FORKED = 1, 2
_HOME = b""


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
    closed: bool
    forked: bool


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


StateRecord: TypeAlias = AccountRecord | PairRecord | DeadRecord


def encode_record(record: StateRecord) -> tuple[bytes, bytes]:
    """Return the key of a record and its bytes."""
    match record:
        case AccountRecord():
            flags = _CLOSED * record.closed | _FORKED * record.forked
            value: Value = [
                _ACCOUNT,
                record.account,
                _HOME,
                record.count,
                record.head,
                record.payer,
                record.balance,
                record.beat,
                flags,
            ]
            return bytes([_ACCOUNT]) + record.account, encode(value)
        case PairRecord(account, other, claimed, sent):
            return bytes([_PAIR]) + account + other, encode([_PAIR, account, other, claimed, sent])
        case DeadRecord(account, name):
            return bytes([_DEAD]) + account + name, encode([_DEAD, account, name])


def decode_record(data: bytes) -> StateRecord:
    """Return the record of ``data``.

    Raises:
        RemoteProtocolError: it is none, or not canonical.
    """
    match decode(data):
        case [1, bytes(account), b"", int(count), bytes(head), bytes(payer), *numbers] if (
            len(numbers) == 3
        ):
            record: StateRecord = _account(account, count, head, payer, numbers)
        case [2, bytes(account), bytes(other), int(claimed), int(sent)] if (
            len(other) == NODE_ID_BYTES
        ):
            if not (0 <= claimed < AMOUNT_LIMIT and 0 <= sent < AMOUNT_LIMIT and claimed + sent):
                raise RemoteProtocolError("totals out of range", rule=RULE)
            record = PairRecord(NodeId(account), NodeId(other), claimed, sent)
        case [3, bytes(account), bytes(name)] if len(name) == VERTEX_ID_BYTES:
            record = DeadRecord(NodeId(account), VertexId(name))
        case _:
            raise RemoteProtocolError("not a record of the state", rule=RULE)
    if len(record.account) != NODE_ID_BYTES or encode_record(record)[1] != data:
        raise RemoteProtocolError("not a record of the state", rule=RULE)
    return record


def _account(
    account: bytes, count: int, head: bytes, payer: bytes, numbers: Iterable[Value]
) -> AccountRecord:
    match numbers:
        case [int(balance), int(beat), int(flags)] if (
            0 <= balance < AMOUNT_LIMIT and 0 <= beat < AMOUNT_LIMIT and 0 <= flags < 4
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


def standing(chain: Chain, count: int) -> Standing:
    """Return how ``chain`` stood after ``count`` final positions, not below the floor.

    Costs the distance to its final head.
    """
    claimed, sent = dict(chain.account.claimed), dict(chain.account.sent)
    record = chain.final_head
    while record is not None and record.seq >= count:
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
    return Standing(head, payer, balance, beat, claimed, sent)


def state_after(before: Mapping[bytes, bytes], cut: Cut) -> dict[bytes, bytes]:
    """Return all records at ``cut``, by key and ascending; ``before`` are those of the cut before.

    Costs the chains that changed.
    """
    records = dict(before)
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
            closed=chain in closed or (was is not None and was.closed),
            forked=_is_forked(cut, chain, count) or (was is not None and was.forked),
        )
        pairs = [
            PairRecord(chain.issuer, other, stood.claimed.get(other, 0), stood.sent.get(other, 0))
            for other in {*stood.claimed, *stood.sent}
        ]
        records.update([encode_record(account)])
        records.update(encode_record(pair) for pair in pairs if pair.claimed or pair.sent)
    beyond = [one for one in cut.dead.values() if one.chain in closed]
    records.update(
        encode_record(DeadRecord(one.chain.issuer, one.id))
        for one in beyond
        if one.seq >= cut.count(one.chain)
    )
    return dict(sorted(records.items()))


def _is_forked(cut: Cut, chain: Chain, count: int) -> bool:
    """Tell whether the cut alone shows two vertices of one slot."""
    seqs = [one.seq for one in cut.dead.values() if one.chain is chain]
    return any(seq < count for seq in seqs) or len(set(seqs)) < len(seqs)
