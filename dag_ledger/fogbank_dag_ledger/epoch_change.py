"""The passage from one epoch to the next, in all tables at once (SPEC.md section 8.19)."""

from collections.abc import Iterable

from .carrying import carried_over, outcomes_voted_for, union_of_cones
from .chain import Chain
from .committee_operations import Decision, Table
from .epochs import decided_table
from .events import Confirmed, EpochBegan, LedgerEvent
from .holdings import Holdings
from .objects import Outcome
from .record import Record


def begin_epoch(held: Holdings, record: Record, events: list[LedgerEvent]) -> Iterable[Chain]:
    """Let the next epoch begin as ``record`` shows it was decided.

    What follows is added to ``events``; returns the chains that may have become final further.
    """
    decision = next(one for one in record.committee if isinstance(one, Decision))
    table, sign_offs = decided_table(decision, {edge.id: edge for edge in record.edges})
    pending = list(held.pending())
    validators = [held.chains[name] for name in held.epochs.holders]
    forked = [one for one in validators if one.forked and held.epochs.weight_of(one.issuer)]
    retells = bool(forked) and held.votes.objects.is_open()
    # What a forked line saw of an object may lie as deep as the notice that began it.
    lowest = 0 if retells else held.votes.objects.lowest_vote()
    floor = min([lowest, *[one.height for one in pending]])
    union = union_of_cones(sign_offs, floor)
    carried = carried_over(pending, union, held.epochs, validators)
    votes: dict[int, set[Outcome]] = {}
    for chain in forked:
        assert chain.seat is not None
        votes[chain.seat] = outcomes_voted_for(chain, union, held.epochs) if retells else set()
    held.votes.begin_epoch(union, carried, votes)
    ended = held.epochs.home.copy()
    for acknowledged in {held.acknowledged[one.chain.tag] for one in carried if not one.final}:
        acknowledged.end_epoch(held.epochs.number, ended)
    seat(held, table)
    for chain in held.chains.values():
        chain.closed_count = chain.final_count
        chain.sealed = False
        held.pardon(chain)
    shown_by = (decision.proposal, *decision.precommits)
    events.append(EpochBegan(held.epochs.number, table, shown_by))
    events += [Confirmed(one.id) for one in carried]
    return held.chains.values()


def seat(held: Holdings, table: Table) -> None:
    """Let the next epoch begin with ``table``."""
    new = held.epochs.begin(table)
    held.homes.seat_all()
    for name in new:
        chain = held.chain_of(name)
        chain.seat = held.epochs.number_of(name)
        held.introduce(chain)
    held.votes.seat_new([held.chains[name] for name in new])
    for acknowledged in held.acknowledged.values():
        acknowledged.begin_epoch()
