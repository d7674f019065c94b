"""The final state in one hash, and the check that no drop is made or lost (SPEC.md section 8.9)."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.identity import NetworkId, NodeId

from .chain import Chain
from .vertex import VertexId


def state_hash(network: NetworkId, chains: Iterable[Chain]) -> bytes:
    """Return the 32 bytes that are equal on all nodes with the same final payments."""
    digest = blake2b(b"fog-state-1\0" + network, digest_size=32)
    for chain in sorted(chains, key=lambda chain: chain.issuer):
        if chain.genesis_balance or chain.account.head:
            digest.update(encode(_state_of(chain)))
    return digest.digest()


def supply_held(
    chains: Iterable[Chain], paid: Mapping[NodeId, Mapping[NodeId, tuple[VertexId, int]]]
) -> int:
    """Return all final balances and all final payments not yet claimed, in drops."""
    held, claimed = 0, 0
    for chain in chains:
        held += chain.account.balance
        claimed += sum(chain.account.claimed.values())
    sent = sum(total for by_sender in paid.values() for _, total in by_sender.values())
    return held + sent - claimed


def _state_of(chain: Chain) -> Value:
    account = chain.account
    claimed: Value = [[sender, total] for sender, total in sorted(account.claimed.items())]
    sent: Value = [[recipient, total] for recipient, total in sorted(account.sent.items())]
    return [chain.issuer, account.head, account.balance, claimed, sent]
