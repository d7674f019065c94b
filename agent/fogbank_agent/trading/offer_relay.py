"""Passes offers on, and dials providers that were only heard of (SPEC.md section 9.1)."""

from collections.abc import Callable, Sequence
from ipaddress import ip_address

import trio

from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.node import Node, OneWayService, Service
from fogbank_protocol.signed import Signed

from ..limits import HEARD_OFFERS_BODY_BYTES_MAX, OFFER_INTERVAL_S
from ..market.heard_offers import HeardOffers, Passing
from ..market.offers import Offer, open_offer, peek_offer
from ..market.told_offers import TellOffer, decode_told, encode_told
from .methods import OFFERS_METHOD


class OfferRelay:
    """What an agent does with the offers of others."""

    def __init__(self, node: Node, is_seeking: Callable[[], bool]) -> None:
        """Pass on among the peers of ``node``; dial while ``is_seeking`` says so."""
        self._node = node
        self._is_seeking = is_seeking
        self._heard = HeardOffers(node.node_id)

    def services(self) -> list[Service]:
        """Return what the node must serve (``market.offers``)."""
        return [OneWayService(OFFERS_METHOD, self._take, HEARD_OFFERS_BODY_BYTES_MAX)]

    async def run(self) -> None:
        """Pass on what is due, and dial round after round while seeking, until cancelled."""
        while True:
            await trio.sleep(OFFER_INTERVAL_S)
            passing = self._heard.due(trio.current_time())
            if passing:
                self._pass(passing)
            if self._is_seeking():
                self.seek()

    def note_direct(self, offer: Offer, signed: Signed) -> None:
        """Take in an offer that has come from its provider."""
        for peer in self._node.peers():
            told = peer.told_address
            if peer.node_id == offer.provider and told is not None:
                entry = TellOffer(0, offer.valid_s, told.address, signed)
                self._heard.take(offer, entry, offer.provider, trio.current_time())

    def forget(self, peer: NodeId) -> None:
        """Take in that ``peer`` is gone."""
        self._heard.forget(peer)

    def seek(self) -> None:
        """Have some of those dialled that are not connected, as many as this round has left."""
        for dial in self._heard.draw(self._node.is_connected, trio.current_time()):
            self._node.hint(dial.provider, dial.address)

    async def _take(self, peer: NodeId, body: bytes) -> None:
        await trio.lowlevel.checkpoint()
        entries, now = decode_told(body), trio.current_time()
        # What a peer says that is gone already would never be counted among the gone.
        if not self._node.is_connected(peer) or not self._heard.may_say(peer, len(entries), now):
            return
        # A list: each entry counts, whatever those before it were.
        is_new = [self._hear(peer, told, now) for told in entries]
        if any(is_new) and self._is_seeking():
            self.seek()

    def _hear(self, peer: NodeId, told: TellOffer, now: float) -> bool:
        # Looked at before the signature is checked: most are known already.
        provider, sequence = peek_offer(told.offer)
        if not self._heard.is_news(provider, sequence):
            return self._heard.note(provider, sequence, told, peer, now)
        return self._heard.take(open_offer(told.offer, self._node.network), told, peer, now)

    def _pass(self, passing: Sequence[Passing]) -> None:
        for peer in self._node.peers():
            is_local = ip_address(peer.host.split("%")[0]).is_loopback
            entries = [
                one.told
                for one in passing
                if peer.node_id not in (one.provider, one.source)
                and (is_local or not ip_address(one.told.address.host).is_loopback)
            ]
            if entries:
                self._node.send_nowait(peer.node_id, OFFERS_METHOD, encode_told(entries))
