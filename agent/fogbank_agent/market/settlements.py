"""Settlements: which lots a voucher pays for, and which results were refused (SPEC.md 9.6)."""

from collections.abc import Sequence
from dataclasses import dataclass

from fogbank_dag_ledger.operations import ObjectId, Voucher
from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, SIGNATURE_BYTES, NodeId

from ..limits import (
    CHANNEL_LANES,
    CLOSE_BODY_BYTES_MAX,
    LANE_SHARES_MAX,
    REASON_BYTES_MAX,
    SETTLEMENT_AGREEMENTS_MAX,
    SETTLEMENT_BODY_BYTES_MAX,
)
from .agreements import AgreementId
from .fields import Fields, check_ascending, check_text
from .reasons import Reason, check_code, reason_from_code

_RULE = "9.6"
_INTEGER_MAX = (1 << 63) - 1
"""Of totals, counts and shares: what a column of a database holds (section 9.6)."""

_ID_BYTES = 32


@dataclass(frozen=True, slots=True)
class Payment:
    """A voucher, and the channel that it is for."""

    channel: ObjectId
    voucher: Voucher


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a requestor tells a provider about agreements between the two."""

    payment: Payment | None
    """What pays for ``accepted``; None when none is accepted."""

    accepted: Sequence[AgreementId]
    refused: Sequence[tuple[AgreementId, Reason]]

    def is_over(self, channel: ObjectId) -> bool:
        """Tell whether it pays over ``channel``."""
        return self.payment is not None and self.payment.channel == channel


def encode_settlement(settlement: Settlement) -> bytes:
    """Return the request's body; the sequences may come in any order."""
    refused: list[Value] = [
        [agreement, reason.value] for agreement, reason in sorted(settlement.refused)
    ]
    payment = None if settlement.payment is None else _payment_to_value(settlement.payment)
    return encode([payment, sorted(settlement.accepted), refused])


def decode_settlement(body: bytes) -> Settlement:
    """Return what ``body`` says.

    Raises:
        RemoteProtocolError: it breaks a rule of section 9.6.
    """
    fields = Fields(decode(body, bytes_max=SETTLEMENT_BODY_BYTES_MAX), 3, rule=_RULE)
    payment = _parse_payment(fields.anything())
    accepted = fields.ids(SETTLEMENT_AGREEMENTS_MAX, 32)
    if accepted and payment is None:
        raise RemoteProtocolError("agreements accepted without a voucher", rule=_RULE)
    refused = [_parse_refused(item) for item in fields.array(SETTLEMENT_AGREEMENTS_MAX)]
    check_ascending([agreement for agreement, _ in refused], rule=_RULE)
    return Settlement(payment, tuple(AgreementId(item) for item in accepted), tuple(refused))


def encode_close(channel: ObjectId) -> bytes:
    """Return the body of ``market.close``."""
    return encode([channel])


def decode_close(body: bytes) -> ObjectId:
    """Return the channel that is to be closed.

    Raises:
        RemoteProtocolError: it breaks a rule of section 9.6.
    """
    fields = Fields(decode(body, bytes_max=CLOSE_BODY_BYTES_MAX), 1, rule=_RULE)
    return ObjectId(fields.exactly(_ID_BYTES))


def _payment_to_value(payment: Payment) -> Value:
    voucher = payment.voucher
    split: Value = [[who, drops] for who, drops in voucher.split]
    return [
        payment.channel,
        voucher.lane,
        voucher.total,
        voucher.count,
        voucher.root,
        split,
        voucher.signature,
    ]


def _parse_payment(value: Value) -> Payment | None:
    if value is None:
        return None
    fields = Fields(value, 7, rule=_RULE)
    channel = ObjectId(fields.exactly(32))
    lane = fields.integer(CHANNEL_LANES - 1)
    total, count = fields.integer(_INTEGER_MAX), fields.integer(_INTEGER_MAX, least=1)
    root = fields.exactly(32)
    split = tuple(map(_parse_share, fields.array(LANE_SHARES_MAX)))
    check_ascending([who for who, _ in split], rule=_RULE)
    if sum(drops for _, drops in split) > total:
        raise RemoteProtocolError("more passed on than is paid", rule=_RULE)
    signature = fields.exactly(SIGNATURE_BYTES)
    return Payment(channel, Voucher(lane, total, count, root, split, signature))


def _parse_share(value: Value) -> tuple[NodeId, int]:
    fields = Fields(value, 2, rule=_RULE)
    return NodeId(fields.exactly(NODE_ID_BYTES)), fields.integer(_INTEGER_MAX)


def _parse_refused(value: Value) -> tuple[AgreementId, Reason]:
    fields = Fields(value, 2, rule=_RULE)
    agreement = AgreementId(fields.exactly(32))
    code = check_text(fields.anything(), REASON_BYTES_MAX, rule=_RULE)
    check_code(code, rule=_RULE)
    return agreement, reason_from_code(code)
