"""What an agent asks for when it wants a service, and what it knows of those it has (9.8)."""

from collections.abc import Sequence
from dataclasses import dataclass

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.identity import NodeId
from fogbank_wasm_tasks.outcome import Outcome

from .agreements import AgreementId
from .offers import SERVICE_FEATURE, Offer
from .reasons import Reason
from .service_bids import ServiceBid
from .service_orders import ServiceOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRequest:
    """One service to be had from whoever keeps it cheapest."""

    package_id: BlobId
    """In the own blob store."""

    fuel_max: int
    """Of the beginning, and of each call."""

    memory_bytes_max: int
    price_max: int
    start_price_max: int
    warm_price_max: int
    drops_max: int
    """What it may cost in all: what could pass that is not begun, and time that could ends it."""

    arguments: Sequence[str] = ()
    environment: Sequence[tuple[str, str]] = ()
    seed: int = 0
    call_ms_max: int = 10_000
    idle_s_max: int = 600
    duration_s_max: int = 3_500
    patience_s: float = 10.0
    """How long to wait for a provider that takes it, a channel to it included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """How one call went, as its provider has signed."""

    sequence: int
    outcome: Outcome
    output: bytes
    """Empty unless the outcome is ok."""

    fuel: int
    drops: int
    """Of the charge: the call, and the time since the charge before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceView:
    """A service as its requestor sees it."""

    service: AgreementId
    provider: NodeId
    package_id: BlobId
    name: str
    """The package's."""

    is_live: bool
    reason: Reason | None
    """Why it has ended; None while it is live."""

    calls: int
    charges: int
    fuel: int
    fuel_max: int
    """Of the beginning, and of each call."""

    warm_ms: int
    drops: int
    """Of all charges."""

    paid: int
    """Drops of those for which a voucher was given."""

    budget_spent: int | None
    """All drops that it was allowed, when it has ended because they pay for no more."""


def fits(offer: Offer, order: ServiceOrder) -> bool:
    """Tell whether ``offer`` may be for ``order``; the price of time is known from bids alone."""
    return (
        SERVICE_FEATURE in offer.features
        and offer.price <= order.price_max
        and offer.start_price <= order.start_price_max
        and offer.memory_bytes_max >= order.memory_bytes_max
        and offer.output_bytes_max >= order.output_bytes_max
        and offer.fuel_max >= order.fuel_max
    )


def cheapest(bids: Sequence[ServiceBid]) -> ServiceBid:
    """Return the bid for which a minute with ten calls of a hundredth of a gigafuel costs least."""
    return min(bids, key=lambda one: (60 * one.warm_price + 10 * one.start_price) * 10 + one.price)
