"""Many runs bought on the same terms: which are under way, and what a lie means for the others."""

from collections import deque
from collections.abc import Iterator, Sequence
from math import inf

from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from .ballot import BallotCommand, Catch
from .choice import Choice
from .job_messages import EndJob, JobCommand, JobInput, KeepReputation, OffersChanged, Tell
from .job_result import JobCounts
from .purchase import Purchase, PurchaseState, PurchaseTerms
from .story import ProviderCaught


class Job:
    """The machine of a job; ends with ``EndJob`` when every run is accepted or has failed."""

    def __init__(
        self,
        runs: int,
        runs_at_once: int,
        terms: PurchaseTerms,
        choice: Choice,
        draws: Iterator[int],
    ) -> None:
        """Buy ``runs`` runs, ``runs_at_once`` at a time; ``draws`` gives 0 … 999,999 at random."""
        self.purchases: Sequence[Purchase] = [
            Purchase(number, terms, choice, draws) for number in range(runs)
        ]
        self.choice = choice
        self._runs_at_once = runs_at_once
        self._waiting = deque(self.purchases)
        self._active: dict[int, Purchase] = {}
        self._failed = 0
        self._accepted = 0
        self._ended = False

    @property
    def deadline(self) -> float:
        """When to call ``handle`` with a ``Tick``; inf when only others can move it."""
        return min((purchase.deadline for purchase in self._active.values()), default=inf)

    @property
    def counts(self) -> JobCounts:
        """Where the job stands."""
        return JobCounts(self._accepted, self._failed, len(self._active), len(self._waiting))

    def begin(self, now: float) -> list[JobCommand]:
        """Send the first orders."""
        return self._fill(now)

    def handle(self, event: JobInput | Tick, now: float) -> list[JobCommand]:
        """Take one event at time ``now`` and return what to do, in order."""
        commands: list[JobCommand] = []
        for purchase in self._concerned(event, now):
            commands += self._follow(purchase, purchase.handle(event, now), now)
        return commands + self._fill(now)

    def cancel(self, now: float) -> list[JobCommand]:
        """End every run that has not ended; what was accepted stays owed."""
        commands: list[JobCommand] = []
        for purchase in [*self._active.values(), *self._waiting]:
            self._active[purchase.number] = purchase
            commands += self._follow(purchase, purchase.cancel(now), now)
        self._waiting.clear()
        self._ended = True
        return commands

    def _concerned(self, event: JobInput | Tick, now: float) -> Sequence[Purchase]:
        match event:
            case Tick():
                return [one for one in self._active.values() if one.deadline <= now]
            case OffersChanged():
                return [one for one in self._active.values() if one.is_stalled]
            case _:
                return [self.purchases[event.run]]

    def _fill(self, now: float) -> list[JobCommand]:
        commands: list[JobCommand] = []
        while self._waiting and len(self._active) < self._runs_at_once:
            purchase = self._waiting.popleft()
            self._active[purchase.number] = purchase
            commands += self._follow(purchase, purchase.begin(now), now)
        if not self._active and not self._ended:
            self._ended = True
            commands.append(EndJob())
        return commands

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
        if purchase.state is PurchaseState.UNDER_WAY:
            if purchase.number not in self._active:
                self._accepted -= 1
                self._active[purchase.number] = purchase
        elif self._active.pop(purchase.number, None) is not None:
            if purchase.state is PurchaseState.ACCEPTED:
                self._accepted += 1
            else:
                self._failed += 1

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
