"""Vectors of vertices by themselves: their form and signature (SPEC.md 8.2, 8.3.1 to 8.3.12)."""

from collections.abc import Mapping
from itertools import product
from typing import Any

from fogbank_dag_ledger.genesis import new_genesis
from fogbank_dag_ledger.strangers import bits_of, find_work
from fogbank_dag_ledger.vertex import preimage, tag_of, vertex_id
from fogbank_dag_ledger.vertex_codec import decode_vertex
from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.identity import Identity, NodeId

Json = dict[str, Any]

ANN = Identity.from_seed(b"ann-issues-the-vertices-vectors-")
BOB = Identity.from_seed(b"bob-is-paid-in-vertices-vectors-")
CAT = NodeId(b"\xca" * 32)
KEY = b"\x0a" * 32
GENESIS = new_genesis("vectors", {ANN.node_id: 1}, {ANN.node_id: 1_000}, b"salt-of-vectors-")
NET = GENESIS.network
OTHER_NET = bytes(8)

FIELDS: dict[str, Value] = {
    "version": 1,
    "net": NET,
    "kind": 1,
    "issuer": ANN.node_id,
    "seq": 0,
    "prev": b"",
    "parents": [],
    "epoch": 0,
    "claims": [],
    "ops": [],
    "beat": 0,
    "cert": b"",
    "ts": 0,
    "pow": 0,
    "home": b"",
}


def place(issuer: NodeId, seq: int, digest: int) -> bytes:
    """Return an id of a vertex of ``issuer`` whose digest is made up."""
    return tag_of(issuer) + seq.to_bytes(4, "big") + digest.to_bytes(20, "big")


def ids(count: int) -> list[Value]:
    """Return ``count`` ascending ids."""
    return [bytes([number]) * 32 for number in range(1, count + 1)]


def body(changes: Mapping[str, Value]) -> bytes:
    """Return the encoded fields with some changed."""
    return encode([*(FIELDS | dict(changes)).values()])


def wire(data: bytes, signer: Identity = ANN, seq: int = 0) -> bytes:
    """Return a body as its signer would send it."""
    named = vertex_id(signer.node_id, seq, data)
    return encode([data, signer.sign(preimage(NET, named))])


def signed(changes: Mapping[str, Value]) -> bytes:
    """Return a vertex of Ann's with some fields changed and a signature that holds."""
    seq = changes.get("seq", 0)
    data = body(changes)
    return wire(data, seq=seq if isinstance(seq, int) and seq < 1 << 32 else 0)


PREV = place(ANN.node_id, 6, 5)
NEXT: dict[str, Value] = {"seq": 7, "prev": PREV}
SEATED: dict[str, Value] = {**NEXT, "kind": 2}
PAYS: list[Value] = [[1, bytes([number]) * 32, number] for number in range(1, 17)]
CLAIMS: list[Value] = [[one, number + 1] for number, one in enumerate(ids(16))]
LARGE: Value = (1 << 64) - 1
TABLE: Value = [[[bytes([number]) * 32, number] for number in (1, 2, 3)], 5]
DIGEST = bytes(range(32))
EIGHT: Value = [[bytes([number]) * 32, 1] for number in range(1, 9)]
SEATS: Value = [[bytes([number]) * 32, 1] for number in (1, 2)]


def committee(*ops: Value) -> dict[str, Value]:
    """Return fields of a validator's vertex with ops about its committee."""
    return {**SEATED, "epoch": 4, "ops": [*ops]}


def of_table(table: Value) -> tuple[dict[str, Value], str]:
    """Return fields that want a table which cannot be, and the rule that they break."""
    return committee([6, 5, 1, [table]]), "8.19.1"


