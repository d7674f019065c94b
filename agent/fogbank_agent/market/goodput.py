"""How fast bytes move to and from each peer, and which blobs it has (SPEC.md section 9.3).

Learnt from transfers that took place, and from nothing that a peer says of itself.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.identity import NodeId

from ..limits import (
    GOODPUT_BYTES_MIN,
    GOODPUT_GUESS_BYTES_PER_S,
    GOODPUT_MAX_BYTES_PER_S,
    GOODPUT_MIN_BYTES_PER_S,
    GOODPUT_PEERS_MAX,
    GOODPUT_SMOOTHING,
    HOLDINGS_MAX,
    OUTPUT_KEPT_S,
)


@dataclass(slots=True)
class _Rate:
    """A moving average over the last transfers one way."""

    bytes_per_s: int = 0
    """0 before the first."""

    transfers: int = 0

    def learn(self, bytes_per_s: int) -> None:
        """Take in a transfer."""
        self.transfers = min(self.transfers + 1, GOODPUT_SMOOTHING)
        self.bytes_per_s += (bytes_per_s - self.bytes_per_s) // self.transfers


@dataclass(slots=True)
class _Way:
    """Both ways between here and one peer."""

    there: _Rate = field(default_factory=_Rate)
    back: _Rate = field(default_factory=_Rate)


class Goodput:
    """What this agent has measured; bounded, the peers and blobs of long ago are forgotten."""

    def __init__(self) -> None:
        self._ways: OrderedDict[NodeId, _Way] = OrderedDict()
        self._holdings: OrderedDict[tuple[NodeId, BlobId], float] = OrderedDict()

    def learn(self, peer: NodeId, size: int, seconds: float, *, is_sent: bool) -> None:
        """Take in that ``size`` bytes took ``seconds``; so few that they say nothing are not."""
        if size < GOODPUT_BYTES_MIN:
            return
        rate = int(size / max(seconds, 1e-6))
        rate = min(max(rate, GOODPUT_MIN_BYTES_PER_S), GOODPUT_MAX_BYTES_PER_S)
        way = self._ways.setdefault(peer, _Way())
        self._ways.move_to_end(peer)
        (way.there if is_sent else way.back).learn(rate)
        if len(self._ways) > GOODPUT_PEERS_MAX:
            self._ways.popitem(last=False)

    def is_measured(self, peer: NodeId) -> bool:
        """Tell whether anything large has moved to or from ``peer``."""
        return peer in self._ways

    def milliseconds(self, peer: NodeId, bytes_there: int, bytes_back: int) -> int:
        """Return what it takes to move so much to ``peer`` and from it.

        A way that was never measured is taken to be like the other one, or like a busy LAN.
        """
        way = self._ways.get(peer)
        there = back = GOODPUT_GUESS_BYTES_PER_S
        if way is not None:
            there = way.there.bytes_per_s or way.back.bytes_per_s
            back = way.back.bytes_per_s or way.there.bytes_per_s
        return bytes_there * 1_000 // there + bytes_back * 1_000 // back

    def note_holder(self, peer: NodeId, blob_id: BlobId, now: float) -> None:
        """Remember that ``peer`` has the blob, as of ``now``."""
        self._holdings[peer, blob_id] = now
        self._holdings.move_to_end((peer, blob_id))
        if len(self._holdings) > HOLDINGS_MAX:
            self._holdings.popitem(last=False)

    def holds(self, peer: NodeId, blob_id: BlobId, now: float) -> bool:
        """Tell whether ``peer`` had the blob so lately that it has it still."""
        noted_at = self._holdings.get((peer, blob_id))
        return noted_at is not None and now - noted_at < OUTPUT_KEPT_S
