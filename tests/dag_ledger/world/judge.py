"""What must hold at every step, whatever happens."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fogbank_dag_ledger.checkpoint import NO_CHECKPOINT
from fogbank_dag_ledger.checkpointing import Certified, KeepCheckpoint
from fogbank_dag_ledger.events import (
    Confirmed,
    EpochBegan,
    Equivocated,
    Final,
    Inserted,
    LedgerEvent,
    Settled,
)
from fogbank_dag_ledger.genesis import Genesis
from fogbank_dag_ledger.limits import PARKED_MAX
from fogbank_dag_ledger.operations import ObjectId
from fogbank_dag_ledger.service.reading import read_kept
from fogbank_dag_ledger.service.verifying import verify
from fogbank_dag_ledger.vertex import Vertex, VertexId
from fogbank_dag_ledger.vertex_codec import decode_vertex
from fogbank_protocol.identity import NodeId

from ..oracle import Oracle

if TYPE_CHECKING:
    from .node import Node

COMPARED_EVERY = 16
"""Of how many states of a node one is compared with those of the others."""


class Violation(AssertionError):
    """Something that must never happen has happened."""


class Judge:
    """Watches all honest nodes at once, and remembers what any of them ever held for true."""

    def __init__(self, genesis: Genesis) -> None:
        self._genesis = genesis
        self.excused: set[NodeId] = set()
        """Who may fork: liars, and those whose old disk was put back."""

        self.one_epoch = True
        self.forkers: set[NodeId] = set()
        self.paid: dict[VertexId, NodeId] = {}
        """What ``pay`` returned, and whose it is."""

        self.latencies_s: list[float] = []
        """How long after ``pay`` returned each payment was final where it was made."""

        self.met: Counter[str] = Counter()
        """How often what happened: a simulation in which nothing happens proves nothing."""

        self._paid_at: dict[VertexId, float] = {}
        self._decided: dict[bytes, VertexId] = {}
        self._outcomes: dict[ObjectId, tuple[int, bool]] = {}
        self._final: dict[VertexId, None] = {}
        self._held: defaultdict[Node, int] = defaultdict(int)
        self._looked: Counter[Node] = Counter()
        self._due: set[Node] = set()
        self._states: dict[int, tuple[int, bytes]] = {}
        self._known: dict[VertexId, Vertex] = {}
        """All that any honest node ever held, edges first."""

        self._inserted: defaultdict[Node, dict[VertexId, None]] = defaultdict(dict)
        self._covered: dict[bytes, set[VertexId]] = {NO_CHECKPOINT: set()}
        """What each checkpoint and those before it cover or list as dead."""

        self._dead: dict[bytes, tuple[VertexId, ...]] = {NO_CHECKPOINT: ()}

    # Checkpoints.

    def note_checkpoint(self, node: "Node", command: KeepCheckpoint) -> None:
        """Take note of what an honest node holds for certified, and of what it forgets."""
        self._learn_checkpoint(command.newest)
        self.met["checkpoints"] += 1
        self.met["checkpoints of later epochs"] += command.newest.checkpoint.epoch > 0
        self.met["vertices pruned"] += len(command.gone)
        for name in command.newest.names:
            if self._decided.get(name[:12]) != name:
                raise Violation(f"{node.name.hex()} covers {name.hex()}, which is not final")

    def note_floor(self, node: "Node", floor: Certified) -> None:
        """Take note of where an honest node begins."""
        self._learn_checkpoint(floor)
        for one in self._covered[floor.checkpoint.hash]:
            self._held[node] ^= int.from_bytes(one, "big")

    def covered(self, floor: Certified | None) -> set[VertexId]:
        """Return what nobody needs who begins at ``floor``."""
        return self._covered[NO_CHECKPOINT if floor is None else floor.checkpoint.hash]

    def forget(self, node: "Node") -> None:
        """Forget what a node held that begins anew."""
        self._held.pop(node, None)
        self._inserted.pop(node, None)

    def _learn_checkpoint(self, certified: Certified) -> None:
        checkpoint = certified.checkpoint
        if checkpoint.hash not in self._covered:
            before = checkpoint.previous
            more = {*certified.names, *checkpoint.dead}
            self._covered[checkpoint.hash] = self._covered[before] | more
            self._dead[checkpoint.hash] = (*self._dead[before], *checkpoint.dead)

    def note(self, node: "Node", events: Sequence[LedgerEvent]) -> None:
        """Take what happened in the ledger of an honest node."""
        for event in events:
            match event:
                case Inserted(vertex):
                    # Equal sets of vertices have equal sums, and no two others ever have.
                    self._held[node] ^= int.from_bytes(vertex.id, "big")
                    self._inserted[node][vertex.id] = None
                    self._known.setdefault(vertex.id, vertex)
                    if node.world.prunes and any(one not in node.ledger for one in vertex.edges):
                        self.met["late parents"] += 1
                    self._due.add(node)
                case Confirmed(vertex_id):
                    # In the next epoch another contender may be L1; final is for good.
                    if self.one_epoch:
                        self._decide(vertex_id)
                case EpochBegan():
                    self.met["epochs begun"] += 1
                case Final(vertex_id):
                    self._decide(vertex_id)
                    self._final[vertex_id] = None
                    self._note_takes(node, vertex_id)
                    if self.paid.get(vertex_id) == node.name and vertex_id in self._paid_at:
                        paid_at = self._paid_at.pop(vertex_id)
                        self.latencies_s.append(node.world.now - paid_at)
                    self.met["final"] += 1
                    self.met["final in homes"] += bool(self._known[vertex_id].home)
                case Equivocated(issuer):
                    self._convict(issuer)
                case Settled(name, award, is_seizure):
                    # As with vertices, the next epoch may go another way, until drops are taken.
                    if self.one_epoch:
                        self._settle(name, (award, is_seizure))
                    self.met["settled"] += 1
                case _:
                    pass

    def _settle(self, name: ObjectId, outcome: tuple[int, bool]) -> None:
        if self._outcomes.setdefault(name, outcome) != outcome:
            raise Violation(f"two outcomes of {name.hex()}")

    def _note_takes(self, node: "Node", vertex_id: VertexId) -> None:
        record = node.ledger.dag.get(vertex_id)
        if record is not None and record.deeds is not None:
            for outcome in record.deeds.taken:
                self._settle(outcome.held.id, (outcome.award, outcome.is_seizure))

    def _decide(self, vertex_id: VertexId) -> None:
        first = self._decided.setdefault(vertex_id[:12], vertex_id)
        if first != vertex_id:
            raise Violation(f"two for one slot: {first.hex()} and {vertex_id.hex()}")

    def _convict(self, issuer: NodeId) -> None:
        self.forkers.add(issuer)
        self.met["forks seen"] += 1
        if issuer not in self.excused:
            raise Violation(f"{issuer.hex()} is honest and has forked")

    def note_paid(self, node: "Node", vertex: Vertex) -> None:
        self.paid[vertex.id] = node.name
        self._paid_at[vertex.id] = node.world.now
        self.met["paid"] += 1

    def note_cut(self, node: NodeId, peer: NodeId) -> None:
        """Take note that an honest node parted from ``peer`` for what it had said."""
        self.met["cut off"] += 1
        if peer not in self.excused:
            raise Violation(f"{node.hex()} cut off {peer.hex()}, who is honest")

    def look_at(self, node: "Node") -> None:
        """Check what is cheap to check, after every step of a node."""
        if node not in self._due:
            return
        self._due.discard(node)
        if node.participant.intake.parked > PARKED_MAX:
            raise Violation("more is parked than there is room")
        supply = node.ledger.supply_held() + node.ledger.burned
        if supply != self._genesis.supply:
            raise Violation(f"the supply has changed: {supply}")
        self._looked[node] += 1
        if self._looked[node] % COMPARED_EVERY == 0:
            self.compare(node)

    def compare(self, node: "Node") -> None:
        """Compare a node with every other that ever held the same vertices."""
        state = (node.ledger.final_count, node.ledger.state_hash())
        if self._states.setdefault(self._held[node], state) != state:
            raise Violation("the same vertices, and two states")

    def compare_crash(self, node: "Node") -> None:
        """Check that what left a node that lost its power is in its log, or settled on its disk."""
        self.met["crashes"] += 1
        self.forget(node)
        kept = node.disk.image().open(self._genesis.network, node.name)
        ids = {decode_vertex(wire, self._genesis.network).id for wire in kept}
        covered = self.covered(node.disk.floor)
        if not (ids | covered).issuperset(node.sent):
            raise Violation("a vertex was sent and is not in the own log")
        held = ids | covered | {vertex_id for vertex_id, _ in node.disk.store}
        for wire in kept:
            vertex = decode_vertex(wire, self._genesis.network)
            if vertex.id in node.sent and not held.issuperset(vertex.edges):
                raise Violation("a vertex was sent and what it refers to is not kept")

    def compare_with_oracle(self, node: "Node") -> None:
        """Compute votes, L1, finals and state of a node once more from the definitions."""
        oracle = Oracle(self._genesis)
        floor = node.participant.checkpointing.floor
        for vertex in self._history(node, self.covered(floor)):
            oracle.add(vertex)
        ledger = node.ledger
        if floor is not None:
            counts = {chain.issuer: chain.floor for chain in ledger.chains() if chain.floor}
            dead = self._dead[floor.checkpoint.hash]
            oracle.settle(counts, list(dead), self.covered(floor).difference(dead))
        seats = list(self._genesis.seats)
        votes = {
            record.id: {seats[seat] for seat in range(len(seats)) if record.votes >> seat & 1}
            for record in ledger.dag.graph
            # What lost its slot below the floor keeps the votes that it had.
            if not record.lost
        }
        counted = oracle.votes()
        if self.one_epoch and votes != {one: counted[one] for one in votes}:
            raise Violation("the oracle counts other votes")
        settled = {
            (held.id, held.outcome.award, held.outcome.is_seizure)
            for held in ledger.objects()
            if held.outcome is not None
        }
        # Of what is at its end a node that prunes holds nothing.
        results = {
            (oracle.objects.name(one.key), one.award, one.seized)
            for one in oracle.objects.confirmed()
            if ledger.object(ObjectId(oracle.objects.name(one.key))) is not None
        }
        if settled != results:
            raise Violation("the oracle settles objects otherwise")
        final = oracle.final()
        for one in oracle.vertices:
            if self._is_final(node, one, unknown=one in final) != (one in final):
                raise Violation("the oracle holds others for final")
        if ledger.state_hash() != oracle.state_hash():
            raise Violation("the oracle has another state")
        self._verify_disk(node)
        self.met["oracle"] += 1

    def _verify_disk(self, node: "Node") -> None:
        """Work out anew what is on the disk, as ``fogbank ledger verify`` does."""
        disk = node.disk
        found = verify(read_kept(self._genesis, disk.read_floor(self._genesis), disk.store))
        if found.differences:
            raise Violation(f"the ledger on disk is not what follows: {found.differences[0]}")

    def history_size(self, node: "Node") -> int:
        """Return how many vertices an oracle of ``node`` would look at."""
        floor = node.participant.checkpointing.floor
        return len(self.covered(floor) | self._inserted[node].keys())

    def _history(self, node: "Node", covered: set[VertexId]) -> list[Vertex]:
        """Return all that a node held, and all below that, edges first."""
        wanted = covered | self._inserted[node].keys()
        later: set[VertexId] = set()
        for one in reversed(self._known.values()):
            later.add(one.id)
            if one.id in wanted:
                # What nobody had held before it was settled for whoever took it: a liar may name a
                # vertex below the floor that it shows, or makes up, only afterwards.
                wanted.update(edge for edge in one.edges if edge not in later)
        ordered: dict[VertexId, Vertex] = {}
        waiting = [one for one in reversed(self._known.values()) if one.id in wanted]
        while waiting:
            below = [
                self._known[edge]
                for edge in waiting[-1].edges
                if edge in wanted and edge not in ordered
            ]
            waiting.extend(below)
            if not below:
                last = waiting.pop()
                ordered[last.id] = last
        return list(ordered.values())

    def _is_final(self, node: "Node", name: VertexId, *, unknown: bool = True) -> bool:
        """Tell whether a node holds a vertex for final; ``unknown`` when it has forgotten."""
        vertex = self._known[name]
        chain = node.ledger.chain(vertex.issuer)
        is_below = chain is not None and name not in node.ledger and vertex.seq < chain.floor
        if chain is not None and is_below and chain.is_settled(name) is None:
            return unknown
        return node.ledger.is_final(name)

    def unsettled(self, all_nodes: Iterable["Node"]) -> str:
        """Return in what the nodes do not agree, or what is not final yet; nothing when all is."""
        here = list(all_nodes)
        if any(node.world.prunes for node in here):
            states = {(node.ledger.final_count, node.ledger.state_hash()) for node in here}
            if len(states) > 1:
                counts = sorted(node.ledger.final_count for node in here)
                return f"the nodes hold {counts} vertices for final, and {len(states)} states"
        elif len({self._held[node] for node in here}) > 1:
            return f"the nodes hold {sorted(len(node.ledger) for node in here)} vertices"
        for vertex_id, payer in self.paid.items():
            for node in here:
                # Who was put back to an old disk has lost what nobody else had heard of.
                if payer not in self.excused and not self._is_final(node, vertex_id):
                    return f"the payment {vertex_id.hex()} is not final"
        return ""

    def compare_at_the_end(self, all_nodes: Iterable["Node"]) -> None:
        """Check that nothing that was ever final was forgotten, and that all states are one."""
        for node in all_nodes:
            self.compare(node)
            if not all(self._is_final(node, one) for one in self._final):
                raise Violation("what was final is not final any more")