ACCEPTED: dict[str, dict[str, Value]] = {
    "the first of a chain, saying nothing": {},
    "a payment": {**NEXT, "ops": [[1, CAT, 250]], "parents": ids(2), "ts": 1_800_000_000},
    "a payment of all there can be": {"ops": [[1, CAT, LARGE]]},
    "sixteen payments": {**NEXT, "ops": PAYS},
    "sixteen claims": {**NEXT, "claims": CLAIMS},
    "eight parents": {**NEXT, "parents": ids(8)},
    "a claim whose source is a parent too": {
        **NEXT,
        "parents": ids(2),
        "claims": [[ids(1)[0], 1]],
    },
    "the last of a chain": {
        "seq": (1 << 32) - 1,
        "prev": place(ANN.node_id, (1 << 32) - 2, 1),
        "ts": LARGE,
    },
    "a validator's first": {"kind": 2, "beat": LARGE},
    "a validator's with two acknowledgements": {
        **SEATED,
        "parents": ids(32),
        "beat": 12,
        "cert": bytes(8) + b"\0\0\0\x07" + bytes(7) + b"\1" + b"\xff" * 4,
    },
    "a validator's with a payment and a claim": {
        **SEATED,
        "claims": CLAIMS[:1],
        "ops": PAYS[:1],
    },
    "a validator's of kind 1": {**NEXT, "kind": 1},
    "in another epoch": {**NEXT, "epoch": 4},
    "a stranger's with work of 12 bits": {**NEXT, "pow": find_work(NET, ANN.node_id, 7, 12)},
    "with the largest number for work": {"pow": LARGE},
    "a want and a sign-off": committee([6, 5, 1, [TABLE]], [6, 5, 2, []]),
    "a proposal": committee([6, 5, 3, [7, 0, TABLE, ids(3)]]),
    "a proposal that was valid before": committee([6, 5, 3, [7, 7, TABLE, ids(32)]]),
    "a prevote and a precommit": committee([6, 5, 4, [0, DIGEST]], [6, 5, 5, [1_023, DIGEST]]),
    "votes for nothing": committee([6, 5, 4, [0, b""]], [6, 5, 5, [0, b""]]),
    "a home of two": {**NEXT, "ops": [[5, 1, [SEATS, 2], [bytes(64), bytes(64)], b""]]},
    "a home that succeeds one": {
        **NEXT,
        "ops": [[5, 1, [SEATS, 2], [bytes(64), bytes(64)], DIGEST]],
    },
    "a move into a home": {**NEXT, "ops": [[5, 2, DIGEST]]},
    "a move back, in the home": {**NEXT, "ops": [[5, 2, b""]], "home": DIGEST},
    "a decision": committee([6, 5, 6, [ids(9)[8], ids(3)]]),
}


def _of_size(changes: Mapping[str, Value], size: int) -> dict[str, Value]:
    """Return fields whose body has exactly ``size`` bytes."""
    cert = b""
    if changes.get("kind") == 2:
        cert = b"".join(number.to_bytes(8, "big") + bytes(4) for number in range(620))
    ranges = (range(16, 0, -1), range(17), range(9), (0, 200, 300, 1 << 20))
    for claims, ops, parents, ts in product(*ranges):
        payments: list[Value] = [[1, bytes([number]) * 32, 1] for number in range(1, ops + 1)]
        fields: dict[str, Value] = {
            **changes,
            "parents": ids(parents),
            "claims": CLAIMS[:claims],
            "ops": payments,
            "ts": ts,
            "cert": cert,
        }
        if len(body(fields)) == size:
            return fields
    raise AssertionError("no such body")


ACCEPTED_OF_SIZE: dict[str, dict[str, Value]] = {
    "an ordinary body of 1,024 bytes": _of_size(NEXT, 1_024),
    "a validator's body of 8,192 bytes": _of_size(SEATED, 8_192),
}


def _accept(name: str, changes: Mapping[str, Value]) -> Json:
    data = signed(changes)
    vertex = decode_vertex(data, NET)
    return {
        "name": name,
        "hex": data.hex(),
        "id": vertex.id.hex(),
        "preimage": preimage(NET, vertex.id).hex(),
        "issuer": vertex.issuer.hex(),
        "seq": vertex.seq,
        "edges": sorted(edge.hex() for edge in vertex.edges),
        "carries": vertex.carries,
    }


