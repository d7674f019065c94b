"""What was said about the results of one lot, and what follows: whom to owe, whom to refuse.

SPEC.md section 9.6.  Money is set aside from the moment a result arrives until its ballot is
decided, so that whatever the decision is can be paid.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fogbank_protocol.identity import NodeId
from fogbank_wasm_tasks.outcome import Ok

from ..limits import AUDITORS_MAX, PARTS_PER_MILLION
from .auction import Proposal
from .choice import Choice
from .job_messages import (
    Accuse,
    CheckEnded,
    CheckHere,
    JobCommand,
    KeepReputation,
    Owe,
    Refuse,
    RunHere,
    Tell,
    Withdraw,
)
from .orders import Partial, Quorum, Verification, Verify
from .outcome_words import describe_outcomes
from .pricing import bill
from .reasons import Reason
from .story import (
    CheckBegun,
    CheckedHere,
    CheckSpared,
    ResultArrived,
    ResultChecked,
    ResultRefused,
    RunAccepted,
    StoryEvent,
    VoicesShort,
)
from .verification import (
    Claim,
    Verdict,
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


@dataclass(frozen=True, slots=True)
class _Spared:
    """A claim that was drawn for no audit while checks of other claims hold it."""

    voice: Voice
    provider: NodeId
    drawn: int
    counted: Mapping[int, int]
    """The runs of those checks, by lot: they were counted as confirmed."""


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

        self.has_stood_in = False
        """It stands in for voices of a quorum that nobody gave."""

        self.fuel_checked = 0
        """What checks in the own sandbox took."""

        self.can_run_here = can_run_here
        self._lot = lot
        self._verification = verification
        self._choice = choice
        self._draws = draws
        self._audited = False
        self._auditors = 1
        """How many others have to confirm an audited claim, where there is no own voice."""

        self._numbers: dict[int, int] = {}
        """What drew the auditors, by their place among them, where they alone can tell."""

        self._relied_on: dict[int, int] = {}
        """Drops that a provider was seen to have at stake when it was given the lot, by attempt."""

        self._checks: dict[int, CheckHere] = {}
        """Checks under way, by attempt."""

        self._sound: set[int] = set()
        self._checked: dict[int, int] = {}
        """How many runs of a claim a check here has confirmed, by attempt."""

        self._rejected: set[int] = set()
        self._terms: dict[int, Proposal] = {}
        self._begun: dict[int, int] = {}
        """Fuel of a claim that somebody else had used, by attempt."""

        self._signers: dict[int, Sequence[tuple[NodeId | None, int]]] = {}
        """Whose work a claim goes on from, by attempt."""

        self._paid: dict[int, int] = {}
        """Drops of a bill that were due before the receipt, by attempt."""

        self._held_by: set[int] = set()
        """Lots whose checks, begun before, must have ended before a claim is believed."""

        self._spared: dict[int, _Spared] = {}
        """Claims that are not audited if the checks that hold them confirm, by attempt."""

        self._owed: set[int] = set()
        self._refused: set[int] = set()
        self._confirmed: set[int] = set()

    @property
    def decision(self) -> Claim | None:
        """The right claim, as far as is known now; None while that is open."""
        return None if self.is_held else self._verdict

    @property
    def _verdict(self) -> Claim | None:
        return decide(self._counting, self._needed, self._choice.is_caught)

    @property
    def is_held(self) -> bool:
        """Whether a single word is to be believed whose provider may be found out any moment.

        Else a liar that is checked would win with all that it says until the check is over.
        """
        if not self._held_by or self._needed != 1 or self._verdict is None:
            return False
        checked = set[int]().union(*map(self._choice.checks_of, self.speakers))
        self._held_by &= checked
        return bool(self._held_by) and all(voice.provider is not None for voice in self.voices)

    @property
    def waits_for_checks(self) -> bool:
        """Whether it may be held: ask again when a check of another lot has ended."""
        return bool(self._held_by)

    @property
    def is_checking(self) -> bool:
        """Whether the own sandbox is at work on it, so that nobody else need be asked now."""
        return self.runs_here or bool(self._checks)

    @property
    def missing(self) -> int:
        """How many more providers must speak, at least."""
        return missing_voices(self._counting, self._needed, self._choice.is_caught)

    @property
    def prefers_own_voice(self) -> bool:
        """Whether the next voice should be the own sandbox's rather than another provider's."""
        if not self.can_run_here or not self._counting:
            return False
        return self._is_at_odds or not isinstance(self._verification, Quorum)

    def draw_lot(self, place: int = 0) -> int | None:
        """Return a number by which auditors are drawn; None while no claim is doubted.

        It is drawn when all claims so far have been signed, so that none of their providers could
        arrange for it.  Where others alone can tell, that of a ``place`` among the auditors stays:
        who declines must not choose who takes its place.  So is drawn whoever joins a quorum when a
        result of it has been seen.
        """
        is_late = isinstance(self._verification, Quorum)
        if not self.voices or not (self._audited or self._is_at_odds or is_late):
            return None
        if not self._choice.rests_on_others:
            return next(self._draws)
        if place not in self._numbers:
            self._numbers[place] = next(self._draws)
        return self._numbers[place]

    @property
    def voices_most(self) -> int:
        """How many voices may be needed where others alone can tell, two claims being at odds."""
        is_theirs = self._audited and self._choice.rests_on_others
        return 2 * self._auditors + 1 if is_theirs else 0

    @property
    def speakers(self) -> set[NodeId]:
        """The providers that have spoken."""
        return {voice.provider for voice in self.voices if voice.provider is not None}

    @property
    def _counting(self) -> Sequence[Voice]:
        """The voices that no check has refuted, or may still refute."""
        if not self._checks and not self._rejected:
            return self.voices
        doubted = self._checks.keys() | self._rejected
        return [voice for voice in self.voices if voice.attempt not in doubted]

    @property
    def _needed(self) -> int:
        auditors = self._auditors if self._audited else 0
        return voices_needed(self._verification, self._counting, auditors=auditors)

    @property
    def _is_at_odds(self) -> bool:
        return len({voice.claim for voice in self._counting}) > 1

    # Voices come.

    def hear(
        self,
        attempt: int,
        terms: Proposal,
        claim: Claim,
        *,
        paid: int = 0,
        begun: int = 0,
        relied_on: int = 0,
        signers: Sequence[tuple[NodeId | None, int]] = (),
    ) -> list[BallotCommand]:
        """Count a provider's results, agreed on ``terms``, and draw whether to check them.

        ``paid`` drops of the bill were due before, ``begun`` fuel of the claim was another's, and
        the provider was seen to have ``relied_on`` drops at stake when it agreed.  It went on from
        the work of ``signers``, who were paid so many drops for that.
        """
        self.voices.append(Voice(terms.provider, attempt, claim))
        self._terms[attempt] = terms
        self._relied_on[attempt] = relied_on
        self._begun[attempt] = begun
        self._signers[attempt] = signers
        drops = self._bill(self.voices[-1])
        self._paid[attempt] = paid
        self._choice.purse.reserve(self._key(attempt), max(0, drops - paid))
        self._choice.purse.risk(terms.provider, self._key(attempt), drops)
        self._choice.note_stated(terms.provider, (self._lot, attempt), paid)
        self._held_by |= self._choice.checks_of(terms.provider).keys() - {self._lot}
        if self._audited:
            self._choice.begin_check(terms.provider, self._lot, len(claim))
        words = describe_outcomes([result.outcome for result in claim])
        arrived = ResultArrived(attempt, terms.provider, words, fuel_of(claim), drops)
        return [self._tell(arrived), *self._begin_check(self.voices[-1], terms.provider)]

    def _begin_check(self, voice: Voice, provider: NodeId) -> list[BallotCommand]:
        match self._verification:
            case Verify():
                # A verifier judges outputs, and no other ends.
                if self.can_run_here and all(isinstance(one.outcome, Ok) for one in voice.claim):
                    return self._check(voice, None)
                return self._audit(PARTS_PER_MILLION)
            case Partial() if self.can_run_here:
                return self._draw_runs(voice, provider)
            case _:
                return self._draw_audit(voice, provider)

    def _draw_runs(self, voice: Voice, provider: NodeId) -> list[BallotCommand]:
        """Draw each run by itself, now that the provider is bound by its receipt.

        What a lie wins is the price of its run; and when one is found the others that were drawn
        are in vain, so those drawn before count as confirmed.
        """
        paid = self._choice.stated(provider)
        places: list[int] = []
        rates: list[int] = []
        for place in range(len(voice.claim)):
            at_risk = self._bill_of_run(voice, place)
            more = len(places)
            own_ppm = self._choice.audit_ppm(provider, at_risk, paid, confirmed_more=more)
            rates.append(max(own_ppm, self._start_ppm(voice)))
            if next(self._draws) < rates[-1]:
                places.append(place)
        if not places:
            return [self._tell(CheckSpared(min(rates)))]
        return [self._tell(CheckBegun(min(rates), here=True)), *self._check(voice, places)]

    def _check(self, voice: Voice, places: Sequence[int] | None) -> list[BallotCommand]:
        check = CheckHere(self._lot, voice.attempt, voice.claim, places)
        self._checks[voice.attempt] = check
        if voice.provider is not None:
            runs = len(voice.claim) if places is None else len(places)
            self._choice.begin_check(voice.provider, self._lot, runs)
        return [check]

    def hear_check(self, ended: CheckEnded) -> list[BallotCommand]:
        """Take in what a check of one voice has shown."""
        check = self._checks.pop(ended.attempt, None)
        if check is None:
            return []
        voice = next(voice for voice in self.voices if voice.attempt == ended.attempt)
        assert voice.provider is not None
        runs = 0 if check.places is None else len(check.places)
        verdict = ended.verdict
        self.fuel_checked += ended.fuel
        told = self._tell(
            ResultChecked(ended.attempt, voice.provider, runs, verdict.value, ended.fuel)
        )
        match verdict:
            case Verdict.SOUND:
                self._choice.end_check(self._lot)
                self._sound.add(ended.attempt)
                self._checked[ended.attempt] = runs if check.places else len(voice.claim)
                # A verifier does not see the fuel.
                by_verifier = check.places is None
                return [told, *(self._draw_audit(voice, voice.provider) if by_verifier else [])]
            case Verdict.WRONG:
                self._rejected.add(ended.attempt)
                return [told, *self._refuse(voice, Reason.WRONG_RESULT)]
            case Verdict.OPEN:
                return [told, *self._audit(PARTS_PER_MILLION)]

    def _audit(self, rate_ppm: int) -> list[BallotCommand]:
        if self._audited:
            return []
        self._audited = True
        for voice in self.voices:
            if voice.provider is not None:
                self._choice.begin_check(voice.provider, self._lot, len(voice.claim))
        return [self._tell(CheckBegun(rate_ppm, here=self.can_run_here))]

    def _draw_audit(self, voice: Voice, provider: NodeId) -> list[BallotCommand]:
        """Draw now that the provider is bound by its receipt, and not before.

        Other claims of the job are drawn by themselves, and wait for this one's check as this one
        waits for those that have begun; those of other jobs do not, and are at risk with it.
        """
        counted = self._holding(provider)
        rate_ppm = self._audit_ppm(voice, provider, counted)
        if rate_ppm == 0:
            return []
        auditors = self._choice.auditors(
            provider,
            self._at_risk(voice, provider),
            self._choice.stated(provider),
            relied_on=self._relied_on[voice.attempt],
        )
        if auditors > AUDITORS_MAX:
            # Its stake is gone since it was asked, or was never enough for such a bill.
            self._rejected.add(voice.attempt)
            return self._refuse(voice, Reason.UNVERIFIED)
        # Who confirms a claim is paid for it too: its own stake has to cover that.
        self._auditors = max(self._auditors, auditors)
        if self._audited:
            return []
        drawn = next(self._draws)
        if drawn < rate_ppm:
            return self._audit(rate_ppm)
        if counted:
            self._spared[voice.attempt] = _Spared(voice, provider, drawn, counted)
        return [self._tell(CheckSpared(rate_ppm))]

    def draw_again(self) -> list[BallotCommand]:
        """Audit what was spared for the sake of checks that have ended and confirmed nothing.

        The number that was drawn stays: it is as if it had been drawn only now.
        """
        for attempt, spared in [*self._spared.items()]:
            holding = self._holding(spared.provider)
            if holding.keys() >= spared.counted.keys():
                continue
            is_doubted = self._audited or self._choice.is_caught(spared.provider)
            if is_doubted or not holding:
                del self._spared[attempt]
            if is_doubted:
                continue
            rate_ppm = self._audit_ppm(spared.voice, spared.provider, holding)
            if spared.drawn < rate_ppm:
                return self._audit(rate_ppm)
        return []

    def _holding(self, provider: NodeId) -> Mapping[int, int]:
        """Return the lots whose checks hold what ``provider`` says, and how many runs they check.

        Should one of them find a lie nothing is believed, so they may count as confirmed.
        """
        checks = self._choice.checks_of(provider)
        return {lot: runs for lot, runs in checks.items() if lot in self._held_by}

    def _audit_ppm(self, voice: Voice, provider: NodeId, holding: Mapping[int, int]) -> int:
        own_ppm = self._choice.audit_ppm(
            provider,
            self._at_risk(voice, provider),
            self._choice.stated(provider),
            confirmed_more=sum(holding.values()),
        )
        return max(own_ppm, self._start_ppm(voice))

    def _start_ppm(self, voice: Voice) -> int:
        """Return how probable an audit makes each part that the claim goes on from."""
        signers = self._signers[voice.attempt]
        return max((self._choice.start_ppm(*signer) for signer in signers), default=0)

    def _at_risk(self, voice: Voice, provider: NodeId) -> int:
        """Return what ``provider`` would win by lying, in drops, in this lot and other jobs.

        Where others alone can tell in all lots: nothing holds back what they confirm meanwhile.
        """
        if self._choice.rests_on_others:
            return self._choice.purse.at_risk(provider)
        return self._bill(voice) + self._choice.purse.at_risk(provider, apart_from=id(self._choice))

    def stand_in(self) -> list[BallotCommand]:
        """Ask for the own voice where others were to speak, and nobody is left who would."""
        if not isinstance(self._verification, Quorum) or self.has_stood_in:
            return self.ask_here()
        self.runs_here = self.has_stood_in = True
        return [
            self._tell(VoicesShort(len(self._counting), self._verification.voices)),
            RunHere(self._lot),
        ]

    def ask_here(self) -> list[BallotCommand]:
        """Ask for the own voice."""
        self.runs_here = True
        if self._audited:
            return [RunHere(self._lot)]
        return [self._tell(CheckBegun(PARTS_PER_MILLION, here=True)), RunHere(self._lot)]

    def begin_anew(self) -> list[BallotCommand]:
        """Forget all voices, for they are about something else, and blame nobody for that."""
        self.runs_here = False
        commands = self.give_up(Reason.UNVERIFIED)
        self.voices.clear()
        self._numbers.clear()
        self._checks.clear()
        self._spared.clear()
        return commands

    def hear_own(self, claim: Claim | None) -> list[BallotCommand]:
        """Count the own voice; None means that the own sandbox could not do it."""
        if not self.runs_here:
            return []
        self.runs_here = False
        if claim is None:
            self.can_run_here = False
            return []
        self.voices.append(Voice(None, 0, claim))
        self.fuel_checked += fuel_of(claim)
        words = describe_outcomes([result.outcome for result in claim])
        return [self._tell(CheckedHere(words, fuel_of(claim)))]

    # What follows.

    def accept(self, claim: Claim) -> list[BallotCommand]:
        """Owe those that said ``claim``, and refuse the others."""
        right = [
            voice
            for voice in self.voices
            if voice.claim == claim and voice.attempt not in self._rejected
        ]
        self._choice.end_check(self._lot)
        is_own = right[0].provider is not None and any(one.provider is None for one in right)
        accepted = RunAccepted(right[0].provider, len(right), is_own)
        commands: list[BallotCommand] = [self._tell(accepted)]
        for voice in right:
            commands += self._owe(voice)
        for voice in self.voices:
            if voice.claim != claim:
                commands += self._refuse(voice, Reason.WRONG_RESULT)
        return commands + self._count_confirmed(right, claim)

    def give_up(self, reason: Reason) -> list[BallotCommand]:
        """Refuse everyone for ``reason``, and blame nobody."""
        assert reason is not Reason.WRONG_RESULT
        self._choice.end_check(self._lot)
        return [command for voice in self.voices for command in self._refuse(voice, reason)]

    def accuse_first(self) -> list[BallotCommand]:
        """Have the watch look at the first of claims that differ, where nobody here can tell."""
        voice = self._counting[0] if self._counting else None
        if voice is None or voice.provider is None or not self._is_at_odds:
            return []
        if not self._choice.rests_on_others:
            return []
        return [Accuse(self._lot, voice.attempt, voice.provider)]

    def reopen(self) -> list[BallotCommand]:
        """Take back what was owed, until there is another decision."""
        commands: list[BallotCommand] = []
        for voice in self.voices:
            if voice.provider is not None and voice.attempt in self._owed:
                self._choice.purse.advances.earn(voice.provider, -self._bill(voice))
                commands.append(Withdraw(self._lot, voice.attempt, voice.provider))
        self._owed.clear()
        # What they have shown meanwhile was not heard.
        return [*commands, *self._checks.values()]

    def _owe(self, voice: Voice) -> list[BallotCommand]:
        if voice.provider is None:
            return []
        self._release(voice.attempt, voice.provider)
        self._owed.add(voice.attempt)
        drops = self._bill(voice)
        self._choice.purse.advances.earn(voice.provider, drops)
        return [Owe(self._lot, voice.attempt, voice.provider, drops)]

    def _refuse(self, voice: Voice, reason: Reason) -> list[BallotCommand]:
        if voice.provider is None or voice.attempt in self._refused:
            return []
        self._release(voice.attempt, voice.provider)
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
        checked = any(voice.attempt in self._sound for voice in right)
        alone = count_voices(self.voices, claim, self._choice.is_caught) < 2
        if not own and not checked and alone:
            return []
        results = len(claim)
        if not own and alone:
            # What a check has confirmed of a claim it has confirmed for all that say the same, one
            # of whom may have been caught since.  At least one run was checked: never 0, which
            # would mean caught.
            results = max(self._checked.get(voice.attempt, 0) for voice in right)
        commands: list[BallotCommand] = []
        for voice in right:
            if voice.provider is None or voice.attempt in self._confirmed:
                continue
            self._confirmed.add(voice.attempt)
            if not self._choice.is_caught(voice.provider):
                count = self._choice.count_confirmed(voice.provider, results)
                commands.append(KeepReputation(voice.provider, count, results))
        return commands

    def _release(self, attempt: int, provider: NodeId) -> None:
        self._choice.purse.release(self._key(attempt))
        self._choice.purse.end_risk(provider, self._key(attempt))
        self._choice.end_stated(provider, (self._lot, attempt))
        self._choice.has_freed |= self._choice.rests_on_others

    def _bill(self, voice: Voice) -> int:
        terms = self._terms[voice.attempt]
        fuel = fuel_of(voice.claim) - self._begun[voice.attempt]
        return bill(fuel, terms.price, terms.start_price, len(voice.claim))

    def _bill_of_run(self, voice: Voice, place: int) -> int:
        terms, fuel = self._terms[voice.attempt], voice.claim[place].fuel
        return bill(fuel - self._begun[voice.attempt], terms.price, terms.start_price)

    def _key(self, attempt: int) -> tuple[int, int, int, str]:
        return (id(self._choice), self._lot, attempt, "result")

    def _tell(self, what: StoryEvent) -> Tell:
        return Tell(self._lot, what)
