"""The channels that are open, and which of them is used for each peer (SPEC.md section 5.3)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..identity import NodeId
from .peers import PeerInfo
from .session import Session


@dataclass(frozen=True, slots=True)
class OpenChannel:
    """A session and what is known of its other end."""

    session: Session
    info: PeerInfo


class OpenChannels:
    """Every open channel by its number, and the number of the one used for each peer."""

    def __init__(self) -> None:
        """Begin with none."""
        self._open: dict[int, OpenChannel] = {}
        self._used: dict[NodeId, int] = {}

    def __len__(self) -> int:
        """Return how many are open, used or not."""
        return len(self._open)

    def __getitem__(self, number: int) -> OpenChannel:
        """Return the open channel of this number."""
        return self._open[number]

    def add(self, number: int, channel: OpenChannel) -> None:
        """Count a channel that was opened; it is not used yet."""
        self._open[number] = channel

    def remove(self, number: int) -> None:
        """Count a channel no more; it is not used any more."""
        del self._open[number]

    def use(self, peer: NodeId, number: int) -> bool:
        """Call ``peer`` over this one from now on; tell whether none was used before."""
        is_new = peer not in self._used
        self._used[peer] = number
        return is_new

    def lose(self, peer: NodeId) -> None:
        """Use none for ``peer``."""
        del self._used[peer]

    def is_used(self, number: int) -> bool:
        """Tell whether this is the one over which its peer is called."""
        return self._used.get(self._open[number].info.node_id) == number

    def session(self, peer: NodeId) -> Session | None:
        """Return the session over which ``peer`` is called."""
        number = self._used.get(peer)
        return None if number is None else self._open[number].session

    def sessions(self, peer: NodeId) -> Iterator[Session]:
        """Yield every session with ``peer``, used or not."""
        return (entry.session for entry in self._open.values() if entry.info.node_id == peer)

    def infos(self) -> Sequence[PeerInfo]:
        """Return what is known of the peers in use, in the order in which they came."""
        entries = (self._open[number] for number in self._used.values())
        return [replace(entry.info, round_trip_s=entry.session.round_trip_s) for entry in entries]
