"""What was said about the results of one lot, and what follows: whom to owe, whom to refuse.

SPEC.md section 9.6.  Money is set aside from the moment a result arrives until its ballot is
decided, so that whatever the decision is can be paid.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fogbank_protocol.identity import NodeId

from ..limits import PARTS_PER_MILLION
from .auction import Proposal
from .choice import Choice
from .job_messages import JobCommand, KeepReputation, Owe, Refuse, RunHere, Tell, Withdraw
from .orders import Quorum, Verification
from .outcome_words import describe_outcomes
from .pricing import bill
from .reasons import Reason
from .story import (
    CheckBegun,
    CheckedHere,
    CheckSpared,
    ResultArrived,
    ResultRefused,
    RunAccepted,
    StoryEvent,
)
from .verification import (
    Claim,
    Voice,
    count_voices,
    decide,
    fuel_of,
    missing_voices,
    voices_needed,
)


@dataclass(frozen=True, slots=True)
class Catch:
    """``provider`` lied or broke a rule: the job must doubt everything that it said."""

    provider: NodeId


BallotCommand: TypeAlias = JobCommand | Catch


class Ballot:
    """The voices of one lot."""

    def __init__(
        self,
        lot: int,
        verification: Verification,
        choice: Choice,
        draws: Iterator[int],
        *,
        can_run_here: bool,
    ) -> None:
        """Begin empty; ``draws`` gives 0 … 999,999 at random, for audits."""
        self.voices: list[Voice] = []
        self.wrong: set[int] = set()
        """Attempts whose result was found wrong."""

        self.runs_here = False
        """The own sandbox is at it."""

        self.can_run_here = can_run_here
        self._lot = lot
        self._verification = verification
        self._choice = choice
        self._draws = draws
        self._audited = False
        self._terms: dict[int, Proposal] = {}
        self._owed: set[int] = set()
        self._refused: set[int] = set()
        self._confirmed: set[int] = set()

    @property
    def decision(self) -> Claim | None:
        """The right claim, as far as is known now; None while that is open."""
        return decide(self.voices, self._needed, self._choice.is_caught)

    @property
    def missing(self) -> int:
        """How many more providers must speak, at least."""
        return missing_voices(self.voices, self._needed, self._choice.is_caught)

    @property
    def prefers_own_voice(self) -> bool:
        """Whether the next voice should be the own sandbox's rather than another provider's."""
        if not self.can_run_here or not self.voices:
            return False
        return self._is_at_odds or not isinstance(self._verification, Quorum)

    @property
    def speakers(self) -> set[NodeId]:
        """The providers that have spoken."""
        return {voice.provider for voice in self.voices if voice.provider is not None}

    @property
    def _needed(self) -> int:
        return voices_needed(self._verification, self.voices, audited=self._audited)

    @property
    def _is_at_odds(self) -> bool:
        return len({voice.claim for voice in self.voices}) > 1

    # Voices come.

    def hear(self, attempt: int, terms: Proposal, claim: Claim) -> list[BallotCommand]:
        """Count a provider's results, agreed on ``terms``, and draw whether to check them."""
        self.voices.append(Voice(terms.provider, attempt, claim))
        self._terms[attempt] = terms
        drops = self._bill(self.voices[-1])
        self._choice.purse.reserve(self._key(attempt), drops)
        words = describe_outcomes([result.outcome for result in claim])
        arrived = ResultArrived(attempt, terms.provider, words, fuel_of(claim), drops)
        return [self._tell(arrived), *self._draw_audit(terms.provider)]

    def _draw_audit(self, provider: NodeId) -> list[BallotCommand]:
        """Draw now that the provider is bound by its receipt, and not before."""
        rate_ppm = self._choice.audit_ppm(provider)
        if self._audited or rate_ppm == 0:
            return []
        self._audited = next(self._draws) < rate_ppm
        if not self._audited:
            return [self._tell(CheckSpared(rate_ppm))]
        return [self._tell(CheckBegun(rate_ppm, here=self.can_run_here))]

    def ask_here(self) -> list[BallotCommand]:
        """Ask for the own voice."""
        self.runs_here = True
        if self._audited:
            return [RunHere(self._lot)]
        return [self._tell(CheckBegun(PARTS_PER_MILLION, here=True)), RunHere(self._lot)]

    def hear_own(self, claim: Claim | None) -> list[BallotCommand]:
        """Count the own voice; None means that the own sandbox could not do it."""
        if not self.runs_here:
            return []
        self.runs_here = False
        if claim is None:
            self.can_run_here = False
            return []
        self.voices.append(Voice(None, 0, claim))
        words = describe_outcomes([result.outcome for result in claim])
        return [self._tell(CheckedHere(words, fuel_of(claim)))]

    # What follows.

    def accept(self, claim: Claim) -> list[BallotCommand]:
        """Owe those that said ``claim``, and refuse the others."""
        right = [voice for voice in self.voices if voice.claim == claim]
        commands: list[BallotCommand] = [self._tell(RunAccepted(right[0].provider, len(right)))]
        for voice in right:
            commands += self._owe(voice)
        for voice in self.voices:
            if voice.claim != claim:
                commands += self._refuse(voice, Reason.WRONG_RESULT)
        return commands + self._count_confirmed(right, claim)

    def give_up(self, reason: Reason) -> list[BallotCommand]:
        """Refuse everyone for ``reason``, and blame nobody."""
        assert reason is not Reason.WRONG_RESULT
        return [command for voice in self.voices for command in self._refuse(voice, reason)]

    def reopen(self) -> list[BallotCommand]:
        """Take back what was owed, until there is another decision."""
        commands: list[BallotCommand] = [
            Withdraw(self._lot, voice.attempt, voice.provider)
            for voice in self.voices
            if voice.provider is not None and voice.attempt in self._owed
        ]
        self._owed.clear()
        return commands

    def _owe(self, voice: Voice) -> list[BallotCommand]:
        if voice.provider is None:
            return []
        self._choice.purse.release(self._key(voice.attempt))
        self._owed.add(voice.attempt)
        return [Owe(self._lot, voice.attempt, voice.provider, self._bill(voice))]

    def _refuse(self, voice: Voice, reason: Reason) -> list[BallotCommand]:
        if voice.provider is None or voice.attempt in self._refused:
            return []
        self._choice.purse.release(self._key(voice.attempt))
        self._refused.add(voice.attempt)
        commands: list[BallotCommand] = [
            Refuse(self._lot, voice.attempt, voice.provider, reason),
            self._tell(ResultRefused(voice.attempt, voice.provider, reason)),
        ]
        if reason is Reason.WRONG_RESULT:
            self.wrong.add(voice.attempt)
            commands.append(Catch(voice.provider))
        return commands

    def _count_confirmed(self, right: Sequence[Voice], claim: Claim) -> list[BallotCommand]:
        """Count the results that somebody else has confirmed in their providers' reputations."""
        own = any(voice.provider is None for voice in right)
        if not own and count_voices(self.voices, claim, self._choice.is_caught) < 2:
            return []
        commands: list[BallotCommand] = []
        for voice in right:
            if voice.provider is None or voice.attempt in self._confirmed:
                continue
            self._confirmed.add(voice.attempt)
            if not self._choice.is_caught(voice.provider):
                count = self._choice.count_confirmed(voice.provider)
                commands.append(KeepReputation(voice.provider, count))
        return commands

    def _bill(self, voice: Voice) -> int:
        terms = self._terms[voice.attempt]
        return bill(fuel_of(voice.claim), terms.price, terms.start_price, len(voice.claim))

    def _key(self, attempt: int) -> tuple[int, int, int, str]:
        return (id(self._choice), self._lot, attempt, "result")

    def _tell(self, what: StoryEvent) -> Tell:
        return Tell(self._lot, what)
