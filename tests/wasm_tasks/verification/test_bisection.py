"""Whoever lies, from whichever step on, is found and named (SPEC.md section 7.11)."""

from hashlib import blake2b
from math import ceil, inf, log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank_protocol.errors import LocalProtocolError
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick
from fogbank_wasm_tasks.limits import STATEMENT_S_MAX
from fogbank_wasm_tasks.verification.bisection import (
    BEGINNING,
    AskSnapshot,
    AskStatement,
    Bisection,
    BisectionCommand,
    BisectionEvent,
    Broken,
    Claim,
    Concluded,
    Reason,
    Repeat,
    Repeated,
    SnapshotGiven,
    Stated,
)
from fogbank_wasm_tasks.verification.state import Digest

ANN, BOB = NodeId(b"a" * 32), NodeId(b"b" * 32)


def digest(*parts: object) -> Digest:
    return Digest(blake2b(repr(parts).encode(), digest_size=32).digest())


class Party:
    """A run as somebody claims it: right up to the position ``lie``, and something else after."""

    def __init__(self, name: NodeId, states: int, lie: int | None) -> None:
        self.name, self.states, self.lie = name, states, lie

    def at(self, position: int) -> Digest:
        mark = self.name if self.lie is not None and position >= self.lie else b""
        return digest(mark, "end" if position >= self.states else position)

    def claim(self) -> Claim:
        return Claim(self.name, self.states, self.at(self.states))


def settle(bisection: Bisection, parties: dict[NodeId, Party], truth: Party) -> Concluded:
    """Answer everything as ``parties`` do, and repeat the step as ``truth`` has it."""
    waiting: list[BisectionCommand] = bisection.begin(0)
    while True:
        command = waiting.pop(0)
        event: BisectionEvent
        match command:
            case AskStatement(name, position):
                assert position < parties[name].states
                event = Stated(name, position, parties[name].at(position))
            case AskSnapshot(name, position, agreed):
                assert {each.at(position) for each in parties.values()} == {agreed}
                event = SnapshotGiven(name, agreed, b"state %d" % position)
            case Repeat(position, snapshot):
                assert snapshot == (b"state %d" % (position - 1) if position else None)
                event = Repeated(truth.at(position))
            case Concluded():
                assert not waiting
                return command
        waiting += bisection.handle(event, 0)


@settings(max_examples=300, deadline=None)
@given(
    states=st.integers(1, 300),
    other_states=st.integers(0, 300),
    checkpoint_steps=st.integers(1, 40),
    lie=st.integers(0, 300),
)
def test_a_lie_at_any_step_is_blamed_on_the_liar(
    states: int, other_states: int, checkpoint_steps: int, lie: int
) -> None:
    truth = Party(ANN, states, None)
    liar = Party(BOB, other_states, min(lie, states, other_states))
    bisection = Bisection((truth.claim(), liar.claim()), checkpoint_steps)

    concluded = settle(bisection, {ANN: truth, BOB: liar}, truth)

    assert concluded == Concluded({BOB: Reason.WRONG_STEP}, min(lie, states, other_states))
    longest = max(states, other_states)
    assert bisection.rounds <= ceil(log2(longest + 1)) + 2


@given(lies=st.tuples(st.integers(0, 50), st.integers(0, 50)))
def test_of_two_liars_the_one_who_lied_first_is_named_and_no_honest_party_is(
    lies: tuple[int, int],
) -> None:
    truth = Party(ANN, 50, None)
    parties = {ANN: Party(ANN, 50, lies[0]), BOB: Party(BOB, 50, lies[1])}
    bisection = Bisection((parties[ANN].claim(), parties[BOB].claim()), 7)

    concluded = settle(bisection, parties, truth)

    first = min(lies)
    assert set(concluded.wrong) == {
        name for name, lie in zip((ANN, BOB), lies, strict=True) if lie == first
    }


def test_checkpoints_are_asked_for_before_single_steps() -> None:
    truth, liar = Party(ANN, 1_001, None), Party(BOB, 1_001, 555)
    bisection = Bisection((truth.claim(), liar.claim()), 100)
    asked: list[int] = []
    waiting = bisection.begin(0)
    while isinstance(waiting[0], AskStatement):
        position = waiting[0].position
        asked.append(position)
        bisection.handle(Stated(ANN, position, truth.at(position)), 0)
        waiting = bisection.handle(Stated(BOB, position, liar.at(position)), 0)

    assert asked == [500, 800, 600, 550, 575, 562, 556, 553, 554, 555]


