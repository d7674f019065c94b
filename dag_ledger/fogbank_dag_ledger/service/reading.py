"""The ledger as it is on disk, to look at: an agent may be running or not."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId

from ..checkpoint_state import decode_record
from ..checkpointing import Certified
from ..genesis import Genesis
from ..intake import Intake
from ..ledger import Ledger
from ..participation.happenings import FloorRead
from ..vertex import Vertex, VertexId
from ..vertex_codec import check_signature, decode_vertex
from .checkpoint_files import read_floor
from .disk import STORE_NAME
from .failures import StoreUnusable
from .store import VertexStore


@dataclass(slots=True)
class LedgerOnDisk:
    """Everything that is kept of one ledger."""

    ledger: Ledger
    begins_at: FloorRead | None
    """The state below; None: genesis."""

    vertices: dict[VertexId, Vertex] = field(default_factory=dict[VertexId, Vertex])
    """What is kept above the floor, edges first."""

    damaged: list[VertexId] = field(default_factory=list[VertexId])
    """What does not decode, has another name, or a signature that does not hold."""

    damaged_tables: list[str] = field(default_factory=list[str])
    """Tables beside that of vertices with rows that are not as they were written."""

    waiting: list[VertexId] = field(default_factory=list[VertexId])
    """What is not solid."""

    @property
    def floor(self) -> Certified | None:
        """The checkpoint where it begins; None: at genesis."""
        return None if self.begins_at is None else self.begins_at.floor

    def find(self, prefix: str) -> list[Vertex]:
        """Return the vertices whose id begins with these hexadecimal digits."""
        return [vertex for one, vertex in self.vertices.items() if one.hex().startswith(prefix)]


def read_ledger(folder: Path, genesis: Genesis, *, with_signatures: bool = False) -> LedgerOnDisk:
    """Return the ledger whose files are in ``folder``.

    Raises:
        DatabaseFailure: the file of vertices cannot be read.
        StoreUnusable: it is another network's, or begins with a state that nobody signed.
    """
    store = VertexStore.reading(folder / STORE_NAME, genesis.network)
    try:
        floor = read_floor(store, genesis)
        wires = chain.from_iterable(store.replay())
        found = read_kept(genesis, floor, wires, with_signatures=with_signatures)
        found.damaged_tables += store.damaged_tables()
        return found
    except RemoteProtocolError as error:
        raise StoreUnusable(f"{folder / STORE_NAME} holds a wrong state: {error}") from None
    finally:
        store.close()


def read_kept(
    genesis: Genesis,
    floor: FloorRead | None,
    wires: Iterable[tuple[VertexId, bytes]],
    *,
    with_signatures: bool = False,
) -> LedgerOnDisk:
    """Return the ledger that begins at ``floor`` and keeps ``wires``, vertices by name.

    Raises:
        RemoteProtocolError: the records of the floor do not fit together.
    """
    ledger = Ledger(genesis)
    if floor is not None:
        records = map(decode_record, floor.floor.state.values())
        ledger.restore(records, floor.names, floor.tables)
    found = LedgerOnDisk(ledger, floor)
    intake = Intake(ledger)
    for name, wire in wires:
        vertex = _vertex(name, wire, genesis, with_signatures=with_signatures)
        if vertex is None:
            found.damaged.append(name)
            continue
        outcome = intake.take([(vertex, None)])
        found.vertices.update((taken.id, taken) for taken, _ in outcome.accepted)
        if not outcome.accepted and not ledger.is_settled(name):
            found.waiting.append(name)
    found.waiting = [one for one in found.waiting if one not in found.vertices]
    return found


def _vertex(
    name: VertexId, wire: bytes, genesis: Genesis, *, with_signatures: bool
) -> Vertex | None:
    try:
        vertex = decode_vertex(wire, genesis.network)
        if with_signatures:
            check_signature(vertex, genesis.network)
    except RemoteProtocolError:
        return None
    return vertex if vertex.id == name else None


def issuer_of(ledger: Ledger, digits: str) -> NodeId | None:
    """Return the account whose node id begins with ``digits``; None when none or several do."""
    found = [one.issuer for one in ledger.chains() if one.issuer.hex().startswith(digits)]
    return found[0] if len(found) == 1 else None
