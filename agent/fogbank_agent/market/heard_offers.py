"""Offers that others passed on: of whom an agent has heard, and what it passes on (9.1)."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fogbank_protocol.discovery.address import Address, address_from_values
from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId
from fogbank_protocol.signed import Signed, signed_from_value

from ..limits import (
    HEARD_OFFERS_A_MINUTE_MAX,
    HEARD_OFFERS_BODY_BYTES_MAX,
    HEARD_OFFERS_MAX,
    OFFER_HOPS_MAX,
    OFFER_RELAY_S,
    OFFER_VALID_S_MAX,
    OFFERS_TOLD_TOGETHER_MAX,
)
from .fields import Fields
from .offers import OFFER, Offer

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


@dataclass(frozen=True, slots=True)
class HeardOffer:
    """An offer of somebody who is not connected, perhaps."""

    offer: Offer
    address: Address


@dataclass(frozen=True, slots=True)
class Passing:
    """What goes to everybody but the provider and ``source``."""

    provider: NodeId
    source: NodeId
    told: TellOffer


@dataclass(slots=True)
class _Entry:
    offer: Offer
    told: TellOffer
    source: NodeId
    ends_at: float
    passed_at: float = float("-inf")
    is_passed: bool = False


@dataclass(slots=True)
class _Allowance:
    since: float
    entries: int = 0


class HeardOffers:
    """One entry per provider, the latest; a flood of inventions finds no room."""

    def __init__(self, own_id: NodeId) -> None:
        """Listen for the agent ``own_id``."""
        self._own_id = own_id
        self._entries: OrderedDict[NodeId, _Entry] = OrderedDict()
        self._allowances: dict[NodeId, _Allowance] = {}

    def may_say(self, source: NodeId, entries: int, now: float) -> bool:
        """Tell whether ``source`` may be listened to: a minute has room for so many entries."""
        allowance = self._allowances.setdefault(source, _Allowance(now))
        if now >= allowance.since + 60:
            allowance.since, allowance.entries = now, 0
        allowance.entries += entries
        return allowance.entries <= HEARD_OFFERS_A_MINUTE_MAX

    def is_news(self, provider: NodeId, sequence: int) -> bool:
        """Tell whether an offer of ``provider`` with ``sequence`` would be taken."""
        known = self._entries.get(provider)
        return provider != self._own_id and (known is None or known.offer.sequence < sequence)

    def take(self, offer: Offer, told: TellOffer, source: NodeId, now: float) -> bool:
        """Take in an offer whose signature holds; False when it is old or there is no room.

        ``told.hops`` is 0 for one that comes from its provider itself.
        """
        if not self.is_news(offer.provider, offer.sequence):
            return False
        known = self._entries.pop(offer.provider, None)
        if known is None and len(self._entries) >= HEARD_OFFERS_MAX:
            self._forget_ended(now)
            if len(self._entries) >= HEARD_OFFERS_MAX:
                return False
        # What a neighbour says of the rest cannot be more than the provider has said itself.
        left_s = min(told.left_s, offer.valid_s)
        entry = _Entry(offer, told, source, now + left_s)
        if known is not None:
            entry.passed_at = known.passed_at
        self._entries[offer.provider] = entry
        return True

    def forget(self, peer: NodeId) -> None:
        """Forget how much a peer that is gone has said."""
        self._allowances.pop(peer, None)

    def due(self, now: float) -> Sequence[Passing]:
        """Return what to pass on now, each offer once, and count it as passed on."""
        passing: list[Passing] = []
        for provider, entry in self._entries.items():
            if len(passing) == OFFERS_TOLD_TOGETHER_MAX:
                break
            left_s = int(entry.ends_at - now)
            is_due = not entry.is_passed and now >= entry.passed_at + OFFER_RELAY_S
            if is_due and left_s >= 1 and entry.told.hops < OFFER_HOPS_MAX:
                entry.is_passed, entry.passed_at = True, now
                told = replace(entry.told, hops=entry.told.hops + 1, left_s=left_s)
                passing.append(Passing(provider, entry.source, told))
        return passing

    def current(self, now: float) -> Sequence[HeardOffer]:
        """Return the offers that hold at ``now``, the cheapest first."""
        held = [entry for entry in self._entries.values() if now < entry.ends_at]
        held.sort(key=lambda entry: (entry.offer.price, entry.offer.start_price))
        return [HeardOffer(entry.offer, entry.told.address) for entry in held]

    def _forget_ended(self, now: float) -> None:
        # Kept for as long as any offer may hold: an old one must not come back as news.
        for provider, entry in list(self._entries.items()):
            if now >= entry.ends_at + OFFER_VALID_S_MAX:
                del self._entries[provider]
