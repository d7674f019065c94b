"""A made-up world of whole nodes: one seed decides everything that happens in it."""

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from itertools import combinations, count
from random import Random
from typing import Protocol

from fogbank_dag_ledger.service.checkpoint_files import Snapshot
from fogbank_dag_ledger.vertex import Vertex, VertexId
from fogbank_dag_ledger.vertex_codec import check_signature, decode_vertex
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId

from ..community import Community
from .clock import Clock
from .disk import Disk
from .judge import Judge
from .node import Node
from .weather import Weather

Pair = frozenset[NodeId]


class Resident(Protocol):
    """Whoever lives at an address: an honest node or a liar."""

    name: NodeId

    def join(self, peer: NodeId) -> None: ...

    def leave(self, peer: NodeId) -> None: ...

    def take(self, sender: NodeId, method: str, body: bytes) -> None: ...

    def answer(self, sender: NodeId, method: str, body: bytes) -> bytes: ...


class World:
    """A community, a network between its members, and time."""

    def __init__(
        self,
        seed: int,
        *,
        seats: int = 4,
        others: int = 2,
        liars: Iterable[int] = (),
        prunes: bool = False,
    ) -> None:
        """``liars`` are the numbers of those who are not honest; ``prunes``: with checkpoints."""
        self.prunes = prunes
        self.random = Random(seed)
        self.community = Community(seats=seats, others=others)
        self.weather = Weather()
        self.now = 0.0
        self.liars = {self.community.names[number] for number in liars}
        self.nodes: dict[NodeId, Node] = {}
        self.residents: dict[NodeId, Resident] = {}
        self.disks = {name: Disk() for name in self.community.names}
        self.clocks = {name: Clock(Random(self.random.random())) for name in self.community.names}
        self.judge = Judge(self.community.genesis)
        self.apart: set[Pair] = set()
        """Between whom there is no channel."""

        self.deaf: set[tuple[NodeId, NodeId]] = set()
        """Whose messages to whom are lost, although there is a channel."""

        self.kept: list[tuple[VertexId, bytes]] = []
        """Whatever any honest node ever put into its store, in that order."""

        self.steps = 0
        self.on_restart: Callable[[Node], None] = lambda _: None
        """What a node is told that has begun anew by itself."""

        self._channels: dict[Pair, int] = {}
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._decoded: dict[bytes, Vertex | str] = {}

    # Time.

    def later(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do ``action`` so much later."""
        heappush(self._agenda, (self.now + delay_s, next(self._order), action))

    def run(self, until: float) -> None:
        """Let time pass."""
        while self._agenda and self._agenda[0][0] <= until:
            self.now, _, action = heappop(self._agenda)
            self.steps += 1
            action()
        self.now = until

    # Who is here.

    def start(self, name: NodeId) -> None:
        """Start a node on what its disk holds, and connect it."""
        node = Node(self, name)
        self.nodes[name] = node
        node.begin()
        self.settle_in(node)

    def settle_in(self, resident: Resident) -> None:
        """Connect somebody new to everyone who can be reached."""
        self.residents[resident.name] = resident
        for other in list(self.residents):
            if other != resident.name:
                self.connect(resident.name, other)

    def crash(self, name: NodeId) -> None:
        """Take the power from a node."""
        node = self.nodes.pop(name)
        del self.residents[name]
        node.die()
        for other in list(self.residents):
            self.disconnect(name, other)
        self.disks[name].lose_power(self.random)
        self.judge.compare_crash(node)

    def restart_at(self, node: Node, snapshot: Snapshot) -> None:
        """Let a node begin anew, on its disk and with a state that it was given."""
        for other in list(self.residents):
            self.disconnect(node.name, other)
        node.die()
        self.judge.forget(node)
        self.disks[node.name].begin_at(snapshot)
        self.start(node.name)
        self.on_restart(self.nodes[node.name])

    # Channels.

    def connect(self, one: NodeId, other: NodeId) -> None:
        """Open a channel if there can be one."""
        pair = frozenset((one, other))
        here = one in self.residents and other in self.residents
        if here and pair not in self.apart and pair not in self._channels:
            self._channels[pair] = next(self._order)
            self.residents[one].join(other)
            self.residents[other].join(one)

    def disconnect(self, one: NodeId, other: NodeId) -> None:
        """Close the channel between two; each of them notices."""
        if self._channels.pop(frozenset((one, other)), None) is not None:
            for name, peer in ((one, other), (other, one)):
                if name in self.residents:
                    self.residents[name].leave(peer)

    def separate(self, side: Iterable[NodeId]) -> None:
        """Cut the honest of ``side`` off from the honest rest; liars have lines of their own."""
        inside = set(side) - self.liars
        for one in sorted(inside):
            for other in self.community.names:
                if other not in inside and other not in self.liars:
                    self.apart.add(frozenset((one, other)))
                    self.disconnect(one, other)

    def heal(self) -> None:
        """Let everyone hear everyone, in fine weather."""
        self.weather = Weather()
        self.deaf.clear()
        self.apart.clear()
        for one, other in combinations(self.community.names, 2):
            self.connect(one, other)

    def part(self, one: NodeId, other: NodeId) -> None:
        """Close a channel because one side wants it; it is dialled again a little later."""
        self.disconnect(one, other)
        self.later(5.0, lambda: self.connect(one, other))

    # Messages.

    def carries(self, sender: NodeId, receiver: NodeId) -> bool:
        """Tell whether a message that is sent now arrives."""
        channel = self._channels.get(frozenset((sender, receiver)))
        if channel is None or (sender, receiver) in self.deaf:
            return False
        return self.random.random() >= self.weather.lost

    def message(
        self, sender: NodeId, receiver: NodeId, deliver: Callable[[Resident], None]
    ) -> None:
        """Carry a message as the weather allows."""
        if not self.carries(sender, receiver):
            return
        channel = self._channels[frozenset((sender, receiver))]
        copies = 2 if self.random.random() < self.weather.doubled else 1
        for _ in range(copies):
            delay_s = self.random.uniform(*self.weather.delay_s)
            self.later(delay_s, lambda: self._deliver(sender, receiver, channel, deliver))

    def _deliver(
        self, sender: NodeId, receiver: NodeId, channel: int, deliver: Callable[[Resident], None]
    ) -> None:
        if self._channels.get(frozenset((sender, receiver))) == channel:
            deliver(self.residents[receiver])

    # What everyone would compute alike.

    def decode(self, wire: bytes) -> Vertex:
        """Return the vertex in ``wire``, whose signature holds; each is checked only once.

        Raises:
            RemoteProtocolError: as the decoder and the check of the signature do.
        """
        known = self._decoded.get(wire)
        if known is None:
            try:
                known = decode_vertex(wire, self.community.network)
                check_signature(known, self.community.network)
            except RemoteProtocolError as error:
                known = error.rule
            self._decoded[wire] = known
        if isinstance(known, str):
            raise RemoteProtocolError("invalid", rule=known)
        return known
