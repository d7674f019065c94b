"""Whose all the money is, when a ledger can go no further (SPEC.md section 8.1)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from fogbank_protocol.identity import NodeId

from .chain import Chain
from .objects import HeldObject
from .operations import ChannelTerms, EscrowTerms, StakeTerms
from .vertex import VertexId


def last_balances(
    chains: Iterable[Chain], paid: Mapping[NodeId, Mapping[NodeId, tuple[VertexId, int]]]
) -> dict[NodeId, int]:
    """Return the drops of each account that has any, as a network that follows begins with them.

    Final balances, final payments that were not claimed, and what objects hold; together the supply
    less what was burned. ``paid`` is by recipient and sender, as ``Finality`` keeps it.
    """
    balances: defaultdict[NodeId, int] = defaultdict(int)
    put: defaultdict[HeldObject, int] = defaultdict(int)
    taken: defaultdict[HeldObject, dict[NodeId, int]] = defaultdict(dict)
    for chain in chains:
        account = chain.account
        balances[chain.issuer] += account.balance - sum(account.claimed.values())
        for held, (into, out, _) in account.objects.items():
            put[held] += into
            taken[held][chain.issuer] = out
    for recipient, senders in paid.items():
        balances[recipient] += sum(total for _, total in senders.values())
    for held, total in put.items():
        for owner, drops in _owed(held, total, taken[held]):
            balances[owner] += drops
    return {account: drops for account, drops in sorted(balances.items()) if drops}


def _owed(held: HeldObject, put: int, taken: Mapping[NodeId, int]) -> Iterable[tuple[NodeId, int]]:
    """Return to whom what is left in an object is owed."""
    left = put - sum(taken.values())
    outcome = held.outcome
    if outcome is None:
        return [(held.opener, left)]
    match held.terms:
        case StakeTerms(watch=watch):
            if outcome.is_seizure:
                return [(member, held.part - taken.get(member, 0)) for member in watch]
            return [(held.opener, left)]
        case ChannelTerms(provider=provider) | EscrowTerms(provider=provider):
            # What a top-up put in on a side that lost pays nobody.
            if taken.get(provider) or outcome.award > left:
                return [(held.opener, left)]
            passed_on = sum(drops for _, drops in outcome.shares)
            kept = (provider, outcome.award - passed_on)
            return [kept, *outcome.shares, (held.opener, left - outcome.award)]
