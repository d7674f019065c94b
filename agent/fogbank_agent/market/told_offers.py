"""An offer on its way from neighbour to neighbour: ``market.offers`` (SPEC.md section 9.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

from fogbank_protocol.discovery.address import Address, address_from_values
from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.signed import Signed, signed_from_value

from ..limits import (
    HEARD_OFFERS_BODY_BYTES_MAX,
    OFFER_HOPS_MAX,
    OFFER_VALID_S_MAX,
    OFFERS_TOLD_TOGETHER_MAX,
)
from .fields import Fields
from .offers import OFFER

_RULE = "9.1"


@dataclass(frozen=True, slots=True)
class TellOffer:
    """One offer on its way from neighbour to neighbour."""

    hops: int
    """1 when its sender has it from the provider itself."""

    left_s: int
    """How long it still holds."""

    address: Address
    """Where the provider is said to be."""

    offer: Signed


def encode_told(entries: Sequence[TellOffer]) -> bytes:
    """Return the body of ``market.offers``."""
    return encode(
        [
            [one.hops, one.left_s, one.address.host, one.address.port, one.offer.to_value()]
            for one in entries
        ]
    )


def decode_told(body: bytes) -> Sequence[TellOffer]:
    """Return the entries of ``body``; no signature is checked.

    Raises:
        RemoteProtocolError: it breaks a rule of section 9.1.
    """
    value = decode(body, bytes_max=HEARD_OFFERS_BODY_BYTES_MAX)
    if not isinstance(value, list) or not 1 <= len(value) <= OFFERS_TOLD_TOGETHER_MAX:
        raise RemoteProtocolError("not a list of offers", rule=_RULE)
    return [_entry(one) for one in value]


def _entry(value: Value) -> TellOffer:
    fields = Fields(value, 5, rule=_RULE)
    hops = fields.integer(OFFER_HOPS_MAX, least=1)
    left_s = fields.integer(OFFER_VALID_S_MAX, least=1)
    address = address_from_values(fields.anything(), fields.anything())
    return TellOffer(hops, left_s, address, signed_from_value(OFFER, fields.anything()))
