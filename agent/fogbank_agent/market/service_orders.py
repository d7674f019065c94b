"""Orders of services: an instance kept warm for a requestor, on which terms (SPEC.md 9.8)."""

from collections.abc import Sequence
from dataclasses import dataclass

from fogbank_protocol.blobs.naming import BLOB_ID_BYTES, BlobId
from fogbank_protocol.encoding import Value
from fogbank_protocol.identity import NODE_ID_BYTES, Identity, NetworkId, NodeId
from fogbank_protocol.signed import Domain, Signed, object_id
from fogbank_wasm_tasks.limits import TEXT_BYTES_MAX

from ..limits import (
    ORDER_BODY_BYTES_MAX,
    ORDER_TEXTS_MAX,
    PRICE_MAX,
    RUN_FUEL_MAX,
    RUN_MEMORY_BYTES_MAX,
    RUN_MEMORY_BYTES_MIN,
    RUN_MS_MAX,
    SALT_BYTES,
    SERVICE_CALL_BYTES_MAX,
    SERVICE_S_MAX,
)
from .fields import Fields, open_object, sign_checked
from .orders import OrderId

SERVICE_ORDER = Domain("fog-service-1", ORDER_BODY_BYTES_MAX)
_RULE = "9.8"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOrder:
    """One service that a requestor wants."""

    requestor: NodeId
    salt: bytes
    package_id: BlobId
    arguments: Sequence[str]
    environment: Sequence[tuple[str, str]]
    seed: int
    fuel_max: int
    """Of the beginning, and of each call."""

    memory_bytes_max: int
    output_bytes_max: int
    call_ms_max: int
    """Milliseconds that the beginning, and each call, may take."""

    idle_s_max: int
    """Seconds without a call after which the service ends."""

    duration_s_max: int
    price_max: int
    start_price_max: int
    """For the beginning, and for each call."""

    warm_price_max: int
    """For each second that the instance is kept."""

    weights: int


def sign_service_order(order: ServiceOrder, network: NetworkId, identity: Identity) -> Signed:
    """Sign ``order`` as its requestor.

    Raises:
        LocalProtocolError: a bound of section 9.8 is broken.
    """
    fields: Value = [
        1,
        order.requestor,
        order.salt,
        order.package_id,
        order.arguments,
        order.environment,
        order.seed,
        order.fuel_max,
        order.memory_bytes_max,
        order.output_bytes_max,
        order.call_ms_max,
        order.idle_s_max,
        order.duration_s_max,
        order.price_max,
        order.start_price_max,
        order.warm_price_max,
        order.weights,
    ]
    return sign_checked(SERVICE_ORDER, network, identity, fields, _parse)


def open_service_order(signed: Signed, network: NetworkId) -> ServiceOrder:
    """Return the order after checking body and signature.

    Raises:
        RemoteProtocolError: one of them breaks a rule.
    """
    return open_object(SERVICE_ORDER, network, signed, _parse, lambda order: order.requestor)


def service_order_id(signed: Signed, network: NetworkId) -> OrderId:
    """Return the order's name."""
    return OrderId(object_id(SERVICE_ORDER, network, signed.body))


def _parse(value: Value) -> ServiceOrder:
    fields = Fields(value, 17, rule=_RULE)
    fields.version()
    return ServiceOrder(
        requestor=NodeId(fields.exactly(NODE_ID_BYTES)),
        salt=fields.exactly(SALT_BYTES),
        package_id=BlobId(fields.exactly(BLOB_ID_BYTES)),
        arguments=fields.texts(ORDER_TEXTS_MAX, TEXT_BYTES_MAX, ascending=False),
        environment=fields.environment(ORDER_TEXTS_MAX, TEXT_BYTES_MAX),
        seed=fields.integer((1 << 64) - 1),
        fuel_max=fields.integer(RUN_FUEL_MAX, least=1),
        memory_bytes_max=fields.integer(RUN_MEMORY_BYTES_MAX, least=RUN_MEMORY_BYTES_MIN),
        output_bytes_max=fields.integer(SERVICE_CALL_BYTES_MAX),
        call_ms_max=fields.integer(RUN_MS_MAX, least=1),
        idle_s_max=fields.integer(SERVICE_S_MAX, least=1),
        duration_s_max=fields.integer(SERVICE_S_MAX, least=1),
        price_max=fields.integer(PRICE_MAX),
        start_price_max=fields.integer(PRICE_MAX),
        warm_price_max=fields.integer(PRICE_MAX),
        weights=fields.integer((1 << 64) - 1),
    )
