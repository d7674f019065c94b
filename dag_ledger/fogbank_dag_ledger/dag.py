"""The live region of the DAG, and its tips (SPEC.md section 8.6).

The container is a networkx graph: one node a vertex, one edge a reference.  Whatever is asked of
it for every vertex is kept incrementally beside; no algorithm over the whole graph is run here.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import networkx as nx

from .chain import Chain
from .record import Record
from .vertex import VertexId

if TYPE_CHECKING:
    Graph = nx.DiGraph[Record]
else:
    Graph = nx.DiGraph

_NO_ATTRIBUTES: dict[str, object] = {}


def _no_attributes() -> dict[str, object]:
    return _NO_ATTRIBUTES


class _ThinGraph(Graph):
    """A graph whose nodes and edges share one empty dict of attributes, for the memory."""

    # Where networkx keeps nodes, successors and predecessors; its stubs do not name them.
    _node: dict[Record, dict[str, object]]
    _succ: dict[Record, dict[Record, dict[str, object]]]
    _pred: dict[Record, dict[Record, dict[str, object]]]

    node_attr_dict_factory = staticmethod(_no_attributes)
    edge_attr_dict_factory = staticmethod(_no_attributes)

    def add_vertex(self, record: Record) -> None:
        """Add a node that is not here with edges to nodes that are.

        The methods of networkx look for each node first, make dicts of attributes and clear caches
        of algorithms that are never run here; that took a fifth of the time of an insertion.
        """
        self._node[record] = _NO_ATTRIBUTES
        self._succ[record] = dict.fromkeys(record.edges, _NO_ATTRIBUTES)
        self._pred[record] = {}
        for edge in record.edges:
            self._pred[edge][record] = _NO_ATTRIBUTES

    def remove_vertex(self, record: Record) -> Iterable[Record]:
        """Remove a node, and the edges that lead to it; return where they came from."""
        del self._node[record]
        for edge in self._succ.pop(record):
            self._pred[edge].pop(record, None)
        children = self._pred.pop(record)
        for child in children:
            del self._succ[child][record]
        return children

    def has_children(self, record: Record) -> bool:
        """Tell whether a node stands on ``record``, whoever issued it."""
        return bool(self._pred[record])


class Dag:
    """Every vertex that is held, what it stands on, and what nobody stands on yet."""

    def __init__(self) -> None:
        self._graph = _ThinGraph()
        self._records: dict[VertexId, Record] = {}
        self.get: Callable[[VertexId], Record | None] = self._records.get
        """Return what is known of a vertex, None when it is not held.

        The method of the dict itself: nothing is asked more often."""

        self._banned: set[Chain] = set()
        self._forkers: set[Chain] = set()
        """Whoever was ever banned."""

        self._hidden: set[Record] = set()
        """Of issuers while they were banned: no tips, and what they stand on is not hidden."""

        self.tips: dict[Record, None] = {}
        """In order of arrival (section 8.6)."""

    @property
    def graph(self) -> Graph:
        """The container itself, to look at and to export: do not change it."""
        return self._graph

    def __len__(self) -> int:
        return len(self._records)

    def children(self, record: Record) -> Iterable[Record]:
        """Return what stands on ``record`` directly."""
        return self._graph.predecessors(record)

    def is_banned(self, chain: Chain) -> bool:
        """Tell whether the issuer is a known forker, and no epoch has begun since."""
        return chain in self._banned

    def is_forker(self, chain: Chain) -> bool:
        """Tell whether the issuer is a known forker, or was one in an earlier epoch."""
        return chain in self._forkers

    def is_hidden(self, record: Record) -> bool:
        """Tell whether a vertex was never a tip, because its issuer was banned when it came."""
        return record in self._hidden

    def add(self, record: Record) -> None:
        """Add a vertex whose edges are all here."""
        self._records[record.id] = record
        self._graph.add_vertex(record)
        if record.chain in self._banned:
            self._hidden.add(record)
            return
        for edge in record.edges:
            edge.children += 1
            self.tips.pop(edge, None)
        self.tips[record] = None

    def records(self) -> Iterator[Record]:
        """Iterate over all vertices, edges before what stands on them."""
        return iter(self._records.values())

    def is_leaf(self, record: Record) -> bool:
        """Tell whether nothing that is held stands on ``record``."""
        return not self._graph.has_children(record)

    def forget(self, record: Record) -> None:
        """Remove a vertex; what stands on it goes on without that edge."""
        del self._records[record.id]
        self.tips.pop(record, None)
        for child in self._graph.remove_vertex(record):
            child.edges = tuple([edge for edge in child.edges if edge is not record])
        if record in self._hidden:
            self._hidden.remove(record)
        else:
            for edge in record.edges:
                edge.children -= 1
        record.edges = ()

    def ban(self, chain: Chain, records: Iterable[Record]) -> None:
        """Treat the issuer as a forker: ``records``, all it has in the DAG, hide no tip any more.

        Otherwise a forker could stand on an honest vertex, and nobody would name either.
        """
        if chain in self._banned:
            return
        self._banned.add(chain)
        self._forkers.add(chain)
        for record in records:
            self.tips.pop(record, None)
            if record in self._hidden:
                continue
            self._hidden.add(record)
            for edge in record.edges:
                edge.children -= 1
                if not edge.children and edge.chain not in self._banned:
                    self.tips[edge] = None

    def pardon(self, chain: Chain) -> None:
        """Treat what the issuer adds from now on like anybody's.

        What it has in the DAG stays hidden: it may stand on the side of a fork that lost.
        """
        self._banned.discard(chain)
