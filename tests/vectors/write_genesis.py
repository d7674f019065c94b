"""Vectors of genesis bodies (SPEC.md section 8.1)."""

from typing import Any

from fogbank_dag_ledger.genesis import decode_genesis, new_genesis
from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.identity import NodeId

Json = dict[str, Any]

SALT = bytes(range(16))
ONE, TWO, THREE = (NodeId(bytes([byte]) * 32) for byte in (1, 2, 3))
SEATS: Value = [[ONE, 1], [TWO, 2]]
BALANCES: Value = [[TWO, 5], [THREE, 1 << 62]]


def _accept(name: str, body: bytes) -> Json:
    genesis = decode_genesis(body)
    return {
        "name": name,
        "hex": body.hex(),
        "network": genesis.network.hex(),
        "weight": genesis.weight,
        "quorum": genesis.quorum,
        "supply": str(genesis.supply),
    }


def _accepted() -> list[Json]:
    many = {NodeId(number.to_bytes(32, "big")): 1 << 31 for number in range(1, 33)}
    four = {NodeId(bytes([number]) * 32): 1 for number in range(1, 5)}
    return [
        _accept("two seats", encode([1, "two", SEATS, 3, BALANCES, SALT])),
        _accept("one seat", new_genesis("one", {ONE: 1}, {ONE: 1}, SALT).body),
        _accept("four seats", new_genesis("four", four, {ONE: 1000}, SALT).body),
        _accept("thirty-two heavy seats", new_genesis("many", many, {ONE: 1}, SALT).body),
        _accept("a crash-tolerant quorum", new_genesis("crash", four, {ONE: 1}, SALT, 3).body),
        _accept("a name of 64 bytes", new_genesis("é" * 32, {ONE: 1}, {ONE: 1}, SALT).body),
    ]


def _rejected() -> dict[str, Value]:
    return {
        "not an array": b"",
        "a field too few": [1, "two", SEATS, 3, BALANCES],
        "a field too many": [1, "two", SEATS, 3, BALANCES, SALT, 0],
        "another version": [2, "two", SEATS, 3, BALANCES, SALT],
        "a version that is a boolean": [True, "two", SEATS, 3, BALANCES, SALT],
        "no name": [1, "", SEATS, 3, BALANCES, SALT],
        "a name of 65 bytes": [1, "n" * 65, SEATS, 3, BALANCES, SALT],
        "a name that is not text": [1, b"two", SEATS, 3, BALANCES, SALT],
        "a short salt": [1, "two", SEATS, 3, BALANCES, SALT[:15]],
        "no seats": [1, "two", [], 1, BALANCES, SALT],
        "33 seats": [
            1,
            "many",
            [[number.to_bytes(32, "big"), 1] for number in range(1, 34)],
            23,
            BALANCES,
            SALT,
        ],
        "a seat of weight 0": [1, "two", [[ONE, 0], [TWO, 3]], 3, BALANCES, SALT],
        "a seat too heavy": [1, "two", [[ONE, (1 << 31) + 1]], 1 << 31, BALANCES, SALT],
        "a weight that is true": [1, "two", [[ONE, True]], 1, BALANCES, SALT],
        "seats that do not ascend": [1, "two", [[TWO, 2], [ONE, 1]], 3, BALANCES, SALT],
        "a seat named twice": [1, "two", [[ONE, 1], [ONE, 2]], 3, BALANCES, SALT],
        "a node id of 31 bytes": [1, "two", [[ONE[:31], 1]], 1, BALANCES, SALT],
        "a quorum of half": [1, "two", [[ONE, 2], [TWO, 2]], 2, BALANCES, SALT],
        "a quorum that is true": [1, "one", [[ONE, 1]], True, BALANCES, SALT],
        "a quorum above the weight": [1, "two", SEATS, 4, BALANCES, SALT],
        "no balances": [1, "two", SEATS, 3, [], SALT],
        "1,025 balances": [
            1,
            "two",
            SEATS,
            3,
            [[number.to_bytes(32, "big"), 1] for number in range(1025)],
            SALT,
        ],
        "a balance of 0": [1, "two", SEATS, 3, [[ONE, 0]], SALT],
        "a balance too large": [1, "two", SEATS, 3, [[ONE, (1 << 62) + 1]], SALT],
        "a supply of 2**63": [1, "two", SEATS, 3, [[ONE, 1 << 62], [TWO, 1 << 62]], SALT],
        "balances that do not ascend": [1, "two", SEATS, 3, [[TWO, 1], [ONE, 1]], SALT],
    }


def build() -> Json:
    """Return the vectors."""
    reject = [
        {"name": name, "hex": encode(value).hex(), "rule": "8.1"}
        for name, value in _rejected().items()
    ]
    reject.append(
        {
            "name": "a quorum not in its shortest form",
            "hex": encode([1, "two", SEATS, 3, BALANCES, SALT])
            .replace(b"\x03\x92\x92", b"\xcc\x03\x92\x92")
            .hex(),
            "rule": "2.1",
        }
    )
    return {"spec": "8.1", "accept": _accepted(), "reject": reject}
