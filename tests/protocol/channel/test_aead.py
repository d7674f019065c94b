"""Both AEADs say and refuse the same."""

import builtins
import importlib
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_protocol.channel import aead
from fogbank_protocol.channel.aead import Aead, SodiumAead, new_aead
from fogbank_protocol.channel.openssl_aead import OpensslAead

keys = st.binary(min_size=32, max_size=32)
nonces = st.binary(min_size=12, max_size=12)
texts = st.binary(max_size=200)


def both(key: bytes) -> list[Aead]:
    return [SodiumAead(key), OpensslAead(key)]


@given(keys, nonces, texts, texts)
def test_both_give_the_same_ciphertext_and_read_each_others(
    key: bytes, nonce: bytes, associated: bytes, plaintext: bytes
) -> None:
    one, two = both(key)
    ciphertext = one.encrypt(nonce, associated, plaintext)
    assert ciphertext == two.encrypt(nonce, associated, plaintext)
    assert one.decrypt(nonce, associated, ciphertext) == plaintext
    assert two.decrypt(nonce, associated, ciphertext) == plaintext


@given(keys, nonces, texts, texts, st.data())
def test_both_refuse_a_flipped_bit_and_a_truncation(
    key: bytes, nonce: bytes, associated: bytes, plaintext: bytes, data: st.DataObject
) -> None:
    ciphertext = SodiumAead(key).encrypt(nonce, associated, plaintext)
    bit = data.draw(st.integers(0, 8 * len(ciphertext) - 1))
    changed = bytearray(ciphertext)
    changed[bit // 8] ^= 1 << bit % 8
    end = data.draw(st.integers(0, len(ciphertext) - 1))
    for cipher in both(key):
        assert cipher.decrypt(nonce, associated, bytes(changed)) is None
        assert cipher.decrypt(nonce, associated, ciphertext[:end]) is None
        assert cipher.decrypt(nonce, associated + b"x", ciphertext) is None


def test_the_vector_of_rfc_8439() -> None:
    """RFC 8439 section 2.8.2."""
    plaintext = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
        b"future, sunscreen would be it."
    )
    key, nonce = bytes(range(0x80, 0xA0)), bytes.fromhex("070000004041424344454647")
    associated = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    for cipher in both(key):
        ciphertext = cipher.encrypt(nonce, associated, plaintext)
        assert ciphertext[:16].hex() == "d31a8d34648e60db7b86afbc53ef7ec2"
        assert ciphertext[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691"


def test_the_faster_one_is_used_where_it_is_installed() -> None:
    assert isinstance(new_aead(bytes(32)), OpensslAead)


def test_without_cryptography_libsodium_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def without_cryptography(
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - the builtin's own name
        locals: Mapping[str, object] | None = None,  # noqa: A002 - the builtin's own name
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> ModuleType:
        if name.startswith("cryptography"):
            raise ImportError(name)
        return real_import(name, globals, locals, fromlist, level)

    monkeypatch.delitem(sys.modules, "fogbank_protocol.channel.openssl_aead")
    monkeypatch.setattr(builtins, "__import__", without_cryptography)
    try:
        assert isinstance(importlib.reload(aead).new_aead(bytes(32)), aead.SodiumAead)
    finally:
        monkeypatch.undo()
        importlib.reload(aead)