def begun() -> Bisection:
    bisection = Bisection((Party(ANN, 9, None).claim(), Party(BOB, 9, 3).claim()), 4)
    assert bisection.begin(10) == [AskStatement(ANN, 4), AskStatement(BOB, 4)]
    return bisection


def test_who_does_not_answer_in_time_loses() -> None:
    bisection = begun()
    assert bisection.deadline == 10 + STATEMENT_S_MAX
    bisection.handle(Stated(ANN, 4, digest("x")), 11)

    assert bisection.handle(Tick(), 10 + STATEMENT_S_MAX - 1) == []
    assert bisection.handle(Tick(), 10 + STATEMENT_S_MAX) == [Concluded({BOB: Reason.SILENT}, 9)]
    assert bisection.deadline == inf
    assert bisection.handle(Stated(BOB, 4, digest("x")), 100) == []


def test_two_silent_parties_both_lose() -> None:
    concluded = begun().handle(Tick(), 1_000)

    assert concluded == [Concluded({ANN: Reason.SILENT, BOB: Reason.SILENT}, 9)]


def test_who_breaks_a_rule_when_asked_loses() -> None:
    bisection = begun()

    assert bisection.handle(Broken(NodeId(b"c" * 32)), 11) == []
    assert bisection.handle(Broken(BOB), 11) == [Concluded({BOB: Reason.SILENT}, 9)]


def test_what_was_not_asked_for_is_not_heard() -> None:
    bisection = begun()

    assert bisection.handle(Stated(ANN, 5, digest("x")), 11) == []
    assert bisection.handle(Stated(NodeId(b"c" * 32), 4, digest("x")), 11) == []
    assert bisection.handle(SnapshotGiven(ANN, digest("x"), b""), 11) == []
    assert bisection.handle(Repeated(digest("x")), 11) == []
    # The first word counts: who changes it gains nothing.
    bisection.handle(Stated(ANN, 4, digest("x")), 11)
    assert bisection.handle(Stated(ANN, 4, digest("y")), 11) == []
    assert bisection.handle(Stated(BOB, 4, digest("x")), 11) != []


def at_snapshot() -> Bisection:
    """Return a dispute in which position 0 is agreed and 1 is not."""
    truth, liar = Party(ANN, 2, None), Party(BOB, 2, 1)
    bisection = Bisection((truth.claim(), liar.claim()), 1)
    asked = bisection.begin(0)
    while isinstance(asked[0], AskStatement):
        position = asked[0].position
        bisection.handle(Stated(ANN, position, truth.at(position)), 0)
        asked = bisection.handle(Stated(BOB, position, liar.at(position)), 0)
    assert asked == [AskSnapshot(ANN, 0, truth.at(0))]
    return bisection


@pytest.mark.parametrize("how", ["late", "broken", "another state"])
def test_the_other_party_is_asked_for_a_snapshot_that_the_first_does_not_give(how: str) -> None:
    bisection = at_snapshot()
    agreed = Party(ANN, 2, None).at(0)
    events: dict[str, BisectionEvent | Tick] = {
        "late": Tick(),
        "broken": Broken(ANN),
        "another state": SnapshotGiven(ANN, digest("x"), b""),
    }

    assert bisection.handle(events[how], 1_000) == [AskSnapshot(BOB, 0, agreed)]
    assert bisection.handle(SnapshotGiven(BOB, agreed, b"it"), 1_001) == [Repeat(1, b"it")]
    assert bisection.handle(Repeated(Party(ANN, 2, None).at(1)), 1_002) == [
        Concluded({BOB: Reason.WRONG_STEP}, 1)
    ]


def test_when_neither_gives_a_snapshot_both_lose() -> None:
    bisection = at_snapshot()
    bisection.handle(Tick(), 1_000)

    concluded = bisection.handle(Tick(), 2_000)

    assert concluded == [Concluded({ANN: Reason.SILENT, BOB: Reason.SILENT}, 1)]


def test_a_referee_whose_machine_fails_blames_nobody() -> None:
    bisection = at_snapshot()
    bisection.handle(SnapshotGiven(ANN, Party(ANN, 2, None).at(0), b"it"), 1)

    assert bisection.handle(Repeated(None), 2) == [Concluded({}, 1)]


def test_claims_that_do_not_differ_are_no_dispute() -> None:
    one = Party(ANN, 3, None)

    with pytest.raises(LocalProtocolError):
        Bisection((one.claim(), Party(BOB, 3, None).claim()), 1)
    with pytest.raises(LocalProtocolError):
        Bisection((one.claim(), Party(ANN, 3, 1).claim()), 1)


def test_nothing_is_before_the_beginning() -> None:
    assert BEGINNING == -1
