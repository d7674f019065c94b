"""How providers and requestors have dealt with this agent (SPEC.md section 9.6).

Counted from what they signed and what this agent has seen itself; nobody is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import time
from typing import cast

from fogbank_protocol.identity import NodeId

from ..market.reasons import REQUESTORS_DOING, SAID_BY_PROVIDERS, Reason
from ..market.story import AttemptFailed, OrderDeclined, ResultRefused, StoryEvent
from .journal import OTHERS, Earnings, Journal

_COUNT = """
    INSERT INTO providers VALUES (?, ?, ?, ?, ?, 0, ?) ON CONFLICT (provider) DO UPDATE SET
        confirmed = confirmed + excluded.confirmed, wrong = wrong + excluded.wrong,
        lost = lost + excluded.lost, refused = refused + excluded.refused, unix_s = excluded.unix_s
"""


@dataclass(frozen=True, slots=True)
class ProviderStanding:
    """How often a provider did what, in runs: each run of a lot counts."""

    provider: NodeId
    confirmed: int
    """Runs whose results another voice or a check confirmed."""

    wrong: int
    """Runs of lots with a result that was found wrong."""

    lost: int
    """Runs of agreements that it left without a result that could be used."""

    refused: int
    """Runs of orders that it said no to, whether before a bid or after."""


class Standings:
    """The counts, in the journal."""

    def __init__(self, journal: Journal) -> None:
        """Count in ``journal``."""
        self._journal = journal

    def note(self, event: StoryEvent, runs: int) -> None:
        """Count what an event of a lot of ``runs`` runs says of its provider.

        What this agent did itself, such as to move a run or not to pay, is none of its provider's
        doing; and silence says nothing: who was not heard may never have been asked.
        """
        match event:
            case ResultRefused(_, provider, Reason.WRONG_RESULT):
                self._count(provider, wrong=runs)
            case AttemptFailed(_, provider, reason, agreed=True) if reason not in REQUESTORS_DOING:
                self._count(provider, lost=runs)
            case OrderDeclined(attempt, provider, reasons) if attempt and _is_said(reasons):
                self._count(provider, refused=runs)
            case _:
                pass

    def note_confirmed(self, provider: NodeId, runs: int) -> None:
        """Count ``runs`` whose results another voice or a check has just confirmed."""
        if runs:
            self._count(provider, confirmed=runs)

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


def _is_said(reasons: Sequence[Reason]) -> bool:
    """Tell whether a provider gave ``reasons``, one of them perhaps new to this version."""
    return any(reason in SAID_BY_PROVIDERS or reason is Reason.OTHER for reason in reasons)
