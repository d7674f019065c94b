"""Orders: which runs a requestor wants, within which bounds, and how it checks (SPEC.md 9.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from struct import Struct, pack
from typing import NamedTuple, NewType, TypeAlias

from fogbank_protocol.blobs.naming import BLOB_ID_BYTES, BlobId
from fogbank_protocol.encoding import Value
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, Identity, NetworkId, NodeId
from fogbank_protocol.limits import TEXT_BYTES_MAX
from fogbank_protocol.signed import Domain, Signed, object_id
from fogbank_wasm_tasks.limits import CHECKPOINT_STEPS_MAX, STEP_SIZE_MAX
from fogbank_wasm_tasks.verification.terms import StepPlan, Terms, check_start

from ..limits import (
    LOT_RUNS_MAX,
    ORDER_BODY_BYTES_MAX,
    ORDER_TEXTS_MAX,
    PARTS_PER_MILLION,
    PRICE_MAX,
    QUORUM_VOICES_MAX,
    QUORUM_VOICES_MIN,
    RUN_DATA_BYTES_MAX,
    RUN_FUEL_MAX,
    RUN_MEMORY_BYTES_MAX,
    RUN_MEMORY_BYTES_MIN,
    RUN_MS_MAX,
    SALT_BYTES,
)
from .checkpoint import Checkpoint, checkpoint_to_value, parse_checkpoint
from .fields import Fields, open_object, sign_checked

ORDER = Domain("fog-order-1", ORDER_BODY_BYTES_MAX)
_RULE = "9.2"
_INPUT = Struct(">32sI")

OrderId = NewType("OrderId", bytes)
"""32 bytes that name one signed order."""


@dataclass(frozen=True, slots=True)
class NoVerification:
    """Every result that arrives is accepted."""


@dataclass(frozen=True, slots=True)
class Audit:
    """Some results are run again; ``ppm`` is the least probability, in parts per million."""

    ppm: int


@dataclass(frozen=True, slots=True)
class Quorum:
    """``voices`` different providers must agree, 2 to 7."""

    voices: int


@dataclass(frozen=True, slots=True)
class Verify:
    """The package's own verifier judges every output.

    It does not see the fuel, so ``ppm`` parts per million of what it accepts are audited.
    """

    ppm: int


@dataclass(frozen=True, slots=True)
class Partial:
    """Of each lot some runs are repeated; ``ppm`` is the least share, in parts per million."""

    ppm: int


Verification: TypeAlias = NoVerification | Audit | Quorum | Verify | Partial
"""How a requestor checks results."""


class OrderInput(NamedTuple):
    """What one run of the lot is given."""

    blob_id: BlobId
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One lot of runs that a requestor wants, for one attempt."""

    requestor: NodeId
    salt: bytes
    package_id: BlobId
    inputs: Sequence[OrderInput]
    """1 to ``LOT_RUNS_MAX``, one for each run."""
    arguments: Sequence[str]
    environment: Sequence[tuple[str, str]]
    seed: int
    fuel_max: int
    """Of each run."""
    memory_bytes_max: int
    output_bytes_max: int
    plan: StepPlan | None
    """For a package of shape step, and None for any other."""
    start: Checkpoint | None = None
    """Where the one run of the lot goes on, which somebody else has begun; None for whole runs."""
    run_ms_max: int
    """Milliseconds from agreement to receipt, for the whole lot."""

    price_max: int
    start_price_max: int
    weights: int
    """The version of the fuel table."""

    verification: Verification

    def blobs(self) -> Sequence[BlobId]:
        """Return what a provider must have: the inputs, and the state to go on from."""
        inputs = [one.blob_id for one in self.inputs]
        return inputs if self.start is None else [*inputs, self.start.snapshot]

    def terms(self) -> Terms:
        """Return what the results of the runs follow from, beside their inputs."""
        return Terms(
            package_id=self.package_id,
            arguments=self.arguments,
            environment=self.environment,
            seed=self.seed,
            fuel_max=self.fuel_max,
            memory_bytes_max=self.memory_bytes_max,
            output_bytes_max=self.output_bytes_max,
            plan=self.plan,
            start=None if self.start is None else self.start.state,
        )


def sign_order(order: Order, network: NetworkId, identity: Identity) -> Signed:
    """Sign ``order`` as its requestor.

    Raises:
        LocalProtocolError: a bound of section 9.2 is broken.
    """
    fields: Value = [
        1,
        order.requestor,
        order.salt,
        order.package_id,
        pack(">" + "32sI" * len(order.inputs), *chain.from_iterable(order.inputs)),
        order.arguments,
        order.environment,
        order.seed,
        order.fuel_max,
        order.memory_bytes_max,
        order.output_bytes_max,
        None if order.plan is None else [order.plan.step_size, order.plan.checkpoint_steps],
        None if order.start is None else checkpoint_to_value(order.start),
        order.run_ms_max,
        order.price_max,
        order.start_price_max,
        order.weights,
        verification_to_value(order.verification),
    ]
    return sign_checked(ORDER, network, identity, fields, _parse)