def _of_form() -> dict[str, tuple[Mapping[str, Value], str]]:
    sixteen_and_one: list[Value] = [*PAYS, [1, CAT, 1]]
    return {
        "another version": ({"version": 2}, "8.3.1"),
        "a version that is true": ({"version": True}, "8.3.1"),
        "a net of 7 bytes": ({"net": NET[:7]}, "8.3.1"),
        "kind 0": ({"kind": 0}, "8.3.1"),
        "kind 3": ({"kind": 3}, "8.3.1"),
        "an issuer of 31 bytes": ({"issuer": bytes(31)}, "8.3.1"),
        "a seq of 2**32": ({"seq": 1 << 32}, "8.3.1"),
        "a seq that is false": ({"seq": False}, "8.3.1"),
        "a prev that is nil": ({"prev": None}, "8.3.1"),
        "a parent of 31 bytes": ({"parents": [bytes(31)]}, "8.3.1"),
        "a parent that is a number": ({"parents": [1]}, "8.3.1"),
        "parents that are bin": ({"parents": bytes(32)}, "8.3.1"),
        "a claim without a total": ({"claims": [[ids(1)[0]]]}, "8.3.1"),
        "a claim whose total is true": ({"claims": [[ids(1)[0], True]]}, "8.3.1"),
        "a claim of a short id": ({"claims": [[bytes(31), 1]]}, "8.3.1"),
        "an op that is a number": ({"ops": [1]}, "8.3.1"),
        "an op that is empty": ({"ops": [[]]}, "8.3.1"),
        "an op of kind 0": ({"ops": [[0, CAT, 1]]}, "8.3.1"),
        "an op of kind 2": ({"ops": [[2, CAT, 1]]}, "8.3.1"),
        "an op of kind true": ({"ops": [[True, CAT, 1]]}, "8.3.1"),
        "an op with a field too many": ({"ops": [[1, CAT, 1, 0]]}, "8.3.1"),
        "a recipient of 31 bytes": ({"ops": [[1, bytes(31), 1]]}, "8.3.1"),
        "an amount that is text": ({"ops": [[1, CAT, "1"]]}, "8.3.1"),
        "a cert that is text": ({"cert": ""}, "8.3.1"),
        "a ts that is true": ({"ts": True}, "8.3.1"),
        "an ordinary body of 1,025 bytes": (_of_size(NEXT, 1_025), "8.3.2"),
        "a validator's body of 8,193 bytes": (_of_size(SEATED, 8_193), "8.3.2"),
        "another network": ({"net": OTHER_NET}, "8.3.3"),
        "an ordinary vertex with a beat": ({"beat": 1}, "8.3.4"),
        "an ordinary vertex with a cert": ({**NEXT, "cert": bytes(12)}, "8.3.4"),
        "an ordinary vertex with a sign-off": ({**NEXT, "ops": [[6, 5, 2, []]]}, "8.3.4"),
        "an unknown action of a committee": (committee([6, 5, 7, []]), "8.3.1"),
        "a sign-off with an argument": (committee([6, 5, 2, [0]]), "8.3.1"),
        "a prevote for 31 bytes": (committee([6, 5, 4, [0, DIGEST[1:]]]), "8.3.1"),
        "an attempt that is true": (committee([6, 5, 4, [True, b""]]), "8.3.1"),
        "seventeen sign-offs": ({**SEATED, "ops": [[6, 5, 2, []] for _ in range(17)]}, "8.3.9"),
        "a sign-off for epoch 0": (committee([6, 0, 2, []]), "8.19.1"),
        "a sign-off for epoch 2^32": (committee([6, 1 << 32, 2, []]), "8.19.1"),
        "attempt 1,024": (committee([6, 5, 4, [1_024, b""]]), "8.19.1"),
        "a proposal valid in its own attempt": (
            committee([6, 5, 3, [7, 8, TABLE, ids(3)]]),
            "8.19.1",
        ),
        "a proposal without sign-offs": (committee([6, 5, 3, [7, 0, TABLE, []]]), "8.19.1"),
        "sign-offs that do not ascend": (
            committee([6, 5, 3, [7, 0, TABLE, ids(2)[::-1]]]),
            "8.19.1",
        ),
        "a decision by 33": (committee([6, 5, 6, [ids(9)[8], ids(33)]]), "8.19.1"),
        "a table without seats": of_table([[], 1]),
        "a table of a quorum too small": of_table([[[CAT, 2]], 1]),
        "a table of a quorum too large": of_table([[[CAT, 2]], 3]),
        "a table with a seat of nothing": of_table([[[KEY, 0], [CAT, 1]], 1]),
        "a table with a seat too heavy": of_table([[[CAT, (1 << 31) + 1]], 1 << 31]),
        "a table of thirty-three": of_table([[[one, 1] for one in ids(33)], 23]),
        "a table with a name of 31 bytes": (committee([6, 5, 1, [[[[CAT[1:], 1]], 1]]]), "8.3.1"),
        "a table without a quorum": (committee([6, 5, 1, [[[[CAT, 1]]]]]), "8.3.1"),
        "a decision without precommits": (committee([6, 5, 6, [ids(9)[8], []]]), "8.19.1"),
        "an op about a committee with a field too few": (committee([6, 5, 2]), "8.3.1"),
        "a table with somebody twice": of_table([[[CAT, 1], [CAT, 1]], 2]),
        "a prev at seq 0": ({"prev": PREV}, "8.3.5"),
        "no prev at seq 7": ({"seq": 7}, "8.3.5"),
        "a prev two below": ({"seq": 8, "prev": PREV}, "8.3.5"),
        "a prev with another tag": ({**NEXT, "prev": place(BOB.node_id, 6, 5)}, "8.3.5"),
        "a prev of 31 bytes": ({**NEXT, "prev": PREV[:31]}, "8.3.5"),
        "nine parents": ({**NEXT, "parents": ids(9)}, "8.3.6"),
        "thirty-three parents of a validator": ({**SEATED, "parents": ids(33)}, "8.3.6"),
        "parents that do not ascend": ({**NEXT, "parents": ids(2)[::-1]}, "8.3.6"),
        "a parent named twice": ({**NEXT, "parents": ids(1) * 2}, "8.3.6"),
        "prev among the parents": ({**NEXT, "parents": [PREV]}, "8.3.6"),
        "seventeen claims": (
            {**SEATED, "claims": [[one, 1] for one in ids(17)]},
            "8.3.8",
        ),
        "claims that do not ascend": ({**NEXT, "claims": CLAIMS[1::-1]}, "8.3.8"),
        "a source claimed twice": ({**NEXT, "claims": CLAIMS[:1] * 2}, "8.3.8"),
        "a claim to 0": ({**NEXT, "claims": [[ids(1)[0], 0]]}, "8.3.8"),
        "seventeen payments": ({**SEATED, "ops": sixteen_and_one}, "8.3.9"),
        "a payment of 0": ({"ops": [[1, CAT, 0]]}, "8.3.9"),
        "a payment to the issuer": ({"ops": [[1, ANN.node_id, 1]]}, "8.3.9"),
        "a recipient named twice": ({"ops": [[1, CAT, 1], [1, CAT, 2]]}, "8.3.9"),
        "a cert of 11 bytes": ({**SEATED, "cert": bytes(11)}, "8.3.10"),
        "tags that do not ascend": ({**SEATED, "cert": b"\1" * 12 + bytes(12)}, "8.3.10"),
        "a tag named twice": ({**SEATED, "cert": bytes(24)}, "8.3.10"),
        "a cert at seq 0": ({"kind": 2, "cert": bytes(12)}, "8.3.10"),
        "a home of 31 bytes": ({**NEXT, "home": DIGEST[1:]}, "8.3.1"),
        "a home that is nil": ({**NEXT, "home": None}, "8.3.1"),
        "a move to 31 bytes": ({**NEXT, "ops": [[5, 2, DIGEST[1:]]]}, "8.3.1"),
        "an unknown action about a home": ({**NEXT, "ops": [[5, 3, DIGEST]]}, "8.3.1"),
        "an unknown action about a home, said like a creation": (
            {**NEXT, "ops": [[5, 3, [SEATS, 2], [bytes(64), bytes(64)], b""]]},
            "8.3.1",
        ),
        "a home with a signature of 63 bytes": (
            {**NEXT, "ops": [[5, 1, [SEATS, 2], [bytes(64), bytes(63)], b""]]},
            "8.3.1",
        ),
        "a home with a signature too few": (
            {**NEXT, "ops": [[5, 1, [SEATS, 2], [bytes(64)], b""]]},
            "8.18.1",
        ),
        "a home with a quorum too small": (
            {**NEXT, "ops": [[5, 1, [SEATS, 1], [bytes(64), bytes(64)], b""]]},
            "8.18.1",
        ),
        "a home of eight": (
            {**SEATED, "ops": [[5, 1, [EIGHT, 8], [bytes(64)] * 8, b""]]},
            "8.18.1",
        ),
        "two homes at once": (
            {**NEXT, "ops": [[5, 1, [SEATS, 2], [bytes(64), bytes(64)], b""]] * 2},
            "8.18.1",
        ),
        "a home that succeeds 31 bytes": (
            {**NEXT, "ops": [[5, 1, [SEATS, 2], [bytes(64), bytes(64)], DIGEST[1:]]]},
            "8.3.1",
        ),
        "a home that does not say what it succeeds": (
            {**NEXT, "ops": [[5, 1, [SEATS, 2], [bytes(64), bytes(64)]]]},
            "8.3.1",
        ),
        "two moves at once": ({**NEXT, "ops": [[5, 2, DIGEST], [5, 2, b""]]}, "8.18.1"),
        "work of a validator": ({"kind": 2, "pow": 1}, "8.3.11"),
    }


