"""The stretch of a step task's run about which two traces first differ (SPEC.md section 9.10)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from fogbank_wasm_tasks.receipt import Result
from fogbank_wasm_tasks.verification.merkle import HASH_BYTES, hash_leaf, path_of, root_of
from fogbank_wasm_tasks.verification.proof_file import InTrace, Point
from fogbank_wasm_tasks.verification.snapshot import decode_snapshot
from fogbank_wasm_tasks.verification.state import Digest
from fogbank_wasm_tasks.verification.terms import Terms
from fogbank_wasm_tasks.verification.trace import Trace, count_checkpoints

from .findings import end_hash


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


def roots_in(body: bytes) -> Sequence[Digest]:
    """Return the roots that an answer consists of; none when it does not consist of roots."""
    if len(body) % HASH_BYTES:
        return ()
    places = range(0, len(body), HASH_BYTES)
    return [Digest(body[place : place + HASH_BYTES]) for place in places]


async def find_stretch(
    said: Result,
    terms: Terms,
    own: Trace,
    roots: Sequence[Digest],
    given: bytes,
    state_at: Callable[[int], Awaitable[bytes | None]],
) -> Stretch | None:
    """Return where ``own`` and the trace with ``roots``, of the result ``said``, first differ.

    ``state_at`` shows the own state at a position.  None when the roots are not those that were
    signed, or the state cannot be shown.
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
    right = end_hash(own.outcome, own.fuel) if place is None else own.roots[place]
    if before < 0:
        return Stretch(None, stop, given, right)
    snapshot = await state_at((first + before) * unit)
    if snapshot is None or decode_snapshot(snapshot).root() != roots[before]:
        return None
    return Stretch(point(before), stop, snapshot, right)
