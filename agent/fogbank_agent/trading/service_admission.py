"""Which services a provider has promised to begin: open bids, and what makes agreements of them.

SPEC.md section 9.8.  It is to services what ``admission`` is to runs.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId, NodeId
from fogbank_protocol.node.node import CallRefused

from ..limits import AGREEMENTS_REMEMBERED_MAX, BIDS_OF_A_REQUESTOR_MAX
from ..market.agreements import AgreementId
from ..market.bids import BidId
from ..market.reasons import Reason
from ..market.service_bids import (
    ServiceAgreement,
    ServiceBid,
    check_service_agreement_signature,
    decode_service_agreement,
    service_agreement_id,
)
from ..market.service_messages import ServiceOpening
from ..market.service_orders import ServiceOrder, open_service_order, service_order_id


@dataclass(frozen=True, slots=True)
class _OpenBid:
    bid: ServiceBid
    ends_at: float


@dataclass(frozen=True, slots=True)
class AgreedService:
    """A service that may begin."""

    service: AgreementId
    order: ServiceOrder
    agreement: ServiceAgreement


class ServiceAdmission:
    """The door to the services of one provider; every requestor has a shelf of bids of its own."""

    def __init__(self, network: NetworkId, own_id: NodeId) -> None:
        """Admit services of ``network`` to the provider ``own_id``."""
        self._network = network
        self._own_id = own_id
        self._bids: dict[NodeId, OrderedDict[BidId, _OpenBid]] = {}
        self._agreements: OrderedDict[AgreementId, None] = OrderedDict()

    def remember(self, named: BidId, bid: ServiceBid, requestor: NodeId, now: float) -> None:
        """Take in a bid that goes to ``requestor`` at ``now``."""
        bids = self._bids.setdefault(requestor, OrderedDict())
        while bids and (
            len(bids) >= BIDS_OF_A_REQUESTOR_MAX or now >= next(iter(bids.values())).ends_at
        ):
            bids.popitem(last=False)
        bids.pop(named, None)
        bids[named] = _OpenBid(bid, now + bid.valid_ms / 1_000)

    def forget(self, requestor: NodeId) -> None:
        """Forget the bids to a requestor that is gone."""
        self._bids.pop(requestor, None)

    def agree(
        self,
        peer: NodeId,
        opening: ServiceOpening,
        now: float,
        refuse: Callable[[ServiceOrder], None],
    ) -> AgreedService:
        """Check everything about a service before its agreement is signed.

        ``refuse`` raises ``CallRefused`` when the order is not welcome any more.

        Raises:
            CallRefused: this provider does not begin it now, with the reason's code.
            RemoteProtocolError: the pieces do not belong together (section 9.8).
        """
        agreement = decode_service_agreement(opening.agreement_body)
        named = service_agreement_id(opening.agreement_body, self._network)
        if named in self._agreements:
            raise CallRefused("refused", Reason.AGREEMENT_USED.value)
        bids = self._bids.get(peer, OrderedDict())
        found = bids.get(agreement.bid_id)
        if found is None or now >= found.ends_at:
            raise CallRefused("refused", Reason.AGREEMENT_EXPIRED.value)
        order = open_service_order(opening.order, self._network)
        named_order = service_order_id(opening.order, self._network)
        expected = ServiceAgreement(
            order_id=named_order,
            bid_id=agreement.bid_id,
            requestor=peer,
            provider=self._own_id,
            price=found.bid.price,
            start_price=found.bid.start_price,
            warm_price=found.bid.warm_price,
        )
        if agreement != expected or (order.requestor, found.bid.order_id) != (peer, named_order):
            raise RemoteProtocolError("an agreement on other terms than bid and order", rule="9.8")
        check_service_agreement_signature(
            opening.agreement_body, self._network, peer, opening.requestor_signature
        )
        refuse(order)
        del bids[agreement.bid_id]
        self._agreements[named] = None
        if len(self._agreements) > AGREEMENTS_REMEMBERED_MAX:
            self._agreements.popitem(last=False)
        return AgreedService(named, order, agreement)