def open_order(signed: Signed, network: NetworkId) -> Order:
    """Return the order after checking body and signature.

    Raises:
        RemoteProtocolError: one of them breaks a rule.
    """
    return open_object(ORDER, network, signed, _parse, lambda order: order.requestor)


def order_id(signed: Signed, network: NetworkId) -> OrderId:
    """Return the order's name."""
    return OrderId(object_id(ORDER, network, signed.body))


def _parse(value: Value) -> Order:
    fields = Fields(value, 18, rule=_RULE)
    fields.version()
    order = Order(
        requestor=NodeId(fields.exactly(NODE_ID_BYTES)),
        salt=fields.exactly(SALT_BYTES),
        package_id=BlobId(fields.exactly(BLOB_ID_BYTES)),
        inputs=_parse_inputs(fields.at_most(LOT_RUNS_MAX * _INPUT.size)),
        arguments=fields.texts(ORDER_TEXTS_MAX, TEXT_BYTES_MAX, ascending=False),
        environment=fields.environment(ORDER_TEXTS_MAX, TEXT_BYTES_MAX),
        seed=fields.integer((1 << 64) - 1),
        fuel_max=fields.integer(RUN_FUEL_MAX, least=1),
        memory_bytes_max=fields.integer(RUN_MEMORY_BYTES_MAX, least=RUN_MEMORY_BYTES_MIN),
        output_bytes_max=fields.integer(RUN_DATA_BYTES_MAX),
        plan=parse_plan(fields.anything()),
        start=parse_checkpoint(fields.anything(), rule=_RULE),
        run_ms_max=fields.integer(RUN_MS_MAX, least=1),
        price_max=fields.integer(PRICE_MAX),
        start_price_max=fields.integer(PRICE_MAX),
        weights=fields.integer((1 << 64) - 1),
        verification=parse_verification(fields.anything()),
    )
    _check_start(order)
    return order


def _check_start(order: Order) -> None:
    if order.start is None:
        return
    check_start(order.start.state, order.plan, order.fuel_max)
    if len(order.inputs) != 1:
        raise RemoteProtocolError("several runs that go on from one state", rule=_RULE)


def _parse_inputs(joined: bytes) -> tuple[OrderInput, ...]:
    if not joined or len(joined) % _INPUT.size:
        raise RemoteProtocolError("not the inputs of runs", rule=_RULE)
    inputs = tuple(map(OrderInput._make, _INPUT.iter_unpack(joined)))
    if max([one.size for one in inputs]) > RUN_DATA_BYTES_MAX:
        raise RemoteProtocolError("an input that is too large", rule=_RULE)
    return inputs


def parse_plan(value: Value) -> StepPlan | None:
    """Return the plan that ``value`` says, None for nil.

    Raises:
        RemoteProtocolError: it is none.
    """
    if value is None:
        return None
    fields = Fields(value, 2, rule=_RULE)
    step_size = fields.integer(STEP_SIZE_MAX, least=1)
    return StepPlan(step_size, fields.integer(CHECKPOINT_STEPS_MAX, least=1))


def verification_to_value(verification: Verification) -> Value:
    """Return the array that says how results are checked."""
    match verification:
        case NoVerification():
            return [0]
        case Audit(ppm):
            return [1, ppm]
        case Quorum(voices):
            return [2, voices]
        case Verify(ppm):
            return [3, ppm]
        case Partial(ppm):
            return [4, ppm]


def parse_verification(value: Value) -> Verification:
    """Return the way to check results that ``value`` says.

    Raises:
        RemoteProtocolError: it is none.
    """
    match value:
        case [int(kind)] if kind == 0 and kind is not False:
            return NoVerification()
        case [int(kind), int()] if kind == 1 and kind is not True:
            return Audit(_second(value, PARTS_PER_MILLION, 0))
        case [2, int()]:
            return Quorum(_second(value, QUORUM_VOICES_MAX, QUORUM_VOICES_MIN))
        case [3, int()]:
            return Verify(_second(value, PARTS_PER_MILLION, 0))
        case [4, int()]:
            return Partial(_second(value, PARTS_PER_MILLION, 0))
        case _:
            raise RemoteProtocolError("not a way to verify", rule=_RULE)


def _second(value: Value, most: int, least: int) -> int:
    fields = Fields(value, 2, rule=_RULE)
    fields.anything()
    return fields.integer(most, least=least)
