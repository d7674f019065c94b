"""The Noise suite against the vectors of other projects (SPEC.md sections 3.2 and 3.3)."""

import json
from pathlib import Path
from typing import Any

import pytest

from fogbank_protocol.channel.noise import CipherState, Handshake, Role
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.limits import NONCE_MAX

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/noise.json").read_text("utf-8"))


def handshake_of(case: dict[str, Any], role: Role) -> Handshake:
    side = "init" if role is Role.INITIATOR else "resp"
    return Handshake(
        role,
        prologue=bytes.fromhex(case[f"{side}_prologue"]),
        static_secret=bytes.fromhex(case[f"{side}_static"]),
        ephemeral_secret=bytes.fromhex(case[f"{side}_ephemeral"]),
    )


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_a_published_vector_is_spoken_on_both_sides(case: dict[str, Any]) -> None:
    sides = [handshake_of(case, Role.INITIATOR), handshake_of(case, Role.RESPONDER)]
    messages = [
        (bytes.fromhex(message["payload"]), bytes.fromhex(message["ciphertext"]))
        for message in case["messages"]
    ]
    for number, (payload, ciphertext) in enumerate(messages[:3]):
        writer, reader = sides[number % 2], sides[1 - number % 2]
        assert writer.is_writing
        assert not reader.is_writing
        assert writer.write_message(payload) == ciphertext
        assert reader.read_message(ciphertext) == payload
    assert all(side.is_complete for side in sides)
    assert sides[0].handshake_hash == sides[1].handshake_hash
    if "handshake_hash" in case:
        assert sides[0].handshake_hash.hex() == case["handshake_hash"]
    ciphers = [side.split() for side in sides]
    for number, (payload, ciphertext) in enumerate(messages[3:], start=3):
        (sending, _), (_, receiving) = ciphers[number % 2], ciphers[1 - number % 2]
        assert sending.encrypt(b"", payload) == ciphertext
        assert receiving.decrypt(b"", ciphertext, rule="3.3") == payload


@pytest.mark.parametrize("case", VECTORS["reject"], ids=lambda case: case["name"])
def test_a_low_order_key_is_refused(case: dict[str, Any]) -> None:
    responder = Handshake(
        Role.RESPONDER,
        prologue=b"",
        static_secret=bytes.fromhex(case["static_secret"]),
        ephemeral_secret=bytes.fromhex(case["ephemeral_secret"]),
    )
    responder.read_message(bytes.fromhex(case["hex"]))
    with pytest.raises(RemoteProtocolError) as caught:
        responder.write_message(b"")
    assert caught.value.rule == case["rule"]


@pytest.mark.parametrize("case", VECTORS["rekey"], ids=lambda case: case["name"])
@pytest.mark.slow
def test_the_key_changes_after_every_65536_messages(case: dict[str, Any]) -> None:
    expected = {entry["nonce"]: entry["ciphertext"] for entry in case["messages"]}
    sending = CipherState(bytes.fromhex(case["key"]))
    receiving = CipherState(bytes.fromhex(case["key"]))
    for nonce in range(max(expected) + 1):
        ciphertext = sending.encrypt(b"", b"")
        assert receiving.decrypt(b"", ciphertext, rule="3.3") == b""
        assert expected.get(nonce, ciphertext.hex()) == ciphertext.hex()


def test_the_last_nonce_is_used_and_none_after_it() -> None:
    sending = CipherState(b"k" * 32, nonce=NONCE_MAX)
    receiving = CipherState(b"k" * 32, nonce=NONCE_MAX)
    assert receiving.decrypt(b"", sending.encrypt(b"", b"last"), rule="3.3") == b"last"
    with pytest.raises(LocalProtocolError):
        sending.encrypt(b"", b"one more")
    with pytest.raises(RemoteProtocolError) as caught:
        receiving.decrypt(b"", bytes(16), rule="3.3")
    assert caught.value.rule == "3.3"


def test_a_message_that_does_not_decrypt_does_not_count() -> None:
    sending, receiving = CipherState(b"k" * 32), CipherState(b"k" * 32)
    first = sending.encrypt(b"", b"first")
    with pytest.raises(RemoteProtocolError):
        receiving.decrypt(b"", first[:-1] + b"?", rule="3.3")
    assert receiving.decrypt(b"", first, rule="3.3") == b"first"


def test_speaking_out_of_turn_is_our_own_error() -> None:
    one = Handshake(
        Role.INITIATOR, prologue=b"", static_secret=b"1" * 32, ephemeral_secret=b"2" * 32
    )
    with pytest.raises(LocalProtocolError):
        one.read_message(bytes(32))
    one.write_message(b"")
    with pytest.raises(LocalProtocolError):
        one.write_message(b"")
    with pytest.raises(LocalProtocolError):
        one.split()
