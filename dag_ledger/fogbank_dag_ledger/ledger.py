"""The ledger as one value: vertices in, events out, questions answered (SPEC.md section 8).

No clock, no disk, no network, no randomness: equal vertices give equal answers.
"""

from collections.abc import Iterator, Mapping, Sequence

from fogbank_protocol.identity import NodeId

from .events import LedgerEvent, Unwanted
from .genesis import Genesis
from .vertex import Vertex, VertexId


class Ledger:
    """Everything that is held of one network."""

    def __init__(self, genesis: Genesis) -> None: ...

    genesis: Genesis

    def insert(self, vertex: Vertex) -> Sequence[LedgerEvent]:
        """Insert ``vertex``, whose signature the caller has checked.

        Returns [Unsolid] when edges are missing (nothing changed), [] when it is held already,
        otherwise Inserted and what followed from it: Equivocated, Confirmed, Final.

        Raises:
            RemoteProtocolError: it breaks a rule of 8.3.13 to 8.3.18; nothing changed.
        """
        raise NotImplementedError

    def __contains__(self, vertex_id: VertexId) -> bool: raise NotImplementedError
    def __len__(self) -> int: raise NotImplementedError
    def missing(self, vertex: Vertex) -> tuple[VertexId, ...]: raise NotImplementedError
    def unwanted(self, vertex: Vertex) -> Unwanted | None:
        """Tell why an unasked-for ``vertex`` should not be taken (8.6); None when it is welcome."""
        raise NotImplementedError
    def learn_proof(self, proof: bytes) -> NodeId | None:
        """Take a 224-byte proof (raises RemoteProtocolError 8.10); the forker when it was unknown."""
        raise NotImplementedError
    def proofs(self) -> Mapping[NodeId, bytes]: raise NotImplementedError
    def is_confirmed(self, vertex_id: VertexId) -> bool: raise NotImplementedError
    def is_final(self, vertex_id: VertexId) -> bool: raise NotImplementedError
    def head(self, issuer: NodeId) -> VertexId | None:
        """The highest vertex held of an issuer, the lowest id when forked."""
        raise NotImplementedError
    def heads(self) -> Iterator[VertexId]: raise NotImplementedError
    def tips(self) -> Iterator[VertexId]: raise NotImplementedError
    def balance(self, account: NodeId) -> int:
        """Drops that are final and claimed or given by genesis, minus final payments."""
        raise NotImplementedError
    def claimable(self, account: NodeId) -> Mapping[NodeId, tuple[VertexId, int]]:
        """By sender: the newest final vertex that pays ``account`` and what claiming it gains."""
        raise NotImplementedError
    def state_hash(self) -> bytes: raise NotImplementedError
    def supply_held(self) -> int:
        """Final balances and unclaimed final payments; equals genesis.supply."""
        raise NotImplementedError
