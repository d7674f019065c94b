"""What a checkpoint may cover, and the rise of the floor to one (SPEC.md section 8.21)."""

from collections.abc import Callable, Mapping, Sequence

from .checkpoint_state import is_shown_forked
from .cut import Cut, choose_cut, cone_within, final_at, pressing, shows_fork, takes_from
from .holdings import Holdings
from .objects import HeldObject
from .pruning import mark_lost, settle
from .record import Record
from .settled_objects import mark_vain, settle_objects
from .vertex import VertexId


def largest_cut(held: Holdings, before: Cut, may_die: Callable[[Record, int], bool]) -> Cut:
    """Return the largest cut that is closed, above ``before``."""
    epoch = held.epochs.number

    def passes(cut: Cut, below: Cut) -> set[HeldObject]:
        return held_up_by(held, cut, below)

    return choose_cut(held.dag.records(), before, may_die, passes, epoch)


def held_up_by(held: Holdings, cut: Cut, before: Cut) -> set[HeldObject]:
    """Return the objects that ``cut`` may not pass: it shows neither how they were settled, nor
    that all seats have seen what it covers of them.
    """
    facts = [
        (record, one)
        for record in (*cut.members(before), *cut.dead.values())
        for one in pressing(record)
    ]
    taken = {one for record, _ in facts for one in takes_from(record)}
    known: dict[HeldObject, bool] = {}
    for _, one in facts:
        if one not in known:
            known[one] = _shows_outcome(held, one, cut)
    open_ = [(record, one) for record, one in facts if not known[one]]
    return {one for _, one in open_ if one in taken} | _unseen(held, cut, before, open_)


def _unseen(
    held: Holdings, cut: Cut, before: Cut, facts: Sequence[tuple[Record, HeldObject]]
) -> set[HeldObject]:
    """Return the objects of ``facts`` that a seat has not seen in all of them."""
    if not facts:
        return set()
    within = {*cut.members(before), *cut.dead.values()}
    found: set[HeldObject] = set()
    for seat, name in enumerate(held.epochs.holders):
        chain = held.chains[name]
        if chain.shown_forked or shows_fork(cut, chain):
            continue
        tops = [final_at(chain, cut.counts[chain])] if chain in cut.counts else []
        cone = cone_within(tops, within)
        found.update(
            one for record, one in facts if record not in cone and one.home.weight_of(seat)
        )
    return found


def _shows_outcome(held: Holdings, one: HeldObject, cut: Cut) -> bool:
    outcome = one.outcome
    return outcome is not None and bool(cut.settling(outcome)) and is_decided(held, one, cut)


def is_decided(held: Holdings, one: HeldObject, cut: Cut) -> bool:
    """Tell whether the votes below ``cut`` show that the outcome of an object is L1."""
    if one.outcome is None:
        return False
    if one.outcome.carried:
        # The votes are below the decision.
        return cut.epoch == held.epochs.number
    weight = sum(
        one.home.weight_of(seat)
        for seat, record in one.outcome.cast_in.items()
        # Votes in vertices that are lost do not show: their line is forgotten with them.
        if record.final and cut.covers(record) and not record.chain.forked
    )
    return one.is_over or weight >= one.home.quorum


def may_die(held: Holdings, record: Record) -> bool:
    """Tell whether a checkpoint may list a vertex as lost: it is a forker's or lost already."""
    chain = record.chain
    if record.lost or not held.dag.is_forker(chain) or record.seq < chain.final_count:
        return record.lost or held.dag.is_forker(chain)
    # What is L1 will be acknowledged, and final: nobody who has done so could sign.
    return chain.next_confirmed(chain.final_head) is None


def _mark_forkers(held: Holdings, state: Mapping[bytes, bytes]) -> list[int]:
    """Return the numbers of the seats that the state at the floor shows to have forked."""
    for name in held.epochs.holders:
        chain = held.chains[name]
        chain.shown_forked = chain.shown_forked or is_shown_forked(state, name)
    chains = [held.chains[name] for name in held.epochs.holders]
    return [seat for seat, chain in enumerate(chains) if chain.shown_forked]


def rise(held: Holdings, cut: Cut, state: Mapping[bytes, bytes]) -> Sequence[VertexId]:
    """Let the floor rise to ``cut`` and forget what is below it; return what was forgotten.

    ``state`` are the records at ``cut``, by key.
    """
    gone = settle(cut, held.dag, held.ground, held.votes, held.chains, held.trail)
    held.homes.forget(cut.dead)
    settle_objects(state, held.objects, held.ground, held.chains)
    forked = _mark_forkers(held, state)
    held.votes.objects.pass_on(held.objects.values(), forked)
    if mark_vain(held.dag.records()):
        mark_lost(held.dag.records())
    held.votes.objects.forget()
    held.finality.forget(gone)
    held.epochs.settle(cut.epoch)
    return [record.id for record in gone]
