"""The calls of a service's requestor: orders to many, the stream to one (SPEC.md section 9.8)."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity, NodeId
from fogbank_protocol.node.node import CallFailure, Node
from fogbank_protocol.signed import Signed, signed_from_value

from ..limits import (
    BID_BODY_BYTES_MAX,
    BID_WAIT_S,
    SERVICE_BEGIN_S_MAX,
    SERVICE_CALL_WAIT_S,
)
from ..market.agreements import AgreementId
from ..market.orders import OrderId
from ..market.reasons import Reason
from ..market.service_bids import (
    SERVICE_BID,
    ServiceAgreement,
    ServiceBid,
    ServiceDecline,
    check_service_agreement_signature,
    open_service_answer,
    service_agreement_id,
    service_bid_id,
    sign_service_agreement,
)
from ..market.service_messages import (
    ChargeMade,
    ServiceEnded,
    ServiceMade,
    ServiceOpening,
    decode_service_item,
    encode_call,
    encode_service_opening,
    encode_stop,
)
from ..market.service_orders import ServiceOrder, service_order_id, sign_service_order
from .call_failures import reason_of
from .methods import (
    CALL_METHOD,
    SERVE_METHOD,
    SERVICE_METHOD,
    SIGNED_OVERHEAD_BYTES,
    STOP_METHOD,
)


class ServiceLost(Exception):
    """The provider is gone, or says no."""

    def __init__(self, reason: Reason) -> None:
        """``reason`` is of section 9.7."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SignedServiceOrder:
    """An order that is out."""

    order: ServiceOrder
    signed: Signed
    order_id: OrderId


@dataclass(frozen=True, slots=True)
class SignedServiceBid:
    """A bid that came for it."""

    bid: ServiceBid
    signed: Signed


class ServiceStream:
    """What a provider says of a service, item by item."""

    def __init__(
        self, items: AsyncIterator[bytes], check_made: Callable[[ServiceMade], None]
    ) -> None:
        """Read ``items``; ``check_made`` checks the provider's signature, the first of them."""
        self._items = items
        self._check_made = check_made
        self._is_made = False

    async def receive(self) -> ChargeMade | ServiceEnded:
        """Wait for the next item after the signature.

        Raises:
            RemoteProtocolError: it breaks a rule, or the stream ends before the service.
            CallFailure: the provider refuses, or is gone.
        """
        while True:
            try:
                said = decode_service_item(await anext(self._items))
            except StopAsyncIteration:
                raise RemoteProtocolError("a service that ends unsaid", rule="9.8") from None
            match said:
                case ServiceMade() if not self._is_made:
                    self._check_made(said)
                    self._is_made = True
                case ChargeMade() | ServiceEnded() if self._is_made:
                    return said
                case _:
                    raise RemoteProtocolError("items of a service out of order", rule="9.8")


class ServiceCalls:
    """Makes the calls; knows no rule of when."""

    def __init__(self, node: Node, identity: Identity) -> None:
        """Call the peers of ``node`` as ``identity``."""
        self._node = node
        self._identity = identity

    def sign(self, order: ServiceOrder) -> SignedServiceOrder:
        """Sign an order.

        Raises:
            LocalProtocolError: a bound of section 9.8 is broken.
        """
        signed = sign_service_order(order, self._node.network, self._identity)
        return SignedServiceOrder(order, signed, service_order_id(signed, self._node.network))

    async def ask(
        self, order: SignedServiceOrder, provider: NodeId
    ) -> SignedServiceBid | tuple[Reason, ...]:
        """Return the provider's bid, or its reasons; failures are reasons too."""
        body = encode(order.signed.to_value())
        try:
            answer = await self._node.request(provider, SERVICE_METHOD, body, timeout_s=BID_WAIT_S)
            bytes_max = BID_BODY_BYTES_MAX + SIGNED_OVERHEAD_BYTES
            signed = signed_from_value(SERVICE_BID, decode(answer, bytes_max=bytes_max))
            bid = open_service_answer(signed, self._node.network)
        except RemoteProtocolError:
            return (Reason.BROKEN_RULE,)
        except CallFailure as failure:
            return (why(failure),)
        if (bid.provider, bid.order_id) != (provider, order.order_id):
            return (Reason.BROKEN_RULE,)
        if isinstance(bid, ServiceDecline):
            return tuple(bid.reasons)
        wanted = order.order
        is_within = (
            bid.price <= wanted.price_max
            and bid.start_price <= wanted.start_price_max
            and bid.warm_price <= wanted.warm_price_max
        )
        return SignedServiceBid(bid, signed) if is_within else (Reason.BROKEN_RULE,)

    def agree(
        self, order: SignedServiceOrder, bid: SignedServiceBid
    ) -> tuple[AgreementId, ServiceAgreement]:
        """Return the agreement on ``bid``, and its name."""
        agreement = ServiceAgreement(
            order_id=order.order_id,
            bid_id=service_bid_id(bid.signed, self._node.network),
            requestor=self._identity.node_id,
            provider=bid.bid.provider,
            price=bid.bid.price,
            start_price=bid.bid.start_price,
            warm_price=bid.bid.warm_price,
        )
        return service_agreement_id(agreement.encode(), self._node.network), agreement

    @asynccontextmanager
    async def open(
        self, order: SignedServiceOrder, agreement: ServiceAgreement
    ) -> AsyncGenerator[ServiceStream]:
        """Open the stream of a service."""
        body = agreement.encode()
        signature = sign_service_agreement(body, self._node.network, self._identity)
        opening = encode_service_opening(ServiceOpening(order.signed, body, signature))
        timeout_s = min(order.order.duration_s_max + SERVICE_BEGIN_S_MAX, 3_600)
        async with self._node.stream(
            agreement.provider, SERVE_METHOD, opening, timeout_s=timeout_s
        ) as items:
            yield ServiceStream(items, lambda said: self._check_made(body, agreement, said))

    def _check_made(self, body: bytes, agreement: ServiceAgreement, said: ServiceMade) -> None:
        check_service_agreement_signature(
            body, self._node.network, agreement.provider, said.provider_signature
        )

    async def call(self, provider: NodeId, service: AgreementId, data: bytes) -> None:
        """Have ``data`` taken for a call.

        Raises:
            ServiceLost: it is not taken.
        """
        await self._request(provider, CALL_METHOD, encode_call(service, data))

    async def stop(self, provider: NodeId, service: AgreementId) -> None:
        """Ask for the end of a service; raises like ``call``."""
        await self._request(provider, STOP_METHOD, encode_stop(service))

    async def _request(self, provider: NodeId, method: str, body: bytes) -> None:
        try:
            await self._node.request(provider, method, body, timeout_s=SERVICE_CALL_WAIT_S)
        except CallFailure as failure:
            raise ServiceLost(why(failure)) from None


def why(failure: CallFailure) -> Reason:
    """Return the reason code for a call that failed."""
    return reason_of(failure, late=Reason.NO_ANSWER, otherwise=Reason.NO_ANSWER)
