"""What this agent has at stake."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GetStakes:
    """What is at stake?  Answered by ``Stakes``."""


@dataclass(frozen=True, slots=True)
class OpenStake:
    """Lock ``drops``.  Answered by ``Stakes`` when that is final."""

    drops: int


@dataclass(frozen=True, slots=True)
class WithdrawStakes:
    """Ask for everything at stake back.  Answered by ``Stakes``."""


@dataclass(frozen=True, slots=True)
class Stake:
    """One stake."""

    stake: str
    drops: int
    state: str
    """"opening", "standing", "leaving", "slashed", "seized" or "taken back"."""

    watch: tuple[str, ...]
    """Short forms of those who judge whether a result was wrong."""

    need: int
    """So many of them must agree."""

    reward: int
    """Drops that they get of a seized stake; the rest is burned."""

    beats: int
    """Seconds that it stays after it was asked back."""


@dataclass(frozen=True, slots=True)
class Stakes:
    """All stakes of this agent that its ledger knows."""

    stakes: tuple[Stake, ...]