def _of_bytes() -> dict[str, tuple[bytes, str]]:
    good = body({})
    named = vertex_id(ANN.node_id, 0, good)
    signature = ANN.sign(preimage(NET, named))
    fields = [*FIELDS.values()]
    return {
        "nothing": (b"", "8.3.1"),
        "not an array": (encode(good), "8.3.1"),
        "no signature": (encode([good]), "8.3.1"),
        "a signature of 63 bytes": (encode([good, signature[:63]]), "8.3.1"),
        "a third element": (encode([good, signature, None]), "8.3.1"),
        "a body that is not bin": (encode([fields, signature]), "8.3.1"),
        "a body with its length in four bytes": (b"\x92\xc6\0\0\0" + wire(good)[2:], "8.3.1"),
        "a short body with its length in two bytes": (b"\x92\xc5\0" + wire(good)[2:], "8.3.1"),
        "a signature that is text": (
            wire(good).replace(b"\xc4\x40" + signature, b"\xd9\x40" + signature),
            "8.3.1",
        ),
        "a body that is a number": (wire(encode(1)), "8.3.1"),
        "a trailing byte": (wire(good) + b"\0", "8.3.1"),
        "a trailing byte in the body": (wire(good + b"\0"), "8.3.1"),
        "a body with 13 fields": (wire(encode(fields[:13])), "8.3.1"),
        "a body with 14 fields": (wire(encode(fields[:14])), "8.3.1"),
        "a body with 16 fields": (wire(encode([*fields, 0])), "8.3.1"),
        "a seq not in its shortest form": (
            wire(good.replace(ANN.node_id + b"\0", ANN.node_id + b"\xcc\0")),
            "8.3.1",
        ),
        **{
            f"a {name} below 0": (wire(_with_raw(name, b"\xff")), "8.3.1")
            for name in ("seq", "epoch", "beat", "ts", "pow")
        },
        "8,263 bytes": (bytes(8_263), "8.3.2"),
        "a signature of another key": (wire(good, BOB), "8.3.12"),
        "a signature of another body": (encode([good, ANN.sign(good)]), "8.3.12"),
        "a signature for another network": (
            encode([good, ANN.sign(b"fog-vtx-1\0" + OTHER_NET + named)]),
            "8.3.12",
        ),
        "a signature without a domain": (encode([good, ANN.sign(NET + named)]), "8.3.12"),
        "a signature that is not reduced": (
            encode([good, signature[:32] + _plus_group_order(signature[32:])]),
            "8.3.12",
        ),
    }


