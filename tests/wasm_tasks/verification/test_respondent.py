"""A party answers for its run, and runs a part of it again at most once at a time (7.11)."""

import pytest

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.limits import QUESTIONS_WAITING_MAX
from fogbank_wasm_tasks.outcome import OutOfFuel
from fogbank_wasm_tasks.verification.respondent import (
    Asked,
    GiveSnapshot,
    Replay,
    Replayed,
    Respondent,
    SnapshotTaken,
    State,
    TakeSnapshot,
)
from fogbank_wasm_tasks.verification.state import Digest
from fogbank_wasm_tasks.verification.statements import Question, Wanted
from fogbank_wasm_tasks.verification.trace import Trace

DIGESTS = [Digest(bytes([at]) * 32) for at in range(10)]
TRACE = Trace(10, 4, [DIGESTS[0], DIGESTS[4], DIGESTS[8]], OutOfFuel(), 5)


def asked(position: int, wanted: Wanted = Wanted.STATEMENT) -> Asked:
    return Asked(Question(bytes(32), 0, position, wanted))


def test_a_checkpoint_is_known() -> None:
    respondent = Respondent(TRACE)

    assert respondent.handle(asked(4)) == [State(4, DIGESTS[4])]
    assert respondent.handle(asked(8)) == [State(8, DIGESTS[8])]


def test_what_lies_between_is_run_again_once() -> None:
    respondent = Respondent(TRACE)

    assert respondent.handle(asked(6)) == [Replay(4, 7)]
    assert respondent.handle(Replayed(4, DIGESTS[4:8])) == [State(6, DIGESTS[6])]
    assert respondent.handle(asked(5)) == [State(5, DIGESTS[5])]


def test_the_last_interval_ends_with_the_run() -> None:
    assert Respondent(TRACE).handle(asked(9)) == [Replay(8, 9)]


def test_a_snapshot_is_taken_and_given() -> None:
    respondent = Respondent(TRACE)

    assert respondent.handle(asked(9, Wanted.SNAPSHOT)) == [TakeSnapshot(9)]
    assert respondent.handle(SnapshotTaken(9, b"it")) == [GiveSnapshot(9, b"it")]


@pytest.mark.parametrize("wanted", Wanted)
def test_a_question_beyond_the_end_breaks_a_rule(wanted: Wanted) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        Respondent(TRACE).handle(asked(10, wanted))
    assert caught.value.rule == "7.11"


def test_only_so_many_questions_wait() -> None:
    respondent = Respondent(TRACE)
    for _ in range(QUESTIONS_WAITING_MAX):
        respondent.handle(asked(6))

    with pytest.raises(RemoteProtocolError):
        respondent.handle(asked(6))
