"""The secure channel: with itself, with an independent peer, and with hostile ones (section 3)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from noise.connection import Keypair, NoiseConnection
from tests.vectors.write_introduction import (
    INITIATOR,
    NETWORK,
    OTHER_NETWORK,
    RESPONDER,
    Side,
)
from tests.vectors.write_noise import LOW_ORDER

from fogbank_protocol.channel.channel import (
    Event,
    HandshakeDone,
    NeedData,
    PlaintextReceived,
    SecureChannel,
    StreamClosed,
)
from fogbank_protocol.channel.introduction import (
    DOMAIN,
    Versions,
    decode_introduction,
    encode_introduction,
)
from fogbank_protocol.channel.noise import PROTOCOL_NAME, Role
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.limits import RECORD_BYTES_MAX, REKEY_INTERVAL_MESSAGES

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/introduction.json").read_text("utf-8"))


def events_of(channel: SecureChannel, data: bytes = b"") -> list[Event]:
    """Feed ``data`` and return all events before the channel needs more."""
    if data:
        channel.receive_data(data)
    events: list[Event] = []
    while not isinstance(event := channel.next_event(), NeedData | StreamClosed):
        events.append(event)
    return events


def plaintext_of(channel: SecureChannel, data: bytes) -> bytes:
    received = b""
    for event in events_of(channel, data):
        assert isinstance(event, PlaintextReceived)
        received += event.data
    return received


def open_pair() -> tuple[SecureChannel, SecureChannel]:
    one, two = INITIATOR.channel(Role.INITIATOR), RESPONDER.channel(Role.RESPONDER)
    assert events_of(two, one.data_to_send()) == []
    assert events_of(one, two.data_to_send()) == [HandshakeDone(RESPONDER.identity.node_id, 1, 0)]
    assert events_of(two, one.data_to_send()) == [
        HandshakeDone(INITIATOR.identity.node_id, 1, 4711)
    ]
    return one, two


def in_records(data: bytes) -> Iterator[bytes]:
    while data:
        size = int.from_bytes(data[:2], "big")
        yield data[2 : 2 + size]
        data = data[2 + size :]


def record(message: bytes) -> bytes:
    return len(message).to_bytes(2, "big") + message


class IndependentPeer:
    """The other side, spoken by the package ``noiseprotocol``."""

    def __init__(self, side: Side, role: Role) -> None:
        self.side = side
        self.noise: Any = NoiseConnection.from_name(PROTOCOL_NAME)
        if role is Role.INITIATOR:
            self.noise.set_as_initiator()
        else:
            self.noise.set_as_responder()
        self.noise.set_prologue(DOMAIN)
        self.noise.set_keypair_from_private_bytes(Keypair.STATIC, side.static_secret)
        self.noise.start_handshake()

    def introduction(self) -> bytes:
        return encode_introduction(
            Versions(), NETWORK, self.side.identity, self.side.static_public, self.side.port
        )

    def write(self, payload: bytes) -> bytes:
        return record(bytes(self.noise.write_message(payload)))

    def read(self, data: bytes) -> bytes:
        (message,) = in_records(data)
        return bytes(self.noise.read_message(message))

    def rekey(self, *, sending: bool) -> None:
        cipher = "cipher_state_encrypt" if sending else "cipher_state_decrypt"
        getattr(self.noise.noise_protocol, cipher).rekey()


def with_independent_responder() -> tuple[SecureChannel, IndependentPeer]:
    channel = INITIATOR.channel(Role.INITIATOR)
    peer = IndependentPeer(RESPONDER, Role.RESPONDER)
    assert peer.read(channel.data_to_send()) == b""
    done = events_of(channel, peer.write(peer.introduction()))
    assert done == [HandshakeDone(RESPONDER.identity.node_id, 1, RESPONDER.port)]
    introduction = decode_introduction(peer.read(channel.data_to_send()), INITIATOR.static_public)
    assert introduction.node_id == INITIATOR.identity.node_id
    return channel, peer


def with_independent_initiator() -> tuple[SecureChannel, IndependentPeer]:
    channel = RESPONDER.channel(Role.RESPONDER)
    peer = IndependentPeer(INITIATOR, Role.INITIATOR)
    assert events_of(channel, peer.write(b"")) == []
    introduction = decode_introduction(peer.read(channel.data_to_send()), RESPONDER.static_public)
    assert introduction.node_id == RESPONDER.identity.node_id
    done = events_of(channel, peer.write(peer.introduction()))
    assert done == [HandshakeDone(INITIATOR.identity.node_id, 1, INITIATOR.port)]
    return channel, peer


INDEPENDENT = pytest.mark.parametrize(
    "shake_hands", [with_independent_responder, with_independent_initiator]
)


@INDEPENDENT
def test_an_independent_peer_shakes_hands_and_talks_both_ways(shake_hands: Any) -> None:
    channel, peer = shake_hands()
    for number in range(20):
        text = b"%d bottles" % number * number
        assert plaintext_of(channel, record(peer.noise.encrypt(text))) == text
        answer = b"".join(
            peer.noise.decrypt(message) for message in in_records(channel.send_plaintext(text))
        )
        assert answer == text


@INDEPENDENT
@pytest.mark.slow
def test_an_independent_peer_changes_keys_at_the_same_messages(shake_hands: Any) -> None:
    channel, peer = shake_hands()
    for number in range(REKEY_INTERVAL_MESSAGES + 2):
        if number == REKEY_INTERVAL_MESSAGES:
            peer.rekey(sending=True)
            peer.rekey(sending=False)
        assert plaintext_of(channel, record(peer.noise.encrypt(b"to"))) == b"to"
        (message,) = in_records(channel.send_plaintext(b"fro"))
        assert peer.noise.decrypt(message) == b"fro"


@pytest.mark.parametrize("case", VECTORS["handshakes"], ids=lambda case: case["name"])
def test_a_handshake_of_the_vectors_is_spoken_byte_for_byte(case: dict[str, Any]) -> None:
    sides = {
        "initiator": INITIATOR.channel(Role.INITIATOR),
        "responder": RESPONDER.channel(Role.RESPONDER),
    }
    for flight in case["flights"]:
        sender = sides[flight["sender"]]
        _, _, text = flight["name"].partition(": ")
        sent = sender.send_plaintext(text.encode()) if text else sender.data_to_send()
        assert sent.hex() == flight["hex"]
        (receiver,) = (side for side in sides.values() if side is not sender)
        events = events_of(receiver, sent)
        if text:
            assert events == [PlaintextReceived(text.encode())]


def test_what_is_said_arrives_fed_whole_and_byte_by_byte() -> None:
    one, two = INITIATOR.channel(Role.INITIATOR), RESPONDER.channel(Role.RESPONDER)
    events: list[Event] = []
    for sender, receiver in ((one, two), (two, one), (one, two)):
        for byte in sender.data_to_send():
            events += events_of(receiver, bytes([byte]))
    assert [type(event) for event in events] == [HandshakeDone, HandshakeDone]
    for byte in two.send_plaintext(b"in pieces"):
        events += events_of(one, bytes([byte]))
    assert events[2:] == [PlaintextReceived(b"in pieces")]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 200_000)), max_size=5))
@pytest.mark.slow
def test_streams_of_both_directions_arrive_whole(sendings: list[tuple[bool, int]]) -> None:
    one, two = open_pair()
    for from_initiator, size in sendings:
        sender, receiver = (one, two) if from_initiator else (two, one)
        data = bytes(i % 251 for i in range(min(size, 1000))) * (1 + size // 1000)
        sent = sender.send_plaintext(data)
        assert all(len(message) <= RECORD_BYTES_MAX for message in in_records(sent))
        assert plaintext_of(receiver, sent) == data


def test_a_transport_message_right_behind_the_handshake_is_received() -> None:
    one, two = INITIATOR.channel(Role.INITIATOR), RESPONDER.channel(Role.RESPONDER)
    events_of(two, one.data_to_send())
    events_of(one, two.data_to_send())
    done, hello = events_of(two, one.send_plaintext(b"hello"))
    assert isinstance(done, HandshakeDone)
    assert hello == PlaintextReceived(b"hello")


def test_an_empty_plaintext_is_ignored() -> None:
    channel, peer = with_independent_responder()
    data = record(peer.noise.encrypt(b"")) + record(peer.noise.encrypt(b"after"))
    assert events_of(channel, data) == [PlaintextReceived(b"after")]


def test_nothing_can_be_said_before_the_handshake() -> None:
    channel = RESPONDER.channel(Role.RESPONDER)
    with pytest.raises(LocalProtocolError):
        channel.send_plaintext(b"early")


def refusal(channel: SecureChannel, data: bytes) -> str | None:
    """Feed ``data``, then the end of the stream; return the rule that was broken, if any."""
    try:
        events_of(channel, data)
        channel.receive_data(b"")
        events_of(channel)
    except RemoteProtocolError as error:
        with pytest.raises(RemoteProtocolError):
            channel.next_event()
        return error.rule
    return None


def before_each_flight() -> list[tuple[str, Role, bytes]]:
    """Return the three flights of a handshake, each with the role that reads it."""
    flights = VECTORS["handshakes"][0]["flights"]
    roles = {"initiator": Role.RESPONDER, "responder": Role.INITIATOR}
    return [(f["name"], roles[f["sender"]], bytes.fromhex(f["hex"])) for f in flights[:3]]


def reader_of(flight: int) -> SecureChannel:
    """Return the side that waits for ``flight``, having seen the flights before."""
    flights = before_each_flight()
    role = flights[flight][1]
    channel = (INITIATOR if role is Role.INITIATOR else RESPONDER).channel(role)
    for _, reader, data in flights[:flight]:
        if reader is role:
            events_of(channel, data)
    channel.data_to_send()
    return channel


@pytest.mark.parametrize("flight", [1, 2])
@pytest.mark.slow
def test_no_bit_of_the_handshake_can_be_flipped(flight: int) -> None:
    _, _, data = before_each_flight()[flight]
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        assert refusal(reader_of(flight), bytes(changed)) is not None, bit


def test_a_flipped_bit_of_message_1_is_found_by_the_initiator() -> None:
    _, _, data = before_each_flight()[0]
    for bit in range(16, 8 * len(data), 13):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        one, two = INITIATOR.channel(Role.INITIATOR), RESPONDER.channel(Role.RESPONDER)
        one.data_to_send()
        events_of(two, bytes(changed))
        assert refusal(one, two.data_to_send()) == "3.2"


@pytest.mark.parametrize("flight", [0, 1, 2])
def test_a_handshake_that_breaks_off_is_refused(flight: int) -> None:
    _, _, data = before_each_flight()[flight]
    for end in range(len(data)):
        assert refusal(reader_of(flight), data[:end]) == "3.1"


@pytest.mark.parametrize("flight", [0, 1, 2])
def test_a_shortened_message_of_the_handshake_is_refused(flight: int) -> None:
    _, _, data = before_each_flight()[flight]
    for end in range(len(data) - 2):
        shortened = record(data[2 : 2 + end])
        assert refusal(reader_of(flight), shortened) == ("3.1" if end == 0 else "3.2")


@pytest.mark.slow
def test_no_bit_of_a_transport_record_can_be_flipped() -> None:
    one, _ = open_pair()
    data = one.send_plaintext(b"to be changed")
    for bit in range(16, 8 * len(data)):
        _, two = open_pair()
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        assert refusal(two, bytes(changed)) == "3.3"


def test_a_truncated_transport_record_is_refused_at_the_end_of_the_stream() -> None:
    one, _ = open_pair()
    data = one.send_plaintext(b"to be cut")
    for end in range(1, len(data)):
        _, two = open_pair()
        assert refusal(two, data[:end]) == "3.1"
        _, two = open_pair()
        if end > 2:
            assert refusal(two, record(data[2:end])) == "3.3"


def test_a_repeated_lost_or_swapped_record_is_refused() -> None:
    for order in ([0, 0], [1], [1, 0]):
        one, two = open_pair()
        records = [one.send_plaintext(b"first"), one.send_plaintext(b"second")]
        assert refusal(two, b"".join(records[number] for number in order)) == "3.3"


def test_a_record_reflected_to_its_sender_is_refused() -> None:
    one, _ = open_pair()
    assert refusal(one, one.send_plaintext(b"mirror")) == "3.3"


def test_a_stream_that_ends_between_records_is_closed_properly() -> None:
    one, two = open_pair()
    events_of(two, one.send_plaintext(b"bye"))
    two.receive_data(b"")
    assert two.next_event() == StreamClosed()


@given(st.binary(max_size=300), st.sampled_from(Role))
def test_garbage_is_refused(garbage: bytes, role: Role) -> None:
    channel = (INITIATOR if role is Role.INITIATOR else RESPONDER).channel(role)
    assert refusal(channel, garbage) is not None


def test_a_handshake_record_longer_than_any_is_refused_at_its_length() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        events_of(RESPONDER.channel(Role.RESPONDER), (1121).to_bytes(2, "big"))
    assert caught.value.rule == "3.2"


def test_message_1_with_a_payload_is_refused() -> None:
    peer = IndependentPeer(INITIATOR, Role.INITIATOR)
    assert refusal(RESPONDER.channel(Role.RESPONDER), peer.write(b"early data")) == "3.2"


@pytest.mark.parametrize("point", LOW_ORDER.values(), ids=LOW_ORDER)
def test_a_low_order_key_is_refused(point: str) -> None:
    channel = RESPONDER.channel(Role.RESPONDER)
    assert refusal(channel, record(bytes.fromhex(point))) == "3.2"


def refuse_introduction(payload: bytes, *, versions: Versions | None = None) -> str | None:
    """Send ``payload`` as the responder's introduction and return the rule it broke."""
    channel = INITIATOR.channel(Role.INITIATOR, versions=versions or Versions())
    peer = IndependentPeer(RESPONDER, Role.RESPONDER)
    peer.read(channel.data_to_send())
    rule = refusal(channel, peer.write(payload))
    # Nothing of the initiator's own introduction goes to a peer that was refused.
    assert rule is None or channel.data_to_send() == b""
    return rule


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"garbage",
        encode_introduction(
            Versions(), OTHER_NETWORK, RESPONDER.identity, RESPONDER.static_public, 0
        ),
        encode_introduction(Versions(), NETWORK, INITIATOR.identity, RESPONDER.static_public, 0),
        encode_introduction(Versions(), NETWORK, RESPONDER.identity, INITIATOR.static_public, 0),
        encode_introduction(Versions(3, 2), NETWORK, RESPONDER.identity, bytes(32), 0),
    ],
    ids=["none", "garbage", "another network", "own node id", "wrong static key", "wrong key too"],
)
def test_a_peer_with_a_bad_introduction_is_refused(payload: bytes) -> None:
    assert refuse_introduction(payload) in ("2.1", "3.2")


def test_a_peer_without_a_common_version_is_refused() -> None:
    def introduce(versions: Versions) -> bytes:
        return encode_introduction(
            versions, NETWORK, RESPONDER.identity, RESPONDER.static_public, 0
        )

    assert refuse_introduction(introduce(Versions(3, 2))) == "3.2"
    assert refuse_introduction(introduce(Versions(1, 1)), versions=Versions(3, 2)) == "3.2"
    assert refuse_introduction(introduce(Versions(3, 1))) is None


def test_a_responder_refuses_a_peer_of_another_network() -> None:
    one = INITIATOR.channel(Role.INITIATOR, network=OTHER_NETWORK)
    two = RESPONDER.channel(Role.RESPONDER)
    events_of(two, one.data_to_send())
    assert refusal(one, two.data_to_send()) == "3.2"


def test_a_channel_to_itself_is_refused() -> None:
    one = INITIATOR.channel(Role.INITIATOR)
    mirror = Side(INITIATOR.seed, b"m" * 32, b"e" * 32, 1).channel(Role.RESPONDER)
    events_of(mirror, one.data_to_send())
    assert refusal(one, mirror.data_to_send()) == "3.2"
