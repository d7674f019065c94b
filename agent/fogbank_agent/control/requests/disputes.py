"""Disputes over wrong results that this agent opened."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GetDisputes:
    """Which disputes were opened lately?  Answered by ``Disputes``."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """One dispute."""

    receipt: str
    """The id of the receipt with the wrong result, in hexadecimal digits."""

    provider: str
    """The short form of who signed it."""

    drops: int
    """What it had at stake."""

    state: str
    """"open", "proved", "seized", "right", "unheard", "refused" or "too late"."""

    opened: str
    """When, in local time, for people."""


@dataclass(frozen=True, slots=True)
class Disputes:
    """The latest, the newest first."""

    disputes: tuple[Dispute, ...]
