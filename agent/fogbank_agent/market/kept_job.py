"""Jobs that outlive their requestor's restarts, and how a reduce task joins their outputs.

SPEC.md section 9.11.  A job has **levels**: level 0 runs the task on each fragment, each further
one runs the reduce task on the joined outputs of the level before, until one output is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf

from fogbank_protocol.blobs.naming import BLOB_ID_BYTES, BlobId
from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.identity import NodeId
from fogbank_wasm_tasks.limits import TEXT_BYTES_MAX

from ..limits import (
    ATTEMPTS_MAX,
    JOB_PATIENCE_MS_MAX,
    JOB_RUNS_MAX,
    KEPT_JOB_BYTES_MAX,
    LOTS_AT_ONCE_MAX,
    ORDER_TEXTS_MAX,
    PRICE_MAX,
    RUN_FUEL_MAX,
    RUN_MEMORY_BYTES_MAX,
    RUN_MS_MAX,
)
from .fields import Fields, check_text
from .job_request import JobRequest
from .orders import parse_plan, parse_verification, verification_to_value

_RULE = "9.11"


class JobState(StrEnum):
    """Where a job stands."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptJob:
    """What is to be done: ``task`` for each fragment, ``reduce`` for their outputs."""

    name: str
    """What people call it: the task's name."""

    task: JobRequest
    """For level 0; its inputs are the fragments."""

    reduce: JobRequest | None = None
    """For the further levels, with no inputs; None when the outputs are the result."""

    fan: int = 0
    """How many outputs a run of the reduce task joins, at least 2; 0 for all at once."""


@dataclass(frozen=True, slots=True)
class FragmentEnd:
    """How a fragment ended: an accepted outcome, or a reason why there is none."""

    outcome: str
    """"ok", how the task failed, or in words why nobody ran it."""

    output: BlobId | None
    """None unless the outcome is ok."""

    size: int
    fuel: int
    provider: NodeId | None
    accepted: bool
    """False for one that nobody ran."""


def joined(outputs: Sequence[bytes]) -> bytes:
    """Return the input of a reduce task: each output after its size, 32 bits little-endian."""
    return b"".join(len(output).to_bytes(4, "little") + output for output in outputs)


def groups(outputs: int, fan: int) -> Sequence[range]:
    """Return which of so many outputs each run of the next level joins."""
    width = fan or max(1, outputs)
    return [range(first, min(first + width, outputs)) for first in range(0, outputs, width)]


def encode_kept_job(job: KeptJob) -> bytes:
    """Return what is kept of a job besides its fragments."""
    reduce = None if job.reduce is None else _request_to_value(job.reduce)
    return encode([1, job.name, _request_to_value(job.task), reduce, job.fan])


def decode_kept_job(data: bytes) -> KeptJob:
    """Return what ``encode_kept_job`` was given, without fragments.

    Raises:
        RemoteProtocolError: somebody else has changed it.
    """
    fields = Fields(decode(data, bytes_max=KEPT_JOB_BYTES_MAX), 5, rule=_RULE)
    fields.version()
    name = check_text(fields.anything(), TEXT_BYTES_MAX, rule=_RULE)
    task = _parse_request(fields.anything())
    reduce = fields.anything()
    return KeptJob(
        name=name,
        task=task,
        reduce=None if reduce is None else _parse_request(reduce),
        fan=fields.integer(JOB_RUNS_MAX),
    )


def _request_to_value(request: JobRequest) -> Value:
    plan = request.plan
    return [
        request.package_id,
        verification_to_value(request.verification),
        request.fuel_max,
        request.verifier_fuel_max,
        request.price_max,
        request.start_price_max,
        request.memory_bytes_max,
        request.run_ms_max,
        None if request.hedge_s == inf else round(request.hedge_s * 1_000),
        request.lots_at_once,
        list(request.arguments),
        [list(pair) for pair in request.environment],
        None if plan is None else [plan.step_size, plan.checkpoint_steps],
        request.seed,
        request.attempts_max,
        round(request.patience_s * 1_000),
    ]


def _parse_request(value: Value) -> JobRequest:
    fields = Fields(value, 16, rule=_RULE)
    request = JobRequest(
        package_id=BlobId(fields.exactly(BLOB_ID_BYTES)),
        inputs=(),
        verification=parse_verification(fields.anything()),
        fuel_max=fields.integer(RUN_FUEL_MAX, least=1),
        verifier_fuel_max=fields.integer(RUN_FUEL_MAX),
        price_max=fields.integer(PRICE_MAX),
        start_price_max=fields.integer(PRICE_MAX),
        memory_bytes_max=fields.integer(RUN_MEMORY_BYTES_MAX),
        run_ms_max=fields.integer(RUN_MS_MAX),
    )
    hedge_ms = fields.anything()
    return replace(
        request,
        hedge_s=hedge_ms / 1_000 if isinstance(hedge_ms, int) else inf,
        lots_at_once=fields.integer(LOTS_AT_ONCE_MAX),
        arguments=fields.texts(ORDER_TEXTS_MAX, TEXT_BYTES_MAX, ascending=False),
        environment=fields.environment(ORDER_TEXTS_MAX, TEXT_BYTES_MAX),
        plan=parse_plan(fields.anything()),
        seed=fields.integer((1 << 64) - 1),
        attempts_max=fields.integer(ATTEMPTS_MAX),
        patience_s=fields.integer(JOB_PATIENCE_MS_MAX) / 1_000,
    )
