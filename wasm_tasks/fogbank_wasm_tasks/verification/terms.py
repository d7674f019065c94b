"""Terms: all that a run's result follows from beside its input (SPEC.md section 7.8).

A receipt that names its terms says what the provider claims to have computed, so that a third party
needs no order to find out whether the claim is true.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from fogbank_protocol.blobs.naming import BLOB_ID_BYTES, BlobId
from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError

from ..limits import (
    CHECKPOINT_STEPS_MAX,
    FUEL_MAX,
    MEMORY_BYTES_MAX,
    OUTPUT_BYTES_MAX,
    STATES_MAX,
    STEP_SIZE_MAX,
    TERMS_BYTES_MAX,
)
from ..metering.weights import WEIGHTS_VERSION
from ..run import SEED_MAX, RunRequest
from .merkle import HASH_BYTES

_DOMAIN: Final = b"fog-terms-1\0"
_VERSION: Final = 1
_RULE: Final = "7.8"


@dataclass(frozen=True, slots=True)
class StepPlan:
    """How a step task is run."""

    step_size: int
    """What every call of ``step`` is given, 1 … ``STEP_SIZE_MAX``: one such call is one step."""

    checkpoint_steps: int
    """How many steps lie between two checkpoints, 1 … ``CHECKPOINT_STEPS_MAX``."""


@dataclass(frozen=True, slots=True)
class StartState:
    """The state that a run goes on from, which somebody else has brought it to."""

    position: int
    """A checkpoint's."""

    fuel: int
    """What the run had used there."""

    root: bytes
    """The state root, 32 bytes (section 7.9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of one run, or of many that differ in their inputs alone."""

    package_id: BlobId
    arguments: Sequence[str]
    environment: Sequence[tuple[str, str]]
    seed: int
    fuel_max: int
    memory_bytes_max: int
    output_bytes_max: int
    plan: StepPlan | None
    """For a step task, and None for any other."""

    start: StartState | None = None
    """For the rest of a run that was begun elsewhere, and None for a whole one."""

    def terms_id(self) -> bytes:
        """Return the 32 bytes by which a receipt names them."""
        return blake2b(_DOMAIN + encode(terms_to_value(self)), digest_size=HASH_BYTES).digest()

    def request(self, input_data: bytes, *, wall_s_max: float) -> RunRequest:
        """Return the request of a run under these terms."""
        return RunRequest(
            input=input_data,
            arguments=self.arguments,
            environment=self.environment,
            seed=self.seed,
            fuel_max=self.fuel_max,
            memory_bytes_max=self.memory_bytes_max,
            output_bytes_max=self.output_bytes_max,
            wall_s_max=wall_s_max,
        )


def make_terms(package_id: BlobId, request: RunRequest, plan: StepPlan | None = None) -> Terms:
    """Return the terms under which ``request`` is run."""
    return Terms(
        package_id=package_id,
        arguments=tuple(request.arguments),
        environment=tuple(request.environment),
        seed=request.seed,
        fuel_max=request.fuel_max,
        memory_bytes_max=request.memory_bytes_max,
        output_bytes_max=request.output_bytes_max,
        plan=plan,
    )


def terms_to_value(terms: Terms) -> Value:
    """Return the array that says ``terms``."""
    plan, start = terms.plan, terms.start
    return [
        _VERSION,
        WEIGHTS_VERSION,
        terms.package_id,
        list(terms.arguments),
        [[name, value] for name, value in terms.environment],
        terms.seed,
        terms.fuel_max,
        terms.memory_bytes_max,
        terms.output_bytes_max,
        None if plan is None else [plan.step_size, plan.checkpoint_steps],
        None if start is None else [start.position, start.fuel, start.root],
    ]


def decode_terms(data: bytes) -> Terms:
    """Return the terms that ``data`` encodes.

    Raises:
        RemoteProtocolError: it encodes none (section 7.8).
    """
    match decode(data, bytes_max=TERMS_BYTES_MAX):
        case [
            int(version),
            int(weights),
            bytes(package_id),
            list(arguments),
            list(environment),
            int(seed),
            int(fuel_max),
            int(memory_bytes_max),
            int(output_bytes_max),
            plan,
            start,
        ] if (
            _in_range(version, 1, _VERSION)
            and _in_range(weights, WEIGHTS_VERSION, WEIGHTS_VERSION)
            and len(package_id) == BLOB_ID_BYTES
            and _in_range(seed, 0, SEED_MAX)
            and _in_range(fuel_max, 0, FUEL_MAX)
            and _in_range(memory_bytes_max, 0, MEMORY_BYTES_MAX)
            and _in_range(output_bytes_max, 0, OUTPUT_BYTES_MAX)
        ):
            terms = Terms(
                package_id=BlobId(package_id),
                arguments=tuple(map(_text, arguments)),
                environment=tuple(map(_entry, environment)),
                seed=seed,
                fuel_max=fuel_max,
                memory_bytes_max=memory_bytes_max,
                output_bytes_max=output_bytes_max,
                plan=_plan(plan),
                start=_start(start),
            )
        case _:
            raise RemoteProtocolError("not the terms of a run", rule=_RULE)
    try:
        check_start(terms.start, terms.plan, terms.fuel_max)
        terms.request(b"", wall_s_max=1.0)
    except LocalProtocolError as error:
        raise RemoteProtocolError(str(error), rule=_RULE) from None
    return terms


def check_start(start: StartState | None, plan: StepPlan | None, fuel_max: int) -> None:
    """Check that a run under ``plan`` may have the state ``start``, None for its beginning.

    Raises:
        RemoteProtocolError: it is no checkpoint, or used more than ``fuel_max``.
    """
    if start is None:
        return
    if plan is None or start.position % plan.checkpoint_steps or start.fuel > fuel_max:
        raise RemoteProtocolError("a start that is no checkpoint of the run", rule=_RULE)


def _start(value: Value) -> StartState | None:
    match value:
        case None:
            return None
        case [int(position), int(fuel), bytes(root)] if (
            _in_range(position, 0, STATES_MAX - 1)
            and _in_range(fuel, 0, FUEL_MAX)
            and len(root) == HASH_BYTES
        ):
            return StartState(position, fuel, root)
        case _:
            raise RemoteProtocolError("not the start of a part of a run", rule=_RULE)


def _text(value: Value) -> str:
    if not isinstance(value, str):
        raise RemoteProtocolError("an argument that is no text", rule=_RULE)
    return value


def _entry(value: Value) -> tuple[str, str]:
    match value:
        case [str(name), str(text)]:
            return name, text
        case _:
            raise RemoteProtocolError("not an entry of the environment", rule=_RULE)


def _plan(value: Value) -> StepPlan | None:
    match value:
        case None:
            return None
        case [int(step_size), int(checkpoint_steps)] if _in_range(
            step_size, 1, STEP_SIZE_MAX
        ) and _in_range(checkpoint_steps, 1, CHECKPOINT_STEPS_MAX):
            return StepPlan(step_size, checkpoint_steps)
        case _:
            raise RemoteProtocolError("not a plan of steps", rule=_RULE)


def _in_range(value: int, smallest: int, largest: int) -> bool:
    # A boolean is an int in Python, but another value on the wire.
    return smallest <= value <= largest and not isinstance(value, bool)
