"""Vertices that wait for their signatures to be checked: whose turn it is (SPEC.md section 8.23).

First by kind, then by the peer that sent them, then by issuer.  An issuer is only claimed before
the signature was checked, and the peer is not: who forges takes the turns of its own peer.
"""

from collections.abc import Hashable, Sequence
from enum import Enum, auto
from typing import Generic, TypeVar

from fogbank_protocol.identity import NodeId

from .fair_queue import FairQueue
from .ledger import Ledger
from .limits import ARRIVALS_COST_MAX, ARRIVALS_IN_ORDER, SEAT_SHARE, SIGNATURE_COST
from .vertex import Vertex

Item = TypeVar("Item")


class _Kind(Enum):
    """Why a vertex is here; each kind has its own turns, and its own part of the room."""

    ASKED = auto()
    SEAT = auto()
    OTHER = auto()


_STRANGERS = "strangers"
"""All issuers of whom nothing is held share one turn: their keys cost nothing."""

_LEVEL_OF_PEERS = 1
_LEVEL_OF_ISSUERS = 2


class Arrivals(Generic[Item]):
    """What has arrived, in a queue that is fair to peers and issuers."""

    def __init__(self, ledger: Ledger, *, in_order: int = ARRIVALS_IN_ORDER) -> None:
        """Look up in ``ledger`` who is who; ``in_order`` is as for a ``FairQueue``."""
        self._ledger = ledger
        self._queue: FairQueue[Item] = FairQueue(
            ARRIVALS_COST_MAX, in_order=in_order, share=self._share, rank=self._rank
        )

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._queue)

    def put(self, item: Item, vertex: Vertex, peer: NodeId, *, is_asked: bool) -> list[Item]:
        """Add ``item``, which is ``vertex`` from ``peer``; return what had to go for it."""
        issuer = vertex.issuer
        if is_asked:
            kind = _Kind.ASKED
        else:
            kind = _Kind.SEAT if self._ledger.epochs.weight_of(issuer) else _Kind.OTHER
        # What was asked for comes in an order in which edges stand before what has them.
        issued_by = issuer if self._ledger.chain(issuer) is not None else _STRANGERS
        path = (kind, peer, peer if is_asked else issued_by)
        return self._queue.put(path, item, SIGNATURE_COST + len(vertex.body))

    def take(self, count: int) -> Sequence[Item]:
        """Remove and return up to ``count``."""
        return self._queue.take(count)

    def _share(self, level: int, key: Hashable) -> int:
        has_seat = level in (_LEVEL_OF_PEERS, _LEVEL_OF_ISSUERS) and (
            isinstance(key, bytes) and self._ledger.epochs.weight_of(NodeId(key)) > 0
        )
        return SEAT_SHARE if has_seat else 1

    def _rank(self, level: int, key: Hashable) -> int:
        """Among issuers the one goes first whose last vertex has been final for longest."""
        if level != _LEVEL_OF_ISSUERS or not isinstance(key, bytes):
            return 0
        chain = self._ledger.chain(NodeId(key))
        return 0 if chain is None else chain.final_turn
