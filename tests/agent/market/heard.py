"""Offers heard of, for tests of what becomes of them."""

from dataclasses import replace

from fogbank_agent.market.heard_offers import HeardOffers
from fogbank_agent.market.offers import Offer, sign_offer
from fogbank_agent.market.told_offers import TellOffer
from fogbank_protocol.discovery.address import Address
from fogbank_protocol.identity import NodeId

from .objects import BEN, NETWORK

AN_OFFER = Offer(
    provider=BEN.node_id,
    sequence=5,
    valid_s=100,
    price=1,
    start_price=1,
    fuel_per_s=1,
    memory_bytes_max=1,
    input_bytes_max=1,
    output_bytes_max=1,
    fuel_max=1,
    slots=1,
    slots_free=1,
    credit=1,
    features=("reactor",),
    packages=(),
)
ADDRESS = Address("127.0.0.1", 7001)
TOLD = TellOffer(1, 60, ADDRESS, sign_offer(AN_OFFER, NETWORK, BEN))
LIAR = NodeId(b"L" * 32)


def provider(number: int) -> NodeId:
    """Return the name of a provider; those below 100,000 are invented."""
    return NodeId(number.to_bytes(32, "big"))


def is_invented(provider: NodeId) -> bool:
    """Tell whether a liar made up ``provider``."""
    return int.from_bytes(provider, "big") < 100_000


class Inventor:
    """Tells of ever new providers that are nowhere and take nothing for their work."""

    def __init__(self, source: NodeId = LIAR, hops: int = 1) -> None:
        """Tell as ``source``."""
        self._source = source
        self._told = replace(TOLD, hops=hops, left_s=3_600)
        self._count = 0

    def tell(self, heard: HeardOffers, count: int, now: float) -> int:
        """Invent ``count``, as far as it is let; return how many were taken."""
        taken = 0
        for _ in range(count):
            self._count += 1
            address = Address("192.0.2.1", 1 + self._count % 65_535)
            offer = replace(
                AN_OFFER, provider=provider(self._count), price=0, start_price=0, valid_s=3_600
            )
            if heard.may_say(self._source, 1, now):
                told = replace(self._told, address=address)
                taken += heard.take(offer, told, self._source, now)
        return taken
