"""Traces: the states that a run of a step task went through (SPEC.md section 7.8)."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..outcome import Outcome
from ..receipt import TraceClaim
from .merkle import hash_leaf, path_of, root_by_path, root_of
from .state import Digest, end_digest


def count_checkpoints(states: int, checkpoint_steps: int) -> int:
    """Return how many of ``states`` states, of which the first is position 0, are checkpoints."""
    return -(-states // checkpoint_steps)


@dataclass(frozen=True, slots=True)
class Trace:
    """What a whole run leaves behind: the roots of its checkpoints, and its end."""

    states: int
    """How many states it passed: 1 + the steps it finished, or 0 when it did not begin."""

    checkpoint_steps: int
    roots: Sequence[Digest]
    """Of the states at positions 0, ``checkpoint_steps``, 2 · ``checkpoint_steps``, …"""

    outcome: Outcome
    fuel: int

    def claim(self) -> TraceClaim:
        """Return what a receipt says of it."""
        return TraceClaim(self.states, root_of([hash_leaf(root) for root in self.roots]))

    def digest(self, position: int) -> Digest | None:
        """Return where the run is at ``position``; None when that lies between checkpoints."""
        if position >= self.states:
            return end_digest(self.states, self.outcome, self.fuel)
        place, between = divmod(position, self.checkpoint_steps)
        return None if between else self.roots[place]

    def path(self, position: int) -> list[bytes]:
        """Return the path that shows the state at ``position``, a checkpoint, in the claim."""
        leaves = [hash_leaf(root) for root in self.roots]
        return path_of(leaves, position // self.checkpoint_steps)


def is_in_trace(
    claim: TraceClaim,
    checkpoint_steps: int,
    position: int,
    digest: bytes,
    path: Sequence[bytes],
    start: int | None = None,
) -> bool:
    """Tell whether ``path`` shows that ``claim`` has ``digest`` as its state at ``position``.

    The trace of a part has the checkpoints after its ``start``; None for a whole run.
    """
    place, between = divmod(position, checkpoint_steps)
    before = 0 if start is None else start // checkpoint_steps + 1
    if between or place < before or position >= claim.states:
        return False
    place -= before
    count = count_checkpoints(claim.states, checkpoint_steps) - before
    return root_by_path(hash_leaf(digest), place, count, path) == claim.root
