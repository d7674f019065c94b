"""Bids for services and agreements on them (SPEC.md section 9.8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import (
    NODE_ID_BYTES,
    Identity,
    NetworkId,
    NodeId,
    is_signed_by,
)
from fogbank_protocol.signed import Domain, Signed, object_id

from ..limits import (
    AGREEMENT_BODY_BYTES_MAX,
    BID_BODY_BYTES_MAX,
    BID_REASONS_MAX,
    BID_VALID_MS_MAX,
    PRICE_MAX,
    REASON_BYTES_MAX,
)
from .agreements import AgreementId
from .bids import BidId
from .fields import Fields, open_object, sign_checked
from .orders import OrderId
from .reasons import Reason, check_code, reason_from_code

SERVICE_BID = Domain("fog-service-bid-1", BID_BODY_BYTES_MAX)
SERVICE_AGREEMENT = Domain("fog-service-agree-1", AGREEMENT_BODY_BYTES_MAX)
_RULE = "9.8"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceBid:
    """A provider will keep the instance, at these prices."""

    provider: NodeId
    order_id: OrderId
    price: int
    start_price: int
    warm_price: int
    valid_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDecline:
    """A provider will not, for these reasons: 1 to 8 different ones."""

    provider: NodeId
    order_id: OrderId
    reasons: Sequence[Reason]


ServiceAnswer: TypeAlias = ServiceBid | ServiceDecline


def sign_service_answer(answer: ServiceAnswer, network: NetworkId, identity: Identity) -> Signed:
    """Sign ``answer`` as its provider.

    Raises:
        LocalProtocolError: a bound of section 9.8 is broken.
    """
    return sign_checked(SERVICE_BID, network, identity, _to_value(answer), _parse_answer)


def open_service_answer(signed: Signed, network: NetworkId) -> ServiceAnswer:
    """Return the bid or decline after checking body and signature.

    Raises:
        RemoteProtocolError: one of them breaks a rule.
    """
    return open_object(SERVICE_BID, network, signed, _parse_answer, lambda one: one.provider)


def service_bid_id(signed: Signed, network: NetworkId) -> BidId:
    """Return the bid's name."""
    return BidId(object_id(SERVICE_BID, network, signed.body))


def _to_value(answer: ServiceAnswer) -> Value:
    head: list[Value] = [1, answer.provider, answer.order_id]
    match answer:
        case ServiceBid():
            prices: list[Value] = [answer.price, answer.start_price, answer.warm_price]
            return [*head, True, *prices, answer.valid_ms, []]
        case ServiceDecline():
            return [*head, False, 0, 0, 0, 0, sorted(reason.value for reason in answer.reasons)]


def _parse_answer(value: Value) -> ServiceAnswer:
    fields = Fields(value, 9, rule=_RULE)
    fields.version()
    provider = NodeId(fields.exactly(NODE_ID_BYTES))
    order = OrderId(fields.exactly(32))
    if not fields.boolean():
        return _parse_decline(provider, order, fields)
    bid = ServiceBid(
        provider=provider,
        order_id=order,
        price=fields.integer(PRICE_MAX),
        start_price=fields.integer(PRICE_MAX),
        warm_price=fields.integer(PRICE_MAX),
        valid_ms=fields.integer(BID_VALID_MS_MAX, least=1),
    )
    fields.array(0)
    return bid


def _parse_decline(provider: NodeId, order: OrderId, fields: Fields) -> ServiceDecline:
    for _ in range(4):
        fields.integer(0)
    codes = fields.texts(BID_REASONS_MAX, REASON_BYTES_MAX, count_min=1, ascending=True)
    for code in codes:
        check_code(code, rule=_RULE)
    reasons = tuple(reason_from_code(code) for code in codes)
    return ServiceDecline(provider=provider, order_id=order, reasons=reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAgreement:
    """Who keeps which instance for whom, at which prices."""

    order_id: OrderId
    bid_id: BidId
    requestor: NodeId
    provider: NodeId
    price: int
    start_price: int
    warm_price: int

    def encode(self) -> bytes:
        """Return the body that both sides sign."""
        return encode(
            [
                1,
                self.order_id,
                self.bid_id,
                self.requestor,
                self.provider,
                self.price,
                self.start_price,
                self.warm_price,
            ]
        )


def decode_service_agreement(body: bytes) -> ServiceAgreement:
    """Return what ``body`` says.

    Raises:
        RemoteProtocolError: it breaks a rule of section 9.8.
    """
    value = decode(body, bytes_max=AGREEMENT_BODY_BYTES_MAX)
    fields = Fields(value, 8, rule=_RULE)
    fields.version()
    return ServiceAgreement(
        order_id=OrderId(fields.exactly(32)),
        bid_id=BidId(fields.exactly(32)),
        requestor=NodeId(fields.exactly(NODE_ID_BYTES)),
        provider=NodeId(fields.exactly(NODE_ID_BYTES)),
        price=fields.integer(PRICE_MAX),
        start_price=fields.integer(PRICE_MAX),
        warm_price=fields.integer(PRICE_MAX),
    )


def service_agreement_id(body: bytes, network: NetworkId) -> AgreementId:
    """Return the agreement's name, which is the service's."""
    return AgreementId(object_id(SERVICE_AGREEMENT, network, body))


def sign_service_agreement(body: bytes, network: NetworkId, identity: Identity) -> bytes:
    """Return the signature of either side."""
    return identity.sign(SERVICE_AGREEMENT.preimage(network, body))


def check_service_agreement_signature(
    body: bytes, network: NetworkId, signer: NodeId, signature: bytes
) -> None:
    """Check that ``signer`` agreed.

    Raises:
        RemoteProtocolError: the signature does not hold (section 2.3).
    """
    if not is_signed_by(signer, SERVICE_AGREEMENT.preimage(network, body), signature):
        raise RemoteProtocolError("an agreement with a wrong signature", rule="2.3")
