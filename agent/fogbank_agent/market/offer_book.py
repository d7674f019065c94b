"""The offers of connected providers that still hold (SPEC.md section 9.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

from fogbank_protocol.identity import NodeId

from .offers import Offer


@dataclass(frozen=True, slots=True)
class _Entry:
    offer: Offer
    ends_at: float


class OfferBook:
    """One offer per provider.  It is as large as there are channels: strangers have no entry."""

    def __init__(self) -> None:
        self._entries: dict[NodeId, _Entry] = {}

    def put(self, offer: Offer, now: float) -> bool:
        """Keep ``offer``, which has arrived at ``now``; False when a later one is here already."""
        known = self._entries.get(offer.provider)
        if known is not None and known.offer.sequence >= offer.sequence:
            return False
        self._entries[offer.provider] = _Entry(offer, now + offer.valid_s)
        return True

    def forget(self, provider: NodeId) -> None:
        """Drop the offer of a provider that is gone."""
        self._entries.pop(provider, None)

    def find(self, provider: NodeId, now: float) -> Offer | None:
        """Return the provider's offer when it holds at ``now``."""
        entry = self._entries.get(provider)
        return entry.offer if entry is not None and now < entry.ends_at else None

    def current(self, now: float) -> Sequence[Offer]:
        """Return the offers that hold at ``now``, in the order in which the providers came."""
        return [entry.offer for entry in self._entries.values() if now < entry.ends_at]
