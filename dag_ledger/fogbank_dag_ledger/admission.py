"""Which vertices are taken that nobody has to take (SPEC.md sections 8.6 and 8.20)."""

from .events import Unwanted
from .holdings import Holdings
from .limits import ASKED_REACH, CONTENDERS_MAX, SEAT_WINDOW, WINDOW
from .strangers import bits_of, bits_wanted, is_introduced
from .vertex import Draft, Vertex


def why_unwanted(held: Holdings, vertex: Vertex, *, is_asked: bool) -> Unwanted | None:
    """Tell why ``vertex`` is not taken (8.6); None when it is.

    ``is_asked``: this node asked for it, as a missing edge or in a range.
    """
    if held.dag.get(vertex.id) is not None:
        return Unwanted.HELD
    if vertex.issuer in held.barred and not is_asked:
        return Unwanted.FORKER
    chain = held.chains.get(vertex.issuer)
    final_count = 0 if chain is None else chain.final_count
    is_seat = held.epochs.number_of(vertex.issuer) is not None
    window = SEAT_WINDOW if is_seat else WINDOW
    reach = ASKED_REACH * window if is_asked else window
    if vertex.seq >= final_count + reach:
        return Unwanted.BEYOND_WINDOW
    if is_asked:
        return None
    if vertex.seq < final_count:
        return Unwanted.SLOT_FULL
    if chain is not None and len(chain.contested.get(vertex.seq, ())) >= CONTENDERS_MAX:
        return Unwanted.SLOT_FULL
    if not is_seat and (wanted := work_wanted(held, vertex)):
        shown = bits_of(held.genesis.network, vertex.issuer, vertex.seq, vertex.work)
        return Unwanted.STRANGER if shown < wanted else None
    return None


def work_wanted(held: Holdings, vertex: Vertex | Draft) -> int:
    """Return the work that a vertex of no seat has to show to be taken, in bits (8.20)."""
    chain = held.chains.get(vertex.issuer)
    if chain is not None and chain.introduced:
        return 0
    named = [claim.source for claim in vertex.claims]
    for operation in vertex.operations:
        named += operation.references
    # Made-up names introduce nobody, and would be asked for.
    if is_introduced(vertex.claims, vertex.operations) and not held.ground.missing(named):
        return 0
    return bits_wanted(held.strangers)
