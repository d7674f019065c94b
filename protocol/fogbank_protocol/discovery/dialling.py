"""Which address to dial, and when (SPEC.md sections 5.2 and 5.3).

Addresses come as hints from anywhere.  Each is dialled until it answers, ever less often; none is
dialled while its peer has a channel.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import TypeAlias

from ..identity import NodeId
from ..limits import (
    CUT_OFF_PEERS_MAX,
    CUT_OFF_S,
    DIAL_DELAY_S_MAX,
    DIAL_DELAY_S_MIN,
    DIAL_JITTER_MAX,
    DIAL_POLITE_S,
    DIALS_MAX,
    FORGET_AFTER_FAILURES,
    LASTING_CHANNEL_S,
    PEERS_MAX,
)
from ..machine import Tick
from .address import Address
from .candidates import Candidate, Candidates, Source


@dataclass(frozen=True, slots=True)
class AddressLearnt:
    """Somebody may be at ``address``; ``peer`` is who it is said to be, if that is known."""

    address: Address
    peer: NodeId | None
    source: Source


@dataclass(frozen=True, slots=True)
class AddressWithdrawn:
    """The announcement of ``address`` was taken back."""

    address: Address


@dataclass(frozen=True, slots=True)
class DialFailed:
    """Nobody of this network answered at ``address``."""

    address: Address


@dataclass(frozen=True, slots=True)
class DialReached:
    """``peer`` answered at ``address``, whether or not the channel was kept."""

    address: Address
    peer: NodeId


@dataclass(frozen=True, slots=True)
class PeerOpened:
    """``peer`` has a channel now."""

    peer: NodeId


@dataclass(frozen=True, slots=True)
class PeerClosed:
    """``peer`` has no channel any more."""

    peer: NodeId


@dataclass(frozen=True, slots=True)
class PeerMisbehaved:
    """Have nothing to do with ``peer`` for ``CUT_OFF_S``."""

    peer: NodeId


@dataclass(frozen=True, slots=True)
class Dial:
    """Open a channel to whoever is at ``address``, and report how it went."""

    address: Address


DiallingEvent: TypeAlias = (
    AddressLearnt
    | AddressWithdrawn
    | DialFailed
    | DialReached
    | PeerOpened
    | PeerClosed
    | PeerMisbehaved
)


class Dialling:
    """Decides whom to dial from hints, failures, and who is here already."""

    def __init__(self, own_id: NodeId, jitter: Iterator[float]) -> None:
        """Draw numbers from 0 up to 1 from ``jitter`` to spread the dials of many agents."""
        self._own_id = own_id
        self._jitter = jitter
        self._candidates = Candidates()
        self._open_since: dict[NodeId, float] = {}
        self._cut_off_until: dict[NodeId, float] = {}

    @property
    def deadline(self) -> float:
        """When the next dial is due, in seconds on the caller's clock; inf when none is."""
        return min((self._dialled_from(candidate) for candidate in self._dialable()), default=inf)

    def is_cut_off(self, peer: NodeId, now: float) -> bool:
        """Tell whether ``peer`` misbehaved too short a time ago to be accepted at ``now``."""
        return self._cut_off_until.get(peer, -inf) > now

    def handle(self, event: DiallingEvent | Tick, now: float) -> Sequence[Dial]:
        """Take one event at time ``now`` and return whom to dial."""
        match event:
            case AddressLearnt():
                self._learn(event, now)
            case AddressWithdrawn(address):
                self._withdraw(address)
            case DialFailed(address):
                self._fail(address, now)
            case DialReached(address, peer):
                self._reach(address, peer, now)
            case PeerOpened(peer):
                self._open_since[peer] = now
            case PeerClosed(peer):
                self._lose(peer, now)
            case PeerMisbehaved(peer):
                self._cut_off(peer, now)
            case Tick():
                pass
        return self._due(now)

    def _learn(self, event: AddressLearnt, now: float) -> None:
        if event.peer == self._own_id:
            return
        due_at = now + self._courtesy_s(event)
        candidate = self._candidates.get(event.address)
        if candidate is None:
            newcomer = Candidate(event.address, event.peer, due_at, {event.source})
            self._candidates.add(newcomer)
            return
        candidate.sources.add(event.source)
        is_fresh = event.source is Source.ANNOUNCED
        if candidate.peer == self._own_id or (candidate.is_proved and not is_fresh):
            return
        if candidate.peer != event.peer:
            # One of the hints is old or a lie, told to hide whoever is there behind a peer that has
            # a channel: only a dial can tell.
            candidate.peer = None
            candidate.is_proved = False
        if is_fresh:
            # Somebody has just started there: what failed before says nothing about it.  But who
            # announces without end must not have everyone dial without end.
            candidate.failures = 0
            again_at = max(due_at, candidate.dialled_at + DIAL_DELAY_S_MIN)
            candidate.due_at = min(candidate.due_at, again_at)

    def _courtesy_s(self, event: AddressLearnt) -> float:
        """Return how long to leave the first move to a peer that hears of this agent as well."""
        mutual = event.source is Source.ANNOUNCED and event.peer is not None
        return DIAL_POLITE_S if mutual and (event.peer or b"") < self._own_id else 0.0

    def _withdraw(self, address: Address) -> None:
        candidate = self._candidates.get(address)
        if candidate is None:
            return
        candidate.sources.discard(Source.ANNOUNCED)
        if not candidate.sources and not candidate.in_progress:
            self._candidates.drop(candidate)

    def _fail(self, address: Address, now: float) -> None:
        candidate = self._candidates.get(address)
        if candidate is not None:
            candidate.in_progress = False
            self._put_off(candidate, now)

    def _put_off(self, candidate: Candidate, now: float) -> None:
        candidate.failures += 1
        is_hopeless = candidate.failures >= FORGET_AFTER_FAILURES or not candidate.sources
        if is_hopeless and not candidate.is_configured:
            self._candidates.drop(candidate)
        else:
            candidate.due_at = now + self._delay_s(candidate.failures)

    def _delay_s(self, failures: int) -> float:
        # The exponent is bounded so that years of failures do not overflow a float.
        doubled = DIAL_DELAY_S_MIN * 2.0 ** min(failures - 1, 16)
        return min(doubled, DIAL_DELAY_S_MAX) * (1 + DIAL_JITTER_MAX * next(self._jitter))

    def _reach(self, address: Address, peer: NodeId, now: float) -> None:
        candidate = self._candidates.get(address)
        if candidate is not None:
            candidate.in_progress = False
            # When it is this agent itself the entry stays and is never due: so it is not tried
            # again each time that somebody tells of it.
            candidate.peer = peer
            candidate.is_proved = True
            candidate.due_at = now + self._delay_s(1)

    def _lose(self, peer: NodeId, now: float) -> None:
        open_since = self._open_since.pop(peer, now)
        for candidate in self._candidates.of(peer):
            if now - open_since >= LASTING_CHANNEL_S:
                candidate.failures = 0
            if not candidate.in_progress:
                # A peer that accepts and closes at once is put off like one that does not answer.
                self._put_off(candidate, now)

    def _cut_off(self, peer: NodeId, now: float) -> None:
        self._cut_off_until.pop(peer, None)
        self._cut_off_until[peer] = now + CUT_OFF_S
        if len(self._cut_off_until) > CUT_OFF_PEERS_MAX:
            del self._cut_off_until[next(iter(self._cut_off_until))]

    def _due(self, now: float) -> Sequence[Dial]:
        dials: list[Dial] = []
        while due := [c for c in self._dialable() if self._dialled_from(c) <= now]:
            # One at a time, because a dial makes other addresses of the same peer wait.
            first = min(due, key=self._rank)
            first.in_progress = True
            first.dialled_at = now
            dials.append(Dial(first.address))
        return dials

    def _dialable(self) -> Sequence[Candidate]:
        """Return who may be dialled, now or later: never itself, and one dial a peer at a time."""
        in_progress = [candidate for candidate in self._candidates if candidate.in_progress]
        # With as many peers as can be kept a dial would end with "busy", again and again.
        if len(in_progress) >= DIALS_MAX or len(self._open_since) >= PEERS_MAX:
            return []
        busy = {candidate.peer for candidate in in_progress if candidate.peer is not None}
        busy.add(self._own_id)
        return [
            candidate
            for candidate in self._candidates
            if not candidate.in_progress
            and candidate.peer not in busy
            and candidate.peer not in self._open_since
        ]

    def _rank(self, candidate: Candidate) -> tuple[bool, bool, int, float]:
        """Order those who are due: invented addresses must not make the others wait for long."""
        is_rumour = candidate.sources == {Source.TOLD}
        due_at = self._dialled_from(candidate)
        return (not candidate.is_configured, is_rumour, candidate.failures, due_at)

    def _dialled_from(self, candidate: Candidate) -> float:
        if candidate.peer is None:
            return candidate.due_at
        return max(candidate.due_at, self._cut_off_until.get(candidate.peer, -inf))
