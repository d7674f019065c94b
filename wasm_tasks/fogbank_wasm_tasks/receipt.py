"""What a provider signs about a run it did (SPEC.md section 7.7)."""

from collections.abc import Sequence
from dataclasses import dataclass

from fogbank_protocol.blobs.naming import BLOB_ID_BYTES, BlobId
from fogbank_protocol.encoding import Value, decode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, Identity, NetworkId, NodeId
from fogbank_protocol.signed import Domain, Signed, open_signed, sign

from .limits import FUEL_MAX, RECEIPT_BYTES_MAX, STATES_MAX
from .outcome import HostFault, Outcome, agree, outcome_from_value, outcome_to_value

RECEIPT = Domain("fog-receipt-1", RECEIPT_BYTES_MAX)
_VERSION = 1
_VERSION_WITH_TERMS = 2
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class TraceClaim:
    """The states that a run of a step task went through, as its provider states them."""

    states: int
    """How many states there were (section 7.8)."""

    root: bytes
    """The 32-byte root of the tree over those that are checkpoints."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """``provider`` states that its run under an agreement ended with ``outcome`` and ``fuel``."""

    agreement_id: bytes
    provider: NodeId
    package_id: BlobId
    input_id: BlobId
    outcome: Outcome
    fuel: int
    terms_id: bytes | None = None
    """What the result follows from (section 7.8), in 32 bytes; None in a receipt of version 1."""

    trace: TraceClaim | None = None
    """Only of a step task, and only beside a ``terms_id``."""

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
    is_plain = receipt.terms_id is None
    trace = receipt.trace
    fields: list[Value] = [
        _VERSION if is_plain else _VERSION_WITH_TERMS,
        receipt.agreement_id,
        receipt.provider,
        receipt.package_id,
        receipt.input_id,
        outcome_to_value(receipt.outcome),
        receipt.fuel,
    ]
    if is_plain:
        assert trace is None
        return fields
    return [*fields, receipt.terms_id, None if trace is None else [trace.states, trace.root]]


def receipt_from_value(value: Value) -> Receipt:
    """Return the receipt that a decoded body says; its signature is checked elsewhere.

    Raises:
        RemoteProtocolError: it is not a receipt (section 7.7).
    """
    match value:
        case [int(version), *fields, bytes(terms_id), trace] if (
            _is_version(version, _VERSION_WITH_TERMS) and len(terms_id) == _HASH_BYTES
        ):
            return _from_fields(fields, terms_id, _trace_from_value(trace))
        case [int(version), *fields] if _is_version(version, _VERSION):
            return _from_fields(fields, None, None)
        case _:
            raise RemoteProtocolError("not a receipt", rule="7.7")


def _from_fields(
    fields: Sequence[Value], terms_id: bytes | None, trace: TraceClaim | None
) -> Receipt:
    match fields:
        case [
            bytes(agreement_id),
            bytes(provider),
            bytes(package_id),
            bytes(input_id),
            outcome,
            int(fuel),
        ] if (
            not isinstance(fuel, bool)
            and len(agreement_id) == _HASH_BYTES
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
                terms_id=terms_id,
                trace=trace,
            )
            if isinstance(receipt.outcome, HostFault) and (fuel != 0 or trace is not None):
                raise RemoteProtocolError("a host fault with fuel or states", rule="7.7")
            return receipt
        case _:
            raise RemoteProtocolError("not a receipt", rule="7.7")


def _trace_from_value(value: Value) -> TraceClaim | None:
    match value:
        case None:
            return None
        case [int(states), bytes(root)] if (
            states <= STATES_MAX and not isinstance(states, bool) and len(root) == _HASH_BYTES
        ):
            return TraceClaim(states, root)
        case _:
            raise RemoteProtocolError("not the trace of a run", rule="7.7")


def _is_version(value: int, version: int) -> bool:
    # A boolean is an int in Python, but another value on the wire.
    return value == version and not isinstance(value, bool)
