"""What a vertex stands on: records that are held, and names of what was pruned (SPEC.md 8.21).

An edge that leads below the floor is solid without a vertex when it leads to the final line, to
what a checkpoint lists as lost, or deeper than the trail reaches.  Anything else down there lost
its slot, and has to be held like any other vertex: what hangs on it may still be undecided.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId

from .acknowledgements import Acknowledged
from .chain import Chain
from .dag import Dag
from .home_operations import MoveHome
from .limits import TAG_BYTES
from .objects import HeldObject
from .operations import Act, ObjectId, Slash, Take, TopUp, TwoVouchers, object_id
from .record import Record
from .vertex import Claim, Vertex, VertexId, seq_in


class Footing(NamedTuple):
    """Where a vertex stands whose edges are all held or settled."""

    edges: tuple[Record, ...]
    """Those that are held; the rest needs no vertex."""

    prev: Record | None
    sources: tuple[Record, ...]
    """The sources of its claims, in their order; empty when it is lost."""

    lost: bool


class Ground:
    """What vertices stand on: the DAG, and below it the settled part of every chain."""

    def __init__(
        self, dag: Dag, by_tag: Mapping[bytes, Acknowledged], homes: Container[bytes] = ()
    ) -> None:
        """Look in ``dag``, and at the chains of ``by_tag``; ``homes`` has all ids."""
        self._dag = dag
        self._homes = homes
        self._by_tag = by_tag
        self.dead: dict[VertexId, None] = {}
        """What checkpoints listed as lost, as far back as names are remembered."""

        self.objects: dict[ObjectId, HeldObject] = {}
        """What was opened below the floor and is not at its end."""

    def get(self, vertex_id: VertexId) -> Record | None:
        """Return a vertex that is held, None when it is not."""
        return self._dag.get(vertex_id)

    def missing(self, vertex_ids: Iterable[VertexId]) -> tuple[VertexId, ...]:
        """Return those of the ids that have to be held and are not."""
        return tuple(
            [one for one in vertex_ids if self._dag.get(one) is None and not self.is_settled(one)]
        )

    def is_settled(self, vertex_id: VertexId) -> bool:
        """Tell whether a vertex need not be held: it and all it stands on is below the floor."""
        if vertex_id in self.dead:
            return True
        return any(chain.is_settled(vertex_id) is not False for chain in self._above(vertex_id))

    def settled_head(self, vertex_id: VertexId) -> Record | None:
        """Return the last vertex below the floor of a chain, when it is this one."""
        heads = [chain.settled_head for chain in self._above(vertex_id)]
        return next((head for head in heads if head is not None and head.id == vertex_id), None)

    def is_on_final_line(self, vertex_id: VertexId) -> bool:
        """Tell whether a vertex is remembered as final and pruned."""
        return any(chain.is_settled(vertex_id) for chain in self._above(vertex_id))

    def is_over(self, vertex: Vertex, chain: Chain) -> bool:
        """Tell whether ``vertex`` itself is settled: nobody needs it."""
        if vertex.id in self.dead:
            return True
        if vertex.seq >= chain.floor:
            return False
        is_covered = chain.is_settled(vertex.id)
        if is_covered is None:
            # Too old to tell by its name.  But cuts are closed, so it is covered by none when it
            # stands on what is not: then somebody made it lately in an old slot.
            return not self._stands_on_new(vertex.edges)
        return is_covered

    def _stands_on_new(self, edges: Iterable[VertexId]) -> bool:
        """Tell whether something is below ``edges`` that no cut up to the floor covers or lists.

        Of old slots only what is held tells that: what an earlier cut listed as dead is forgotten.
        """
        seen, waiting = set[VertexId](), [*edges]
        while waiting:
            edge = waiting.pop()
            if edge in seen or edge in self.dead:
                continue
            seen.add(edge)
            if not self._above(edge):
                return True
            record = self._dag.get(edge)
            if record is not None:
                waiting += [one.id for one in record.edges]
                waiting += [] if record.prev is None else [record.prev.id]
        return False

    def footing(self, vertex: Vertex, chain: Chain, held: Sequence[Record | None]) -> Footing:
        """Return where ``vertex`` stands, none of whose edges is ``missing``.

        ``held`` says of each of its edges what is held of it.

        Raises:
            RemoteProtocolError: its ``prev`` is another issuer's (8.3.13).
        """
        edges = tuple([edge for edge in held if edge is not None])
        prev, lost = self._prev(vertex, chain)
        sources: list[Record] = []
        for claim in vertex.claims:
            source = self._dag.get(claim.source) or self._settled_source(claim, chain.issuer)
            if source is None or source.lost:
                lost = True
            else:
                sources.append(source)
        if vertex.operations:
            lost = lost or any(map(self._is_lost, _openings(vertex))) or self._takes_in_vain(vertex)
            lost = lost or any(map(self._is_gone, _destinations(vertex)))
        return Footing(edges, prev, () if lost else tuple(sources), lost)

    def _takes_in_vain(self, vertex: Vertex) -> bool:
        """Tell whether ``vertex`` takes from an outcome that is not the one, or when all is taken.

        A top-up of what has come to its end is the same.
        """
        return any(
            self._is_vain(one)
            for one in vertex.operations
            if isinstance(one, Act) and self._dag.get(one.opening) is None
        )

    def _is_vain(self, act: Act) -> bool:
        held = self.objects.get(object_id(act.opening, act.index))
        if held is None:
            return isinstance(act.action, Take | TopUp)
        return is_vain(held, act)

    def _is_lost(self, vertex_id: VertexId) -> bool:
        record = self._dag.get(vertex_id)
        return vertex_id in self.dead if record is None else record.lost

    def _is_gone(self, home_id: VertexId) -> bool:
        """Tell whether no home is, or was, created by this vertex, or only on a side that lost."""
        record = self._dag.get(home_id)
        if record is None:
            return home_id in self.dead or home_id not in self._homes
        return record.lost

    def _prev(self, vertex: Vertex, chain: Chain) -> tuple[Record | None, bool]:
        """Return what ``vertex`` follows, and whether it is lost for that."""
        lost = vertex.seq < chain.floor or chain.closed
        if not vertex.prev:
            return None, lost
        prev = self._dag.get(vertex.prev)
        if prev is not None:
            if prev.chain is not chain:
                raise RemoteProtocolError("a prev of another issuer", rule="8.3.13")
            return prev, lost or prev.lost
        if vertex.prev in self.dead:
            return None, True
        if vertex.seq > chain.floor:
            raise RemoteProtocolError("a prev of another issuer", rule="8.3.13")
        head = chain.settled_head
        if head is not None and head.id == vertex.prev and not lost:
            return head, False
        return None, True

    def _settled_source(self, claim: Claim, payee: NodeId) -> Record | None:
        source = claim.source
        if source in self.dead:
            return None
        payers = [chain for chain in self._above(source) if chain.is_settled(source) is not False]
        if not payers:
            return None
        # Of two accounts with one tag, deeper than the trail reaches, the one that can have paid.
        able = [payer for payer in payers if payer.settled_sent.get(payee, 0) >= claim.total]
        return Record.settled(source, min(able or payers, key=lambda one: one.issuer), 0, 0)

    def _above(self, vertex_id: VertexId) -> list[Chain]:
        acknowledged = self._by_tag.get(vertex_id[:TAG_BYTES])
        if acknowledged is None:
            return []
        seq = seq_in(vertex_id)
        return [chain for chain in acknowledged.chains if seq < chain.floor]


def is_vain(held: HeldObject, act: Act) -> bool:
    """Tell whether ``act`` takes from an outcome of ``held`` that the floor says it has not."""
    if not held.is_over or not isinstance(act.action, Take):
        return False
    return held.outcome is None or act.action.outcome != held.outcome.digest


def _destinations(vertex: Vertex) -> Iterable[VertexId]:
    for operation in vertex.operations:
        if isinstance(operation, MoveHome):
            yield from operation.references


def _openings(vertex: Vertex) -> Iterable[VertexId]:
    """Return the vertices that opened what ``vertex`` acts on, or shows vouchers of."""
    for operation in vertex.operations:
        if isinstance(operation, Act):
            yield operation.opening
            match operation.action:
                case Slash(TwoVouchers(opening)):
                    yield opening
                case _:
                    pass
