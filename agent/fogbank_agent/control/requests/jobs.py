"""A job: runs of one task, bought by the agent for the command line."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunInput:
    """One run of a job: ``name`` is for people, ``blob_id`` the input, kept before."""

    name: str
    blob_id: bytes


@dataclass(frozen=True, slots=True)
class StartJob:
    """Buy a run of a task for each of ``inputs``.

    What is None is taken from the configuration.  Answered by some ``JobProgressed``,
    ``RunsEnded`` until each run was in one, and ``JobEnded`` last.  Closing the connection gives
    the job up.
    """

    task_id: bytes
    """The blob of a package file or of a module, kept before."""

    task_name: str
    """What a module is called; a package has a name of its own."""

    inputs: tuple[RunInput, ...]
    arguments: tuple[str, ...]
    environment: tuple[str, ...]
    """Each "NAME=VALUE"."""

    seed: int
    verify: str | None
    price_max: int | None
    start_price_max: int | None
    fuel_max: int | None
    deadline_s: int | None
    patience_s: int | None


@dataclass(frozen=True, slots=True)
class JobProgressed:
    """Something happened to runs that were bought together; some are left out in a hurry."""

    run: int
    """The first of them."""

    runs: int
    """How many there are."""

    at_ms: int
    """Milliseconds since the job began."""

    attempt: int
    """The number of the order that it is about; 0 when it is about none, or about all."""

    event: str
    """The name of what happened, such as "RunPlaced"."""

    provider: str
    """The short form of the provider that it is about; empty when it is about none."""

    what: str
    """The same as a sentence."""

    accepted: int
    failed: int
    under_way: int
    waiting: int


@dataclass(frozen=True, slots=True)
class RunEnded:
    """Run ``number`` of the job has its result, or will have none."""

    number: int
    run_id: str
    name: str
    ok: bool
    """A result was accepted and is an output, not a trap or an exit code."""

    outcome: str
    """"ok", how the task failed, or why nobody ran it."""

    reason: str
    """The code of the reason why nobody ran it (SPEC.md section 9.7); else empty."""

    output_id: bytes | None
    output_bytes: int
    provider: str
    fuel: int
    attempts_made: int
    """Agreements that were made on it, those for checking included."""

    moves: int
    """How often another provider went on with it where one had stopped."""


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """What became of one agreement, on a run and those that were bought with it."""

    first: int
    last: int
    """Those runs of the message that it is about."""

    runs: int
    """How many it is about in all: fuel and drops are of all of them."""

    number: int
    """Of the order, as in ``fogbank why``."""

    provider: str
    price: int
    """Drops a gigafuel."""

    start_price: int
    fuel: int
    """What is to be paid for: that of an accepted result, else what was stated on the way."""

    paid: int
    """Drops for which vouchers were given."""

    ended: str
    """"accepted", or the code of the reason (SPEC.md section 9.7)."""


@dataclass(frozen=True, slots=True)
class RunsEnded:
    """Some runs of the job, 1 … CONTROL_RUNS_MAX, have their results."""

    runs: tuple[RunEnded, ...]
    attempts: tuple[AttemptEnded, ...]
    """The last ATTEMPTS_TOLD_MAX on each of them."""


@dataclass(frozen=True, slots=True)
class ProviderTotals:
    """What one provider did in a job."""

    provider: str
    runs: int
    fuel: int
    paid: int
    royalties: int
    """Drops of ``paid`` that it passes on to authors."""

    unpaid: int
    refused: int
    """Results found wrong."""

    lost: int
    """Attempts that it left without a result; not those that the requestor ended."""

    caught: bool


@dataclass(frozen=True, slots=True)
class JobEnded:
    """Every run of the job has ended."""

    job_id: str
    ok: int
    failed: int
    lies_caught: int
    fuel: int
    paid: int
    seconds: float
    providers: tuple[ProviderTotals, ...]
    royalties: int
    """Drops of ``paid`` that go to authors."""

    fuel_checked: int
    """What was run again here to check results; further voices are among the providers' runs."""

    channels: tuple[str, ...]
    """The payment channels over which was paid."""

    notices: tuple[str, ...]
    """What a person should know of how the job was ordered."""
