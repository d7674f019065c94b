"""What a checkpoint may cover, and the rise of the floor to one (SPEC.md section 8.21)."""

from collections.abc import Callable, Mapping, Sequence

from .cut import Cut, choose_cut
from .holdings import Holdings
from .objects import HeldObject
from .pruning import mark_lost, settle
from .record import Record
from .settled_objects import mark_vain, settle_objects
from .vertex import VertexId


def largest_cut(held: Holdings, before: Cut, may_die: Callable[[Record, int], bool]) -> Cut:
    """Return the largest cut that is closed, above ``before``."""
    epoch = held.epochs.number

    def is_decided_below(one: HeldObject, cut: Cut) -> bool:
        return is_decided(held, one, cut)

    return choose_cut(held.dag.records(), before, may_die, is_decided_below, epoch)


def is_decided(held: Holdings, one: HeldObject, cut: Cut) -> bool:
    """Tell whether the votes below ``cut`` show that the outcome of an object is L1.

    A seat that is known here to have forked may have voted in a vertex that is not covered.
    """
    if one.outcome is None:
        return False
    if one.outcome.carried:
        # The votes are below the decision.
        return cut.epoch == held.epochs.number
    weight = sum(
        one.home.weight_of(seat)
        for seat, record in one.outcome.cast_in.items()
        if cut.covers(record) or record.chain.forked
    )
    return one.is_over or weight >= one.home.quorum


def may_die(held: Holdings, record: Record) -> bool:
    """Tell whether a checkpoint may list a vertex as lost: it is a forker's or lost already."""
    chain = record.chain
    if record.lost or not held.dag.is_forker(chain) or record.seq < chain.final_count:
        return record.lost or held.dag.is_forker(chain)
    # What is L1 will be acknowledged, and final: nobody who has done so could sign.
    return chain.next_confirmed(chain.final_head) is None


def rise(held: Holdings, cut: Cut, state: Mapping[bytes, bytes]) -> Sequence[VertexId]:
    """Let the floor rise to ``cut`` and forget what is below it; return what was forgotten.

    ``state`` are the records at ``cut``, by key.
    """
    gone = settle(cut, held.dag, held.ground, held.votes, held.chains, held.trail)
    held.homes.forget(cut.dead)
    settle_objects(state, held.objects, held.ground, held.chains)
    if mark_vain(held.dag.records()):
        mark_lost(held.dag.records())
    held.votes.objects.forget()
    held.finality.forget(gone)
    held.epochs.settle(cut.epoch)
    return [record.id for record in gone]
