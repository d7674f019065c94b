"""For whom places are kept among the peers (SPEC.md section 5.3)."""

from collections.abc import Iterable

from ..discovery.address import Address
from ..discovery.candidates import Source
from ..discovery.dialling import AddressLearnt
from ..identity import NodeId

_TRUSTED = (Source.CONFIGURED, Source.REMEMBERED)


class Reservations:
    """The peers that a person chose, or that were reached in an earlier life."""

    def __init__(self, kept: Iterable[NodeId]) -> None:
        """Keep places for ``kept``, and for what ``learn`` is told."""
        self._peers = set(kept)
        self._addresses: set[Address] = set()

    def learn(self, event: AddressLearnt) -> None:
        """Take note of an address from the configuration or of an earlier life."""
        if event.source in _TRUSTED:
            self._addresses.add(event.address)
            if event.peer is not None:
                self._peers.add(event.peer)

    def is_kept(self, peer: NodeId, dialled: Address | None) -> bool:
        """Tell whether a place is kept for ``peer``, reached at ``dialled`` or come by itself."""
        return peer in self._peers or dialled in self._addresses
