"""Which peers still answer (SPEC.md section 5.4).

Every peer is pinged after ``PING_INTERVAL_S`` of silence.  Any frame from it is an answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import TypeAlias

from ..identity import NodeId
from ..limits import PING_INTERVAL_S, PINGS_UNANSWERED_MAX
from ..machine import Tick


@dataclass(frozen=True, slots=True)
class PeerHeard:
    """A frame from ``peer`` arrived, or its channel has just opened."""

    peer: NodeId


@dataclass(frozen=True, slots=True)
class PeerClosed:
    """The channel to ``peer`` is gone; forget it."""

    peer: NodeId


@dataclass(frozen=True, slots=True)
class SendPing:
    """Send ``peer`` a ping carrying ``nonce``."""

    peer: NodeId
    nonce: int


@dataclass(frozen=True, slots=True)
class ReportLost:
    """``peer`` no longer answers: close its channel."""

    peer: NodeId


LivenessEvent: TypeAlias = PeerHeard | PeerClosed
LivenessCommand: TypeAlias = SendPing | ReportLost


@dataclass(slots=True)
class _Silence:
    """How long one peer has been silent."""

    ping_at: float
    unanswered: int = 0


class Liveness:
    """Pings silent peers and reports those that stay silent."""

    def __init__(self, nonces: Iterator[int]) -> None:
        """Draw each ping's nonce from ``nonces``, so that a test can foresee it."""
        self._nonces = nonces
        self._silences: dict[NodeId, _Silence] = {}

    @property
    def deadline(self) -> float:
        """When the next ping is due, in seconds on the caller's clock; inf with no peers."""
        return min((silence.ping_at for silence in self._silences.values()), default=inf)

    def handle(self, event: LivenessEvent | Tick, now: float) -> list[LivenessCommand]:
        """Take one event at time ``now`` and return what to do."""
        match event:
            case PeerHeard(peer):
                self._silences[peer] = _Silence(ping_at=now + PING_INTERVAL_S)
                return []
            case PeerClosed(peer):
                self._silences.pop(peer, None)
                return []
            case Tick():
                due = [peer for peer, silence in self._silences.items() if silence.ping_at <= now]
                return [self._ping_or_give_up(peer, now) for peer in due]

    def _ping_or_give_up(self, peer: NodeId, now: float) -> LivenessCommand:
        silence = self._silences[peer]
        if silence.unanswered == PINGS_UNANSWERED_MAX:
            del self._silences[peer]
            return ReportLost(peer)
        # Counted now and not when the answer is overdue: any frame resets the count, so the two
        # agree, and one number is enough.
        silence.unanswered += 1
        silence.ping_at = now + PING_INTERVAL_S
        return SendPing(peer, next(self._nonces))
