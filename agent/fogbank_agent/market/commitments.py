"""What binds a member of a quorum to its results before it sees anybody else's (SPEC.md 9.6)."""

from hashlib import blake2b

from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId
from fogbank_protocol.signed import Signed, object_id
from fogbank_wasm_tasks.receipt import RECEIPT

from ..limits import NONCE_BYTES, REVEAL_BODY_BYTES_MAX
from .agreements import AgreementId
from .fields import Fields

_PREFIX = b"fog-commit-1\0"
_RULE = "9.6"


def commitment_to(receipt: Signed, nonce: bytes, network: NetworkId) -> bytes:
    """Return the 32 bytes that bind to ``receipt`` and tell nothing of it without ``nonce``."""
    assert len(nonce) == NONCE_BYTES
    named = object_id(RECEIPT, network, receipt.body)
    return blake2b(_PREFIX + nonce + named, digest_size=32).digest()


def check_reveal(
    receipt: Signed, nonce: bytes | None, commitment: bytes | None, network: NetworkId
) -> None:
    """Check that a receipt is the one that its provider has committed to.

    ``commitment`` is None where the order asks for none; then there is no ``nonce`` either.

    Raises:
        RemoteProtocolError: it is another one, or one of the two is missing or uncalled for.
    """
    if (nonce is None) is not (commitment is None):
        raise RemoteProtocolError("a receipt that was not committed to", rule=_RULE)
    if nonce is not None and commitment_to(receipt, nonce, network) != commitment:
        raise RemoteProtocolError("another receipt than was committed to", rule=_RULE)


def encode_reveal(agreement: AgreementId) -> bytes:
    """Return the body of ``market.reveal``."""
    return encode([agreement])


def decode_reveal(body: bytes) -> AgreementId:
    """Return the agreement whose receipt is asked for.

    Raises:
        RemoteProtocolError: it breaks a rule of section 9.6.
    """
    fields = Fields(decode(body, bytes_max=REVEAL_BODY_BYTES_MAX), 1, rule=_RULE)
    return AgreementId(fields.exactly(32))
