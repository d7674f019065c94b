"""Attacks with bytes: what was signed for one purpose serves no other; a value has one form."""

import pytest

from fogbank_dag_ledger.vertex import Vertex
from fogbank_dag_ledger.vertex_codec import check_signature, decode_vertex, encode_vertex
from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId, is_signed_by

from ..community import Community

COMMUNITY = Community(seats=4, others=3)
PAID = COMMUNITY.vertex(4, pays={5: 7})
ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of the group in which Ed25519 counts."""


def rule_broken_by(wire: bytes, network: NetworkId = COMMUNITY.network) -> str | None:
    try:
        check_signature(decode_vertex(wire, network), network)
    except RemoteProtocolError as error:
        return error.rule
    return None


def with_signature(vertex: Vertex, signature: bytes) -> bytes:
    return encode([vertex.body, signature])


def test_a_vertex_of_one_network_is_none_of_another() -> None:
    other = NetworkId(bytes(8))
    assert rule_broken_by(encode_vertex(PAID)) is None
    assert rule_broken_by(encode_vertex(PAID), other) == "8.3.3"
    body = decode(PAID.body)
    assert isinstance(body, list)
    moved = encode([encode([body[0], bytes(other), *body[2:]]), PAID.signature])
    assert rule_broken_by(moved, other) == "8.3.12"


def test_the_signature_of_anything_else_is_none_of_a_vertex() -> None:
    key = COMMUNITY.identities[4]
    for domain in (b"", b"fog-vch-1\0", b"fog-verdict-1\0", b"fog-wrong-1\0", b"fog-net-1\0"):
        for signed in (PAID.id, PAID.body, COMMUNITY.network + PAID.id):
            signature = key.sign(domain + signed)
            assert rule_broken_by(with_signature(PAID, signature)) == "8.3.12"


def test_a_signature_has_one_form() -> None:
    """With the group's order added to s the same equation holds: libsodium refuses it."""
    s = int.from_bytes(PAID.signature[32:], "little")
    malleated = PAID.signature[:32] + (s + ORDER).to_bytes(32, "little")
    assert rule_broken_by(with_signature(PAID, malleated)) == "8.3.12"


@pytest.mark.parametrize(
    "key",
    [
        bytes([1]) + bytes(31),
        bytes(32),
        bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    ],
)
def test_a_key_of_small_order_signs_nothing(key: bytes) -> None:
    """With such a key one signature would hold for every message."""
    assert not is_signed_by(key, b"anything", key + bytes(32))
    assert not is_signed_by(key, b"anything", bytes([1]) + bytes(63))


@pytest.mark.parametrize("number", range(14))
def test_a_value_has_one_encoding(number: int) -> None:
    """Every longer form of an integer or of a byte string is refused, whoever signed it."""
    body = decode(PAID.body)
    assert isinstance(body, list)
    field = body[number]
    match field:
        case int():
            longer = b"\xcf" + field.to_bytes(8, "big")
        case bytes():
            longer = b"\xc6" + len(field).to_bytes(4, "big") + field
        case _:
            assert isinstance(field, list)
            longer = b"\xdd" + len(field).to_bytes(4, "big") + encode(field)[1:]
    changed = b"\x9e" + b"".join(encode(one) for one in body[:number])
    changed += longer + b"".join(encode(one) for one in body[number + 1 :])
    assert rule_broken_by(encode([changed, PAID.signature])) == "8.3.1"
