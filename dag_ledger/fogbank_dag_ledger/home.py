"""A home: the committee whose votes make an account's vertices final (SPEC.md section 8.18)."""

from collections.abc import Sequence

from fogbank_protocol.identity import NodeId

from .committee_operations import Table

GENERAL = b""
"""The id of the home of the whole community, whose seats epochs change."""


class Home:
    """Who decides on the slots of the accounts that live here.

    Weights are by number of the seat, the same numbers in all homes: see ``Epochs.holders``.
    """

    __slots__ = ("id", "quorum", "successors", "table", "weights")

    def __init__(self, home_id: bytes, table: Table, weights: list[int]) -> None:
        """``home_id`` is the id of the vertex that created it."""
        self.id = home_id
        self.table = table
        self.quorum = table.quorum
        self.weights = weights
        self.successors: list[Home] = []
        """Homes that people who live here are to follow to, in the order in which they came."""

    @property
    def is_general(self) -> bool:
        """Whether it is that of the whole community."""
        return not self.id

    def seat(self, holders: Sequence[NodeId]) -> None:
        """Give each of ``holders``, by number, its weight here; nobody's weight changes."""
        weights = self.table.weights()
        self.weights[:] = [weights.get(name, 0) for name in holders]

    def copy(self) -> "Home":
        """Return a home that keeps the seats of now."""
        return Home(self.id, self.table, list(self.weights))

    def weight_of(self, number: int) -> int:
        """Return the weight of the seat with this number; 0 when it has none here."""
        return self.weights[number] if number < len(self.weights) else 0


NOWHERE = Home(b"\0", Table((), 1), [])
"""Of vertices that nobody votes for any more: they are settled, or lost in a home not known."""
