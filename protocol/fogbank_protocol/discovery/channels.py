"""Which of two channels to the same peer is kept (SPEC.md section 5.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..identity import NodeId
from ..limits import CROSSING_CHANNELS_S, PEERS_MAX, PEERS_RESERVED
from ..machine import Tick


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """A handshake with ``peer`` is complete.  ``channel`` is a number the shell gave it."""

    peer: NodeId
    channel: int
    opened_here: bool
    is_reserved: bool = False
    """Whether a place is kept for this peer."""


@dataclass(frozen=True, slots=True)
class ChannelClosed:
    """``channel`` is closed, whoever closed it."""

    channel: int


@dataclass(frozen=True, slots=True)
class UseChannel:
    """From now on ``peer`` is called over ``channel``."""

    peer: NodeId
    channel: int


@dataclass(frozen=True, slots=True)
class RetireChannel:
    """Call no more over ``channel``, and close it as a duplicate when it is quiet."""

    channel: int


@dataclass(frozen=True, slots=True)
class RefuseChannel:
    """There are too many channels: close ``channel`` with ``busy``."""

    channel: int


@dataclass(frozen=True, slots=True)
class ReportGone:
    """No channel to ``peer`` is left."""

    peer: NodeId


ChannelsEvent: TypeAlias = ChannelOpened | ChannelClosed
ChannelsCommand: TypeAlias = UseChannel | RetireChannel | RefuseChannel | ReportGone


@dataclass(frozen=True, slots=True)
class _Channel:
    number: int
    opened_here: bool
    completed_at: float
    is_reserved: bool


class Channels:
    """Keeps one channel a peer, the same one as the peer does."""

    def __init__(
        self, own_id: NodeId, *, peers_max: int = PEERS_MAX, reserved: int = PEERS_RESERVED
    ) -> None:
        """Keep ``peers_max`` at most, ``reserved`` of them for whom places are kept.

        Node ids cost nothing: strangers could have every place otherwise.
        """
        self._strangers_max = peers_max - reserved
        self._own_id = own_id
        self._peers_max = peers_max
        self._used: dict[NodeId, _Channel] = {}

    @property
    def deadline(self) -> float:
        """Never: this machine only answers."""
        return float("inf")

    def handle(self, event: ChannelsEvent | Tick, now: float) -> Sequence[ChannelsCommand]:
        """Take one event at time ``now`` and return what to do."""
        match event:
            case ChannelOpened(peer, number, opened_here, is_reserved):
                return self._open(peer, _Channel(number, opened_here, now, is_reserved))
            case ChannelClosed(number):
                return self._close(number)
            case Tick():
                return []

    def _open(self, peer: NodeId, newer: _Channel) -> Sequence[ChannelsCommand]:
        older = self._used.get(peer)
        if older is None:
            if not self._has_place(newer):
                return [RefuseChannel(newer.number)]
            self._used[peer] = newer
            return [UseChannel(peer, newer.number)]
        if not self._is_newer_kept(peer, older, newer):
            return [RetireChannel(newer.number)]
        self._used[peer] = newer
        return [UseChannel(peer, newer.number), RetireChannel(older.number)]

    def _has_place(self, channel: _Channel) -> bool:
        if len(self._used) == self._peers_max:
            return False
        strangers = sum(not used.is_reserved for used in self._used.values())
        return channel.is_reserved or strangers < self._strangers_max

    def _is_newer_kept(self, peer: NodeId, older: _Channel, newer: _Channel) -> bool:
        if older.opened_here == newer.opened_here:
            return True
        if newer.completed_at - older.completed_at >= CROSSING_CHANNELS_S:
            return True
        return newer.opened_here == (self._own_id < peer)

    def _close(self, number: int) -> Sequence[ChannelsCommand]:
        for peer, channel in self._used.items():
            if channel.number == number:
                del self._used[peer]
                return [ReportGone(peer)]
        return []