def _with_raw(field: str, data: bytes) -> bytes:
    """Return a body in which ``data`` stands for one field; 15 fields begin with 9f."""
    fields = {name: encode(value) for name, value in FIELDS.items()} | {field: data}
    return b"\x9f" + b"".join(fields.values())


def _plus_group_order(scalar: bytes) -> bytes:
    order = (1 << 252) + 27742317777372353535851937790883648493
    return (int.from_bytes(scalar, "little") + order).to_bytes(32, "little")


def build() -> Json:
    """Return the vectors."""
    rejected = {name: (signed(changes), rule) for name, (changes, rule) in _of_form().items()}
    return {
        "spec": "8.2",
        "genesis": GENESIS.body.hex(),
        "network": NET.hex(),
        "accept": [
            _accept(name, changes) for name, changes in (ACCEPTED | ACCEPTED_OF_SIZE).items()
        ],
        "reject": [
            {"name": name, "hex": data.hex(), "rule": rule}
            for name, (data, rule) in (rejected | _of_bytes()).items()
        ],
        "work": [
            {
                "issuer": ANN.node_id.hex(),
                "seq": seq,
                "pow": str(work),
                "bits": bits_of(NET, ANN.node_id, seq, work),
            }
            for seq, work in ((0, 0), (7, find_work(NET, ANN.node_id, 7, 12)), (7, (1 << 64) - 1))
        ],
    }
