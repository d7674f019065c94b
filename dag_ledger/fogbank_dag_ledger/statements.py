"""What is signed outside of vertices and counts inside: vouchers, verdicts, findings.

SPEC.md sections 8.13 to 8.15.  Each has a domain of its own (2.3): none is good elsewhere.
"""

from collections.abc import Sequence

from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.identity import Identity, NetworkId, NodeId, is_signed_by
from fogbank_protocol.signed import Domain

from .limits import STATEMENT_BYTES_MAX
from .operations import ObjectId, Share, Voucher

VOUCHER = Domain("fog-vch-1", STATEMENT_BYTES_MAX)
VERDICT = Domain("fog-verdict-1", STATEMENT_BYTES_MAX)
FINDING = Domain("fog-wrong-1", STATEMENT_BYTES_MAX)

_VERSION = 1


def sign_voucher(
    key: Identity,
    network: NetworkId,
    channel: ObjectId,
    *,
    lane: int,
    total: int,
    count: int,
    root: bytes,
    split: Sequence[Share] = (),
) -> Voucher:
    """Return a voucher over ``total`` drops of ``lane``, signed with the channel's voucher key.

    ``count`` must be above that of every voucher of the lane before: two of one count that differ
    are a proof against the signer.  ``split`` is sorted here.
    """
    shares = tuple(sorted(split))
    body = _voucher_body(channel, lane, total, count, root, shares)
    signature = key.sign(VOUCHER.preimage(network, body))
    return Voucher(lane, total, count, root, shares, signature)


def is_voucher(key: NodeId, network: NetworkId, channel: ObjectId, voucher: Voucher) -> bool:
    """Tell whether ``key`` signed ``voucher`` for ``channel``."""
    body = _voucher_body(
        channel, voucher.lane, voucher.total, voucher.count, voucher.root, voucher.split
    )
    return is_signed_by(key, VOUCHER.preimage(network, body), voucher.signature)


def sign_verdict(key: Identity, network: NetworkId, escrow: ObjectId, award: int) -> bytes:
    """Return the signature under "``award`` drops of this escrow are the provider's"."""
    return key.sign(VERDICT.preimage(network, _verdict_body(escrow, award)))


def is_verdict(
    key: NodeId, network: NetworkId, escrow: ObjectId, award: int, signature: bytes
) -> bool:
    """Tell whether ``key`` signed that verdict."""
    return is_signed_by(key, VERDICT.preimage(network, _verdict_body(escrow, award)), signature)


def sign_finding(
    key: Identity,
    network: NetworkId,
    provider: NodeId,
    receipt_id: bytes,
    number: int,
    right: bytes,
) -> bytes:
    """Return the signature under "``provider`` signed that receipt, whose result is wrong".

    The result is number ``number``, from 0.  ``right`` is the hash of the outcome and fuel that
    the signer found itself: see ``slashing.result_hash``.
    """
    body = _finding_body(provider, receipt_id, number, right)
    return key.sign(FINDING.preimage(network, body))


def is_finding(
    key: NodeId,
    network: NetworkId,
    provider: NodeId,
    receipt_id: bytes,
    number: int,
    right: bytes,
    signature: bytes,
) -> bool:
    """Tell whether ``key`` signed that finding."""
    body = _finding_body(provider, receipt_id, number, right)
    return is_signed_by(key, FINDING.preimage(network, body), signature)


def voucher_value(voucher: Voucher) -> Value:
    """Return what a vertex says of ``voucher``, without its signature."""
    split: Value = [[recipient, drops] for recipient, drops in voucher.split]
    return [voucher.lane, voucher.total, voucher.count, voucher.root, split]


def _voucher_body(
    channel: ObjectId, lane: int, total: int, count: int, root: bytes, split: Sequence[Share]
) -> bytes:
    shares: Value = [[recipient, drops] for recipient, drops in split]
    return encode([_VERSION, channel, lane, total, count, root, shares])


def _verdict_body(escrow: ObjectId, award: int) -> bytes:
    return encode([_VERSION, escrow, award])


def _finding_body(provider: NodeId, receipt_id: bytes, number: int, right: bytes) -> bytes:
    return encode([_VERSION, provider, receipt_id, number, right])
