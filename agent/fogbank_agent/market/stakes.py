"""What stands behind a provider's word: who watches over a stake, and what one is worth.

SPEC.md section 9.9.
"""

from collections.abc import Collection, Mapping, Sequence

from fogbank_dag_ledger.operations import StakeTerms
from fogbank_dag_ledger.stakes import StakeView
from fogbank_protocol.identity import NodeId

from ..limits import (
    PARTS_PER_MILLION,
    STAKE_BEATS,
    STAKE_BEATS_MIN,
    STAKE_REWARD_PPM,
    STAKE_WATCH_MAX,
)


def stake_terms(
    seats: Sequence[tuple[NodeId, int]], owner: NodeId, amount: int
) -> StakeTerms | None:
    """Return the terms on which ``owner`` stakes ``amount`` drops; None where nobody can watch.

    The watch are the heaviest of ``seats``, each with its weight, other than the owner: nobody
    judges itself.  More than half of them must agree.
    """
    others = sorted((-weight, who) for who, weight in seats if who != owner)
    watch = tuple(sorted(who for _, who in others[:STAKE_WATCH_MAX]))
    reward = max(len(watch), amount * STAKE_REWARD_PPM // PARTS_PER_MILLION)
    if not watch or reward > amount:
        return None
    return StakeTerms(watch, len(watch) // 2 + 1, STAKE_BEATS, reward)


def stake_worth(
    stake: StakeView | None, provider: NodeId, seats: Collection[NodeId], own_id: NodeId
) -> int:
    """Return what ``provider`` loses for sure, in drops, when a lie of it is proved; 0 for nothing.

    The stake counts when enough of its watch have one of ``seats`` now, or are this agent itself,
    and it stays long enough.  The reward is left out: the watch may be the provider's friends.
    """
    if stake is None or stake.owner != provider or not stake.is_final:
        return 0
    if stake.is_leaving or stake.is_slashed or stake.is_settled:
        return 0
    terms = stake.terms
    trusted = sum(who != provider and (who in seats or who == own_id) for who in terms.watch)
    if trusted < terms.need or terms.beats < STAKE_BEATS_MIN:
        return 0
    return stake.amount - terms.reward


def stake_share(worth: int, funds: Mapping[NodeId, int], own_id: NodeId) -> int:
    """Return the part of a stake's ``worth`` that ``own_id`` may count on, in drops.

    A provider can lie to everybody at once and loses its stake once.  So its requestors share it
    by the ``funds`` of their channels to it; who has none may count on all while nobody has.
    """
    everything = sum(funds.values())
    return worth * funds.get(own_id, 0) // everything if everything else worth
