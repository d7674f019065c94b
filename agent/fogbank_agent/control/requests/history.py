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
