"""One secure channel as a codec: bytes of a stream in, events out (SPEC.md section 3).

::

    channel = SecureChannel(Role.INITIATOR, identity, network, static_key_seed=..., ...)
    await stream.send_all(channel.data_to_send())
    while True:
        match channel.next_event():
            case NeedData():
                channel.receive_data(await stream.receive_some(65_536))
            case HandshakeDone(peer=peer):
                await stream.send_all(channel.data_to_send())
            case PlaintextReceived(data):
                calls.receive_data(data)
            case StreamClosed():
                break
"""

from dataclasses import dataclass
from enum import Enum, auto

from ..errors import LocalProtocolError, RemoteProtocolError
from ..identity import Identity, NetworkId, NodeId
from ..limits import HANDSHAKE_RECORD_BYTES_MAX, RECORD_PLAINTEXT_BYTES_MAX
from .introduction import (
    DOMAIN,
    Introduction,
    Versions,
    decode_introduction,
    encode_introduction,
)
from .noise import CipherState, Handshake, Role

_LENGTH_BYTES = 2


@dataclass(frozen=True, slots=True)
class HandshakeDone:
    """The channel is open and ``peer`` has proved who it is; flush ``data_to_send()`` now."""

    peer: NodeId
    version: int
    """The version of the wire that both sides use from here on."""
    port: int
    """The TCP port on which the peer says it accepts channels; 0 when it accepts none."""


@dataclass(frozen=True, slots=True)
class PlaintextReceived:
    """Bytes of the peer's stream; where one event ends means nothing."""

    data: bytes


@dataclass(frozen=True, slots=True)
class NeedData:
    """Nothing more until ``receive_data``; ``data_to_send`` may have an answer to flush."""


@dataclass(frozen=True, slots=True)
class StreamClosed:
    """The peer closed the stream between two records."""


Event = HandshakeDone | PlaintextReceived | NeedData | StreamClosed


class _State(Enum):
    SHAKING_HANDS = auto()
    OPEN = auto()
    BROKEN = auto()


