"""Agreements: one lot of runs, between two sides that both sign (SPEC.md section 9.4)."""

from dataclasses import dataclass
from typing import NewType

from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import (
    NODE_ID_BYTES,
    Identity,
    NetworkId,
    NodeId,
    is_signed_by,
)
from fogbank_protocol.signed import Domain, object_id

from ..limits import AGREEMENT_BODY_BYTES_MAX, PRICE_MAX, RUN_FUEL_MAX
from .bids import BidId
from .fields import Fields
from .orders import OrderId

AGREEMENT = Domain("fog-agree-1", AGREEMENT_BODY_BYTES_MAX)
_RULE = "9.4"

AgreementId = NewType("AgreementId", bytes)
"""32 bytes that name one agreement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Who does which lot for whom, at which price."""

    order_id: OrderId
    bid_id: BidId
    requestor: NodeId
    provider: NodeId
    price: int
    start_price: int
    fuel_max: int
    """Of each run."""

    tick: int
    """Fuel: the most work that is done without being paid."""

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
                self.fuel_max,
                self.tick,
            ]
        )


def decode_agreement(body: bytes) -> Agreement:
    """Return what ``body`` says.

    Raises:
        RemoteProtocolError: it breaks a rule of section 9.4.
    """
    return _parse(decode(body, bytes_max=AGREEMENT_BODY_BYTES_MAX))


def agreement_id(body: bytes, network: NetworkId) -> AgreementId:
    """Return the agreement's name."""
    return AgreementId(object_id(AGREEMENT, network, body))


def sign_agreement(body: bytes, network: NetworkId, identity: Identity) -> bytes:
    """Return the signature of either side."""
    return identity.sign(AGREEMENT.preimage(network, body))


def check_agreement_signature(
    body: bytes, network: NetworkId, signer: NodeId, signature: bytes
) -> None:
    """Check that ``signer`` agreed.

    Raises:
        RemoteProtocolError: the signature does not hold (section 2.3).
    """
    if not is_signed_by(signer, AGREEMENT.preimage(network, body), signature):
        raise RemoteProtocolError("an agreement with a wrong signature", rule="2.3")


def _parse(value: Value) -> Agreement:
    fields = Fields(value, 9, rule=_RULE)
    fields.version()
    return Agreement(
        order_id=OrderId(fields.exactly(32)),
        bid_id=BidId(fields.exactly(32)),
        requestor=NodeId(fields.exactly(NODE_ID_BYTES)),
        provider=NodeId(fields.exactly(NODE_ID_BYTES)),
        price=fields.integer(PRICE_MAX),
        start_price=fields.integer(PRICE_MAX),
        fuel_max=fields.integer(RUN_FUEL_MAX, least=1),
        tick=fields.integer(RUN_FUEL_MAX, least=1),
    )
