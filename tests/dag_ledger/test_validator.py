"""When a validator speaks, and that it falls silent (SPEC.md section 8.6)."""

from itertools import pairwise
from math import inf

from fogbank_dag_ledger.acknowledgements import Entry, decode_cert
from fogbank_dag_ledger.events import LedgerEvent
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.limits import (
    HEARTBEAT_INTERVAL_S,
    HEARTBEAT_WINDOW,
    VALIDATOR_INTERVAL_S,
)
from fogbank_dag_ledger.operations import Act, EscrowTerms, Opening, RefundLate, object_id
from fogbank_dag_ledger.validator import Issue, LedgerGrew, Validator
from fogbank_dag_ledger.vertex import Vertex
from fogbank_protocol.machine import Tick

from .community import Community, ids


class Seats:
    """Validators that hear each other at once, each with a ledger of its own."""

    def __init__(self, community: Community, present: int, now: float = 0.0) -> None:
        self.community = community
        self.now = now
        self.ledgers = [Ledger(community.genesis) for _ in range(present)]
        self.validators = [
            Validator(ledger, name, now)
            for ledger, name in zip(self.ledgers, community.validators, strict=False)
        ]
        self.issued: list[Vertex] = []

    def hear(self, vertex: Vertex) -> None:
        """Let everybody insert ``vertex``, and what they issue because of it."""
        commands: list[Issue] = []
        for ledger, validator in zip(self.ledgers, self.validators, strict=True):
            events = ledger.insert(vertex)
            commands += validator.handle(LedgerGrew(events), self.now)
        self._issue(commands)

    def wait(self, seconds: float) -> None:
        """Let time pass, waking each validator at its deadline."""
        end = self.now + seconds
        while True:
            self.now = max(self.now, min(one.deadline for one in self.validators))
            if self.now > end:
                self.now = end
                return
            for validator in self.validators:
                if validator.deadline <= self.now:
                    self._issue(validator.handle(Tick(), self.now))

    def _issue(self, commands: list[Issue]) -> None:
        for command in commands:
            vertex = self.community.sign(command.draft)
            self.issued.append(vertex)
            self.hear(vertex)


def test_a_payment_becomes_final_and_then_nobody_says_anything() -> None:
    seats = Seats(Community(), present=4)
    payment = seats.community.vertex(4, pays={5: 10})

    seats.hear(payment)
    seats.wait(1.0)

    assert all(ledger.is_final(payment.id) for ledger in seats.ledgers)
    assert len({ledger.state_hash() for ledger in seats.ledgers}) == 1
    # One vote each, and acknowledgements until a quorum has given them.
    assert 7 <= len(seats.issued) <= 8
    seats.wait(58.0)
    assert len(seats.issued) <= 8


def test_votes_and_heartbeats_are_no_reason_to_speak() -> None:
    seats = Seats(Community(), present=4)
    seats.wait(59.0)
    assert seats.issued == []
    seats.wait(121.0)
    # Three each: at 60, 120 and 180 seconds.
    assert len(seats.issued) == 12
    assert not any(vertex.carries for vertex in seats.issued)


def test_an_hour_of_nothing_costs_heartbeats_only_and_they_become_final() -> None:
    seats = Seats(Community(), present=4)
    seats.wait(3_630.0)
    assert len(seats.issued) == 4 * 60
    assert seats.ledgers[0].final_count > 4 * 40


def test_without_a_quorum_heartbeats_stop_and_no_duty_is_repeated() -> None:
    seats = Seats(Community(), present=2)
    payment = seats.community.vertex(4, pays={5: 10})
    seats.hear(payment)
    seats.wait(4 * 3_600.0)
    assert not seats.ledgers[0].is_final(payment.id)
    assert len(seats.issued) <= 2 * (HEARTBEAT_WINDOW + 2)


def test_a_validator_alone_votes_at_once_and_acknowledges_an_interval_later() -> None:
    community = Community(seats=1, others=2)
    seats = Seats(community, present=1)
    payment = community.vertex(1, pays={2: 10})

    seats.hear(payment)
    assert [vertex.parents for vertex in seats.issued] == [(payment.id,)]
    assert seats.validators[0].deadline == VALIDATOR_INTERVAL_S
    seats.wait(0.9 * VALIDATOR_INTERVAL_S)
    assert len(seats.issued) == 1
    seats.wait(0.2 * VALIDATOR_INTERVAL_S)

    assert list(decode_cert(seats.issued[1].cert)) == [Entry(payment.id[:8], 0)]
    assert seats.ledgers[0].is_final(payment.id)
    seats.wait(0.1)
    assert seats.validators[0].deadline == HEARTBEAT_INTERVAL_S + VALIDATOR_INTERVAL_S


def test_a_validator_that_starts_late_finds_its_duties_in_the_ledger() -> None:
    community = Community(seats=1, others=2)
    ledger = Ledger(community.genesis)
    payment = community.vertex(1, pays={2: 10})
    ledger.insert(payment)

    validator = Validator(ledger, community.names[0], now=7.0)
    assert validator.deadline == 7.0
    [issue] = validator.handle(Tick(), 7.0)
    vote = community.sign(issue.draft)
    validator.handle(LedgerGrew(ledger.insert(vote)), 7.0)

    again = Validator(ledger, community.names[0], now=8.0)
    [issue] = again.handle(Tick(), 8.0)
    assert (issue.draft.seq, issue.draft.prev) == (1, vote.id)
    assert list(decode_cert(issue.draft.cert)) == [Entry(payment.id[:8], 0)]


