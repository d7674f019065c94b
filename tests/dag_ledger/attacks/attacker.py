"""Somebody in a made-up world who sends what a test has thought of."""

from collections.abc import Iterable, Sequence

from fogbank_dag_ledger.frontier import Head, Tag
from fogbank_dag_ledger.limits import PAGE_VERTICES_MAX
from fogbank_dag_ledger.messages import (
    VERTICES,
    FrontierMessage,
    decode_fetch,
    decode_wanted,
    encode_frontier,
    encode_ids,
    encode_vertices,
    pages,
)
from fogbank_dag_ledger.vertex import Vertex, VertexId, seq_in, tag_in
from fogbank_dag_ledger.vertex_codec import encode_vertex
from fogbank_protocol.identity import NodeId

from ..world.weather import Weather
from ..world.world import World


class Attacker:
    """A node with a key of its own that sends, and answers for what it has sent."""

    def __init__(
        self, world: World, person: int, *, frontier: dict[Tag, Head] | None = None
    ) -> None:
        self.world = world
        self.name = world.community.names[person]
        self.asked = 0
        """How many requests it was sent."""

        self._frontier = frontier or {}
        self._wires: dict[VertexId, bytes] = {}
        world.judge.excused.add(self.name)
        world.settle_in(self)

    def send(self, vertices: Iterable[Vertex], to: Sequence[NodeId] | None = None) -> None:
        """Push ``vertices`` in this order, by default to all that it is connected to."""
        wires = [encode_vertex(vertex) for vertex in vertices]
        self.know(vertices)
        for page in pages(wires):
            for peer in self.world.community.names if to is None else to:
                self._push(peer, encode_vertices(page))

    def know(self, vertices: Iterable[Vertex]) -> None:
        """Have ``vertices`` to answer with."""
        self._wires.update((vertex.id, encode_vertex(vertex)) for vertex in vertices)

    def _push(self, peer: NodeId, body: bytes) -> None:
        self.world.message(self.name, peer, lambda other: other.take(self.name, VERTICES, body))

    def join(self, peer: NodeId) -> None:
        """Take note of nothing."""

    def leave(self, peer: NodeId) -> None:
        """Take note of nothing."""

    def take(self, sender: NodeId, method: str, body: bytes) -> None:
        """Listen to nobody."""

    def answer(self, sender: NodeId, method: str, body: bytes) -> bytes:
        """Answer from what was sent."""
        self.asked += 1
        match method:
            case "ledger.frontier":
                return encode_frontier(FrontierMessage(reset=False, entries=self._frontier))
            case "ledger.fetch":
                wanted = decode_fetch(body)
                return encode_vertices([self._wires[one] for one in wanted if one in self._wires])
            case "ledger.head":
                return encode_ids([])
            case _:
                return encode_vertices(self._range_page(body))

    def _range_page(self, body: bytes) -> list[bytes]:
        start = int.from_bytes(body[:4], "big")
        ranges = {one.tag: one for one in decode_wanted(body[4:])}
        found = [
            wire
            for vertex_id, wire in self._wires.items()
            if (one := ranges.get(Tag(tag_in(vertex_id)))) is not None
            and one.first <= seq_in(vertex_id) <= one.last
        ]
        return found[start : start + PAGE_VERTICES_MAX]


def honest_world(seed: int, *, seats: int = 4, others: int = 3, attackers: int = 1) -> World:
    """Return a world in which all but the last ``attackers`` have begun; all have drops."""
    world = World(seed, seats=seats, others=others + 1)
    world.weather = Weather(delay_s=(0.001, 0.01))
    for name in world.community.names[: seats + others - attackers]:
        world.start(name)
    world.run(1.0)
    assert all(node.may_issue for node in world.nodes.values())
    return world


def pay_for_a_while(world: World, payments: int = 30) -> None:
    """Let the honest pay each other."""
    for _ in range(payments):
        payer, payee = world.random.sample(list(world.nodes), 2)
        world.nodes[payer].pay(payee, 1)
        world.run(world.now + 0.05)


def typical_latency_s(seed: int, *, seats: int = 4, others: int = 3, attackers: int = 1) -> float:
    """Return the 95th percentile of the time to final of such a world that nobody attacks."""
    world = honest_world(seed, seats=seats, others=others, attackers=attackers)
    pay_for_a_while(world)
    world.run(world.now + 5)
    return percentile_95(world.judge.latencies_s)


def percentile_95(values: Sequence[float]) -> float:
    """Return the value below which 95 of 100 are."""
    return sorted(values)[len(values) * 95 // 100]


def settle(world: World, within_s: float = 30.0) -> None:
    """Let all be quiet, and check that the honest agree and that what they paid is final."""
    until = world.now + within_s
    while world.judge.unsettled(world.nodes.values()) and world.now < until:
        world.run(world.now + 1)
    assert world.judge.unsettled(world.nodes.values()) == ""
    world.judge.compare_at_the_end(world.nodes.values())
