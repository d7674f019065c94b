"""Vectors of checkpoints, of states, and of proofs of committees (SPEC.md 8.21 and 8.22)."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.dag_ledger.community import Community

from fogbank_dag_ledger.agreement import digest_of
from fogbank_dag_ledger.checkpoint import checkpoint_hash, encode_names, encode_signed, preimage
from fogbank_dag_ledger.checkpoint_state import (
    AccountRecord,
    DeadRecord,
    HomeRecord,
    PairRecord,
    StateRecord,
    encode_record,
)
from fogbank_dag_ledger.committee_operations import (
    CommitteeVote,
    Proposal,
    SignOff,
    table_of,
    table_value,
)
from fogbank_dag_ledger.committee_proof import encode_committee_proof
from fogbank_dag_ledger.object_state import LineRecord, ObjectRecord, OutcomeAt
from fogbank_dag_ledger.objects import Notice
from fogbank_dag_ledger.operations import (
    ChannelTerms,
    EscrowTerms,
    StakeTerms,
    Voucher,
    object_id,
)
from fogbank_dag_ledger.passed_state import ActRecord, SettlementRecord, SightRecord, VoteAt
from fogbank_dag_ledger.vertex import NO_VERTEX, Vertex, VertexId
from fogbank_dag_ledger.vertex_codec import encode_vertex
from fogbank_protocol.encoding import Value, decode, encode

from .write_vertices import ANN, BOB, CAT, NET, OTHER_NET, place

Json = dict[str, Any]

HEAD, DEAD = place(ANN.node_id, 4, 1), place(BOB.node_id, 2, 2)
PEOPLE = Community()

FIELDS: dict[str, Value] = {
    "version": 1,
    "net": NET,
    "height": 3,
    "previous": b"p" * 32,
    "epoch": 2,
    "heads": HEAD,
    "dead": DEAD,
    "state_root": b"r" * 32,
    "records": 9,
    "names_root": b"n" * 32,
    "names": 6,
}


def _body(**changes: Value) -> bytes:
    return encode(list((FIELDS | changes).values()))


def _checkpoints() -> Json:
    good = {
        "the first": _body(height=0, previous=bytes(32), epoch=0, dead=b""),
        "one with something dead": _body(),
        "one of as many names as there may be": _body(names=8_192),
    }
    wrong = {
        "nothing": b"",
        "another version": _body(version=2),
        "another network": _body(net=OTHER_NET),
        "a first one with one before": _body(height=0),
        "one without the one before": _body(previous=bytes(32)),
        "a height beyond 32 bits": _body(height=1 << 32),
        "an epoch beyond 32 bits": _body(epoch=1 << 32),
        "no heads": _body(heads=b""),
        "half a head": _body(heads=HEAD[:16]),
        "one head twice": _body(heads=HEAD * 2),
        "dead that descend": _body(dead=max(HEAD, DEAD) + min(HEAD, DEAD)),
        "a state root of 31 bytes": _body(state_root=bytes(31)),
        "no records": _body(records=0),
        "no names": _body(names=0),
        "too many names": _body(names=8_193),
        "true for a number": _body(records=True),
        "a field too few": encode(list(FIELDS.values())[:-1]),
        "a byte too many": _body() + b"\0",
    }
    return {
        "accept": [
            {
                "name": name,
                "hex": body.hex(),
                "hash": checkpoint_hash(body, NET).hex(),
                "preimage": preimage(NET, checkpoint_hash(body, NET)).hex(),
            }
            for name, body in good.items()
        ],
        "reject": _rejected(wrong),
    }


OTHER_RULES = {
    "nothing": "2.1",
    "a byte too many": "2.1",
    "an object of no type": "8.3.1",
    "an object without drops": "8.12.1",
    "terms of another type": "8.3.1",
}
"""What is refused before section 8.21 is asked, by name."""


def _rejected(cases: Mapping[str, bytes]) -> list[Json]:
    return [
        {"name": name, "hex": data.hex(), "rule": OTHER_RULES.get(name, "8.21")}
        for name, data in cases.items()
    ]


# States.


def _object(number: int, **changes: Any) -> ObjectRecord:
    opening = VertexId(place(ANN.node_id, number, number))
    fields: dict[str, Any] = {
        "index": 0,
        "account": ANN.node_id,
        "amount": 300,
        "terms": ChannelTerms(BOB.node_id, ANN.node_id, 2, 60),
        "funds": NO_VERTEX,
        "outcome": None,
    } | changes
    return ObjectRecord(object_id(opening, fields["index"]), opening, **fields)


SETTLING = (VertexId(place(BOB.node_id, 1, 1)), VertexId(place(BOB.node_id, 3, 1)))
PAYER = VertexId(place(ANN.node_id, 1, 9))
OPEN = _object(1)
RECORDS: dict[str, StateRecord] = {
    "an account": AccountRecord(
        ANN.node_id, 5, VertexId(HEAD), PAYER, 700, 12, 2, closed=False, forked=False
    ),
    "a closed account of which nothing is covered": AccountRecord(
        BOB.node_id, 0, NO_VERTEX, NO_VERTEX, 9, 0, 0, closed=True, forked=True
    ),
    "what two accounts dealt": PairRecord(ANN.node_id, BOB.node_id, 3, 1 << 60),
    "a dead vertex": DeadRecord(BOB.node_id, VertexId(DEAD)),
    "a channel": OPEN,
    "a channel that was topped up": _object(2, index=15, funds=VertexId(place(ANN.node_id, 3, 3))),
    "a channel that was closed": _object(3, outcome=OutcomeAt(False, 120, ((CAT, 20),), SETTLING)),
    "an escrow that was refunded": _object(
        4,
        terms=EscrowTerms(BOB.node_id, (CAT,), 1, ((CAT, 1_000),), 9, 5, bytes(32)),
        outcome=OutcomeAt(False, 0, (), SETTLING[:1]),
    ),
    "a stake": _object(5, terms=StakeTerms((BOB.node_id,), 1, 9, 10)),
    "a stake that was seized": _object(
        6,
        terms=StakeTerms((BOB.node_id,), 1, 9, 10),
        outcome=OutcomeAt(True, 300, (), SETTLING[:1]),
    ),
    "a home of a site": HomeRecord(
        ANN.node_id, PAYER, table_of({ANN.node_id: 1, BOB.node_id: 2}, 2)
    ),
    "what a seat saw of a channel, and its vote": SightRecord(
        OPEN.id,
        CAT,
        ((Notice.RECLAIMED, 9, 8), (Notice.SLASHED, 9, 0)),
        ((0, 20), (1, 1 << 60)),
        VoteAt(2, False, 120, ((CAT, 20),)),
    ),
    "what a seat saw that has not voted": SightRecord(
        OPEN.id, CAT, ((Notice.OPENED, 0, 0),), (), None
    ),
    "a channel that is to be closed": SettlementRecord(
        OPEN.id, SETTLING[0], 3, True, 120, ((CAT, 20),), ((0, 100), (1, 20)), False, True
    ),
    "a reclaim that is dead": SettlementRecord(
        OPEN.id, SETTLING[1], 5, False, 0, (), (), is_dead=True, is_funded=False
    ),
    "a voucher that was posted": ActRecord(
        OPEN.id, SETTLING[0], 7, Voucher(1, 90, 4, b"", ((CAT, 20),), b"")
    ),
    "a slash": ActRecord(OPEN.id, SETTLING[0], 0, None),
    "drops in an object": LineRecord(ANN.node_id, OPEN.id, 300, 180, 2),
}


def _changed(record: StateRecord, position: int, value: Value) -> bytes:
    """Return a record with another value in one place."""
    fields = _fields(record)
    return encode([*fields[:position], value, *fields[position + 1 :]])


def _fields(record: StateRecord) -> list[Value]:
    fields = decode(encode_record(record)[1])
    assert isinstance(fields, list)
    return fields


def _states() -> Json:
    account, closed = RECORDS["an account"], RECORDS["a channel that was closed"]
    pair, line = RECORDS["what two accounts dealt"], RECORDS["drops in an object"]
    sight, settling = (
        RECORDS["what a seat saw of a channel, and its vote"],
        RECORDS["a channel that is to be closed"],
    )
    posted = RECORDS["a voucher that was posted"]
    told = _fields(closed)[9]
    assert isinstance(told, list)
    wrong = {
        "nothing": b"",
        "a record of another kind": encode([10, ANN.node_id]),
        "a home without a table": encode([6, ANN.node_id, PAYER]),
        "an account without an epoch": encode([*_fields(account)[:8], 0]),
        "an account with a home": _changed(account, 2, b"home"),
        "positions without a head": _changed(account, 4, b""),
        "a head elsewhere": _changed(account, 3, 6),
        "another's head": _changed(account, 4, place(BOB.node_id, 4, 1)),
        "a payer above the head": _changed(account, 5, place(ANN.node_id, 5, 1)),
        "an epoch beyond 32 bits": _changed(account, 8, 1 << 32),
        "a flag that there is not": _changed(account, 9, 4),
        "an account name of 31 bytes": _changed(account, 1, ANN.node_id[1:]),
        "a pair without a total": encode([*_fields(pair)[:3], 0, 0]),
        "a total of true": _changed(pair, 4, True),
        "a dead vertex of 31 bytes": _changed(RECORDS["a dead vertex"], 2, DEAD[1:]),
        "another object's name": _changed(OPEN, 1, bytes(32)),
        "an op number out of range": _changed(OPEN, 3, 16),
        "an object of no type": _changed(OPEN, 5, 4),
        "an object without drops": _changed(OPEN, 6, 0),
        "terms of another type": _changed(OPEN, 5, 2),
        "funds of 31 bytes": _changed(OPEN, 8, bytes(31)),
        "an outcome without who settled": _changed(closed, 9, [*told[:3], b""]),
        "an outcome that is neither": _changed(closed, 9, [2, *told[1:]]),
        "settled by one twice": _changed(closed, 9, [*told[:3], SETTLING[0] * 2]),
        "settled by nine": _changed(
            closed, 9, [*told[:3], b"".join(place(BOB.node_id, one, 1) for one in range(9))]
        ),
        "a share of nothing": _changed(closed, 9, [*told[:2], [[CAT, 0]], told[3]]),
        "a share of more than the award": _changed(closed, 9, [*told[:2], [[CAT, 121]], told[3]]),
        "shares out of order": _changed(
            closed, 9, [*told[:2], [[b"2" * 32, 1], [b"1" * 32, 1]], told[3]]
        ),
        "a line without drops": encode([*_fields(line)[:3], 0, 0, 0]),
        "a line of an account that settled five times": _changed(line, 5, 5),
        "a sight of nothing": encode([*_fields(sight)[:3], [], [], []]),
        "a seat of 31 bytes": _changed(sight, 2, CAT[1:]),
        "a notice that there is not": _changed(sight, 3, [[7, 9, 8]]),
        "a notice seen before the vertex before": _changed(sight, 3, [[1, 8, 9]]),
        "notices that descend": _changed(sight, 3, [[2, 9, 8], [1, 9, 8]]),
        "a lane that there is not": _changed(sight, 4, [[8, 1]]),
        "lanes that descend": _changed(sight, 4, [[1, 1], [0, 1]]),
        "a vote without shares": _changed(sight, 5, [0, 0, 1]),
        "a vote that is neither": _changed(sight, 5, [0, 2, 1, []]),
        "an action that settles nothing": _changed(settling, 3, 4),
        "a settlement by neither": _changed(settling, 4, 2),
        "a settlement for more than there can be": _changed(settling, 6, [[CAT, 121]]),
        "a settlement with a flag that there is not": _changed(settling, 8, 4),
        "a settling vertex of 31 bytes": _changed(settling, 2, SETTLING[0][1:]),
        "the ninth voucher": _changed(posted, 3, 8),
        "a second slash": _changed(RECORDS["a slash"], 3, 1),
        "a voucher that splits more than all": _changed(posted, 4, [1, 90, 4, [[CAT, 91]]]),
        "a line of half an object": _changed(line, 2, OPEN.id[:16]),
    }
    return {
        "records": [
            {"name": name, "key": key.hex(), "hex": data.hex()}
            for name, (key, data) in (
                (name, encode_record(record)) for name, record in RECORDS.items()
            )
        ],
        "no_records": _rejected(wrong),
    }


# Messages.


def _messages() -> Json:
    signature = ANN.sign(preimage(NET, checkpoint_hash(_body(), NET)))
    signed = encode_signed(_body(), {ANN.node_id: signature})
    twice: Value = [[ANN.node_id, signature]] * 2
    names = [VertexId(HEAD), VertexId(DEAD)]
    good = [
        ("ledger.checkpoint", "one signature", signed),
        ("ledger.names", "two names", encode_names(sorted(names))),
    ]
    wrong = [
        ("ledger.checkpoint", "no signature", encode([_body(), []])),
        ("ledger.checkpoint", "a seat twice", encode([_body(), twice])),
        ("ledger.checkpoint", "half a signature", encode([_body(), [[ANN.node_id, bytes(32)]]])),
        ("ledger.names", "names that descend", encode_names(sorted(names)[::-1])),
        ("ledger.names", "none", encode_names([])),
    ]

    def cases(told: Sequence[tuple[str, str, bytes]]) -> list[Json]:
        return [
            {"name": name, "message": message, "hex": data.hex()} for message, name, data in told
        ]

    refused = [{**case, "rule": "8.21"} for case in cases(wrong)]
    return {"messages": cases(good), "no_messages": refused}


# Committees.


def _committees() -> Json:
    table = table_of(dict.fromkeys(PEOPLE.names[:5], 1), 4)
    signed = [PEOPLE.vertex(seat, says=[SignOff(1)]) for seat in range(4)]
    z = tuple(sorted(one.id for one in signed[:3]))
    proposal = Proposal(1, 0, -1, table, z)
    proposed = PEOPLE.vertex(0, signed[0], says=[proposal])
    digest = digest_of(proposal.value)

    def votes(seats: Sequence[int], vote: CommitteeVote) -> list[Vertex]:
        return [PEOPLE.vertex(seat, signed[seat], [proposed], says=[vote]) for seat in seats]

    vote = CommitteeVote(1, 0, digest, is_precommit=True)
    said = votes((1, 2, 3), vote)
    stranger = PEOPLE.vertex(5, parents=[proposed], pays={6: 1})
    prevotes = votes((1, 2, 3), CommitteeVote(1, 0, digest, is_precommit=False))
    later = votes((1, 2, 3), CommitteeVote(1, 1, digest, is_precommit=True))
    forged = encode_vertex(said[2])[:-64] + bytes(64)

    def proof(vertices: Sequence[Vertex], first: Vertex = proposed) -> bytes:
        return encode_committee_proof(
            encode_vertex(first), [encode_vertex(one) for one in vertices]
        )

    wires = [encode_vertex(one) for one in said]
    wrong = {
        "nothing": encode([]),
        "no precommits": proof([]),
        "two precommits of four": proof(said[:2]),
        "one member three times": proof([said[0]] * 3),
        "a precommit of somebody without a seat": proof([*said[:2], stranger]),
        "prevotes": proof(prevotes),
        "precommits of another attempt": proof(later),
        "a vertex that proposes nothing": proof(said, signed[0]),
        "a signature that does not hold": encode([encode_vertex(proposed), [*wires[:2], forged]]),
    }
    genesis = PEOPLE.genesis
    return {
        "genesis": genesis.body.hex(),
        "committees": [
            {
                "name": "three of four decide",
                "epoch": 1,
                "hex": proof(said).hex(),
                "table": encode(table_value(table)).hex(),
            }
        ],
        "no_committees": [
            {
                "name": name,
                "epoch": 1,
                "hex": data.hex(),
                "rule": "8.3.12" if name == "a signature that does not hold" else "8.22",
            }
            for name, data in wrong.items()
        ]
        + [{"name": "the epoch after", "epoch": 2, "hex": proof(said).hex(), "rule": "8.22"}],
    }


def build() -> Json:
    """Return the vectors."""
    return {
        "spec": "8.21",
        "network": NET.hex(),
        **_checkpoints(),
        **_states(),
        **_messages(),
        **_committees(),
    }
