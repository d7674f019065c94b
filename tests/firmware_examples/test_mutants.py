"""The C99 program and this code judge mutated vectors alike, down to the rule that is broken.

Two readers written apart from one page: where they differ, one of them or the page is wrong.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from tests.vectors import write_packages, write_receipts, write_vertices

from fogbank_dag_ledger.genesis import decode_genesis
from fogbank_dag_ledger.vertex import preimage, vertex_id
from fogbank_dag_ledger.vertex_codec import check_signature, decode_vertex
from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.identity import NO_NETWORK, NetworkId, NodeId
from fogbank_protocol.signed import Domain, Signed, sign, signed_from_value
from fogbank_wasm_tasks.package import PACKAGE, open_package
from fogbank_wasm_tasks.receipt import RECEIPT, open_receipt

pytestmark = pytest.mark.slow

VECTORS = Path(__file__).parents[1] / "vectors"
MUTANTS_PER_CASE = 60
SEED_BYTES_MAX = 2_000
"""Longer cases are left out: mutating them tells nothing more."""

LEAVES: tuple[Value, ...] = (
    0,
    1,
    2,
    True,
    False,
    None,
    127,
    255,
    1 << 31,
    1 << 32,
    1 << 62,
    (1 << 64) - 1,
    b"",
    b"x",
    bytes(8),
    bytes(32),
    b"\xff" * 32,
    b"x" * 33,
    bytes(64),
    "",
    "x",
    "reactor",
    "é" * 40,
    [],
    [0],
    [1, bytes(32), 5],
    [bytes(32), 1],
)


@dataclass(frozen=True)
class Topic:
    """How one file's cases are judged here, and how a changed body is signed anew."""

    judge: Callable[[bytes], object]
    resign: Callable[[Value, list[Value]], list[Value]] | None = None
    """Takes a changed body and the other elements of the file or message."""

    body_at: int = 0


def _network(topic: str) -> NetworkId:
    file = json.loads((VECTORS / f"{topic}.json").read_text(encoding="utf-8"))
    return NetworkId(bytes.fromhex(file["network"]))


def _judge_vertex(data: bytes) -> None:
    vertex = decode_vertex(data, _network("vertices"))
    check_signature(vertex, _network("vertices"))


def _resign_vertex(fields: Value, _: list[Value]) -> list[Value]:
    body = encode(fields)
    match fields:
        case [_, _, _, bytes(issuer), int(seq), *_] if len(issuer) == 32 and seq < 1 << 32:
            signed_id = vertex_id(NodeId(issuer), int(seq), body)
        case _:
            signed_id = vertex_id(write_vertices.ANN.node_id, 0, body)
    return [body, write_vertices.ANN.sign(preimage(_network("vertices"), signed_id))]


def _judge_receipt(data: bytes) -> None:
    open_receipt(signed_from_value(RECEIPT, decode(data)), _network("receipts"))


def _resigned(domain: Domain, network: NetworkId, fields: Value) -> Signed:
    # Both files are signed with the same seed.
    return sign(domain, network, write_receipts.PROVIDER, fields)


def _resign_receipt(fields: Value, _: list[Value]) -> list[Value]:
    signed = _resigned(RECEIPT, _network("receipts"), fields)
    return [signed.body, signed.signature]


def _resign_package(fields: Value, file: list[Value]) -> list[Value]:
    assert write_packages.AUTHOR.node_id == write_receipts.PROVIDER.node_id
    signed = _resigned(PACKAGE, NO_NETWORK, fields)
    return [file[0], signed.body, signed.signature, *file[3:]]


TOPICS = {
    "encoding": Topic(decode),
    "genesis": Topic(decode_genesis),
    "vertices": Topic(_judge_vertex, _resign_vertex),
    "receipts": Topic(_judge_receipt, _resign_receipt),
    "packages": Topic(open_package, _resign_package, body_at=1),
}


def broken_rule(topic: Topic, data: bytes) -> str | None:
    """Return the rule that ``data`` breaks, None when it is accepted."""
    try:
        topic.judge(data)
    except RemoteProtocolError as error:
        return error.rule
    return None


def mutated_bytes(data: bytes, random: Random) -> bytes:
    """Return ``data`` with a byte changed, added or removed."""
    changed = bytearray(data)
    at = random.randrange(len(data) + 1)
    match random.randrange(3):
        case 0 if at < len(data):
            changed[at] ^= 1 << random.randrange(8)
        case 1:
            changed.insert(at, random.randrange(256))
        case _:
            del changed[at : at + 1]
    return bytes(changed)


def mutated_value(value: Value, random: Random) -> Value:
    """Return ``value`` with one part of it replaced, repeated, removed or swapped."""
    if not isinstance(value, list) or not value or random.random() < 0.1:
        return random.choice(LEAVES)
    items = list(value)
    at = random.randrange(len(items))
    match random.randrange(8):
        case 0:
            del items[at]
        case 1:
            items.insert(at, items[at])
        case 2:
            items.reverse()
        case _:
            items[at] = mutated_value(items[at], random)
    return items


def mutants(topic: Topic, data: bytes, random: Random) -> Iterator[bytes]:
    """Give changed forms of one accepted case."""
    for _ in range(MUTANTS_PER_CASE):
        yield mutated_bytes(data, random)
        yield encode(mutated_value(decode(data), random))
        if topic.resign is not None:
            elements = decode(data)
            assert isinstance(elements, list)
            body = elements[topic.body_at]
            assert isinstance(body, bytes)
            try:
                yield encode(topic.resign(mutated_value(decode(body), random), elements))
            except LocalProtocolError:
                continue


@pytest.mark.parametrize("name", TOPICS)
def test_two_readers_of_one_page_agree_on_mutants(
    name: str, check_vectors: Path, tmp_path: Path
) -> None:
    topic, random = TOPICS[name], Random(name)
    file = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    seeds = [bytes.fromhex(case["hex"]) for case in file["accept"]]
    file["accept"], file["reject"] = [], []
    for seed in seeds:
        if len(seed) > SEED_BYTES_MAX:
            continue
        for mutant in mutants(topic, seed, random):
            rule = broken_rule(topic, mutant)
            case = {"name": mutant.hex()[:200], "hex": mutant.hex()}
            file["accept" if rule is None else "reject"].append(case | {"rule": rule or ""})
    mutated = tmp_path / f"{name}.json"
    mutated.write_text(json.dumps(file), encoding="utf-8")

    ran = subprocess.run([check_vectors, mutated], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert file["accept"] or name == "vertices"
    assert len(file["reject"]) > MUTANTS_PER_CASE
