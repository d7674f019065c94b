"""What a network begins with: seats, quorum and balances (SPEC.md section 8.1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.identity import NETWORK_ID_BYTES, NODE_ID_BYTES, NetworkId, NodeId

from .limits import (
    BALANCES_MAX,
    GENESIS_AMOUNT_MAX,
    GENESIS_BYTES_MAX,
    NETWORK_NAME_BYTES_MAX,
    SALT_BYTES,
    SEATS_MAX,
    SUPPLY_LIMIT,
    WEIGHT_MAX,
)

RULE = "8.1"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Genesis:
    """The beginning of a network.  Two nodes with the same ``body`` are in the same network."""

    name: str
    seats: Mapping[NodeId, int]
    """The weight of each validator, ascending by node id."""

    quorum: int
    """The weight that decides."""

    balances: Mapping[NodeId, int]
    """Drops of each account that begins with some, ascending by node id."""

    salt: bytes
    body: bytes
    network: NetworkId

    @property
    def weight(self) -> int:
        """The weight of all seats together."""
        return sum(self.seats.values())

    @property
    def supply(self) -> int:
        """All the drops there are."""
        return sum(self.balances.values())


def new_genesis(
    name: str,
    seats: Mapping[NodeId, int],
    balances: Mapping[NodeId, int],
    salt: bytes,
    quorum: int | None = None,
) -> Genesis:
    """Return the genesis of a new network; ``salt`` is 16 random bytes.

    Without ``quorum`` it is the smallest one that tolerates Byzantine seats of a third of the
    weight: floor(2W/3) + 1.

    Raises:
        LocalProtocolError: a bound of section 8.1 is broken; the message says which.
    """
    if quorum is None:
        quorum = 2 * sum(seats.values()) // 3 + 1
    body = encode([_VERSION, name, _pairs_value(seats), quorum, _pairs_value(balances), salt])
    try:
        return decode_genesis(body)
    except RemoteProtocolError as error:
        raise LocalProtocolError(str(error)) from None


def decode_genesis(body: bytes) -> Genesis:
    """Return the genesis that ``body`` encodes; the caller compares its ``network``.

    Raises:
        RemoteProtocolError: the body breaks section 8.1 or is not canonical (2.1).
    """
    match decode(body, bytes_max=GENESIS_BYTES_MAX):
        case [
            int(version),
            str(name),
            list(seats_value),
            int(quorum),
            list(balances_value),
            bytes(salt),
        ] if version == _VERSION and not isinstance(version, bool):
            # True equals 1 in Python, but is another value on the wire.
            pass
        case _:
            raise RemoteProtocolError("not a genesis", rule=RULE)
    if not 1 <= len(name.encode()) <= NETWORK_NAME_BYTES_MAX or len(salt) != SALT_BYTES:
        raise RemoteProtocolError("a name or salt of a wrong length", rule=RULE)
    seats = _pairs(seats_value, SEATS_MAX, WEIGHT_MAX)
    balances = _pairs(balances_value, BALANCES_MAX, GENESIS_AMOUNT_MAX)
    weight = sum(seats.values())
    if isinstance(quorum, bool) or not weight < 2 * quorum <= 2 * weight:
        raise RemoteProtocolError(f"a quorum of {quorum} for a weight of {weight}", rule=RULE)
    if sum(balances.values()) >= SUPPLY_LIMIT:
        raise RemoteProtocolError("the balances add up to too much", rule=RULE)
    return Genesis(name, seats, quorum, balances, salt, body, _network_id(body))


def _network_id(body: bytes) -> NetworkId:
    digest = blake2b(b"fog-net-1\0" + body, digest_size=32).digest()
    return NetworkId(digest[:NETWORK_ID_BYTES])


def _pairs_value(pairs: Mapping[NodeId, int]) -> Value:
    return [[node_id, number] for node_id, number in sorted(pairs.items())]


def _pairs(value: Sequence[Value], count_max: int, number_max: int) -> dict[NodeId, int]:
    pairs: dict[NodeId, int] = {}
    last = b""
    if not 1 <= len(value) <= count_max:
        raise RemoteProtocolError(f"{len(value)} entries, 1 to {count_max} allowed", rule=RULE)
    for item in value:
        match item:
            case [bytes(node_id), int(number)] if len(node_id) == NODE_ID_BYTES:
                if isinstance(number, bool) or not 1 <= number <= number_max:
                    raise RemoteProtocolError(f"a number outside 1 .. {number_max}", rule=RULE)
                if node_id <= last:
                    raise RemoteProtocolError("entries that do not ascend", rule=RULE)
                pairs[NodeId(node_id)] = number
                last = node_id
            case _:
                raise RemoteProtocolError("not a node id with a number", rule=RULE)
    return pairs
