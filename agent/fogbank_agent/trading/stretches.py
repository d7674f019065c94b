"""The stretch of a step task's run about which two traces first differ (SPEC.md section 9.10).

First between checkpoints, which both show all at once; then down to a single step (7.11).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from fogbank_protocol.signed import Signed
from fogbank_wasm_tasks.receipt import Result
from fogbank_wasm_tasks.verification.merkle import hash_leaf, path_of, root_of
from fogbank_wasm_tasks.verification.proof_file import InStatement, InTrace, Point
from fogbank_wasm_tasks.verification.snapshot import decode_snapshot
from fogbank_wasm_tasks.verification.state import Digest
from fogbank_wasm_tasks.verification.terms import Terms
from fogbank_wasm_tasks.verification.trace import Trace, count_checkpoints

from .findings import end_hash

StateAt: TypeAlias = Callable[[int], Awaitable[bytes | None]]
"""Shows the own state at a position; None when it cannot be shown."""

AskState: TypeAlias = Callable[[int], Awaitable[tuple[Signed, Digest] | None]]
"""Returns what the other side states of a position; None when it gives no such statement."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a proof has others repeat (section 7.12), and what it comes to."""

    start: Point | None
    """None for the beginning."""

    stop: Point | None
    """None for the end."""

    given: bytes
    """The snapshot at ``start``, or what the run begins with."""

    right: bytes
    """As in a finding: what it comes to at ``stop``."""

    def ends(self, said: Result, own: Trace) -> tuple[int, int]:
        """Return the last position known to be common and the first that differs.

        They are -1 for the beginning, and for the end the first position at which one side is.
        """
        assert said.trace is not None
        start = -1 if self.start is None else self.start.position
        stop = min(said.trace.states, own.states) if self.stop is None else self.stop.position
        return start, stop


async def find_stretch(
    said: Result,
    terms: Terms,
    own: Trace,
    roots: Sequence[Digest],
    given: bytes,
    state_at: StateAt,
) -> Stretch | None:
    """Return where ``own`` and the trace with ``roots``, of the result ``said``, first differ.

    None when the roots are not those that were signed, or a state cannot be shown.
    """
    claim = said.trace
    if claim is None:
        return None
    unit = own.checkpoint_steps
    first = 0 if terms.start is None else terms.start.position // unit + 1
    leaves = [hash_leaf(root) for root in roots]
    if len(roots) != count_checkpoints(claim.states, unit) - first or root_of(leaves) != claim.root:
        return None
    common = min(len(roots), len(own.roots))
    place = next((at for at in range(common) if roots[at] != own.roots[at]), None)

    def point(at: int) -> Point:
        return Point((first + at) * unit, InTrace(roots[at], path_of(leaves, at)))

    before = (common if place is None else place) - 1
    stop = None if place is None else point(place)
    right: bytes | None
    if place is None:
        end = end_hash(own.outcome, own.fuel)
        right = await right_end(said, own.states, end, state_at)
    else:
        right = own.roots[place]
    if right is None:
        return None
    if before < 0:
        return Stretch(None, stop, given, right)
    snapshot = await state_at((first + before) * unit)
    if snapshot is None or decode_snapshot(snapshot).root() != roots[before]:
        return None
    return Stretch(point(before), stop, snapshot, right)


async def right_end(said: Result, states: int, end: bytes, state_at: StateAt) -> bytes | None:
    """Return what a proof about the end of ``said`` leads to (7.12): no further than it says.

    The own run has ``states`` and the result hash ``end``.  None when a state cannot be shown.
    """
    if said.trace is None or states <= said.trace.states:
        return end
    state = await state_at(said.trace.states)
    return None if state is None else decode_snapshot(state).root()


async def narrow_stretch(
    stretch: Stretch, said: Result, terms: Terms, own: Trace, state_at: StateAt, ask: AskState
) -> Stretch:
    """Return the one step of ``stretch`` that is wrong, by what the other side states of it.

    When it stops stating, or a state cannot be shown here, what is left is longer than a step, and
    as good a proof: all that was stated before binds the other side.
    """
    low, high = stretch.ends(said, own)
    if stretch.start is None and terms.start is not None:
        low = terms.start.position
    while high - low > 1:
        middle = (low + high) // 2
        stated = await ask(middle)
        state = None if stated is None else await state_at(middle)
        if stated is None or state is None:
            break
        signed, digest = stated
        point, root = Point(middle, InStatement(signed)), decode_snapshot(state).root()
        if digest == root:
            low, stretch = middle, replace(stretch, start=point, given=state)
        else:
            high, stretch = middle, replace(stretch, stop=point, right=root)
    return stretch
