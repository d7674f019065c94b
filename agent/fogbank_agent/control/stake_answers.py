"""Answers about what the agent has at stake."""

from collections.abc import Iterable

from fogbank_dag_ledger.operations import StakeTerms
from fogbank_dag_ledger.own_objects import ObjectState, ObjectView
from fogbank_dag_ledger.stakes import StakeView
from fogbank_protocol.identity import NodeId, short_form

from ..errors import Refused
from ..parts import Parts
from ..trading.staking import StakeRefused, Staking
from .requests.stakes import OpenStake, Stake, Stakes, WithdrawStakes


async def answer_stakes(parts: Parts, request: OpenStake | WithdrawStakes) -> Stakes:
    """Lock more, or ask for everything back.

    Raises:
        Refused: it cannot be, and why.
    """
    staking = _staking(parts)
    try:
        match request:
            case OpenStake(drops):
                await staking.open(drops)
            case WithdrawStakes():
                await staking.withdraw()
    except StakeRefused as refused:
        raise Refused(str(refused)) from None
    return list_stakes(parts)


def list_stakes(parts: Parts) -> Stakes:
    """Return all stakes of the agent.

    Raises:
        Refused: it sells nothing.
    """
    return Stakes(tuple(map(_stake, _staking(parts).stakes())))


def sum_stakes(own: NodeId, views: Iterable[ObjectView]) -> int:
    """Return the drops that ``own`` has at stake, or still has to take back from a stake."""
    return sum(
        view.owed if view.state is ObjectState.SETTLED else view.amount
        for view in views
        if isinstance(view.terms, StakeTerms) and view.opener == own
    )


def _staking(parts: Parts) -> Staking:
    if parts.provider is None:
        raise Refused(f"this agent sells nothing, so nothing is at stake: {parts.why_no_provider}")
    return parts.provider.staking


def _stake(view: StakeView) -> Stake:
    return Stake(
        stake=view.id.hex(),
        drops=view.amount,
        state=_state(view),
        watch=tuple(map(short_form, view.terms.watch)),
        need=view.terms.need,
        reward=view.terms.reward,
        beats=view.terms.beats,
    )


def _state(view: StakeView) -> str:
    if view.is_settled:
        return "seized" if view.is_seized else "taken back"
    if not view.is_final:
        return "opening"
    if view.is_slashed:
        return "slashed"
    return "leaving" if view.is_leaving else "standing"
