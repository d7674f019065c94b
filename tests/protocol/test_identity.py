"""Identities: RFC 8032's vectors, the edge cases of Ed25519, short forms (SPEC.md section 2.2)."""

import ctypes
import ctypes.util
import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from fogbank_protocol.errors import LocalProtocolError
from fogbank_protocol.identity import Identity, is_signed_by, short_form

ROOT = Path(__file__).parents[2]
VECTORS = json.loads((ROOT / "tests/vectors/identity.json").read_text("utf-8"))

seeds = st.binary(min_size=32, max_size=32)


def parts(case: dict[str, Any]) -> tuple[bytes, bytes, bytes]:
    """Return (signer, message, signature) of a vector."""
    signer, message, signature = (
        bytes.fromhex(case[key]) for key in ("node_id", "message", "signature")
    )
    return signer, message, signature


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_an_accepted_signature_holds(case: dict[str, Any]) -> None:
    assert is_signed_by(*parts(case))


@pytest.mark.parametrize("case", VECTORS["reject"], ids=lambda case: case["name"])
def test_a_rejected_signature_does_not_hold(case: dict[str, Any]) -> None:
    assert not is_signed_by(*parts(case))


@pytest.mark.parametrize(
    "case", [case for case in VECTORS["accept"] if "seed" in case], ids=lambda case: case["name"]
)
def test_a_seed_gives_its_node_id_short_form_and_signature(case: dict[str, Any]) -> None:
    identity = Identity.from_seed(bytes.fromhex(case["seed"]))
    node_id, message, signature = parts(case)
    assert identity.node_id == node_id
    assert identity.sign(message) == signature
    assert short_form(node_id) == case["short_form"]


@given(seeds, st.binary(max_size=200))
def test_an_independent_signer_signs_the_same(seed: bytes, message: bytes) -> None:
    identity = Identity.from_seed(seed)
    other = Ed25519PrivateKey.from_private_bytes(seed)
    assert identity.sign(message) == other.sign(message)
    assert identity.node_id == other.public_key().public_bytes_raw()


@given(seeds, st.binary(max_size=50), st.integers(0, 64 * 8 - 1))
def test_no_bit_of_a_signature_can_be_flipped(seed: bytes, message: bytes, bit: int) -> None:
    identity = Identity.from_seed(seed)
    signature = bytearray(identity.sign(message))
    assert is_signed_by(identity.node_id, message, bytes(signature))
    signature[bit // 8] ^= 1 << bit % 8
    assert not is_signed_by(identity.node_id, message, bytes(signature))


def test_the_systems_own_libsodium_agrees_on_every_vector() -> None:
    name = ctypes.util.find_library("sodium")
    if name is None:
        pytest.skip("this machine has no libsodium beside PyNaCl's")
    sodium = ctypes.CDLL(name)
    sodium.sodium_init()
    for case in VECTORS["accept"] + VECTORS["reject"]:
        signer, message, signature = parts(case)
        if len(signer) == 32 and len(signature) == 64:
            result = sodium.crypto_sign_verify_detached(
                signature, message, ctypes.c_ulonglong(len(message)), signer
            )
            assert (result == 0) == is_signed_by(signer, message, signature), case["name"]


def test_only_one_module_verifies_signatures() -> None:
    """Two verifiers that differ on an edge case would split the network."""
    doors = re.compile(
        r"crypto_sign_open|crypto_sign_verify|nacl\.signing|VerifyKey|Ed25519PublicKey"
    )
    components = ("protocol", "dag_ledger", "wasm_tasks", "agent")
    users = {
        path.relative_to(ROOT).as_posix()
        for component in components
        for path in (ROOT / component).rglob("*.py")
        if doors.search(path.read_text("utf-8"))
    }
    assert users == {"protocol/fogbank_protocol/identity.py"}


def test_a_seed_of_another_length_is_our_own_error() -> None:
    with pytest.raises(LocalProtocolError):
        Identity.from_seed(b"short")


def test_a_representation_keeps_the_secret() -> None:
    identity = Identity.from_seed(b"s" * 32)
    assert repr(identity) == f"Identity({short_form(identity.node_id)})"


@given(seeds)
def test_a_short_form_is_two_times_four_letters(node_id: bytes) -> None:
    assert re.fullmatch(r"[a-z2-7]{4}-[a-z2-7]{4}", short_form(node_id))
