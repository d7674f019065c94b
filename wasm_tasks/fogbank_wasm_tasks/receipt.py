"""What a provider signs about the runs it did (SPEC.md section 7.7)."""

from collections.abc import Sequence
from dataclasses import dataclass

from fogbank_protocol.blobs.naming import BLOB_ID_BYTES, BlobId
from fogbank_protocol.encoding import Value, decode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, Identity, NetworkId, NodeId
from fogbank_protocol.signed import Domain, Signed, open_signed, sign

from .limits import FUEL_MAX, RECEIPT_BYTES_MAX, RESULTS_MAX, STATES_MAX
from .outcome import HostFault, Outcome, agree, outcome_from_value, outcome_to_value

RECEIPT = Domain("fog-receipt-1", RECEIPT_BYTES_MAX)
_VERSION = 1
_HASH_BYTES = 32
_RULE = "7.7"


@dataclass(frozen=True, slots=True)
class TraceClaim:
    """The states that a run of a step task went through, as its provider states them."""

    states: int
    """How many states there were (section 7.8)."""
    root: bytes
    """The 32-byte root of the tree over those that are checkpoints."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one run ended: with ``outcome`` after ``fuel``."""

    input_id: BlobId
    outcome: Outcome
    fuel: int
    trace: TraceClaim | None = None
    """Only of a step task."""

    def agrees_with(self, outcome: Outcome, fuel: int) -> bool:
        """Tell whether another run of the same input and terms confirms this result."""
        return agree((self.outcome, self.fuel), (outcome, fuel))


@dataclass(frozen=True, slots=True)
class Receipt:
    """``provider`` states what the runs of an agreement ended with."""

    agreement_id: bytes
    provider: NodeId
    package_id: BlobId
    terms_id: bytes
    """What the results follow from beside their inputs (section 7.8), in 32 bytes."""
    results: Sequence[Result]
    """One for each run, in the agreement's order; 1 … ``RESULTS_MAX``."""

    @property
    def fuel(self) -> int:
        """The fuel of all results."""
        return sum([result.fuel for result in self.results])


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
        receipt.terms_id,
        [_result_to_value(result) for result in receipt.results],
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
            bytes(terms_id),
            list(results),
        ] if (
            version == _VERSION
            and not isinstance(version, bool)
            and len(agreement_id) == len(terms_id) == _HASH_BYTES
            and len(provider) == NODE_ID_BYTES
            and len(package_id) == BLOB_ID_BYTES
            and 1 <= len(results) <= RESULTS_MAX
        ):
            return Receipt(
                agreement_id=agreement_id,
                provider=NodeId(provider),
                package_id=BlobId(package_id),
                terms_id=terms_id,
                results=tuple([_result_from_value(result) for result in results]),
            )
        case _:
            raise RemoteProtocolError("not a receipt", rule=_RULE)


def _result_to_value(result: Result) -> Value:
    trace = result.trace
    return [
        result.input_id,
        outcome_to_value(result.outcome),
        result.fuel,
        None if trace is None else [trace.states, trace.root],
    ]


def _result_from_value(value: Value) -> Result:
    match value:
        case [bytes(input_id), outcome, int(fuel), trace] if (
            not isinstance(fuel, bool) and len(input_id) == BLOB_ID_BYTES and fuel <= FUEL_MAX
        ):
            result = Result(
                input_id=BlobId(input_id),
                outcome=outcome_from_value(outcome),
                fuel=fuel,
                trace=_trace_from_value(trace),
            )
        case _:
            raise RemoteProtocolError("not the result of a run", rule=_RULE)
    if isinstance(result.outcome, HostFault) and (fuel != 0 or trace is not None):
        raise RemoteProtocolError("a host fault with fuel or states", rule=_RULE)
    return result


def _trace_from_value(value: Value) -> TraceClaim | None:
    match value:
        case None:
            return None
        case [int(states), bytes(root)] if (
            states <= STATES_MAX and not isinstance(states, bool) and len(root) == _HASH_BYTES
        ):
            return TraceClaim(states, root)
        case _:
            raise RemoteProtocolError("not the trace of a run", rule=_RULE)
