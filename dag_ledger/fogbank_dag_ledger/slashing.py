"""Proofs against the owner of a stake (SPEC.md section 8.15).

Hashes and signatures are all that is looked at: whether a result is wrong, the stake's watch says.
"""

from hashlib import blake2b

from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId, NodeId

from .equivocation import check_proof
from .objects import HeldObject
from .operations import (
    ChannelTerms,
    Forked,
    Proof,
    StakeTerms,
    TwoVerdicts,
    TwoVouchers,
    WrongResult,
)
from .statements import is_finding, is_verdict, is_voucher

RULE = "8.15.2"


def check_slashing(
    proof: Proof, stake: HeldObject, against: HeldObject | None, network: NetworkId
) -> None:
    """Check that ``proof`` convicts the owner of ``stake``; ``against`` is the channel it names.

    Raises:
        RemoteProtocolError: it does not (8.15.2).
    """
    match proof:
        case Forked(data):
            holds = _is_fork(data, stake.opener, network)
        case TwoVerdicts():
            holds = _are_verdicts(proof, stake.opener, network)
        case WrongResult():
            holds = _is_wrong(proof, stake, network)
        case TwoVouchers():
            holds = against is not None and _are_vouchers(proof, stake, against, network)
    if not holds:
        raise RemoteProtocolError("a proof that proves nothing", rule=RULE)


def result_hash(outcome: Value, fuel: int) -> bytes:
    """Return the 32 bytes that name ``outcome`` and ``fuel`` of a run (7.6) in a finding."""
    return blake2b(b"fog-result-1\0" + encode([outcome, fuel]), digest_size=32).digest()


def _is_fork(data: bytes, owner: NodeId, network: NetworkId) -> bool:
    try:
        return check_proof(data, network) == owner
    except RemoteProtocolError:
        return False


def _are_verdicts(proof: TwoVerdicts, owner: NodeId, network: NetworkId) -> bool:
    pairs = zip(proof.awards, proof.signatures, strict=True)
    return all(is_verdict(owner, network, proof.object_id, *pair) for pair in pairs)


def _are_vouchers(
    proof: TwoVouchers, stake: HeldObject, channel: HeldObject, network: NetworkId
) -> bool:
    owner = stake.opener
    terms = channel.terms
    if channel.opener != owner or not isinstance(terms, ChannelTerms):
        return False
    if _place(channel) <= _place(stake):
        return False
    return all(is_voucher(terms.voucher_key, network, channel.id, one) for one in proof.vouchers)


def _place(held: HeldObject) -> tuple[int, int]:
    assert held.opened_in is not None
    return held.opened_in.seq, held.index


def _is_wrong(proof: WrongResult, stake: HeldObject, network: NetworkId) -> bool:
    terms = stake.terms
    assert isinstance(terms, StakeTerms)
    if len(proof.members) < terms.need or proof.members[-1] >= len(terms.watch):
        return False
    return all(
        is_finding(
            terms.watch[member],
            network,
            stake.opener,
            proof.receipt_id,
            proof.number,
            proof.right,
            signature,
        )
        for member, signature in zip(proof.members, proof.signatures, strict=True)
    )
