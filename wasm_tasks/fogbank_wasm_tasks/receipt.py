"""What a provider signs about a run it did (SPEC.md section 7.7)."""

from dataclasses import dataclass

from fogbank_protocol.blobs.naming import BLOB_ID_BYTES, BlobId
from fogbank_protocol.encoding import Value, decode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, Identity, NetworkId, NodeId
from fogbank_protocol.signed import Domain, Signed, open_signed, sign

from .limits import FUEL_MAX, RECEIPT_BYTES_MAX
from .outcome import HostFault, Outcome, agree, outcome_from_value, outcome_to_value

RECEIPT = Domain("fog-receipt-1", RECEIPT_BYTES_MAX)
_VERSION = 1
_AGREEMENT_ID_BYTES = 32


@dataclass(frozen=True, slots=True)
class Receipt:
    """``provider`` states that its run under an agreement ended with ``outcome`` and ``fuel``."""

    agreement_id: bytes
    provider: NodeId
    package_id: BlobId
    input_id: BlobId
    outcome: Outcome
    fuel: int

    def agrees_with(self, outcome: Outcome, fuel: int) -> bool:
        """Tell whether another run of the same order, with this result, confirms the receipt."""
        return agree((self.outcome, self.fuel), (outcome, fuel))


def sign_receipt(receipt: Receipt, network: NetworkId, identity: Identity) -> Signed:
    """Return ``receipt`` signed by ``identity``, which must be its provider, for ``network``."""
    assert identity.node_id == receipt.provider
    return sign(RECEIPT, network, identity, receipt_to_value(receipt))


def open_receipt(signed: Signed, network: NetworkId) -> Receipt:
    """Return the receipt in ``signed`` after checking that the provider it names signed it.

    Raises:
        RemoteProtocolError: not a receipt (section 7.7), or a wrong signature (section 2.3).
    """
    receipt = receipt_from_value(decode(signed.body, bytes_max=RECEIPT_BYTES_MAX))
    open_signed(RECEIPT, network, receipt.provider, signed)
    return receipt


def receipt_to_value(receipt: Receipt) -> Value:
    """Return the fields of the body of ``receipt``."""
    return [
        _VERSION,
        receipt.agreement_id,
        receipt.provider,
        receipt.package_id,
        receipt.input_id,
        outcome_to_value(receipt.outcome),
        receipt.fuel,
    ]


def receipt_from_value(value: Value) -> Receipt:
    """Return the receipt that a decoded body says; its signature is checked elsewhere.

    Raises:
        RemoteProtocolError: it is not a receipt (section 7.7).
    """
    match value:
        case [
            int(version),
            bytes(agreement_id),
            bytes(provider),
            bytes(package_id),
            bytes(input_id),
            outcome,
            int(fuel),
        ] if (
            version == _VERSION
            and not isinstance(version, bool)
            and not isinstance(fuel, bool)
            and len(agreement_id) == _AGREEMENT_ID_BYTES
            and len(provider) == NODE_ID_BYTES
            and len(package_id) == len(input_id) == BLOB_ID_BYTES
            and fuel <= FUEL_MAX
        ):
            receipt = Receipt(
                agreement_id=agreement_id,
                provider=NodeId(provider),
                package_id=BlobId(package_id),
                input_id=BlobId(input_id),
                outcome=outcome_from_value(outcome),
                fuel=fuel,
            )
            if isinstance(receipt.outcome, HostFault) and fuel != 0:
                raise RemoteProtocolError("a host fault with fuel", rule="7.7")
            return receipt
        case _:
            raise RemoteProtocolError("not a receipt", rule="7.7")
