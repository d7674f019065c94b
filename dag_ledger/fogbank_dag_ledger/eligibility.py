"""When a validator may vote for a way to settle an object (SPEC.md section 8.17).

A function of what one validator has observed of one object by its own beats, and of nothing else.
"""

from collections.abc import Callable, Iterable, Iterator
from math import inf
from typing import TypeAlias

from .objects import HeldObject, Notice, Settlement, Sight
from .operations import (
    ChannelTerms,
    Deliver,
    Dispute,
    EscrowTerms,
    Halve,
    PostVouchers,
    Reclaim,
    ReclaimFinal,
    RefundLate,
    ReleaseLate,
    Seize,
    Slash,
    StakeTerms,
    Terms,
    Unstake,
    Withdraw,
)
from .record import Record

NOTICES: dict[type, Notice] = {
    Reclaim: Notice.RECLAIMED,
    Deliver: Notice.DELIVERED,
    Dispute: Notice.DISPUTED,
    Unstake: Notice.UNSTAKED,
    Slash: Notice.SLASHED,
}
"""By class of action, what it tells."""

Due: TypeAlias = float
"""The beat from which a settlement may be voted for; inf: not before another notice is observed."""


def beats_after(terms: Terms, notice: Notice) -> int:
    """Return how many beats after ``notice`` something may happen to an object; 0: nothing."""
    match terms, notice:
        case ChannelTerms(beats=beats), Notice.RECLAIMED:
            return beats
        case StakeTerms(beats=beats), Notice.UNSTAKED:
            return beats
        case EscrowTerms(delivery_beats=beats), Notice.OPENED:
            return beats
        case EscrowTerms(dispute_beats=beats), Notice.DELIVERED:
            return beats
        case EscrowTerms(dispute_beats=beats), Notice.DISPUTED:
            return 2 * beats
        case _:
            return 0


def due(settlement: Settlement, sight: Sight) -> Due:
    """Return from which beat on the validator with this ``sight`` may vote for ``settlement``."""
    terms = settlement.held.terms
    match settlement.act.action, terms:
        case ReclaimFinal(), ChannelTerms(beats=beats):
            lanes = settlement.lanes
            if any(lanes.get(lane, 0) < leaves for lane, leaves in sight.best.items()):
                return inf
            return _after(sight, Notice.RECLAIMED, beats)
        case RefundLate(), EscrowTerms(delivery_beats=beats):
            if _in_time(sight, Notice.DELIVERED, Notice.OPENED, beats):
                return inf
            return _after(sight, Notice.OPENED, beats)
        case ReleaseLate(), EscrowTerms(delivery_beats=delivery, dispute_beats=dispute):
            if not _in_time(sight, Notice.DELIVERED, Notice.OPENED, delivery):
                return inf
            if _in_time(sight, Notice.DISPUTED, Notice.DELIVERED, dispute):
                return inf
            return _after(sight, Notice.DELIVERED, dispute)
        case Halve(), EscrowTerms(dispute_beats=beats):
            # The opener's turn comes later, so that honest parties never collide.
            turns = 1 if settlement.by_provider else 2
            return _after(sight, Notice.DISPUTED, turns * beats)
        case Withdraw(), StakeTerms(beats=beats):
            if _in_time(sight, Notice.SLASHED, Notice.UNSTAKED, beats):
                return inf
            return _after(sight, Notice.UNSTAKED, beats)
        case Seize(), StakeTerms(beats=beats):
            return 0 if _in_time(sight, Notice.SLASHED, Notice.UNSTAKED, beats) else inf
        case _:
            return 0


def notices_of(record: Record) -> Iterator[tuple[HeldObject, Notice]]:
    """Iterate over what a vertex tells of objects that starts or stops a count of beats."""
    if record.deeds is None:
        return
    for held in record.deeds.opened:
        if isinstance(held.terms, EscrowTerms):
            yield held, Notice.OPENED
    for held, act in record.deeds.acts:
        notice = NOTICES.get(type(act.action))
        if notice is not None:
            yield held, notice


def posted_by(record: Record) -> Iterator[tuple[HeldObject, dict[int, int]]]:
    """Iterate over the channels on which a vertex posts vouchers.

    With each comes, by lane, the most drops that one of them leaves to the provider.
    """
    for held, act in () if record.deeds is None else record.deeds.acts:
        if isinstance(act.action, PostVouchers):
            best: dict[int, int] = {}
            for voucher in act.action.vouchers:
                best[voucher.lane] = max(voucher.leaves, best.get(voucher.lane, 0))
            yield held, best


def note_vouchers(sight: Sight, terms: ChannelTerms, vouchers: dict[int, int], before: int) -> None:
    """Take note of vouchers in a vertex of the validator whose vertex before had beat ``before``.

    ``vouchers`` is, by lane, what one leaves to the provider.  After the beats of a reclaim are
    over, they come too late.
    """
    if _is_over(sight, Notice.RECLAIMED, terms.beats, before):
        return
    for lane, leaves in vouchers.items():
        sight.best[lane] = max(leaves, sight.best.get(lane, 0))


def note_posted(
    observed: Iterable[Record], sight_of: Callable[[HeldObject], Sight], before: int
) -> None:
    """Take note of the vouchers that are posted in ``observed``, after all notices there.

    ``before`` is the beat of the validator's vertex before.  Whether a reclaim is in the same
    vertex must not depend on the order.
    """
    for record in observed:
        for held, best in posted_by(record):
            if isinstance(held.terms, ChannelTerms):
                note_vouchers(sight_of(held), held.terms, best, before)


def _after(sight: Sight, notice: Notice, beats: int) -> Due:
    seen = sight.seen.get(notice)
    return inf if seen is None else seen[0] + beats


def _in_time(sight: Sight, notice: Notice, start: Notice, beats: int) -> bool:
    """Tell whether ``notice`` was observed, and not only after the beats since ``start``."""
    seen = sight.seen.get(notice)
    return seen is not None and not _is_over(sight, start, beats, seen[1])


def _is_over(sight: Sight, start: Notice, beats: int, before: int) -> bool:
    started = sight.seen.get(start)
    return started is not None and before - started[0] >= beats
