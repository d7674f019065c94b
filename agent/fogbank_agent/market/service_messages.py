"""What passes between the two sides of a service (SPEC.md section 9.8)."""

from dataclasses import dataclass
from typing import TypeAlias

from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import SIGNATURE_BYTES
from fogbank_protocol.signed import Signed, signed_from_value

from ..limits import (
    AGREEMENT_BODY_BYTES_MAX,
    REASON_BYTES_MAX,
    SERVICE_CALL_BODY_BYTES_MAX,
    SERVICE_CALL_BYTES_MAX,
    SERVICE_ITEM_BYTES_MAX,
    SERVICE_OPENING_BYTES_MAX,
)
from .agreements import AgreementId
from .charges import CHARGE
from .fields import Fields, check_text
from .reasons import Reason, check_code, reason_from_code
from .service_orders import SERVICE_ORDER

_RULE = "9.8"


@dataclass(frozen=True, slots=True)
class ServiceOpening:
    """What a requestor opens a service's stream with."""

    order: Signed
    agreement_body: bytes
    requestor_signature: bytes


def encode_service_opening(opening: ServiceOpening) -> bytes:
    """Return the stream request's body."""
    return encode([opening.order.to_value(), opening.agreement_body, opening.requestor_signature])


def decode_service_opening(body: bytes) -> ServiceOpening:
    """Return what ``body`` says; no signature in it is checked.

    Raises:
        RemoteProtocolError: it breaks a rule of section 9.8.
    """
    fields = Fields(decode(body, bytes_max=SERVICE_OPENING_BYTES_MAX), 3, rule=_RULE)
    return ServiceOpening(
        order=signed_from_value(SERVICE_ORDER, fields.anything()),
        agreement_body=fields.at_most(AGREEMENT_BODY_BYTES_MAX),
        requestor_signature=fields.exactly(SIGNATURE_BYTES),
    )


@dataclass(frozen=True, slots=True)
class ServiceMade:
    """The first item: the provider has signed too."""

    provider_signature: bytes


@dataclass(frozen=True, slots=True)
class ChargeMade:
    """The beginning, a call or a beat, and the output of a call that went well."""

    charge: Signed
    output: bytes | None


@dataclass(frozen=True, slots=True)
class ServiceEnded:
    """The last item."""

    reason: Reason


ServiceItem: TypeAlias = ServiceMade | ChargeMade | ServiceEnded


def encode_service_item(item: ServiceItem) -> bytes:
    """Return the body of one item."""
    match item:
        case ServiceMade(signature):
            return encode([0, signature])
        case ChargeMade(charge, output):
            return encode([1, charge.to_value(), output])
        case ServiceEnded(reason):
            return encode([2, reason.value])


def decode_service_item(body: bytes) -> ServiceItem:
    """Return what one item says; no signature in it is checked.

    Raises:
        RemoteProtocolError: it breaks a rule of section 9.8.
    """
    value = decode(body, bytes_max=SERVICE_ITEM_BYTES_MAX)
    kind = value[0] if isinstance(value, list) and value else None
    if kind not in (0, 1, 2) or isinstance(kind, bool):
        raise RemoteProtocolError("not an item of a service", rule=_RULE)
    fields = Fields(value, 3 if kind == 1 else 2, rule=_RULE)
    fields.anything()
    match kind:
        case 0:
            return ServiceMade(fields.exactly(SIGNATURE_BYTES))
        case 1:
            charge = signed_from_value(CHARGE, fields.anything())
            return ChargeMade(charge, fields.at_most_or_nil(SERVICE_CALL_BYTES_MAX))
        case _:
            code = check_text(fields.anything(), REASON_BYTES_MAX, rule=_RULE, bytes_min=1)
            check_code(code, rule=_RULE)
            return ServiceEnded(reason_from_code(code))


def encode_call(service: AgreementId, data: bytes) -> bytes:
    """Return the body of ``market.call``."""
    return encode([service, data])


def decode_call(body: bytes) -> tuple[AgreementId, bytes]:
    """Return service and input of a call.

    Raises:
        RemoteProtocolError: it breaks a rule of section 9.8.
    """
    fields = Fields(decode(body, bytes_max=SERVICE_CALL_BODY_BYTES_MAX), 2, rule=_RULE)
    service = AgreementId(fields.exactly(32))
    return service, fields.at_most(SERVICE_CALL_BYTES_MAX)


def encode_stop(service: AgreementId) -> bytes:
    """Return the body of ``market.stop``."""
    return encode([service])


def decode_stop(body: bytes) -> AgreementId:
    """Return the service that is to end.

    Raises:
        RemoteProtocolError: it breaks a rule of section 9.8.
    """
    fields = Fields(decode(body, bytes_max=64), 1, rule=_RULE)
    return AgreementId(fields.exactly(32))
