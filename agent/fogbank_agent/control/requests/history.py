"""Runs that an agent bought, and their stories."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GetRuns:
    """Which runs were bought lately, at most ``count`` of them?  Answered by ``Runs``."""

    count: int


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run, as the journal has it."""

    run_id: str
    job_id: str
    name: str
    package: str
    began: str
    """When, in local time, for people."""

    state: str
    """"accepted", "failed" or "under way"."""

    why: str
    """The reason in words when it failed, else empty."""

    outcome: str
    """How the task ended when a result was accepted: "ok", "out of fuel", "exit code 3"…"""


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs bought, the newest first."""

    runs: tuple[RunSummary, ...]


@dataclass(frozen=True, slots=True)
class GetStory:
    """What happened to ``run``, the beginning of its id?  Answered by ``Story``."""

    run: str


@dataclass(frozen=True, slots=True)
class Story:
    """What happened to a run, a sentence a line; the middle of a very long story is left out."""

    run_id: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GetReputation:
    """How have others dealt with this agent?  Answered by ``Reputation``."""


@dataclass(frozen=True, slots=True)
class ProviderReputation:
    """How often a provider did what, in runs: each run of a lot counts."""

    provider: str
    short: str
    confirmed: int
    """Runs whose results another voice or a check confirmed."""

    wrong: int
    """Runs of lots with a result that was found wrong."""

    lost: int
    """Runs of agreements that it left without a result that could be used."""

    refused: int
    """Runs of orders that it said no to, whether before a bid or after."""

    in_a_row: int
    """Runs confirmed since it was caught last, of its best-known package; they fade."""

    distrusted: bool
    """It was caught lately: others are asked first."""


@dataclass(frozen=True, slots=True)
class RequestorReputation:
    """What became of the bills to a requestor, in drops."""

    requestor: str
    short: str
    lots: int
    paid: int
    unpaid: int
    refused: int
    """What it says it will not pay."""

    credit: int
    """What it may owe now; 0 when this agent sells nothing."""


@dataclass(frozen=True, slots=True)
class Reputation:
    """What this agent has seen itself; nobody was asked."""

    providers: tuple[ProviderReputation, ...]
    requestors: tuple[RequestorReputation, ...]
