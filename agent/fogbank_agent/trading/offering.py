"""Keeps every neighbour's copy of this provider's offer fresh (SPEC.md section 9.1)."""

from collections import OrderedDict
from collections.abc import Callable
from random import Random

import trio

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.encoding import encode
from fogbank_protocol.identity import Identity, NodeId
from fogbank_protocol.node.node import Node

from ..limits import OFFER_INTERVAL_S, OFFER_PACKAGES_MAX, OFFER_VALID_S
from ..market.bidding import Prices
from ..market.offers import SERVICE_FEATURE, Offer, StakePlace, sign_offer
from .journal import Journal
from .methods import OFFER_METHOD

_FEATURES = ("command", "reactor", "step")
_SEQUENCES_A_LIFE = 1 << 32


class Offering:
    """Sends offers at connection, on change, and before they expire."""

    def __init__(
        self,
        node: Node,
        identity: Identity,
        journal: Journal,
        prices: Prices,
        slots: int,
        random: Random,
        *,
        sells_services: bool = False,
        stake: Callable[[], StakePlace | None] = lambda: None,
    ) -> None:
        """Offer ``slots`` at ``prices``; the journal numbers this agent's lives.

        ``stake`` tells what stands behind the results.
        """
        self._stake = stake
        self._node = node
        self._identity = identity
        self._prices = prices
        self._slots = slots
        self._random = random
        self._features = sorted((*_FEATURES, SERVICE_FEATURE) if sells_services else _FEATURES)
        self._sequence = journal.count_up("lives") * _SEQUENCES_A_LIFE
        self._packages: OrderedDict[BlobId, None] = OrderedDict()
        self._state = (slots, 1)
        self._changed = trio.Event()

    def refresh(self, prices: Prices, slots_free: int, fuel_per_s: int) -> None:
        """Take in the present state; neighbours hear of a change of slots or prices soon."""
        if slots_free != self._state[0] or prices != self._prices:
            self._changed.set()
        self._prices = prices
        self._state = (slots_free, fuel_per_s)

    def note_package(self, package_id: BlobId) -> None:
        """Take in that a package is here."""
        if package_id not in self._packages:
            self._changed.set()
        self._packages[package_id] = None
        self._packages.move_to_end(package_id)
        if len(self._packages) > OFFER_PACKAGES_MAX:
            self._packages.popitem(last=False)

    def note_stake(self) -> None:
        """Take in that another stake stands, or none."""
        self._changed.set()

    def greet(self, peer: NodeId) -> None:
        """Tell a neighbour that has just come."""
        self._node.send_nowait(peer, OFFER_METHOD, self._message())

    async def run(self) -> None:
        """Tell everybody on change and before offers expire, until cancelled."""
        while True:
            # Spread, so that the neighbours of a network do not all speak at the same time.
            pause_s = OFFER_VALID_S / 2 * (0.75 + 0.25 * self._random.random())
            with trio.move_on_after(pause_s):
                await self._changed.wait()
            self._changed = trio.Event()
            message = self._message()
            for peer in self._node.peers():
                self._node.send_nowait(peer.node_id, OFFER_METHOD, message)
            await trio.sleep(OFFER_INTERVAL_S)

    def _message(self) -> bytes:
        slots_free, fuel_per_s = self._state
        self._sequence += 1
        offer = Offer(
            provider=self._identity.node_id,
            sequence=self._sequence,
            valid_s=OFFER_VALID_S,
            price=self._prices.price,
            start_price=self._prices.start_price,
            fuel_per_s=fuel_per_s,
            memory_bytes_max=self._prices.memory_bytes_max,
            input_bytes_max=self._prices.input_bytes_max,
            output_bytes_max=self._prices.output_bytes_max,
            fuel_max=self._prices.fuel_max,
            slots=self._slots,
            slots_free=slots_free,
            credit=self._prices.credit,
            features=self._features,
            packages=sorted(self._packages),
            stake=self._stake(),
        )
        return encode(sign_offer(offer, self._node.network, self._identity).to_value())
