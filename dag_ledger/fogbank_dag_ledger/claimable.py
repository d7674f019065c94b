"""What an account was paid and has yet to claim (SPEC.md section 8.3)."""

from collections.abc import Mapping

from fogbank_protocol.identity import NodeId

from .holdings import Holdings
from .vertex import VertexId, seq_in


def claimable(held: Holdings, account: NodeId) -> Mapping[NodeId, tuple[VertexId, int]]:
    """Return, by sender, the newest final vertex that pays ``account``, and what it has paid.

    Only senders whose total is above what the account's head has claimed; the number is that
    difference, in drops.
    """
    claimed: Mapping[NodeId, int] = {}
    chain = held.chains.get(account)
    if chain is not None:
        if chain.head is not None and chain.head.lost:
            return {}
        chain.totals.move(chain.head)
        claimed = chain.totals.claimed
    gains: dict[NodeId, tuple[VertexId, int]] = {}
    for sender, (source, total) in held.finality.paid.get(account, {}).items():
        gain = total - claimed.get(sender, 0)
        if gain > 0:
            gains[sender] = (_known_to_all(held, sender, source), gain)
    return gains


def _known_to_all(held: Holdings, sender: NodeId, source: VertexId) -> VertexId:
    """Return a final vertex that everybody knows to stand for what ``source`` paid."""
    chain = held.chains[sender]
    head = chain.settled_head
    return head.id if head is not None and seq_in(source) < chain.floor else source
