"""What passes in a lot's stream, and what makes a receipt valid (SPEC.md section 9.5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import SIGNATURE_BYTES
from fogbank_protocol.signed import Signed, signed_from_value
from fogbank_wasm_tasks.outcome import HostFault, Ok
from fogbank_wasm_tasks.receipt import RECEIPT, Receipt, Result

from ..limits import (
    AGREEMENT_BODY_BYTES_MAX,
    COMMITMENT_BYTES,
    EVIDENCE_RECEIPTS_MAX,
    INLINE_BYTES_MAX,
    INLINE_SUM_BYTES_MAX,
    LOT_RUNS_MAX,
    NONCE_BYTES,
    RUN_BODY_BYTES_MAX,
    RUN_ITEM_BYTES_MAX,
)
from .agreements import Agreement, AgreementId
from .fields import Fields
from .orders import ORDER, Order
from .ticks import TICK

_RULE = "9.5"


@dataclass(frozen=True, slots=True)
class RunOpening:
    """What a requestor opens a lot's stream with."""

    order: Signed
    agreement_body: bytes
    requestor_signature: bytes
    inputs: Sequence[bytes | None]
    """For each run the input itself; None when it is to be fetched."""


def encode_run_opening(opening: RunOpening) -> bytes:
    """Return the stream request's body."""
    return encode(
        [
            opening.order.to_value(),
            opening.agreement_body,
            opening.requestor_signature,
            list(opening.inputs),
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
        inputs=_inline(fields.array(LOT_RUNS_MAX, count_min=1)),
    )


@dataclass(frozen=True, slots=True)
class AgreementMade:
    """The first item: the provider has signed too."""

    provider_signature: bytes


@dataclass(frozen=True, slots=True)
class RunTicked:
    """A statement of the work done so far (``ticks.py``)."""

    statement: Signed


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The last item: the receipt, and of each run the output unless it is to be fetched."""

    receipt: Signed
    outputs: Sequence[bytes | None]
    nonce: bytes | None = None
    """What opens the commitment; None where the order asks for none."""


@dataclass(frozen=True, slots=True)
class RunCommitted:
    """The provider has its receipt, and shows it when the others of its quorum have theirs."""

    commitment: bytes


@dataclass(frozen=True, slots=True)
class RunEvidence:
    """The receipts of earlier runs whose results are served again (``reuse.py``)."""

    receipts: Sequence[Signed]


RunItem: TypeAlias = AgreementMade | RunTicked | RunCommitted | RunEvidence | RunEnded


def encode_run_item(item: RunItem) -> bytes:
    """Return the body of one item."""
    match item:
        case AgreementMade(signature):
            return encode([0, signature])
        case RunTicked(statement):
            return encode([1, statement.to_value()])
        case RunEnded(receipt, outputs, nonce):
            return encode([2, receipt.to_value(), list(outputs), nonce])
        case RunCommitted(commitment):
            return encode([3, commitment])
        case RunEvidence(receipts):
            return encode([4, [receipt.to_value() for receipt in receipts]])


def decode_run_item(body: bytes) -> RunItem:
    """Return what one item says; no signature in it is checked.

    Raises:
        RemoteProtocolError: it breaks a rule of section 9.5.
    """
    value = decode(body, bytes_max=RUN_ITEM_BYTES_MAX)
    kind = _kind(value)
    fields = Fields(value, 4 if kind == 2 else 2, rule=_RULE)
    fields.anything()
    match kind:
        case 0:
            return AgreementMade(fields.exactly(SIGNATURE_BYTES))
        case 1:
            return RunTicked(signed_from_value(TICK, fields.anything()))
        case 3:
            return RunCommitted(fields.exactly(COMMITMENT_BYTES))
        case 4:
            values = fields.array(EVIDENCE_RECEIPTS_MAX, count_min=1)
            return RunEvidence([signed_from_value(RECEIPT, one) for one in values])
        case _:
            receipt = signed_from_value(RECEIPT, fields.anything())
            outputs = _inline(fields.array(LOT_RUNS_MAX, count_min=1))
            return RunEnded(receipt, outputs, _nonce(fields.anything()))


def _kind(value: Value) -> int:
    match value:
        case [int(kind), *_] if kind in (0, 1, 2, 3, 4) and not isinstance(kind, bool):
            return kind
        case _:
            raise RemoteProtocolError("not an item of a run", rule=_RULE)


def _nonce(value: Value) -> bytes | None:
    if value is not None and not (isinstance(value, bytes) and len(value) == NONCE_BYTES):
        raise RemoteProtocolError("neither nil nor a nonce", rule=_RULE)
    return value


class InlineRoom:
    """Which blobs of a lot ride in the message itself, asked for one after another."""

    def __init__(self) -> None:
        self._left = INLINE_SUM_BYTES_MAX

    def takes(self, size: int) -> bool:
        """Tell whether the next blob, of ``size`` bytes, is inline."""
        if size > min(INLINE_BYTES_MAX, self._left):
            return False
        self._left -= size
        return True


def check_inputs(order: Order, inputs: Sequence[bytes | None]) -> None:
    """Check the inputs that came with the opening of a lot's stream.

    Raises:
        RemoteProtocolError: they are others than the order's, or do not ride here (section 9.5).
    """
    if len(inputs) != len(order.inputs):
        raise RemoteProtocolError("not one place for each run", rule=_RULE)
    room = InlineRoom()
    for one, data in zip(order.inputs, inputs, strict=True):
        is_inline = room.takes(one.size)
        if data is None:
            continue
        if not is_inline or len(data) != one.size or blob_id(data) != one.blob_id:
            raise RemoteProtocolError("another input than the order's", rule=_RULE)


def check_receipt(
    receipt: Receipt, order: Order, agreement: Agreement, agreement_id: AgreementId
) -> None:
    """Check that ``receipt`` is about this agreement and within its bounds; no output is seen.

    Raises:
        RemoteProtocolError: it is not valid (section 9.5).
    """
    if receipt.agreement_id != agreement_id or receipt.provider != agreement.provider:
        raise RemoteProtocolError("a receipt for another agreement", rule=_RULE)
    if receipt.package_id != order.package_id or receipt.terms_id != order.terms().terms_id():
        raise RemoteProtocolError("a receipt for another package or other terms", rule=_RULE)
    if [result.input_id for result in receipt.results] != [one.blob_id for one in order.inputs]:
        raise RemoteProtocolError("a receipt for other inputs", rule=_RULE)
    for result in receipt.results:
        _check_result(result, order, agreement)


def check_inline_outputs(receipt: Receipt, outputs: Sequence[bytes | None]) -> None:
    """Check the outputs that came with ``receipt``, and that the others rightly did not come.

    Raises:
        RemoteProtocolError: one is missing, uncalled for, or another than was signed (section 9.5).
    """
    if len(outputs) != len(receipt.results):
        raise RemoteProtocolError("not one place for each run", rule=_RULE)
    room = InlineRoom()
    for result, output in zip(receipt.results, outputs, strict=True):
        outcome = result.outcome
        if not isinstance(outcome, Ok):
            if output is not None:
                raise RemoteProtocolError("an output without the outcome ok", rule=_RULE)
        elif room.takes(outcome.output_size) is (output is None):
            raise RemoteProtocolError("a small output that is missing, or a large one", rule=_RULE)
        elif output is not None and (
            len(output) != outcome.output_size or blob_id(output) != outcome.output_id
        ):
            raise RemoteProtocolError("another output than the receipt's", rule=_RULE)


def _check_result(result: Result, order: Order, agreement: Agreement) -> None:
    outcome = result.outcome
    if result.fuel > agreement.fuel_max:
        raise RemoteProtocolError("a receipt for more fuel than was agreed", rule=_RULE)
    if isinstance(outcome, Ok) and outcome.output_size > order.output_bytes_max:
        raise RemoteProtocolError("a receipt for a larger output than was agreed", rule=_RULE)
    start = order.start
    if (
        start is not None
        and result.trace is not None
        and (result.fuel < start.fuel or result.trace.states <= start.position)
    ):
        raise RemoteProtocolError("a part that ends before it begins", rule=_RULE)
    has_states = order.plan is not None and not isinstance(outcome, HostFault)
    if has_states is (result.trace is None):
        raise RemoteProtocolError("states of a run without a plan, or none", rule=_RULE)


def _inline(values: Sequence[Value]) -> Sequence[bytes | None]:
    found: list[bytes | None] = []
    for value in values:
        if value is not None and not (isinstance(value, bytes) and len(value) <= INLINE_BYTES_MAX):
            raise RemoteProtocolError("neither nil nor what rides in a message", rule=_RULE)
        found.append(value)
    return found
