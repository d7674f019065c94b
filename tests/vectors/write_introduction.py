"""Vectors of introductions and of whole handshakes (SPEC.md sections 3.1 to 3.3)."""

from dataclasses import dataclass
from typing import Any

from nacl.bindings import crypto_scalarmult_base

from fogbank_protocol.channel.channel import NeedData, PlaintextReceived, SecureChannel
from fogbank_protocol.channel.introduction import DOMAIN, Versions, encode_introduction
from fogbank_protocol.channel.noise import Role
from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.identity import Identity, NetworkId

Json = dict[str, Any]

NETWORK = NetworkId(bytes.fromhex("1122334455667788"))
OTHER_NETWORK = NetworkId(bytes.fromhex("1122334455667789"))


@dataclass(frozen=True, slots=True)
class Side:
    """All that one side of a handshake has, secrets included."""

    seed: bytes
    static_secret: bytes
    ephemeral_secret: bytes
    port: int

    @property
    def identity(self) -> Identity:
        return Identity.from_seed(self.seed)

    @property
    def static_public(self) -> bytes:
        return crypto_scalarmult_base(self.static_secret)

    def channel(
        self,
        role: Role,
        network: NetworkId = NETWORK,
        versions: Versions = Versions(),  # noqa: B008 - a frozen value
    ) -> SecureChannel:
        return SecureChannel(
            role,
            self.identity,
            network,
            static_key_seed=self.static_secret,
            ephemeral_seed=self.ephemeral_secret,
            port=self.port,
            versions=versions,
        )

    def in_json(self) -> Json:
        return {
            "seed": self.seed.hex(),
            "node_id": self.identity.node_id.hex(),
            "static_secret": self.static_secret.hex(),
            "ephemeral_secret": self.ephemeral_secret.hex(),
            "port": self.port,
        }


INITIATOR = Side(b"i" * 32, bytes(range(32)), bytes(range(32, 64)), 4711)
RESPONDER = Side(b"r" * 32, bytes(range(64, 96)), bytes(range(96, 128)), 0)


def fields_of(side: Side) -> list[Value]:
    """Return the fields of a good introduction of ``side``."""
    identity = side.identity
    signature = identity.sign(DOMAIN + NETWORK + side.static_public)
    return [1, 1, NETWORK, identity.node_id, signature, side.port]


def _filled(size: int) -> bytes:
    """Return a good introduction of ``size`` bytes, made longer by an element to be ignored."""
    header_bytes = 3
    filling = size - len(encode(fields_of(INITIATOR))) - header_bytes
    return encode([*fields_of(INITIATOR), b"." * filling])


def _accepted() -> list[Json]:
    versions = {"one version": Versions(1, 1), "many versions": Versions(65_535, 1)}
    cases = {
        name: encode_introduction(
            spoken, NETWORK, INITIATOR.identity, INITIATOR.static_public, INITIATOR.port
        )
        for name, spoken in versions.items()
    }
    cases["elements of a later version"] = encode([*fields_of(INITIATOR), "more", [b"and more"]])
    cases["as long as is allowed"] = _filled(1024)
    return [{"name": name, "hex": data.hex()} for name, data in cases.items()]


def _rejected() -> list[Json]:
    def but(index: int, value: Value) -> list[Value]:
        fields = fields_of(INITIATOR)
        fields[index] = value
        return fields

    identity, static = INITIATOR.identity, INITIATOR.static_public
    values: dict[str, tuple[Value, str]] = {
        "not an array": (b"", "3.2"),
        "a field missing": (fields_of(INITIATOR)[:-1], "3.2"),
        "version_max below version_min": (but(1, 2), "3.2"),
        "version_max out of range": (but(0, 65_536), "3.2"),
        "version_min zero": (but(1, 0), "3.2"),
        "a version that is a boolean": (but(0, True), "3.2"),
        "a network of seven bytes": (but(2, NETWORK[:-1]), "3.2"),
        "a network that is text": (but(2, "networks"), "3.2"),
        "a node id of 31 bytes": (but(3, identity.node_id[:-1]), "3.2"),
        "a port out of range": (but(5, 65_536), "3.2"),
        "a port that is nil": (but(5, None), "3.2"),
        "another's node id": (but(3, RESPONDER.identity.node_id), "3.2"),
        "another network than was signed": (but(2, OTHER_NETWORK), "3.2"),
        "another static key than was signed": (
            but(4, identity.sign(DOMAIN + NETWORK + RESPONDER.static_public)),
            "3.2",
        ),
        "signed without the domain": (but(4, identity.sign(NETWORK + static)), "3.2"),
        "a signature of 63 bytes": (but(4, bytes(63)), "3.2"),
    }
    rejected = [
        {"name": name, "hex": encode(value).hex(), "rule": rule}
        for name, (value, rule) in values.items()
    ]
    rejected.append({"name": "one byte too long", "hex": _filled(1025).hex(), "rule": "2.1"})
    good = encode(fields_of(INITIATOR))
    rejected.append({"name": "not canonical", "hex": ("96cc01" + good[2:].hex()), "rule": "2.1"})
    return rejected


def _handshake() -> Json:
    """Return the bytes on the wire of one handshake and two messages, in their order."""
    one, two = INITIATOR.channel(Role.INITIATOR), RESPONDER.channel(Role.RESPONDER)
    flights: list[Json] = []

    def pass_on(name: str, sender: str, data: bytes) -> None:
        flights.append({"name": name, "sender": sender, "hex": data.hex()})
        receiver = two if sender == "initiator" else one
        receiver.receive_data(data)
        while not isinstance(receiver.next_event(), NeedData | PlaintextReceived):
            pass

    pass_on("message 1", "initiator", one.data_to_send())
    pass_on("message 2", "responder", two.data_to_send())
    pass_on("message 3", "initiator", one.data_to_send())
    pass_on("from the initiator: hello", "initiator", one.send_plaintext(b"hello"))
    pass_on("from the responder: good day", "responder", two.send_plaintext(b"good day"))
    return {
        "name": "a handshake and a message each way",
        "initiator": INITIATOR.in_json(),
        "responder": RESPONDER.in_json(),
        "flights": flights,
    }


def build() -> Json:
    """Return the vectors."""
    return {
        "spec": "3.2",
        "network": NETWORK.hex(),
        "static_public": INITIATOR.static_public.hex(),
        "accept": _accepted(),
        "reject": _rejected(),
        "handshakes": [_handshake()],
    }