class SecureChannel:
    """One end of a channel.

    Feed it with ``receive_data`` and call ``next_event`` until it returns ``NeedData``, then write
    ``data_to_send()`` if there is any.  At most one record (64 KiB) and what was fed last are kept.
    A caller closes the stream when ``next_event`` raises, and when no ``HandshakeDone`` came
    within ``HANDSHAKE_TIMEOUT_S``.
    """

    def __init__(
        self,
        role: Role,
        identity: Identity,
        network: NetworkId,
        *,
        static_key_seed: bytes,
        ephemeral_seed: bytes,
        port: int,
        versions: Versions = Versions(),  # noqa: B008 - a frozen value
    ) -> None:
        """Begin a handshake as ``identity`` in ``network``.

        ``static_key_seed`` and ``ephemeral_seed`` are 32 secret random bytes each: the first drawn
        once by a process, the second for this channel alone.  ``port`` is the TCP port on which
        this side accepts channels, 0 for none.
        """
        self._identity = identity
        self._network = network
        self._port = port
        self._versions = versions
        self._handshake = Handshake(
            role, prologue=DOMAIN, static_secret=static_key_seed, ephemeral_secret=ephemeral_seed
        )
        self._state = _State.SHAKING_HANDS
        self._sending: CipherState | None = None
        self._receiving: CipherState | None = None
        self._received = bytearray()
        self._has_ended = False
        self._to_send = bytearray()
        if role is Role.INITIATOR:
            self._queue_record(self._handshake.write_message(b""))

    def receive_data(self, data: bytes) -> None:
        """Take bytes that arrived, in any pieces; ``b""`` says that the peer closed the stream."""
        if not data:
            self._has_ended = True
        self._received += data

    def next_event(self) -> Event:
        """Return what happened next.

        Raises:
            RemoteProtocolError: the peer broke a rule of section 3 or the stream ended in the
                middle of something: close the stream.  Every later call raises again.
        """
        if self._state is _State.BROKEN:
            raise RemoteProtocolError("the channel is closed", rule="3.4")
        try:
            return self._next_event()
        except RemoteProtocolError:
            self._state = _State.BROKEN
            raise

    def send_plaintext(self, data: bytes) -> bytes:
        """Return the records that carry ``data``, after anything that ``data_to_send`` has left.

        Raises:
            LocalProtocolError: the channel is not open, or its nonces are used up.
        """
        if self._state is not _State.OPEN or self._sending is None:
            raise LocalProtocolError("the channel is not open")
        parts = [self.data_to_send()]
        for start in range(0, len(data), RECORD_PLAINTEXT_BYTES_MAX):
            message = self._sending.encrypt(b"", data[start : start + RECORD_PLAINTEXT_BYTES_MAX])
            parts += (len(message).to_bytes(_LENGTH_BYTES, "big"), message)
        return b"".join(parts)

    def data_to_send(self) -> bytes:
        """Return the bytes of the handshake that wait to be written, once."""
        data = bytes(self._to_send)
        self._to_send.clear()
        return data

    def _queue_record(self, message: bytes) -> None:
        self._to_send += len(message).to_bytes(_LENGTH_BYTES, "big")
        self._to_send += message

    def _next_event(self) -> Event:
        while (record := self._take_record()) is not None:
            if self._receiving is not None:
                plaintext = self._receiving.decrypt(b"", record, rule="3.3")
                if plaintext:
                    return PlaintextReceived(plaintext)
            elif (done := self._handle_handshake(record)) is not None:
                return done
        if not self._has_ended:
            return NeedData()
        if self._received or self._state is not _State.OPEN:
            raise RemoteProtocolError("the stream ended in the middle of something", rule="3.1")
        return StreamClosed()

    def _take_record(self) -> bytes | None:
        if len(self._received) < _LENGTH_BYTES:
            return None
        size = int.from_bytes(self._received[:_LENGTH_BYTES], "big")
        if size == 0:
            raise RemoteProtocolError("an empty record", rule="3.1")
        if self._receiving is None and size > HANDSHAKE_RECORD_BYTES_MAX:
            raise RemoteProtocolError("a handshake record that is too long", rule="3.2")
        end = _LENGTH_BYTES + size
        if len(self._received) < end:
            return None
        record = bytes(memoryview(self._received)[_LENGTH_BYTES:end])
        del self._received[:end]
        return record

    def _handle_handshake(self, record: bytes) -> HandshakeDone | None:
        """Take the peer's next handshake message and answer it if it is our turn."""
        payload = self._handshake.read_message(record)
        static_public = self._handshake.remote_static
        if static_public is None:
            if payload:
                raise RemoteProtocolError("handshake message 1 with a payload", rule="3.2")
            self._queue_record(self._handshake.write_message(self._own_introduction()))
            return None
        introduction = decode_introduction(payload, static_public)
        version = self._accept(introduction)
        if self._handshake.is_writing:
            self._queue_record(self._handshake.write_message(self._own_introduction()))
        self._sending, self._receiving = self._handshake.split()
        self._state = _State.OPEN
        return HandshakeDone(introduction.node_id, version, introduction.port)

    def _accept(self, introduction: Introduction) -> int:
        """Return the version to speak with this peer, or refuse it."""
        if introduction.network != self._network:
            raise RemoteProtocolError(
                f"the peer belongs to network {introduction.network.hex()}", rule="3.2"
            )
        if introduction.node_id == self._identity.node_id:
            raise RemoteProtocolError("the peer has this agent's own node id", rule="3.2")
        return self._versions.agreed_with(introduction.versions)

    def _own_introduction(self) -> bytes:
        return encode_introduction(
            self._versions,
            self._network,
            self._identity,
            self._handshake.static_public,
            self._port,
        )
