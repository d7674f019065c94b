"""Offers: what a provider sells, so that a requestor knows whom to ask (SPEC.md section 9.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

from fogbank_dag_ledger.limits import OPERATIONS_MAX, VERTEX_ID_BYTES
from fogbank_dag_ledger.operations import ObjectId, object_id
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.encoding import Value, decode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, Identity, NetworkId, NodeId
from fogbank_protocol.signed import Domain, Signed

from ..limits import (
    DROPS_MAX,
    OFFER_BODY_BYTES_MAX,
    OFFER_FEATURE_BYTES_MAX,
    OFFER_FEATURES_MAX,
    OFFER_PACKAGES_MAX,
    OFFER_SLOTS_MAX,
    OFFER_SPEED_MAX,
    OFFER_VALID_S_MAX,
    PRICE_MAX,
    RUN_DATA_BYTES_MAX,
    RUN_FUEL_MAX,
    RUN_MEMORY_BYTES_MAX,
)
from .fields import Fields, open_object, sign_checked

OFFER = Domain("fog-offer-1", OFFER_BODY_BYTES_MAX)
_RULE = "9.1"

SERVICE_FEATURE = "service"
"""The feature of a provider that keeps services (section 9.8)."""


@dataclass(frozen=True, slots=True)
class StakePlace:
    """Where on the ledger a stake was opened: by op ``index`` of the vertex ``opening``."""

    opening: VertexId
    index: int

    @property
    def object_id(self) -> ObjectId:
        """The name of the stake."""
        return object_id(self.opening, self.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What one provider sells now.  It binds nobody."""

    provider: NodeId
    sequence: int
    """Rises with each offer of the provider, over restarts too."""

    valid_s: int
    price: int
    """Drops for a gigafuel."""

    start_price: int
    fuel_per_s: int
    """As measured by the provider itself: a hint."""

    memory_bytes_max: int
    input_bytes_max: int
    output_bytes_max: int
    fuel_max: int
    slots: int
    slots_free: int
    credit: int
    """Drops that one requestor may owe."""

    features: Sequence[str]
    packages: Sequence[bytes]
    """Some of the packages that the provider need not fetch."""

    stake: StakePlace | None = None
    """What the provider would lose for a lie; how much it is the ledger says."""

    @property
    def asks_money(self) -> bool:
        """Whether runs cost anything."""
        return self.price > 0 or self.start_price > 0


def sign_offer(offer: Offer, network: NetworkId, identity: Identity) -> Signed:
    """Sign ``offer`` as its provider.

    Raises:
        LocalProtocolError: a bound of section 9.1 is broken.
    """
    fields: Value = [
        1,
        offer.provider,
        offer.sequence,
        offer.valid_s,
        offer.price,
        offer.start_price,
        offer.fuel_per_s,
        offer.memory_bytes_max,
        offer.input_bytes_max,
        offer.output_bytes_max,
        offer.fuel_max,
        offer.slots,
        offer.slots_free,
        offer.credit,
        offer.features,
        offer.packages,
        None if offer.stake is None else [offer.stake.opening, offer.stake.index],
    ]
    return sign_checked(OFFER, network, identity, fields, _parse)


def open_offer(signed: Signed, network: NetworkId) -> Offer:
    """Return the offer after checking body and signature.

    Raises:
        RemoteProtocolError: one of them breaks a rule.
    """
    return open_object(OFFER, network, signed, _parse, lambda offer: offer.provider)


def peek_offer(signed: Signed) -> tuple[NodeId, int]:
    """Return provider and sequence that the body names, its signature unchecked.

    Raises:
        RemoteProtocolError: the body breaks a rule.
    """
    offer = _parse(decode(signed.body, bytes_max=OFFER_BODY_BYTES_MAX))
    return offer.provider, offer.sequence


def _parse(value: Value) -> Offer:
    fields = Fields(value, 17, rule=_RULE)
    fields.version()
    return Offer(
        provider=NodeId(fields.exactly(NODE_ID_BYTES)),
        sequence=fields.integer((1 << 64) - 1),
        valid_s=fields.integer(OFFER_VALID_S_MAX, least=1),
        price=fields.integer(PRICE_MAX),
        start_price=fields.integer(PRICE_MAX),
        fuel_per_s=fields.integer(OFFER_SPEED_MAX, least=1),
        memory_bytes_max=fields.integer(RUN_MEMORY_BYTES_MAX),
        input_bytes_max=fields.integer(RUN_DATA_BYTES_MAX),
        output_bytes_max=fields.integer(RUN_DATA_BYTES_MAX),
        fuel_max=fields.integer(RUN_FUEL_MAX),
        slots=(slots := fields.integer(OFFER_SLOTS_MAX, least=1)),
        slots_free=fields.integer(slots),
        credit=fields.integer(DROPS_MAX),
        features=fields.texts(OFFER_FEATURES_MAX, OFFER_FEATURE_BYTES_MAX, ascending=True),
        packages=fields.ids(OFFER_PACKAGES_MAX, 32),
        stake=_stake(fields.anything()),
    )


def _stake(value: Value) -> StakePlace | None:
    match value:
        case None:
            return None
        case [bytes(opening), int(index)] if (
            len(opening) == VERTEX_ID_BYTES
            and not isinstance(index, bool)
            and index < OPERATIONS_MAX
        ):
            return StakePlace(VertexId(opening), index)
        case _:
            raise RemoteProtocolError("not the place of a stake", rule=_RULE)
