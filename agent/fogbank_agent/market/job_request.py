"""What a requestor asks for: many runs of one package, on the same terms."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from fogbank_protocol.blobs.naming import BlobId
from fogbank_wasm_tasks.verification.terms import StepPlan

from ..limits import VERIFIER_FUEL_MAX
from .checkpoint import Checkpoint
from .orders import Verification


@dataclass(frozen=True, slots=True)
class RunInput:
    """The input of one run; the blob must be in the agent's own store."""

    name: str
    """What people call it, such as the file's name; at most 255 bytes; may be empty."""

    blob_id: BlobId
    start: Checkpoint | None = None
    """A state of a step task from which the run goes on; its snapshot must be in the store too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """One run of a package for each of ``inputs``."""

    package_id: BlobId
    """The package file's blob id; the blob must be in the agent's own store."""

    inputs: Sequence[RunInput]
    """1 to ``JOB_RUNS_MAX``."""

    verification: Verification

    fuel_max: int
    """Fuel that one run may use."""

    verifier_fuel_max: int = VERIFIER_FUEL_MAX
    """Fuel that the package's verifier may use for one output, in the own sandbox."""

    price_max: int
    """Drops for a gigafuel that are never exceeded."""

    start_price_max: int
    """Drops for the start of a run that are never exceeded."""

    memory_bytes_max: int
    """Memory that one run may use; the package's own bound counts when it is smaller."""

    run_ms_max: int = 120_000
    """Milliseconds that a provider has for a run, from agreement to result; at most 3,600,000."""

    hedge_s: float = inf
    """How long a provider may work on a lot before another one gets it too, in seconds."""

    lots_at_once: int = 16
    """Lots, of one run or of many small ones, that are under way at the same time.

    1 to ``LOTS_AT_ONCE_MAX``.
    """

    arguments: Sequence[str] = ()
    environment: Sequence[tuple[str, str]] = ()
    plan: StepPlan | None = None
    """How a package of shape step is run; None for any other."""
    seed: int = 0
    """64 bits from which the task's randomness comes; the same for every run of the job."""

    attempts_max: int = 8
    """Attempts at one run, those for checking included; 1 to ``ATTEMPTS_MAX``."""

    patience_s: float = 30.0
    """How long a run waits for a provider that takes it, in seconds."""
