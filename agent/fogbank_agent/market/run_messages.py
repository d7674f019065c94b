"""What passes in a run's stream, and what makes a receipt valid (SPEC.md section 9.5)."""

from dataclasses import dataclass
from typing import TypeAlias

from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import SIGNATURE_BYTES
from fogbank_protocol.signed import Signed, signed_from_value
from fogbank_wasm_tasks.outcome import Ok
from fogbank_wasm_tasks.receipt import RECEIPT, Receipt

from ..limits import (
    AGREEMENT_BODY_BYTES_MAX,
    INLINE_BYTES_MAX,
    RUN_BODY_BYTES_MAX,
    RUN_FUEL_MAX,
    RUN_ITEM_BYTES_MAX,
)
from .agreements import Agreement, AgreementId
from .fields import Fields
from .orders import ORDER, Order

_RULE = "9.5"


@dataclass(frozen=True, slots=True)
class RunOpening:
    """What a requestor opens a run's stream with."""

    order: Signed
    agreement_body: bytes
    requestor_signature: bytes
    input: bytes | None
    """The input itself; None when it is to be fetched."""


def encode_run_opening(opening: RunOpening) -> bytes:
    """Return the stream request's body."""
    return encode(
        [
            opening.order.to_value(),
            opening.agreement_body,
            opening.requestor_signature,
            opening.input,
        ]
    )


def decode_run_opening(body: bytes) -> RunOpening:
    """Return what ``body`` says; no signature in it is checked.

    Raises:
        RemoteProtocolError: it breaks a rule of section 9.5.
    """
    fields = Fields(decode(body, bytes_max=RUN_BODY_BYTES_MAX), 4, rule=_RULE)
    return RunOpening(
        order=signed_from_value(ORDER, fields.anything()),
        agreement_body=fields.at_most(AGREEMENT_BODY_BYTES_MAX),
        requestor_signature=fields.exactly(SIGNATURE_BYTES),
        input=fields.at_most_or_nil(INLINE_BYTES_MAX),
    )


@dataclass(frozen=True, slots=True)
class AgreementMade:
    """The first item: the provider has signed too."""

    provider_signature: bytes


@dataclass(frozen=True, slots=True)
class RunProgress:
    """So much fuel is used."""

    fuel: int


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The last item: the receipt, and the output unless it is to be fetched."""

    receipt: Signed
    output: bytes | None


RunItem: TypeAlias = AgreementMade | RunProgress | RunEnded


def encode_run_item(item: RunItem) -> bytes:
    """Return the body of one item."""
    match item:
        case AgreementMade(signature):
            return encode([0, signature])
        case RunProgress(fuel):
            return encode([1, fuel])
        case RunEnded(receipt, output):
            return encode([2, receipt.to_value(), output])


def decode_run_item(body: bytes) -> RunItem:
    """Return what one item says; no signature in it is checked.

    Raises:
        RemoteProtocolError: it breaks a rule of section 9.5.
    """
    value = decode(body, bytes_max=RUN_ITEM_BYTES_MAX)
    kind = _kind(value)
    fields = Fields(value, 3 if kind == 2 else 2, rule=_RULE)
    fields.anything()
    match kind:
        case 0:
            return AgreementMade(fields.exactly(SIGNATURE_BYTES))
        case 1:
            return RunProgress(fields.integer(RUN_FUEL_MAX))
        case _:
            receipt = signed_from_value(RECEIPT, fields.anything())
            return RunEnded(receipt, fields.at_most_or_nil(INLINE_BYTES_MAX))


def _kind(value: Value) -> int:
    match value:
        case [int(kind), *_] if kind in (0, 1, 2) and not isinstance(kind, bool):
            return kind
        case _:
            raise RemoteProtocolError("not an item of a run", rule=_RULE)


def check_receipt(
    receipt: Receipt, order: Order, agreement: Agreement, agreement_id: AgreementId
) -> None:
    """Check that ``receipt`` is about this agreement and within its bounds; its output is not seen.

    Raises:
        RemoteProtocolError: it is not valid (section 9.5).
    """
    if receipt.agreement_id != agreement_id or receipt.provider != agreement.provider:
        raise RemoteProtocolError("a receipt for another agreement", rule=_RULE)
    if receipt.package_id != order.package_id or receipt.input_id != order.input_id:
        raise RemoteProtocolError("a receipt for another package or input", rule=_RULE)
    if receipt.fuel > agreement.fuel_max:
        raise RemoteProtocolError("a receipt for more fuel than was agreed", rule=_RULE)
    if isinstance(receipt.outcome, Ok) and receipt.outcome.output_size > order.output_bytes_max:
        raise RemoteProtocolError("a receipt for a larger output than was agreed", rule=_RULE)


def check_inline_output(receipt: Receipt, output: bytes | None) -> None:
    """Check the output that came with ``receipt``, or that it rightly did not come.

    Raises:
        RemoteProtocolError: it is missing, uncalled for, or another than was signed (section 9.5).
    """
    outcome = receipt.outcome
    if not isinstance(outcome, Ok):
        if output is not None:
            raise RemoteProtocolError("an output without the outcome ok", rule=_RULE)
    elif output is None:
        if outcome.output_size <= INLINE_BYTES_MAX:
            raise RemoteProtocolError("a small output that is missing", rule=_RULE)
    elif len(output) != outcome.output_size or blob_id(output) != outcome.output_id:
        raise RemoteProtocolError("another output than the receipt's", rule=_RULE)
