"""What an account says about homes (SPEC.md section 8.18)."""

from dataclasses import dataclass

from .committee_operations import Table
from .vertex import NO_VERTEX, VertexId


@dataclass(frozen=True, slots=True)
class CreateHome:
    """A home with these seats begins; its id is that of the vertex that says so."""

    table: Table
    signatures: tuple[bytes, ...]
    """One of each seat, in their order."""

    succeeds: VertexId = NO_VERTEX
    """The home whose people are to follow here; empty: none."""

    @property
    def references(self) -> tuple[VertexId, ...]:
        """The vertex that created the home that it succeeds."""
        return () if self.succeeds == NO_VERTEX else (self.succeeds,)


@dataclass(frozen=True, slots=True)
class MoveHome:
    """From the next vertex on the issuer lives in ``home``; empty: the whole community."""

    home: VertexId

    @property
    def references(self) -> tuple[VertexId, ...]:
        """The vertex that created the home."""
        return () if self.home == NO_VERTEX else (self.home,)


HomeOperation = CreateHome | MoveHome
