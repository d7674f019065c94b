"""Settlements: which runs a transfer pays for, and which results were refused (SPEC.md 9.6)."""

from collections.abc import Sequence
from dataclasses import dataclass

from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError

from ..limits import (
    REASON_BYTES_MAX,
    SETTLEMENT_AGREEMENTS_MAX,
    SETTLEMENT_BODY_BYTES_MAX,
)
from .agreements import AgreementId
from .fields import Fields, check_ascending, check_text
from .reasons import Reason, check_code, reason_from_code

_RULE = "9.6"


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a requestor tells a provider about agreements between the two."""

    vertex_id: bytes | None
    """The ledger vertex that pays for ``accepted``; None when none is accepted."""

    accepted: Sequence[AgreementId]
    refused: Sequence[tuple[AgreementId, Reason]]


def encode_settlement(settlement: Settlement) -> bytes:
    """Return the request's body; the sequences may come in any order."""
    refused: list[Value] = [
        [agreement, reason.value] for agreement, reason in sorted(settlement.refused)
    ]
    return encode([settlement.vertex_id, sorted(settlement.accepted), refused])


def decode_settlement(body: bytes) -> Settlement:
    """Return what ``body`` says.

    Raises:
        RemoteProtocolError: it breaks a rule of section 9.6.
    """
    fields = Fields(decode(body, bytes_max=SETTLEMENT_BODY_BYTES_MAX), 3, rule=_RULE)
    vertex_id = fields.exactly_or_nil(32)
    accepted = fields.ids(SETTLEMENT_AGREEMENTS_MAX, 32)
    if accepted and vertex_id is None:
        raise RemoteProtocolError("agreements accepted without a transfer", rule=_RULE)
    refused = [_parse_refused(item) for item in fields.array(SETTLEMENT_AGREEMENTS_MAX)]
    check_ascending([agreement for agreement, _ in refused], rule=_RULE)
    return Settlement(vertex_id, tuple(AgreementId(item) for item in accepted), tuple(refused))


def _parse_refused(value: Value) -> tuple[AgreementId, Reason]:
    fields = Fields(value, 2, rule=_RULE)
    agreement = AgreementId(fields.exactly(32))
    code = check_text(fields.anything(), REASON_BYTES_MAX, rule=_RULE)
    check_code(code, rule=_RULE)
    return agreement, reason_from_code(code)
