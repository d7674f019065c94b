"""Vectors of what a beginner asks for, and of signatures of seats (SPEC.md 8.21 and 8.22)."""

from typing import Any

from fogbank_dag_ledger.checkpoint import (
    Signatures,
    checkpoint_hash,
    encode_names,
    encode_names_request,
    encode_newest,
    encode_records,
    encode_signed,
    encode_state_request,
    preimage,
    signed_value,
)
from fogbank_dag_ledger.checkpoint_state import encode_record
from fogbank_dag_ledger.committee_proof import encode_committee_request
from fogbank_dag_ledger.limits import (
    RECORD_BYTES_MAX,
    SEATS_MAX,
)
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.identity import NetworkId

from .write_checkpoints import FIELDS, RECORDS
from .write_vertices import ANN, BOB, NET, OTHER_NET

Json = dict[str, Any]

BODY = encode(list(FIELDS.values()))
HASH = checkpoint_hash(BODY, NET)
SIGNATURES: Signatures = {one.node_id: one.sign(preimage(NET, HASH)) for one in (ANN, BOB)}
PAGE = [encode_record(record)[1] for record in list(RECORDS.values())[:3]]
NAMES = [VertexId(bytes([number]) * 32) for number in (1, 2)]


def _pairs(count: int) -> Value:
    return [[bytes([number]) * 32, bytes(64)] for number in range(1, count + 1)]


def _accepted() -> list[tuple[str, str, bytes]]:
    return [
        ("ledger.checkpoint", "two signatures", encode_signed(BODY, SIGNATURES)),
        ("ledger.checkpoint", "as many signatures as seats", encode([BODY, _pairs(SEATS_MAX)])),
        ("newest asked", "nothing", encode([])),
        ("ledger.newest", "none", encode_newest([])),
        ("ledger.newest", "one", encode_newest([(BODY, SIGNATURES)])),
        ("ledger.newest", "two", encode_newest([(BODY, SIGNATURES)] * 2)),
        ("state asked", "from the first", encode_state_request(HASH, 0)),
        ("state asked", "from one as far as may be", encode_state_request(HASH, (1 << 32) - 1)),
        ("ledger.state", "three records", encode_records(PAGE)),
        ("names asked", "of one checkpoint", encode_names_request(HASH)),
        ("ledger.names", "two", encode_names(NAMES)),
        ("committee asked", "epoch 1", encode_committee_request(1)),
    ]


def _rejected() -> list[tuple[str, str, Value]]:
    seat, signature = ANN.node_id, SIGNATURES[ANN.node_id]
    one = signed_value(BODY, SIGNATURES)
    return [
        ("ledger.checkpoint", "no signature", [BODY, []]),
        ("ledger.checkpoint", "thirty-three signatures", [BODY, _pairs(SEATS_MAX + 1)]),
        ("ledger.checkpoint", "seats that descend", [BODY, [*reversed(_listed(one))]]),
        ("ledger.checkpoint", "a seat twice", [BODY, [[seat, signature]] * 2]),
        ("ledger.checkpoint", "a seat of 31 bytes", [BODY, [[seat[1:], signature]]]),
        ("ledger.checkpoint", "a signature of 63 bytes", [BODY, [[seat, signature[1:]]]]),
        ("ledger.checkpoint", "a body that is text", ["body", [[seat, signature]]]),
        ("newest asked", "something", [0]),
        ("ledger.newest", "three", [one] * 3),
        ("ledger.newest", "one without signatures", [[BODY, []]]),
        ("state asked", "a hash of 31 bytes", [HASH[1:], 0]),
        ("state asked", "a number beyond 32 bits", [HASH, 1 << 32]),
        ("state asked", "true for a number", [HASH, True]),
        ("state asked", "no number", [HASH]),
        ("ledger.state", "no record", []),
        ("ledger.state", "a record of 2,049 bytes", [bytes(RECORD_BYTES_MAX + 1)]),
        ("ledger.state", "a record that is a number", [1]),
        ("ledger.state", "4,097 records", [b""] * 4_097),
        ("names asked", "a hash of 31 bytes", [HASH[1:]]),
        ("names asked", "two checkpoints", [HASH, HASH]),
        ("ledger.names", "none", [b""]),
        ("ledger.names", "half a name", [NAMES[0][:16]]),
        ("ledger.names", "names that descend", [NAMES[1] + NAMES[0]]),
        ("committee asked", "epoch 0", [0]),
        ("committee asked", "an epoch that is true", [True]),
        ("committee asked", "an epoch beyond 32 bits", [1 << 32]),
        ("committee asked", "two epochs", [1, 2]),
    ]


def _listed(value: Value) -> list[Value]:
    assert isinstance(value, list)
    pairs = value[1]
    assert isinstance(pairs, list)
    return pairs


def _wrongly_signed() -> dict[str, Signatures]:
    other = NetworkId(OTHER_NET)
    elsewhere = checkpoint_hash(BODY, other)
    return {
        "of another seat": {BOB.node_id: SIGNATURES[ANN.node_id]},
        "one of two": {**SIGNATURES, BOB.node_id: bytes(64)},
        "for another network": {ANN.node_id: ANN.sign(preimage(other, elsewhere))},
        "without a domain": {ANN.node_id: ANN.sign(NET + HASH)},
        "of the body": {ANN.node_id: ANN.sign(BODY)},
    }


def _signature_cases() -> list[tuple[str, Signatures]]:
    alone: Signatures = {ANN.node_id: SIGNATURES[ANN.node_id]}
    return [("one", alone), ("two", SIGNATURES)]


def build() -> Json:
    """Return the vectors; ``message`` is the method whose answer it is, or what is asked."""
    return {
        "spec": "8.22",
        "network": NET.hex(),
        "checkpoint": BODY.hex(),
        "accept": [
            {"name": name, "message": message, "hex": data.hex()}
            for message, name, data in _accepted()
        ],
        "reject": [
            {
                "name": name,
                "message": message,
                "hex": encode(value).hex(),
                "rule": "8.22" if message == "committee asked" else "8.21",
            }
            for message, name, value in _rejected()
        ],
        "signed": [
            {"name": name, "hex": encode_signed(BODY, signatures).hex()}
            for name, signatures in _signature_cases()
        ],
        "not signed": [
            {"name": name, "hex": encode_signed(BODY, signatures).hex(), "rule": "8.21"}
            for name, signatures in _wrongly_signed().items()
        ],
    }
