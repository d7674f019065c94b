"""How providers and requestors have dealt with this agent (SPEC.md section 9.6).

Counted from what they signed and what this agent has seen itself; nobody is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import time
from typing import cast

from fogbank_protocol.identity import NodeId

from ..market.job_messages import KeepReputation
from ..market.reasons import Reason
from ..market.story import AttemptFailed, OrderDeclined, ResultRefused, StoryEvent
from .journal import OTHERS, Earnings, Journal

_COUNT = """
    INSERT INTO providers VALUES (?, ?, ?, ?, ?, 0, ?) ON CONFLICT (provider) DO UPDATE SET
        confirmed = confirmed + excluded.confirmed, wrong = wrong + excluded.wrong,
        lost = lost + excluded.lost, refused = refused + excluded.refused, unix_s = excluded.unix_s
"""


@dataclass(frozen=True, slots=True)
class ProviderStanding:
    """How often a provider did what; a lot counts once."""

    provider: NodeId
    confirmed: int
    """Results that another voice or a check confirmed."""

    wrong: int
    """Results that were found wrong."""

    lost: int
    """Agreements without a result that could be used."""

    refused: int
    """Orders that it declined, or did not answer."""


class Standings:
    """The counts, in the journal."""

    def __init__(self, journal: Journal) -> None:
        """Count in ``journal``."""
        self._journal = journal

    def note(self, event: StoryEvent | KeepReputation) -> None:
        """Count what an event says of its provider."""
        match event:
            case KeepReputation(provider, confirmed) if confirmed:
                self._count(provider, confirmed=1)
            case ResultRefused(_, provider, Reason.WRONG_RESULT):
                self._count(provider, wrong=1)
            case AttemptFailed(_, provider, _):
                self._count(provider, lost=1)
            case OrderDeclined(attempt, provider, _) if attempt:
                self._count(provider, refused=1)
            case _:
                pass

    def _count(
        self,
        provider: NodeId,
        *,
        confirmed: int = 0,
        wrong: int = 0,
        lost: int = 0,
        refused: int = 0,
    ) -> None:
        self._journal.record(_COUNT, provider, confirmed, wrong, lost, refused, int(time()))

    def providers(self) -> Sequence[ProviderStanding]:
        """Return the providers with which this agent has dealt, but for those of long ago."""
        rows = self._journal.query(
            "SELECT provider, confirmed, wrong, lost, refused FROM providers "
            "WHERE provider != ? AND confirmed + wrong + lost + refused > 0 ORDER BY provider",
            OTHERS,
        )
        return [ProviderStanding(*cast("tuple[NodeId, int, int, int, int]", row)) for row in rows]

    def requestors(self) -> Sequence[Earnings]:
        """Return the requestors for which this agent has worked, in drops."""
        return self._journal.earnings()
