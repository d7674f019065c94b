"""The services that a provider sells: bids, agreements, instances kept warm (SPEC.md 9.8)."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from logging import getLogger

import trio

from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.identity import Identity, NodeId, short_form
from fogbank_protocol.node.blob_store import BlobMissing, BlobStore, StoreFull
from fogbank_protocol.node.blob_transfer import FetchFailed, fetch_blob
from fogbank_protocol.node.containment import Contained
from fogbank_protocol.node.node import CallRefused, Node, RequestService, Service, StreamService
from fogbank_protocol.signed import signed_from_value
from fogbank_wasm_tasks.errors import SandboxBusy, SandboxUnavailable
from fogbank_wasm_tasks.limits import PACKAGE_BYTES_MAX
from fogbank_wasm_tasks.module.facts import Shape
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.sandbox.session import SessionOver

from ..limits import (
    FETCH_WAIT_S,
    ORDER_BODY_BYTES_MAX,
    SERVICE_CALL_BODY_BYTES_MAX,
    SERVICE_OPENING_BYTES_MAX,
)
from ..market.agreements import AgreementId
from ..market.bidding import Prices, Situation, credit_of
from ..market.reasons import Reason
from ..market.service_bidding import (
    ServiceSituation,
    answer_service_order,
    reasons_against_service,
)
from ..market.service_bids import (
    ServiceBid,
    service_bid_id,
    sign_service_agreement,
    sign_service_answer,
)
from ..market.service_messages import (
    ServiceEnded,
    ServiceMade,
    decode_call,
    decode_service_opening,
    decode_stop,
    encode_service_item,
)
from ..market.service_orders import (
    SERVICE_ORDER,
    ServiceOrder,
    open_service_order,
    service_order_id,
)
from ..market.tally import Bill
from .debts import Debts
from .interfaces import SessionKeeper
from .kept_service import Keeper, KeptService, Stop, end
from .methods import (
    CALL_METHOD,
    SERVE_METHOD,
    SERVICE_METHOD,
    SIGNED_OVERHEAD_BYTES,
    STOP_METHOD,
)
from .packages import PackageShelf
from .service_admission import ServiceAdmission

_log = getLogger(__name__)

_TAKEN = encode([])


class ServiceHost:
    """Keeps services for requestors, at most ``services_max``, each in a slot of the provider."""

    def __init__(
        self,
        node: Node,
        identity: Identity,
        blobs: BlobStore,
        shelf: PackageShelf,
        debts: Debts,
        keeper: SessionKeeper | None,
        *,
        slot: Callable[[], AbstractAsyncContextManager[None]],
        services_max: int,
        warm_price: int,
        prices: Callable[[], Prices],
        situation: Callable[[NodeId], Situation],
        on_change: Callable[[], None],
        on_use: Callable[[NodeId, int], None],
    ) -> None:
        """Sell sessions of ``keeper``; none without one.

        ``slot`` takes one of the provider's slots.  ``prices`` and ``situation`` are those of now.
        ``on_change`` is called when a slot
        is taken or free; ``on_use`` with 1 and -1 when a requestor's service begins and ends.
        """
        self._node = node
        self._identity = identity
        self._blobs = blobs
        self._shelf = shelf
        self._debts = debts
        self._keeper = keeper
        self._slot = slot
        self._services_max = 0 if keeper is None else services_max
        self._warm_price = warm_price
        self._prices = prices
        self._situation = situation
        self._on_change = on_change
        self._on_use = on_use
        self._admission = ServiceAdmission(node.network, identity.node_id)
        self._kept: dict[AgreementId, KeptService] = {}
        self._nursery: trio.Nursery | None = None

    @property
    def is_selling(self) -> bool:
        """Whether the feature ``service`` is offered."""
        return self._services_max > 0

    @property
    def kept(self) -> int:
        """How many services there are now."""
        return len(self._kept)

    def services(self) -> Sequence[Service]:
        """Return what the node must serve."""
        order_bytes_max = ORDER_BODY_BYTES_MAX + SIGNED_OVERHEAD_BYTES
        return [
            RequestService(SERVICE_METHOD, self._answer_order, order_bytes_max),
            StreamService(SERVE_METHOD, self._serve, SERVICE_OPENING_BYTES_MAX),
            RequestService(CALL_METHOD, self._take_call, SERVICE_CALL_BODY_BYTES_MAX),
            RequestService(STOP_METHOD, self._take_stop, 64),
        ]

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep services until cancelled; then none goes on."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None

    def forget(self, requestor: NodeId) -> None:
        """Forget the bids to a requestor that is gone; its services end with their streams."""
        self._admission.forget(requestor)

    # Orders.

    async def _answer_order(self, peer: NodeId, body: bytes) -> bytes:
        await trio.lowlevel.checkpoint()
        bytes_max = ORDER_BODY_BYTES_MAX + SIGNED_OVERHEAD_BYTES
        signed = signed_from_value(SERVICE_ORDER, decode(body, bytes_max=bytes_max))
        order = open_service_order(signed, self._node.network)
        if order.requestor != peer:
            raise RemoteProtocolError("an order of somebody else", rule="9.8")
        named = service_order_id(signed, self._node.network)
        situation = self._service_situation(peer)
        answer = answer_service_order(
            order, named, self._identity.node_id, self._prices(), situation
        )
        signed_answer = sign_service_answer(answer, self._node.network, self._identity)
        if isinstance(answer, ServiceBid):
            named_bid = service_bid_id(signed_answer, self._node.network)
            self._admission.remember(named_bid, answer, peer, trio.current_time())
        return encode(signed_answer.to_value())

    def _service_situation(self, requestor: NodeId) -> ServiceSituation:
        return ServiceSituation(
            usual=self._situation(requestor),
            warm_price=self._warm_price,
            services=len(self._kept),
            services_max=self._services_max,
        )

    def _refuse_if_unwilling(self, order: ServiceOrder) -> None:
        situation = self._service_situation(order.requestor)
        reasons = reasons_against_service(order, self._prices(), situation)
        # A price that was bid holds, though it may have risen since (section 9.3).
        reasons = [reason for reason in reasons if reason is not Reason.PRICE_TOO_LOW]
        if reasons:
            raise CallRefused("refused", reasons[0].value)

    # Services.

    async def _serve(self, peer: NodeId, body: bytes) -> AsyncIterator[bytes]:
        opening, now = decode_service_opening(body), trio.current_time()
        agreed = self._admission.agree(peer, opening, now, self._refuse_if_unwilling)
        nursery = self._nursery
        if nursery is None:
            raise CallRefused("refused", Reason.SHUTTING_DOWN.value)
        kept = KeptService(agreed)
        self._kept[agreed.service] = kept
        # The instance is another coroutine's: a generator that yields must not hold a worker.
        nursery.start_soon(self._keep, kept)
        body = opening.agreement_body
        signature = sign_service_agreement(body, self._node.network, self._identity)
        try:
            yield encode_service_item(ServiceMade(signature))
            async for item in kept.items:
                if isinstance(item, ServiceEnded):
                    self._kept.pop(agreed.service, None)
                yield encode_service_item(item)
        finally:
            kept.scope.cancel()

    async def _keep(self, kept: KeptService) -> None:
        requestor, service = kept.agreed.order.requestor, kept.agreed.service
        self._on_use(requestor, 1)
        try:
            with kept.post, kept.scope:
                reason = Reason.HOST_FAULT
                with Contained("a service for a requestor"):
                    reason = await self._keep_warm(kept)
                _log.info("a service for %s ends: %s", short_form(requestor), reason)
                await end(kept, reason)
        finally:
            self._kept.pop(service, None)
            self._on_use(requestor, -1)
            self._on_change()

    async def _keep_warm(self, kept: KeptService) -> Reason:
        assert self._keeper is not None
        requestor = kept.agreed.order.requestor
        try:
            package = await self._package(kept)
            if package.manifest.shape is not Shape.REACTOR:
                return Reason.PACKAGE_BROKEN
            keeper = Keeper(
                kept,
                package.manifest,
                self._node.network,
                self._identity,
                earn=lambda fuel, bill: self._earn(requestor, fuel, bill),
                worries=lambda: self._worries(requestor),
            )
            async with self._slot():
                self._on_change()
                async with self._keeper.open_session(package, keeper.request) as session:
                    return await keeper.keep(session)
        except (BlobMissing, FetchFailed, StoreFull):
            return Reason.PACKAGE_UNAVAILABLE
        except (RemoteProtocolError, LocalProtocolError):
            return Reason.PACKAGE_BROKEN
        except SessionOver:
            return Reason.HOST_FAULT
        except SandboxBusy:
            return Reason.BUSY
        except SandboxUnavailable:
            return Reason.CANNOT_EXECUTE

    async def _package(self, kept: KeptService) -> Package:
        package_id, requestor = kept.agreed.order.package_id, kept.agreed.order.requestor
        if not self._blobs.has(package_id):
            others = [peer.node_id for peer in self._node.peers() if peer.node_id != requestor]
            await fetch_blob(
                self._node,
                self._blobs,
                package_id,
                [requestor, *others],
                timeout_s=FETCH_WAIT_S,
                bytes_max=PACKAGE_BYTES_MAX,
            )
        return await self._shelf.open(package_id)

    async def _earn(self, requestor: NodeId, fuel: int, bill: Bill) -> None:
        self._debts.earn(requestor, fuel, bill)
        await self._debts.keep_earned()

    def _worries(self, requestor: NodeId) -> Reason | None:
        """Return why not to work on for ``requestor``, if there is a reason."""
        prices = self._prices()
        if self._debts.debt(requestor) > credit_of(prices.credit, self._debts.paid(requestor)):
            return Reason.REQUESTOR_IN_DEBT
        if (prices.asks_money or self._warm_price) and self._debts.room(requestor) <= 0:
            return Reason.NO_CHANNEL_FUNDS
        return None

    # Calls.

    async def _take_call(self, peer: NodeId, body: bytes) -> bytes:
        service, data = decode_call(body)
        kept = self._find(peer, service)
        if kept.is_calling or kept.is_stopping:
            raise CallRefused("refused", Reason.BUSY.value)
        kept.is_calling = True
        await kept.hand.send(data)
        return _TAKEN

    async def _take_stop(self, peer: NodeId, body: bytes) -> bytes:
        kept = self._find(peer, decode_stop(body))
        if not kept.is_stopping:
            kept.is_stopping = True
            await kept.hand.send(Stop())
        return _TAKEN

    def _find(self, peer: NodeId, service: AgreementId) -> KeptService:
        kept = self._kept.get(service)
        if kept is None or kept.agreed.order.requestor != peer:
            raise CallRefused("refused", Reason.UNKNOWN_SERVICE.value)
        return kept
