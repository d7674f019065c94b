"""Who has to show work before its vertices are taken, and how much (SPEC.md section 8.20).

Admission only: nothing here makes a vertex valid or invalid.
"""

from collections.abc import Iterable
from hashlib import blake2b
from itertools import count

from fogbank_protocol.identity import NetworkId, NodeId

from .limits import STRANGER_STEP, STRANGER_WORK_BITS, STRANGER_WORK_BITS_MAX
from .operations import Act, Operation, PostVouchers, Seize, Slash
from .vertex import Claim

_DOMAIN = b"fog-pow-1\0"
_DIGEST_BITS = 256


def is_introduced(claims: Iterable[Claim], operations: Iterable[Operation]) -> bool:
    """Tell whether a valid vertex with these shows that somebody dealt with its issuer."""
    if any(True for _ in claims):
        return True
    return any(
        isinstance(one, Act) and not isinstance(one.action, PostVouchers | Slash | Seize)
        for one in operations
    )


def bits_wanted(strangers: int) -> int:
    """Return the work to ask for, in bits, while so many strangers' chains are held."""
    more = (strangers // STRANGER_STEP).bit_length()
    return min(STRANGER_WORK_BITS + more, STRANGER_WORK_BITS_MAX)


def bits_of(network: NetworkId, issuer: NodeId, seq: int, work: int) -> int:
    """Return how much work the number ``work`` is for one place on an issuer's chain, in bits."""
    digest = blake2b(_preimage(network, issuer, seq) + work.to_bytes(8, "big"), digest_size=32)
    return _DIGEST_BITS - int.from_bytes(digest.digest(), "big").bit_length()


def find_work(network: NetworkId, issuer: NodeId, seq: int, bits: int) -> int:
    """Return a number that is work of at least ``bits``; some 2^``bits`` hashes are tried."""
    begun = blake2b(_preimage(network, issuer, seq), digest_size=32)
    bound = 1 << (_DIGEST_BITS - bits)
    for work in count():
        digest = begun.copy()
        digest.update(work.to_bytes(8, "big"))
        if int.from_bytes(digest.digest(), "big") < bound:
            return work
    raise AssertionError("numbers do not end")


def _preimage(network: NetworkId, issuer: NodeId, seq: int) -> bytes:
    return _DOMAIN + network + issuer + seq.to_bytes(4, "big")
