"""What stands behind a provider's word: who watches over a stake, and what one is worth.

SPEC.md section 9.9.
"""

from collections.abc import Iterable, Mapping, Sequence

from fogbank_dag_ledger.operations import StakeTerms
from fogbank_dag_ledger.stakes import StakeView
from fogbank_protocol.identity import NodeId

from ..limits import (
    PARTS_PER_MILLION,
    STAKE_BEATS,
    STAKE_BEATS_MIN,
    STAKE_REWARD_PPM,
    STAKE_WATCH_MAX,
    WATCH_MISSING_MAX,
)


def watch_of(seats: Iterable[tuple[NodeId, int]], owner: NodeId) -> Sequence[NodeId]:
    """Return who watches over a stake of ``owner`` where ``seats``, with weights, have votes.

    The heaviest, at most ``STAKE_WATCH_MAX``, of equals the lowest, other than the owner: nobody
    judges itself, and nobody chooses its judges.
    """
    others = sorted((-weight, who) for who, weight in seats if who != owner)
    return tuple(sorted(who for _, who in others[:STAKE_WATCH_MAX]))


def stake_terms(
    seats: Iterable[tuple[NodeId, int]], owner: NodeId, amount: int
) -> StakeTerms | None:
    """Return the terms on which ``owner`` stakes ``amount`` drops; None where nobody can watch.

    More than half of the watch must agree.
    """
    watch = tuple(watch_of(seats, owner))
    reward = max(len(watch), amount * STAKE_REWARD_PPM // PARTS_PER_MILLION)
    if not watch or reward > amount:
        return None
    return StakeTerms(watch, _need(len(watch)), STAKE_BEATS, reward)


def is_watch_drawn(
    terms: StakeTerms, provider: NodeId, seats: Iterable[tuple[NodeId, int]], own_id: NodeId
) -> bool:
    """Tell whether the watch is the one that the ledger's weights give, not one of friends.

    Since a stake outlives changes of seats, one of them may be missing, and in a watch of eight
    one may be another; this agent itself is no stranger to itself.
    """
    drawn, watch = set(watch_of(seats, provider)), set(terms.watch)
    strangers = watch - drawn - {own_id}
    return (
        provider not in watch
        and len(drawn - watch) <= WATCH_MISSING_MAX
        and len(strangers) <= len(watch) // STAKE_WATCH_MAX
        and terms.need == _need(len(watch))
    )


def stake_worth(
    stake: StakeView | None,
    provider: NodeId,
    seats: Iterable[tuple[NodeId, int]],
    own_id: NodeId,
    beats_min: int = STAKE_BEATS_MIN,
) -> int:
    """Return what ``provider`` loses for sure, in drops, when a lie of it is proved; 0 for nothing.

    The stake counts when its watch follows from ``seats``, those that vote now with their weights,
    and it stays for ``beats_min``.  The reward is left out: the watch may be its friends.
    """
    if stake is None or stake.owner != provider or not stake.is_final:
        return 0
    if stake.is_leaving or stake.is_slashed or stake.is_settled:
        return 0
    terms = stake.terms
    if terms.beats < beats_min or not is_watch_drawn(terms, provider, seats, own_id):
        return 0
    return stake.amount - terms.reward


def stake_share(worth: int, funds: Mapping[NodeId, int], own_id: NodeId) -> int:
    """Return the part of a stake's ``worth`` that ``own_id`` may count on, in drops.

    A provider can lie to everybody at once and loses its stake once.  So its requestors share it
    by the ``funds`` of their channels to it; who has none may count on all while nobody has.
    """
    everything = sum(funds.values())
    return worth * funds.get(own_id, 0) // everything if everything else worth


def _need(members: int) -> int:
    return members // 2 + 1
