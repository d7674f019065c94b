"""How the members of a committee agree on one value, once (SPEC.md section 8.19).

This is Tendermint (Buchman, Kwon, Milosevic, 2018) for a single height: propose, prevote,
precommit, with a locked and a valid value.  Two members that decide decide the same, whatever the
network does and however the clocks run; they do decide once messages arrive within the growing
attempts.

Members are numbers; a value is bytes, and its name is the digest that votes carry.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from math import inf
from typing import TypeAlias

from fogbank_protocol.machine import Tick

from .limits import ATTEMPT_FIRST_S, ATTEMPT_S_MAX, ATTEMPT_SAYINGS_MAX, ATTEMPTS_MAX

DIGEST_BYTES = 32
NOTHING = b""
"""What a member votes for that saw no value it could accept."""

NEVER = -1
"""The attempt of a value that was never locked."""


@dataclass(frozen=True, slots=True)
class Offered:
    """This member would propose ``value``, when it is its turn."""

    value: bytes


@dataclass(frozen=True, slots=True)
class Proposed:
    """``member`` proposed ``value`` in ``attempt``."""

    member: int
    attempt: int
    value: bytes
    valid_attempt: int
    """In which attempt the value had a quorum of prevotes, as the member says; or ``NEVER``."""

    acceptable: bool
    """Whether this member accepts the value at all; every correct member says the same."""


@dataclass(frozen=True, slots=True)
class Prevoted:
    """``member`` voted in the first round of ``attempt``, for a digest or ``NOTHING``."""

    member: int
    attempt: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Precommitted:
    """``member`` voted in the second round of ``attempt``, for a digest or ``NOTHING``."""

    member: int
    attempt: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Propose:
    """Tell everybody, this member too: ``value`` is proposed."""

    attempt: int
    value: bytes
    valid_attempt: int


@dataclass(frozen=True, slots=True)
class Prevote:
    """Tell everybody, this member too: a vote of the first round."""

    attempt: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Precommit:
    """Tell everybody, this member too: a vote of the second round."""

    attempt: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Decide:
    """The value is decided; told once."""

    attempt: int
    value: bytes


AgreementEvent: TypeAlias = Offered | Proposed | Prevoted | Precommitted
AgreementCommand: TypeAlias = Propose | Prevote | Precommit | Decide


class _Step(IntEnum):
    PROPOSE = 0
    PREVOTE = 1
    PRECOMMIT = 2


def digest_of(value: bytes) -> bytes:
    """Return the name by which votes call ``value``."""
    return blake2b(value, digest_size=DIGEST_BYTES).digest()


class _Tally:
    """Who voted for what in one round of one attempt; a liar may vote for several."""

    def __init__(self) -> None:
        self.by_digest: defaultdict[bytes, set[int]] = defaultdict(set)
        self.members: set[int] = set()

    def add(self, member: int, digest: bytes) -> None:
        """Count a vote, unless its voter said too many things already."""
        said = sum(member in voters for voters in self.by_digest.values())
        if said < ATTEMPT_SAYINGS_MAX:
            self.by_digest[digest].add(member)
            self.members.add(member)

    def voters(self, digest: bytes) -> set[int]:
        return self.by_digest.get(digest, set())


class Agreement:
    """One member's part in one agreement."""

    def __init__(
        self, weights: Sequence[int], quorum: int, own: int, first_leader: int, now: float
    ) -> None:
        """Take part as member ``own``; ``weights`` by number, ``now`` in seconds.

        Attempt k is led by member ``first_leader`` + k.  After a restart give the messages of
        before as events, the own ones first: then nothing is said twice, and locks are locked.
        """
        self._weights = weights
        self._quorum = quorum
        self._own = own
        self._first_leader = first_leader
        self._attempt = 0
        self._step = _Step.PROPOSE
        self._locked: tuple[int, bytes] = (NEVER, NOTHING)
        self._valid: tuple[int, bytes] = (NEVER, NOTHING)
        self._offer: bytes | None = None
        self._values: dict[bytes, bytes] = {}
        self._proposals: dict[int, list[Proposed]] = {}
        self._prevotes: defaultdict[int, _Tally] = defaultdict(_Tally)
        self._precommits: defaultdict[int, _Tally] = defaultdict(_Tally)
        self._said: set[tuple[_Step, int]] = set()
        self._heard_in: dict[int, int] = {}
        self._timeouts: dict[_Step, float] = {_Step.PROPOSE: now + ATTEMPT_FIRST_S}
        self.decided: bytes | None = None
        """The value, once there is one."""

    @property
    def attempt(self) -> int:
        """Which attempt is under way, from 0."""
        return self._attempt

    @property
    def deadline(self) -> float:
        """When to call ``handle`` with a ``Tick``, in seconds; inf when nothing is waited for."""
        if self.decided is not None:
            return inf
        return min(self._timeouts.values(), default=inf)

    def leader(self, attempt: int) -> int:
        """Return who proposes in ``attempt``."""
        return (self._first_leader + attempt) % len(self._weights)

    def handle(self, event: AgreementEvent | Tick, now: float) -> list[AgreementCommand]:
        """Take one event at time ``now`` (seconds, never going back) and return what to say.

        What is said has to come back as an event like everybody's messages, once it is kept.
        """
        if self.decided is not None:
            return []
        match event:
            case Offered(value):
                self._offer = value
            case Proposed():
                self._note_proposal(event, now)
            case Prevoted(member, attempt, digest):
                if self._note(member, attempt, now):
                    self._prevotes[attempt].add(member, digest)
                    self._remember(member, attempt, _Step.PREVOTE)
            case Precommitted(member, attempt, digest):
                if self._note(member, attempt, now):
                    self._precommits[attempt].add(member, digest)
                    self._remember(member, attempt, _Step.PRECOMMIT)
                    if member == self._own and digest and attempt > self._locked[0]:
                        self._locked = (attempt, digest)
            case Tick():
                pass
        commands: list[AgreementCommand] = []
        while self._take_one_step(commands, now):
            pass
        return commands

    def _note_proposal(self, event: Proposed, now: float) -> None:
        if event.member != self.leader(event.attempt):
            return
        if not self._note(event.member, event.attempt, now):
            return
        self._remember(event.member, event.attempt, _Step.PROPOSE)
        # The first is voted on; others are kept, because a quorum may have seen them first.
        proposals = self._proposals.setdefault(event.attempt, [])
        if len(proposals) < ATTEMPT_SAYINGS_MAX:
            proposals.append(event)
            if event.acceptable:
                self._values[digest_of(event.value)] = event.value

    def _note(self, member: int, attempt: int, now: float) -> bool:
        if not 0 <= attempt < ATTEMPTS_MAX:
            return False
        self._heard_in[member] = max(attempt, self._heard_in.get(member, 0))
        if member == self._own and attempt > self._attempt:
            self._begin(attempt, now)
        return True

    def _remember(self, member: int, attempt: int, step: _Step) -> None:
        """Say nothing twice, whether it was said just now or in an earlier life."""
        if member != self._own:
            return
        self._said.add((step, attempt))
        if attempt == self._attempt and step > self._step:
            self._step = step
            self._timeouts.pop(_Step.PROPOSE, None)

    def _take_one_step(self, commands: list[AgreementCommand], now: float) -> bool:
        """Follow the first rule that applies; tell whether one did."""
        return (
            self._decide(commands)
            or self._skip_attempts(now)
            or self._propose(commands)
            or self._prevote(commands)
            or self._lock(commands)
            or self._give_up_value(commands)
            or self._wait_for_others(now)
            or self._time_out(commands, now)
        )

    def _decide(self, commands: list[AgreementCommand]) -> bool:
        if self.decided is not None:
            return False
        for attempt, tally in self._precommits.items():
            for digest, members in tally.by_digest.items():
                if digest in self._values and self._weigh(members) >= self._quorum:
                    self.decided = self._values[digest]
                    commands.append(Decide(attempt, self.decided))
                    return False
        return False

    def _skip_attempts(self, now: float) -> bool:
        if self.decided is not None:
            return False
        # At least one correct member is there already: not all of so much weight lies.
        enough = 2 * self._quorum - sum(self._weights)
        for attempt in sorted(set(self._heard_in.values()), reverse=True):
            if attempt <= self._attempt:
                return False
            ahead = {member for member, heard in self._heard_in.items() if heard >= attempt}
            if self._weigh(ahead) >= enough:
                self._begin(attempt, now)
                return True
        return False

    def _begin(self, attempt: int, now: float) -> None:
        self._attempt = attempt
        self._step = _Step.PROPOSE
        self._timeouts = {_Step.PROPOSE: now + self._patience()}

    def _patience(self) -> float:
        return min(ATTEMPT_FIRST_S * (1 << min(self._attempt, 32)), ATTEMPT_S_MAX)

    def _propose(self, commands: list[AgreementCommand]) -> bool:
        if self.decided is not None or self._step is not _Step.PROPOSE:
            return False
        if self.leader(self._attempt) != self._own or (_Step.PROPOSE, self._attempt) in self._said:
            return False
        valid_attempt, value = self._valid
        if valid_attempt == NEVER:
            if self._offer is None:
                return False
            value = self._offer
        self._say(Propose(self._attempt, value, valid_attempt), _Step.PROPOSE, commands)
        return False

    def _prevote(self, commands: list[AgreementCommand]) -> bool:
        proposals = self._proposals.get(self._attempt)
        if self.decided is not None or self._step is not _Step.PROPOSE or not proposals:
            return False
        proposal = proposals[0]
        digest = digest_of(proposal.value)
        valid_attempt = proposal.valid_attempt
        locked_attempt, locked_digest = self._locked
        may = locked_attempt == NEVER or locked_digest == digest
        if valid_attempt != NEVER:
            if not NEVER < valid_attempt < self._attempt:
                may = False
            elif self._weigh(self._prevotes[valid_attempt].voters(digest)) < self._quorum:
                # As if it had not come yet: the prevotes it speaks of may still be on their way.
                return False
            else:
                may = may or locked_attempt <= valid_attempt
        self._vote_first(digest if may and proposal.acceptable else NOTHING, commands)
        return True

    def _vote_first(self, digest: bytes, commands: list[AgreementCommand]) -> None:
        self._step = _Step.PREVOTE
        self._timeouts.pop(_Step.PROPOSE, None)
        self._say(Prevote(self._attempt, digest), _Step.PREVOTE, commands)

    def _vote_second(self, digest: bytes, commands: list[AgreementCommand]) -> None:
        self._step = _Step.PRECOMMIT
        self._timeouts.pop(_Step.PREVOTE, None)
        self._say(Precommit(self._attempt, digest), _Step.PRECOMMIT, commands)

    def _lock(self, commands: list[AgreementCommand]) -> bool:
        if self.decided is not None:
            return False
        # Of every attempt so far, not of the current one alone: after a restart that is how a
        # member learns again what it may propose.
        for attempt in range(self._attempt, self._valid[0], -1):
            value = self._value_with_quorum(attempt)
            if value is not None:
                self._valid = (attempt, value)
                break
        attempt, value = self._valid
        if attempt == self._attempt and self._step is _Step.PREVOTE:
            digest = digest_of(value)
            self._locked = (attempt, digest)
            self._vote_second(digest, commands)
            return True
        return False

    def _value_with_quorum(self, attempt: int) -> bytes | None:
        if attempt not in self._prevotes:
            return None
        for digest, members in self._prevotes[attempt].by_digest.items():
            if digest in self._values and self._weigh(members) >= self._quorum:
                return self._values[digest]
        return None

    def _give_up_value(self, commands: list[AgreementCommand]) -> bool:
        if self.decided is not None or self._step is not _Step.PREVOTE:
            return False
        if self._weigh(self._prevotes[self._attempt].voters(NOTHING)) < self._quorum:
            return False
        self._vote_second(NOTHING, commands)
        return True

    def _wait_for_others(self, now: float) -> bool:
        """Begin to wait once a quorum voted, for whatever: the rest may make it a decision."""
        until = now + self._patience()
        if self._step is _Step.PREVOTE and self._has_quorum(self._prevotes):
            self._timeouts.setdefault(_Step.PREVOTE, until)
        if self._has_quorum(self._precommits):
            self._timeouts.setdefault(_Step.PRECOMMIT, until)
        return False

    def _time_out(self, commands: list[AgreementCommand], now: float) -> bool:
        if self.decided is not None:
            return False
        due = [step for step, until in self._timeouts.items() if until <= now]
        if not due:
            return False
        step = max(due)
        del self._timeouts[step]
        if step is _Step.PRECOMMIT:
            self._begin(min(self._attempt + 1, ATTEMPTS_MAX - 1), now)
        elif step is _Step.PROPOSE and self._step is _Step.PROPOSE:
            self._vote_first(NOTHING, commands)
        elif step is _Step.PREVOTE and self._step is _Step.PREVOTE:
            self._vote_second(NOTHING, commands)
        return True

    def _say(
        self, command: Propose | Prevote | Precommit, step: _Step, commands: list[AgreementCommand]
    ) -> None:
        if (step, command.attempt) not in self._said:
            self._said.add((step, command.attempt))
            commands.append(command)

    def _has_quorum(self, tallies: "defaultdict[int, _Tally]") -> bool:
        return self._weigh(tallies[self._attempt].members) >= self._quorum

    def _weigh(self, members: set[int]) -> int:
        return sum(self._weights[member] for member in members)
