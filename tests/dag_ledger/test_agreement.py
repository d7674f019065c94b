"""Agreement by example, and in a made-up world with liars, partitions and restarts (8.19)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from random import Random

import pytest

from fogbank_dag_ledger.agreement import (
    NEVER,
    NOTHING,
    Agreement,
    AgreementCommand,
    AgreementEvent,
    Decide,
    Offered,
    Precommit,
    Precommitted,
    Prevote,
    Prevoted,
    Propose,
    Proposed,
    digest_of,
)
from fogbank_dag_ledger.limits import ATTEMPT_FIRST_S, ATTEMPT_SAYINGS_MAX, ATTEMPTS_MAX
from fogbank_protocol.machine import Tick

RED, BLUE = b"red", b"blue"


def four(own: int, now: float = 0.0) -> Agreement:
    return Agreement([1, 1, 1, 1], 3, own, first_leader=0, now=now)


def proposed(value: bytes, attempt: int = 0, valid_attempt: int = NEVER) -> Proposed:
    return Proposed(attempt % 4, attempt, value, valid_attempt, acceptable=True)


def test_the_leader_proposes_what_it_is_offered_and_the_others_wait() -> None:
    assert four(0).handle(Offered(RED), 0) == [Propose(0, RED, NEVER)]
    other = four(1)
    assert other.handle(Offered(RED), 0) == []
    assert other.deadline == ATTEMPT_FIRST_S


def test_a_value_is_prevoted_then_precommitted_then_decided() -> None:
    member = four(1)
    digest = digest_of(RED)

    said = [
        member.handle(proposed(RED), 0),
        member.handle(Prevoted(0, 0, digest), 0),
        member.handle(Prevoted(1, 0, digest), 0),
        member.handle(Prevoted(2, 0, digest), 0),
        member.handle(Precommitted(0, 0, digest), 0),
        member.handle(Precommitted(1, 0, digest), 0),
        member.handle(Precommitted(2, 0, digest), 0),
    ]

    assert said == [
        [Prevote(0, digest)],
        [],
        [],
        [Precommit(0, digest)],
        [],
        [],
        [Decide(0, RED)],
    ]
    assert member.decided == RED
    assert member.deadline == inf


def test_an_unacceptable_value_and_a_silent_leader_are_given_up() -> None:
    refusing = four(1)
    assert refusing.handle(Proposed(0, 0, RED, NEVER, acceptable=False), 0) == [Prevote(0, NOTHING)]
    waiting = four(1)
    assert waiting.handle(Tick(), ATTEMPT_FIRST_S) == [Prevote(0, NOTHING)]
    waiting.handle(Prevoted(0, 0, NOTHING), 3)
    waiting.handle(Prevoted(1, 0, NOTHING), 3)
    assert waiting.handle(Prevoted(2, 0, NOTHING), 3) == [Precommit(0, NOTHING)]


def test_whoever_locked_a_value_prevotes_no_other_one() -> None:
    member = locked_on_red()
    assert member.handle(proposed(BLUE, attempt=1), 9) == [Prevote(1, NOTHING)]


def test_a_newer_quorum_of_prevotes_unlocks() -> None:
    member = locked_on_red()
    for voter in (0, 2, 3):
        member.handle(Prevoted(voter, 1, digest_of(BLUE)), 9)
    for voter in (2, 3):
        member.handle(Precommitted(voter, 2, NOTHING), 9)
    assert member.attempt == 2
    assert member.handle(proposed(BLUE, attempt=2, valid_attempt=1), 9)[-1] == Prevote(
        2, digest_of(BLUE)
    )


def test_a_restart_says_nothing_twice_and_keeps_the_lock() -> None:
    digest = digest_of(RED)
    again = four(1, now=100)
    own_first: list[AgreementEvent] = [Prevoted(1, 0, digest), Precommitted(1, 0, digest)]
    others: list[AgreementEvent] = [proposed(RED), Prevoted(0, 0, digest), Prevoted(2, 0, digest)]
    everything: list[AgreementEvent] = [*own_first, *others]
    for event in everything:
        assert again.handle(event, 100) == []
    for voter in (2, 3):
        again.handle(Precommitted(voter, 1, NOTHING), 100)
    assert again.attempt == 1
    assert again.handle(proposed(BLUE, attempt=1), 100) == [Prevote(1, NOTHING)]


def test_what_a_liar_says_too_often_or_too_far_ahead_is_ignored() -> None:
    member = four(1)
    for number in range(ATTEMPT_SAYINGS_MAX + 1):
        member.handle(Prevoted(3, 0, bytes([number]) * 32), 0)
    member.handle(proposed(RED), 0)
    member.handle(Prevoted(1, 0, digest_of(RED)), 0)
    member.handle(Prevoted(2, 0, digest_of(RED)), 0)
    # The liar had said enough: its vote for red does not complete the quorum.
    assert member.handle(Prevoted(3, 0, digest_of(RED)), 0) == []
    member.handle(Precommitted(2, ATTEMPTS_MAX, NOTHING), 0)
    member.handle(Precommitted(3, ATTEMPTS_MAX, NOTHING), 0)
    assert member.attempt == 0


def locked_on_red() -> Agreement:
    digest = digest_of(RED)
    member = four(1)
    member.handle(proposed(RED), 0)
    for voter in (0, 1, 2):
        member.handle(Prevoted(voter, 0, digest), 0)
    for voter in (0, 2, 3):
        member.handle(Precommitted(voter, 0, NOTHING), 0)
    member.handle(Tick(), ATTEMPT_FIRST_S)
    assert member.attempt == 1
    return member


@dataclass
class World:
    """Members that talk over a network that loses nothing and delays as it likes."""

    random: Random
    count: int
    quorum: int
    liars: frozenset[int]
    now: float = 0.0
    members: dict[int, Agreement] = field(default_factory=dict[int, Agreement])
    kept: dict[int, list[AgreementEvent]] = field(default_factory=dict[int, list[AgreementEvent]])
    waiting: list[tuple[int, AgreementEvent]] = field(
        default_factory=list[tuple[int, AgreementEvent]]
    )
    decided: dict[int, bytes] = field(default_factory=dict[int, bytes])

    def start(self, member: int) -> None:
        machine = Agreement([1] * self.count, self.quorum, member, 0, self.now)
        self.members[member] = machine
        own_first = sorted(self.kept[member], key=lambda event: self.author(event) != member)
        said = [command for event in own_first for command in machine.handle(event, self.now)]
        said += machine.handle(Offered(b"value of %d" % member), self.now)
        self.perform(member, said)

    def begin(self) -> None:
        for member in range(self.count):
            self.kept[member] = []
        for member in set(range(self.count)) - self.liars:
            self.start(member)

    def author(self, event: AgreementEvent) -> int:
        assert not isinstance(event, Offered)
        return event.member

    def tell(self, member: int, event: AgreementEvent) -> None:
        """Keep ``event`` as a vertex is kept, and let the machine have it."""
        self.kept[member].append(event)
        self.perform(member, self.members[member].handle(event, self.now))

    def perform(self, member: int, commands: Sequence[AgreementCommand]) -> None:
        for command in commands:
            match command:
                case Propose(attempt, value, valid_attempt):
                    self.say(member, Proposed(member, attempt, value, valid_attempt, True))
                case Prevote(attempt, digest):
                    self.say(member, Prevoted(member, attempt, digest))
                case Precommit(attempt, digest):
                    self.say(member, Precommitted(member, attempt, digest))
                case Decide(_, value):
                    assert self.decided.setdefault(member, value) == value

    def say(self, member: int, event: AgreementEvent) -> None:
        for other in self.members:
            if other != member:
                self.waiting.append((other, event))
        self.tell(member, event)

    def lie(self) -> None:
        """Let a liar tell one member anything at all."""
        if not self.liars:
            return
        liar = self.random.choice(sorted(self.liars))
        attempt = self.random.randrange(4)
        values = [b"value of %d" % member for member in range(self.count)]
        value = self.random.choice(values)
        digest = self.random.choice([NOTHING, digest_of(value)])
        valid_attempt = self.random.choice([NEVER, 0, 1])
        lies: list[AgreementEvent] = [
            Proposed(liar, attempt, value, valid_attempt, True),
            Prevoted(liar, attempt, digest),
            Precommitted(liar, attempt, digest),
        ]
        event = self.random.choice(lies)
        self.waiting.append((self.random.choice(sorted(self.members)), event))

    def run(self, steps: int, cut_off: frozenset[int]) -> None:
        for _ in range(steps):
            choice = self.random.random()
            reachable = [place for place, (to, _) in enumerate(self.waiting) if to not in cut_off]
            if choice < 0.75 and reachable:
                to, event = self.waiting.pop(self.random.choice(reachable))
                self.tell(to, event)
            elif choice < 0.85:
                self.lie()
            elif choice < 0.87:
                self.start(self.random.choice(sorted(self.members)))
            else:
                self.now += self.random.random() * 2
                for member in sorted(self.members):
                    self.perform(member, self.members[member].handle(Tick(), self.now))

    def heal(self) -> None:
        """Deliver everything at once, also what a liar told one member alone, as gossip does."""
        heard = [event for member in sorted(self.members) for event in self.kept[member]]
        self.waiting += [(member, event) for event in heard for member in sorted(self.members)]
        for _ in range(200):
            while self.waiting:
                self.tell(*self.waiting.pop(0))
            if self.decided:
                # One is enough: its certificate is a vertex that all will have (8.19).
                return
            self.now = min(machine.deadline for machine in self.members.values())
            for member in sorted(self.members):
                self.perform(member, self.members[member].handle(Tick(), self.now))


def play(seed: int, liars: int, quorum: int) -> World:
    random = Random(seed)
    world = World(random, 4, quorum, frozenset(random.sample(range(4), liars)))
    world.begin()
    for _ in range(3):
        world.run(60, frozenset(random.sample(sorted(world.members), random.randrange(3))))
    return world


@pytest.mark.slow
def test_members_that_decide_decide_the_same_and_all_do_after_a_heal() -> None:
    for seed in range(300):
        world = play(seed, liars=1, quorum=3)
        assert len(set(world.decided.values())) <= 1, seed
        world.heal()
        assert len(set(world.decided.values())) == 1, seed


@pytest.mark.slow
def test_the_same_world_sees_a_quorum_that_is_too_small() -> None:
    broken = 0
    for seed in range(300):
        world = play(seed, liars=1, quorum=2)
        try:
            world.heal()
        except AssertionError:
            broken += 1
            continue
        broken += len(set(world.decided.values())) > 1
    assert broken > 0
