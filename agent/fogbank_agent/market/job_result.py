"""What a requestor is told while a job lasts, and what it has at the end."""

from collections.abc import Sequence
from dataclasses import dataclass

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.identity import NodeId

from .reasons import Reason
from .story import StoryEvent


@dataclass(frozen=True, slots=True)
class JobCounts:
    """Where a job stands, in runs; ``accepted + failed + under_way + waiting`` is the job."""

    accepted: int
    failed: int
    under_way: int
    """At least one provider works on it, or its result is being checked."""

    waiting: int


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something happened to the ``runs`` (numbers from 0) of a job that were bought together.

    Events may be dropped when the reader is slow; ``counts`` is right in each.
    """

    job_id: bytes
    runs: range
    at_ms: int
    """Milliseconds since the job began."""

    what: StoryEvent
    counts: JobCounts


@dataclass(frozen=True, slots=True)
class Attempt:
    """One agreement on a run and all that were bought with it, and how it ended.

    ``failure`` is None when a result came back.
    """

    number: int
    provider: NodeId
    price: int
    start_price: int
    failure: Reason | None
    refused: bool
    """The result came and was found wrong."""

    accepted: bool
    """The result came and is what was accepted."""

    fuel: int
    """What is to be paid for: that of an accepted result, else what was stated on the way."""

    paid: int
    """Drops for which vouchers were given."""

    runs: int
    """How many were bought with it: fuel and drops are of all of them."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """How one run ended: with an accepted outcome, or with a reason."""

    number: int
    """From 0, the place of its input in the request."""

    name: str
    run_id: bytes
    """16 bytes; its hexadecimal digits are what ``fogbank why`` takes."""

    reason: Reason | None
    """Why there is no result; None when there is one."""

    outcome: str
    """"ok", "out of fuel", "trap: …" or "exit code …"; empty without a result."""

    output: BlobId | None
    """The output, in the agent's own store; None unless the outcome is ok."""

    output_size: int
    fuel: int
    provider: NodeId | None
    attempts: Sequence[Attempt]
    moves: int
    """How often another provider went on with it from a state that was handed out."""


@dataclass(frozen=True, slots=True)
class ProviderTotals:
    """What one provider did in a job."""

    provider: NodeId
    runs: int
    """Results that were accepted as right, those for checking included."""

    fuel: int
    """Fuel of those."""

    paid: int
    """Drops for which vouchers were given."""

    royalties: int
    """Drops of those that the provider passes on to authors."""

    unpaid: int
    """Drops owed for which no voucher was given yet; only when the wallet is short."""

    refused: int
    """Results found wrong."""

    lost: int
    """Attempts that it left without a result; not those that the requestor ended."""

    caught: bool


@dataclass(frozen=True, slots=True)
class JobResult:
    """Everything about a job that has ended."""

    job_id: bytes
    runs: Sequence[RunResult]
    providers: Sequence[ProviderTotals]
    lies_caught: int
    """Results refused as wrong."""

    fuel_total: int
    paid_total: int
    royalties_total: int
    """Drops of ``paid_total`` that go to authors."""

    fuel_checked: int
    """What checks in the own sandbox took."""

    stood_in: int
    """Runs for which the own sandbox spoke, since too few gave a voice of the quorum."""

    channels: Sequence[str]
    """The payment channels over which was paid, as text."""

    seconds: float

    @property
    def completed(self) -> int:
        """How many runs have a result."""
        return sum(run.reason is None for run in self.runs)