def test_beats_count_the_seconds_and_never_go_back() -> None:
    community = Community(seats=1, others=2)
    ledger = Ledger(community.genesis)
    validator, now, head, beats = Validator(ledger, community.names[0], 0.0), 0.0, None, list[int]()
    for person, wait in ((1, 0.5), (1, 2.0), (1, 0.6)):
        now += wait
        head = community.vertex(person, head, pays={2: 1})
        for command in validator.handle(LedgerGrew(ledger.insert(head)), now):
            vertex = community.sign(command.draft)
            beats.append(vertex.beat)
            validator.handle(LedgerGrew(ledger.insert(vertex)), now)
    assert beats == [0, 2, 3]
    restarted = Validator(ledger, community.names[0], 100.0)
    [issue] = restarted.handle(Tick(), 101.0)
    assert issue.draft.beat == 4


def test_beats_go_on_from_an_own_vertex_that_turns_up_later() -> None:
    community = Community(seats=1, others=2)
    ledger = Ledger(community.genesis)
    validator = Validator(ledger, community.names[0], 0.0)
    found = community.vertex(0, parents=[], beat=500)
    payment = community.vertex(1, pays={2: 1})
    events = [*ledger.insert(found), *ledger.insert(payment)]
    [issue] = validator.handle(LedgerGrew(events), 3.0)
    assert (issue.draft.seq, issue.draft.beat) == (1, 503)


def test_a_validator_whose_chain_forked_is_silent_for_good() -> None:
    seats = Seats(Community(), present=1)
    for note in (1, 2):
        seats.hear(seats.community.vertex(0, note=note))
    seats.hear(seats.community.vertex(4, pays={5: 1}))
    assert seats.validators[0].deadline == inf
    assert seats.validators[0].handle(Tick(), 1e6) == []
    assert seats.issued == []


def test_a_forker_gives_no_duty_and_is_not_named() -> None:
    seats = Seats(Community(), present=4)
    honest = seats.community.vertex(5, pays={6: 1})
    cover = [seats.community.vertex(4, parents=[honest], pays={6: n}) for n in (1, 2)]
    for ledger in seats.ledgers:
        for vertex in (honest, *cover):
            ledger.insert(vertex)
    seats.validators = [
        Validator(ledger, name, 0.0)
        for ledger, name in zip(seats.ledgers, seats.community.validators, strict=True)
    ]
    seats.wait(5.0)
    assert seats.ledgers[0].is_final(honest.id)
    assert not any(ledger.is_confirmed(vertex.id) for ledger in seats.ledgers for vertex in cover)
    named = {parent for vertex in seats.issued for parent in vertex.parents}
    assert named.isdisjoint(ids(cover))
    assert len(seats.issued) <= 8


def test_a_flood_of_tips_delays_the_newest_and_starves_nobody() -> None:
    community = Community(seats=1, others=101)
    ledger = Ledger(community.genesis)
    events: list[LedgerEvent] = []
    flood = [community.vertex(person, pays={0: 1}) for person in range(1, 101)]
    for vertex in flood:
        events += ledger.insert(vertex)
    validator, now = Validator(ledger, community.names[0], 0.0), 0.0
    named: list[bytes] = []
    while commands := validator.handle(LedgerGrew(events), now):
        [issue] = commands
        named += issue.draft.parents
        events = list(ledger.insert(community.sign(issue.draft)))
        now += 0.1
    assert sorted(named[:32]) == sorted(ids(flood[:32]))
    assert set(named) >= set(ids(flood))
    assert all(ledger.is_final(vertex.id) for vertex in flood)
    assert len(ledger) == 100 + 5


def escrow(seats: Seats, delivery_beats: int) -> Vertex:
    """Return an escrow whose opener may have its money back after so many beats."""
    names = seats.community.names
    terms = EscrowTerms(names[5], (), 0, (), delivery_beats, 1, bytes(32))
    return seats.community.vertex(4, does=[Opening(0, 100, terms)])


def test_beats_are_said_while_they_are_counted_for_an_object_and_no_longer() -> None:
    seats = Seats(Community(), present=4)
    seats.hear(escrow(seats, delivery_beats=20))
    seats.wait(2.0)
    quiet = len(seats.issued)
    seats.wait(30.0)
    # Within 5 seconds each, the last one when the 20 beats are over.
    assert 4 * 4 <= len(seats.issued) - quiet <= 4 * 6
    for seat in range(4):
        beats = [one.beat for one in seats.issued if one.issuer == seats.community.names[seat]]
        assert beats == sorted(beats)
        assert all(late - early <= 5 for early, late in pairwise(beats))
        assert 20 <= beats[-1] <= 22
    ended = len(seats.issued)
    seats.wait(20.0)
    assert len(seats.issued) == ended


def test_a_settlement_that_waits_is_voted_for_when_its_beats_are_over() -> None:
    seats = Seats(Community(), present=4)
    opening = escrow(seats, delivery_beats=20)
    seats.hear(opening)
    seats.wait(1.0)
    seats.hear(seats.community.vertex(4, opening, does=[Act(opening.id, 0, RefundLate())]))
    seats.wait(17.0)
    held = seats.ledgers[0].object(object_id(opening.id, 0))
    assert held is not None
    assert held.outcome is None
    seats.wait(4.0)
    assert held.outcome is not None


def test_beats_go_on_after_a_restart_and_count_no_time_that_was_slept() -> None:
    seats = Seats(Community(), present=4)
    seats.hear(escrow(seats, delivery_beats=60))
    seats.wait(12.0)
    chain = seats.ledgers[0].chain(seats.community.names[0])
    assert chain is not None
    assert chain.head is not None
    before = chain.head.beat
    seats.validators[0] = Validator(seats.ledgers[0], seats.community.names[0], seats.now + 1_000)
    seats.now += 1_000
    seats.wait(5.0)
    assert chain.head is not None
    assert before <= chain.head.beat <= before + 5
