"""A community in a made-up world: one seed decides everything, and shows it again.

Every node has the real ledger, wallet and validator.  Only signatures are left out, because no rule
that is tested here looks at them.  Byzantine validators have two faces, each an honest-looking node
with the same key, that live on the two sides of a partition; a double spender pays with one face
on each side.  Then the sides meet.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from fogbank_dag_ledger.events import Confirmed, Final, LedgerEvent, Unsolid
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.validator import LedgerGrew, Validator
from fogbank_dag_ledger.vertex import Draft, Vertex, VertexId
from fogbank_dag_ledger.wallet import PaymentRefused, Wallet
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from .community import Community, unsigned


@dataclass
class Node:
    """One agent, or one face of a Byzantine one."""

    name: NodeId
    side: int
    is_honest: bool
    ledger: Ledger
    wallet: Wallet
    validator: Validator | None
    told: list[Vertex] = field(default_factory=list)
    """Everything it holds, in the order in which it came: what it tells the others."""

    read: dict[int, int] = field(default_factory=dict)
    """By number of the other node, how much of what that one told has come here."""

    waiting: list[Vertex] = field(default_factory=list)


class World:
    """A network of ``seats`` validators, ``byzantine`` of them with two faces."""

    def __init__(
        self, seed: int, seats: int, byzantine: int, ledger_type: type[Ledger] = Ledger
    ) -> None:
        self.random = Random(seed)
        self.community = Community(seats=seats, others=4)
        self.now = 0.0
        self.nodes: list[Node] = []
        self.conflicts: set[bytes] = set()
        """Slots in which honest nodes held two different vertices for L1 or final."""

        self._decided: dict[bytes, VertexId] = {}
        self._ledger_type = ledger_type
        liars = set(self.random.sample(self.community.validators, byzantine))
        self.double_spender = self.community.names[seats]
        for name in self.community.names:
            sides = [self.random.randrange(2)]
            if name in liars or name == self.double_spender:
                sides = [0, 1]
            for side in sides:
                self.nodes.append(self._node(name, side, is_honest=len(sides) == 1))
        self.honest = [node for node in self.nodes if node.is_honest]

    def _node(self, name: NodeId, side: int, *, is_honest: bool) -> Node:
        ledger = self._ledger_type(self.community.genesis)
        seated = name in self.community.validators
        validator = Validator(ledger, name, self.now) if seated else None
        return Node(name, side, is_honest, ledger, Wallet(ledger, name, self._draws()), validator)

    def _draws(self) -> Iterator[int]:
        while True:
            yield self.random.getrandbits(32)

    # What happens.

    def run(self, steps: int, *, partitioned: bool, paying: bool) -> None:
        """Let random things happen at random nodes."""
        for _ in range(steps):
            self.now += self.random.choice((0.0, 0.01, 0.1))
            node = self.random.choice(self.nodes)
            what = self.random.random()
            if what < 0.15 and paying:
                self._pay(node)
            elif what < 0.5:
                self._tick(node)
            else:
                self._hear(node, self.random.choice(self.nodes), partitioned=partitioned)

    def settle(self) -> int:
        """Let everybody hear everything until nobody has anything to say; return the rounds."""
        for rounds in range(1, 200):
            for node in self.nodes:
                for other in self.nodes:
                    self._hear(node, other, partitioned=False, everything=True)
            self.now += 0.1
            before = sum(len(node.told) for node in self.nodes)
            for node in self.nodes:
                self._claim(node)
                self._tick(node)
            if before == sum(len(node.told) for node in self.nodes):
                return rounds
        raise AssertionError("the nodes keep each other busy")

    def _pay(self, node: Node) -> None:
        others = [name for name in self.community.names if name != node.name]
        amount = self.random.choice((1, 50, 600))
        try:
            draft = node.wallet.pay({self.random.choice(others): amount})
        except PaymentRefused:
            return
        self._issue(node, draft)

    def _claim(self, node: Node) -> None:
        try:
            draft = node.wallet.claim()
        except PaymentRefused:
            return
        if draft is not None:
            self._issue(node, draft)

    def _tick(self, node: Node) -> None:
        if node.validator is not None:
            for command in node.validator.handle(Tick(), self.now):
                self._issue(node, command.draft)

    def _issue(self, node: Node, draft: Draft) -> None:
        # The faces of one key must differ in what they say, or they would not be a fork.
        vertex = unsigned(draft, self.community.network, node.side)
        self._take(node, vertex)

    def _hear(
        self, node: Node, other: Node, *, partitioned: bool, everything: bool = False
    ) -> None:
        if partitioned and node.side != other.side:
            return
        number = self.nodes.index(other)
        start = node.read.get(number, 0)
        count = len(other.told) if everything else self.random.randint(0, 8)
        heard = other.told[start : start + count]
        node.read[number] = start + len(heard)
        if not everything:
            # Some arrive twice and late.
            heard = heard + [one for one in other.told[:start] if self.random.random() < 0.02]
            self.random.shuffle(heard)
        node.waiting += [vertex for vertex in heard if vertex.id not in node.ledger]
        self._take_waiting(node)

    def _take_waiting(self, node: Node) -> None:
        progress = True
        while progress:
            waiting, node.waiting = node.waiting, []
            for vertex in waiting:
                self._take(node, vertex)
            progress = 0 < len(node.waiting) < len(waiting)

    def _take(self, node: Node, vertex: Vertex) -> None:
        events = node.ledger.insert(vertex)
        match events:
            case [Unsolid()]:
                node.waiting.append(vertex)
                return
            case []:
                return
            case _:
                node.told.append(vertex)
        if node.is_honest:
            self._judge(events)
        if node.validator is not None:
            for command in node.validator.handle(LedgerGrew(events), self.now):
                self._issue(node, command.draft)

    # What must hold.

    def _judge(self, events: Sequence[LedgerEvent]) -> None:
        """Compare what became L1 or final at an honest node with what did at any other."""
        for event in events:
            match event:
                case Confirmed(vertex_id) | Final(vertex_id):
                    first = self._decided.setdefault(vertex_id[:12], vertex_id)
                    if first != vertex_id:
                        self.conflicts.add(vertex_id[:12])
                case _:
                    pass

    def disagreements(self) -> list[str]:
        """Return what is wrong after everybody has heard everything; nothing is right."""
        wrong: list[str] = []
        first = self.honest[0].ledger
        for node in self.honest:
            ledger = node.ledger
            if final_in(ledger) != final_in(first) or confirmed_in(ledger) != confirmed_in(first):
                wrong.append("two nodes do not hold the same for final")
            if ledger.state_hash() != first.state_hash():
                wrong.append("two state hashes")
            if ledger.supply_held() != ledger.genesis.supply:
                wrong.append("the supply has changed")
            if not all(map(first.is_final, self._carrying(node))):
                wrong.append("an honest vertex is not final")
        return wrong

    def _carrying(self, node: Node) -> list[VertexId]:
        return [vertex.id for vertex in node.told if vertex.issuer == node.name and vertex.carries]


def confirmed_in(ledger: Ledger) -> set[VertexId]:
    """Return everything that is L1."""
    return {record.id for record in ledger.dag.graph if record.confirmed}


def final_in(ledger: Ledger) -> set[VertexId]:
    """Return everything that is final."""
    return {record.id for record in ledger.dag.graph if record.final}


def run_world(seed: int, seats: int, byzantine: int, ledger_type: type[Ledger] = Ledger) -> World:
    """Let two sides live apart, meet while they go on, and come to rest."""
    world = World(seed, seats, byzantine, ledger_type)
    world.run(250, partitioned=True, paying=True)
    world.run(100, partitioned=False, paying=True)
    world.settle()
    return world
