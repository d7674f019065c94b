"""What an agent remembers of its trade: runs and their stories, bills, payments, reputations."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fogbank_agent.market.reasons import Reason
from fogbank_protocol.identity import NodeId


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run of the own jobs, for lists."""

    run_id: bytes
    job_id: bytes
    number: int
    name: str
    package_name: str
    began_unix_s: int
    state: str
    """"accepted", "failed" or "under way"."""

    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Earnings:
    """What one requestor's runs brought this provider."""

    requestor: NodeId
    runs: int
    fuel: int
    paid: int
    unpaid: int
    refused: int


class Journal:
    """The market's memory in one SQLite file."""

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            DatabaseFailure: it cannot be used; the message says what to do.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Write what is buffered and close the file."""
        raise NotImplementedError

    def runs(self, *, count_max: int = 100) -> Sequence[RunSummary]:
        """Return the latest own runs, the newest first."""
        raise NotImplementedError

    def find_runs(self, digits: str) -> Sequence[RunSummary]:
        """Return the runs whose id begins with the hexadecimal ``digits``; at most 100."""
        raise NotImplementedError

    def why(self, run_id: bytes) -> Sequence[str]:
        """Return the story of a run in sentences, in order; empty when it is unknown."""
        raise NotImplementedError

    def earnings(self) -> Sequence[Earnings]:
        """Return what this agent earned as a provider, by requestor."""
        raise NotImplementedError
