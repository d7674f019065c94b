"""What members say to change their committee (SPEC.md section 8.19)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.identity import NodeId

from .vertex import VertexId


@dataclass(frozen=True, slots=True)
class Table:
    """The seats of one epoch."""

    seats: tuple[tuple[NodeId, int], ...]
    """Who, with what weight; ascending by node id."""

    quorum: int

    @property
    def weight(self) -> int:
        """The weight of all seats together."""
        return sum(weight for _, weight in self.seats)

    @property
    def enough_for_a_correct_one(self) -> int:
        """So much weight is never all Byzantine: 2Q - W."""
        return 2 * self.quorum - self.weight

    def weights(self) -> dict[NodeId, int]:
        """Return the weight of each member."""
        return dict(self.seats)


@dataclass(frozen=True, slots=True)
class Want:
    """The issuer wants ``epoch`` to begin with ``table``."""

    epoch: int
    table: Table

    @property
    def references(self) -> tuple[VertexId, ...]:
        """No vertices."""
        return ()


@dataclass(frozen=True, slots=True)
class SignOff:
    """The issuer votes and acknowledges no more before ``epoch`` begins."""

    epoch: int

    @property
    def references(self) -> tuple[VertexId, ...]:
        """No vertices."""
        return ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """The issuer proposes how ``epoch`` begins."""

    epoch: int
    attempt: int
    valid_attempt: int
    """-1: the value never had a quorum of prevotes."""

    table: Table
    sign_offs: tuple[VertexId, ...]
    """Z, ascending: the state of the old epoch is what their past cones show."""

    @property
    def references(self) -> tuple[VertexId, ...]:
        """The sign-offs."""
        return self.sign_offs

    @property
    def value(self) -> bytes:
        """What is agreed on."""
        return value_of(self.table, self.sign_offs)


@dataclass(frozen=True, slots=True)
class CommitteeVote:
    """A prevote, or a precommit, for what has this digest; empty: for nothing."""

    epoch: int
    attempt: int
    digest: bytes
    is_precommit: bool

    @property
    def references(self) -> tuple[VertexId, ...]:
        """No vertices."""
        return ()


@dataclass(frozen=True, slots=True)
class Decision:
    """Shows that ``epoch`` begins as ``proposal`` says: a quorum precommitted it."""

    epoch: int
    proposal: VertexId
    precommits: tuple[VertexId, ...]
    """Ascending, one of each member."""

    @property
    def references(self) -> tuple[VertexId, ...]:
        """The proposal, and the precommits."""
        return (self.proposal, *self.precommits)


CommitteeOperation: TypeAlias = Want | SignOff | Proposal | CommitteeVote | Decision


def table_of(seats: Mapping[NodeId, int], quorum: int) -> Table:
    """Return the table with these seats."""
    return Table(tuple(sorted(seats.items())), quorum)


def table_value(table: Table) -> Value:
    """Return what an op says of ``table``."""
    seats: Value = [[node_id, weight] for node_id, weight in table.seats]
    return [seats, table.quorum]


def value_of(table: Table, sign_offs: tuple[VertexId, ...]) -> bytes:
    """Return the bytes that members agree on."""
    return encode([table_value(table), list(sign_offs)])
