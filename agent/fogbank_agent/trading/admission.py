"""Which runs a provider has promised to begin: its open bids, and what makes an agreement of one.

SPEC.md sections 9.3 to 9.5.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId, NodeId
from fogbank_protocol.node.node import CallRefused

from ..limits import AGREEMENTS_REMEMBERED_MAX, BIDS_OF_A_REQUESTOR_MAX
from ..market.agreements import (
    Agreement,
    AgreementId,
    agreement_id,
    check_agreement_signature,
    decode_agreement,
)
from ..market.bids import Bid, BidId
from ..market.orders import Order, open_order, order_id
from ..market.reasons import Reason
from ..market.run_messages import RunOpening, check_inputs
from .work import Work


@dataclass(frozen=True, slots=True)
class _OpenBid:
    """A bid that may still become an agreement."""

    bid: Bid
    ends_at: float


class Admission:
    """The door to the workbench.

    Every requestor has a shelf of bids of its own, so that one that orders without end pushes out
    nobody else's.
    """

    def __init__(self, network: NetworkId, own_id: NodeId) -> None:
        """Admit runs of ``network`` to the provider ``own_id``."""
        self._network = network
        self._own_id = own_id
        self._bids: dict[NodeId, OrderedDict[BidId, _OpenBid]] = {}
        self._agreements: OrderedDict[AgreementId, None] = OrderedDict()

    def remember(self, named: BidId, bid: Bid, requestor: NodeId, now: float) -> None:
        """Take in a bid that goes to ``requestor`` at ``now``."""
        bids = self._bids.setdefault(requestor, OrderedDict())
        # All bids of this agent hold equally long, so the first in is the first to end.
        while bids and (
            len(bids) >= BIDS_OF_A_REQUESTOR_MAX or now >= next(iter(bids.values())).ends_at
        ):
            bids.popitem(last=False)
        # The same order again gets the same bid, which then ends last.
        bids.pop(named, None)
        bids[named] = _OpenBid(bid, now + bid.valid_ms / 1_000)

    def forget(self, requestor: NodeId) -> None:
        """Forget the bids to a requestor that is gone: what it wanted went with its channel."""
        self._bids.pop(requestor, None)

    def agree(
        self, peer: NodeId, opening: RunOpening, now: float, refuse: Callable[[Order], None]
    ) -> Work:
        """Check everything about a run before its agreement is signed.

        ``refuse`` raises ``CallRefused`` when the order is not welcome any more.

        Raises:
            CallRefused: this provider does not begin it now, with the reason's code.
            RemoteProtocolError: the pieces do not belong together (sections 9.4 and 9.5).
        """
        agreement = decode_agreement(opening.agreement_body)
        named = agreement_id(opening.agreement_body, self._network)
        if named in self._agreements:
            raise CallRefused("refused", Reason.AGREEMENT_USED.value)
        bids = self._bids.get(peer, OrderedDict())
        open_bid = bids.get(agreement.bid_id)
        if open_bid is None or now >= open_bid.ends_at:
            raise CallRefused("refused", Reason.AGREEMENT_EXPIRED.value)
        order = open_order(opening.order, self._network)
        if open_bid.bid.order_id != order_id(opening.order, self._network):
            raise RemoteProtocolError("an agreement on another order", rule="9.5")
        self._check_agreement(agreement, order, open_bid.bid, peer)
        signature = opening.requestor_signature
        check_agreement_signature(opening.agreement_body, self._network, peer, signature)
        check_inputs(order, opening.inputs)
        refuse(order)
        del bids[agreement.bid_id]
        self._note(named)
        return Work(order, agreement, named, opening.inputs, is_reuse=open_bid.bid.reuse)

    def _check_agreement(self, agreement: Agreement, order: Order, bid: Bid, peer: NodeId) -> None:
        expected = Agreement(
            order_id=bid.order_id,
            bid_id=agreement.bid_id,
            requestor=peer,
            provider=self._own_id,
            price=bid.price,
            start_price=bid.start_price,
            fuel_max=order.fuel_max,
            tick=bid.tick,
        )
        if agreement != expected or order.requestor != peer:
            raise RemoteProtocolError("an agreement on other terms than bid and order", rule="9.4")

    def _note(self, named: AgreementId) -> None:
        self._agreements[named] = None
        if len(self._agreements) > AGREEMENTS_REMEMBERED_MAX:
            self._agreements.popitem(last=False)
