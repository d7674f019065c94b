"""Many runs bought on the same terms: which are under way, and what a lie means for the others."""

from collections.abc import Iterator, Mapping, Sequence
from math import inf

from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from ..limits import INLINE_SUM_BYTES_MAX, LOT_FUEL, LOT_FUEL_MIN, LOT_RUNS_MAX
from .ballot import BallotCommand, Catch
from .checkpoint import Checkpoint
from .choice import Choice
from .job_messages import (
    EndJob,
    JobCommand,
    JobInput,
    KeepReputation,
    LotFormed,
    OffersChanged,
    Tell,
)
from .job_result import JobCounts
from .purchase import Purchase, PurchaseState, PurchaseTerms
from .story import ProviderCaught


class Job:
    """The machine of a job; ends with ``EndJob`` when every run is accepted or has failed."""

    def __init__(
        self,
        input_sizes: Sequence[int],
        lots_at_once: int,
        terms: PurchaseTerms,
        choice: Choice,
        draws: Iterator[int],
        starts: Mapping[int, Checkpoint] | None = None,
    ) -> None:
        """Buy a run for each of ``input_sizes``, in bytes, at most ``lots_at_once`` at a time.

        ``draws`` gives 0 … 999,999 at random.  Runs of a step task that have ``starts`` go on from
        there.
        """
        self.purchases: list[Purchase] = []
        """One for each lot that was formed so far, in the order of the runs."""
        self.choice = choice
        self._input_sizes = input_sizes
        self._lots_at_once = lots_at_once
        self._terms = terms
        self._draws = draws
        self._starts = starts or {}
        self._formed = 0
        """Runs that have a lot."""
        self._active: dict[int, Purchase] = {}
        self._under_way = 0
        self._failed = 0
        self._accepted = 0
        self._ended = False

    @property
    def deadline(self) -> float:
        """When to call ``handle`` with a ``Tick``; inf when only others can move it."""
        return min((purchase.deadline for purchase in self._active.values()), default=inf)

    @property
    def counts(self) -> JobCounts:
        """Where the job stands, in runs."""
        waiting = len(self._input_sizes) - self._formed
        return JobCounts(self._accepted, self._failed, self._under_way, waiting)

    def begin(self, now: float) -> list[JobCommand]:
        """Send the first orders."""
        return self._fill(now)

    def handle(self, event: JobInput | Tick, now: float) -> list[JobCommand]:
        """Take one event at time ``now`` and return what to do, in order."""
        commands: list[JobCommand] = []
        for purchase in self._concerned(event, now):
            commands += self._follow(purchase, purchase.handle(event, now), now)
        return commands + self._wake(now) + self._fill(now)

    def cancel(self, now: float) -> list[JobCommand]:
        """End every run that has not ended; what was accepted stays owed."""
        commands: list[JobCommand] = []
        while self._formed < len(self._input_sizes):
            commands += self._form(LOT_RUNS_MAX)
        for purchase in list(self._active.values()):
            commands += self._follow(purchase, purchase.cancel(now), now)
        self._ended = True
        return commands

    def _concerned(self, event: JobInput | Tick, now: float) -> Sequence[Purchase]:
        match event:
            case Tick():
                return [one for one in self._active.values() if one.deadline <= now]
            case OffersChanged():
                return [one for one in self._active.values() if one.is_stalled]
            case _:
                return [self.purchases[event.lot]]

    def _wake(self, now: float) -> list[JobCommand]:
        """Decide what waited for a check, and fill the places that were given back."""
        commands: list[JobCommand] = []
        while self.choice.has_judged:
            self.choice.has_judged = False
            for purchase in [*self._active.values()]:
                if purchase.ballot.waits_for_checks:
                    commands += self._follow(purchase, purchase.handle(Tick(), now), now)
        while self.choice.has_freed:
            self.choice.has_freed = False
            is_full = False
            for purchase in [one for one in self._active.values() if one.is_queued]:
                is_new = self.choice.rests_on_others and not purchase.ballot.voices
                if is_new and is_full:
                    continue  # No stake is left for it, as for the one before it.
                if self.choice.is_asked_enough((), now):
                    break
                followed = purchase.handle(OffersChanged(), now)
                commands += self._follow(purchase, followed, now)
                is_full |= is_new and purchase.is_queued
        return commands

    def _fill(self, now: float) -> list[JobCommand]:
        commands: list[JobCommand] = []
        while self._formed < len(self._input_sizes) and len(self._active) < self._lots_at_once:
            commands += self._form(self._lot_size())
            purchase = self.purchases[-1]
            commands += self._follow(purchase, purchase.begin(now), now)
        if not self._active and not self._ended:
            self._ended = True
            commands.append(EndJob())
        return commands

    def _lot_size(self) -> int:
        """Return how many runs to buy together: many small ones, but some for every provider."""
        waiting = len(self._input_sizes) - self._formed
        fuel = max(1, self.choice.expectation.fuel)
        share = max(-(-waiting // self._lots_at_once), LOT_FUEL_MIN // fuel)
        return max(1, min(LOT_RUNS_MAX, share, LOT_FUEL // fuel))

    def _form(self, runs_max: int) -> list[JobCommand]:
        """Make a lot of the next runs, whose inputs ride in one message if there are several."""
        first, number = self._formed, len(self.purchases)
        end, size = first, 0
        while end < min(first + runs_max, len(self._input_sizes)):
            size += self._input_sizes[end]
            if end > first and (size > INLINE_SUM_BYTES_MAX or end in self._starts):
                break
            end += 1
            if first in self._starts:
                break  # What goes on from a state is a lot by itself.
        start, runs = self._starts.get(first), range(first, end)
        purchase = Purchase(number, runs, self._terms, self.choice, self._draws, start)
        self.purchases.append(purchase)
        self._active[number] = purchase
        self._formed = end
        self._under_way += len(purchase.runs)
        return [LotFormed(number, purchase.runs)]

    def _follow(
        self, purchase: Purchase, commands: Sequence[BallotCommand], now: float
    ) -> list[JobCommand]:
        """Turn what ``purchase`` wants into what the job wants."""
        self._recount(purchase)
        wanted: list[JobCommand] = []
        for command in commands:
            if isinstance(command, Catch):
                wanted += self._catch(command.provider, purchase, now)
            else:
                wanted.append(command)
        return wanted

    def _recount(self, purchase: Purchase) -> None:
        runs = len(purchase.runs)
        if purchase.state is PurchaseState.UNDER_WAY:
            if purchase.number not in self._active:
                self._accepted -= runs
                self._under_way += runs
                self._active[purchase.number] = purchase
        elif self._active.pop(purchase.number, None) is not None:
            self._under_way -= runs
            if purchase.state is PurchaseState.ACCEPTED:
                self._accepted += runs
            else:
                self._failed += runs

    def _catch(self, provider: NodeId, caught_with: Purchase, now: float) -> list[JobCommand]:
        if not self.choice.catch(provider):
            return []
        commands: list[JobCommand] = [
            Tell(caught_with.number, ProviderCaught(provider)),
            KeepReputation(provider, 0),
        ]
        for purchase in self.purchases:
            if purchase.involves(provider):
                commands += self._follow(purchase, purchase.doubt(provider, now), now)
        return commands
