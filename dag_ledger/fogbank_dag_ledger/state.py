"""The final state in one hash, and the check that no drop is made or lost (SPEC.md section 8.9)."""

from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b

from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.identity import NetworkId, NodeId

from .chain import Chain
from .objects import HeldObject
from .operations import StakeTerms
from .record import Record
from .vertex import VertexId


def state_hash(
    network: NetworkId, chains: Iterable[Chain], seized: Collection[HeldObject]
) -> bytes:
    """Return the 32 bytes that are equal on all nodes with the same final vertices."""
    digest = blake2b(b"fog-state-1\0" + network, digest_size=32)
    ordered = sorted(chains, key=lambda chain: chain.issuer)
    for chain in ordered:
        if chain.genesis_balance or chain.account.head:
            digest.update(encode(_state_of(chain)))
    for record in object_records(ordered, seized):
        digest.update(encode(record))
    digest.update(encode(burned(seized)))
    return digest.digest()


def object_records(chains: Iterable[Chain], seized: Collection[HeldObject]) -> list[Value]:
    """Return the records of all objects that hold something, ascending by object id (8.9).

    ``seized`` are the stakes of which a final vertex took a part of the reward.
    """
    shares: dict[HeldObject, dict[NodeId, tuple[int, int]]] = {}
    for chain in chains:
        for held, (put, out, _) in chain.account.objects.items():
            shares.setdefault(held, {})[chain.issuer] = (put, out)
    records: list[Value] = []
    for held in sorted(shares, key=lambda held: held.id):
        of_object = shares[held]
        total = sum(put for put, _ in of_object.values())
        left = total - sum(out for _, out in of_object.values())
        if left == (burned([held]) if held in seized else 0):
            continue
        taken: Value = [[who, of_object[who][1]] for who in sorted(of_object) if of_object[who][1]]
        records.append([held.id, held.opener, total, taken])
    return records


def burned(seized: Iterable[HeldObject]) -> int:
    """Return what is nobody's any more of stakes from which a reward was taken, in drops."""
    return sum(held.amount - held.part * _watch_count(held) for held in seized)


def _watch_count(held: HeldObject) -> int:
    assert isinstance(held.terms, StakeTerms)
    return len(held.terms.watch)


def supply_held(
    chains: Iterable[Chain], paid: Mapping[NodeId, Mapping[NodeId, tuple[VertexId, int]]]
) -> int:
    """Return final balances, final payments not yet claimed and what is in objects, in drops."""
    held, claimed = 0, 0
    for chain in chains:
        held += chain.account.balance
        held += sum(put - taken for put, taken, _ in chain.account.objects.values())
        claimed += sum(chain.account.claimed.values())
    sent = sum(total for by_sender in paid.values() for _, total in by_sender.values())
    return held + sent - claimed


def total_paid(record: Record, recipient: NodeId) -> int:
    """Return sent(record → recipient) of a vertex with a payment to ``recipient``, in drops."""
    return next(total for payee, _, total in record.payments if payee == recipient)


def _state_of(chain: Chain) -> Value:
    account = chain.account
    claimed: Value = [[sender, total] for sender, total in sorted(account.claimed.items())]
    sent: Value = [[recipient, total] for recipient, total in sorted(account.sent.items())]
    return [chain.issuer, account.head, account.balance, claimed, sent]
