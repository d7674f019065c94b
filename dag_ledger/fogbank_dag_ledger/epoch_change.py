"""The passage from one epoch to the next, in all tables at once (SPEC.md section 8.19)."""

from collections.abc import Iterable

from .carrying import carried_over, union_of_cones
from .chain import Chain
from .committee_operations import Decision, Table
from .epochs import decided_table
from .events import Confirmed, EpochBegan, LedgerEvent
from .holdings import Holdings
from .record import Record


def begin_epoch(held: Holdings, record: Record, events: list[LedgerEvent]) -> Iterable[Chain]:
    """Let the next epoch begin as ``record`` shows it was decided.

    What follows is added to ``events``; returns the chains that may have become final further.
    """
    decision = next(one for one in record.committee if isinstance(one, Decision))
    table, sign_offs = decided_table(decision, {edge.id: edge for edge in record.edges})
    pending = list(held.pending())
    lowest = held.votes.objects.lowest_vote()
    floor = min([lowest, *[one.height for one in pending]])
    union = union_of_cones(sign_offs, floor)
    validators = [held.chains[name] for name in held.epochs.holders]
    carried = carried_over(pending, union, held.epochs, validators)
    held.votes.begin_epoch(union, carried)
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
