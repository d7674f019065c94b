"""The amnesia guard: silence, then issuing, and when to stop (SPEC.md section 8.8)."""

from math import inf

from fogbank_dag_ledger.amnesia import (
    FOREIGN,
    FORKED,
    AmnesiaGuard,
    AskHead,
    BeginIssuing,
    FetchOwn,
    HeadAnswered,
    OwnVertexHeld,
    SeatJoined,
    SeatLeft,
    Started,
    StopIssuing,
)
from fogbank_dag_ledger.limits import HEAD_ASK_INTERVAL_S
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

ME, ANN, BEN, CAT, DAN = (NodeId(bytes([letter]) * 32) for letter in b"mabcd")
SEATS = {ME: 1, ANN: 1, BEN: 1, CAT: 1}


def own(seq: int, name: bytes = b"") -> VertexId:
    return VertexId(b"mmmmmmmm" + seq.to_bytes(4, "big") + name.ljust(20, b"\0"))


def test_issuing_begins_when_seats_of_quorum_less_own_weight_have_answered() -> None:
    guard = AmnesiaGuard(ME, SEATS, 3)
    assert guard.handle(SeatJoined(ANN), 0) == []
    assert guard.handle(Started(), 0) == [AskHead(ANN)]
    assert guard.handle(SeatJoined(BEN), 0) == [AskHead(BEN)]
    assert guard.handle(HeadAnswered(ANN, ()), 0) == []
    assert guard.weight_needed == 1
    assert guard.handle(HeadAnswered(BEN, ()), 0) == [BeginIssuing()]
    assert guard.deadline == inf


def test_an_account_without_a_seat_waits_for_a_whole_quorum() -> None:
    guard = AmnesiaGuard(DAN, SEATS, 3)
    guard.handle(Started(), 0)
    answers: list[object] = []
    for peer in (ANN, BEN, CAT):
        guard.handle(SeatJoined(peer), 0)
        answers.append(guard.handle(HeadAnswered(peer, ()), 0))
    assert answers == [[], [], [BeginIssuing()]]


def test_a_lone_seat_begins_at_once() -> None:
    guard = AmnesiaGuard(ME, {ME: 1}, 1)
    guard.handle(OwnVertexHeld(own(0), issued_here=True), 0)
    assert guard.handle(Started(), 0) == [BeginIssuing()]


def test_peers_without_a_seat_are_not_asked_and_do_not_count() -> None:
    guard = AmnesiaGuard(ME, SEATS, 3)
    guard.handle(Started(), 0)
    assert guard.handle(SeatJoined(DAN), 0) == []
    assert guard.handle(HeadAnswered(DAN, ()), 0) == []
    assert guard.weight_needed == 2


def test_an_answer_counts_only_when_all_that_it_names_is_held() -> None:
    guard = AmnesiaGuard(ME, {ME: 1, ANN: 1, BEN: 1}, 2)
    guard.handle(OwnVertexHeld(own(0), issued_here=True), 0)
    guard.handle(Started(), 0)
    guard.handle(SeatJoined(ANN), 0)
    assert guard.handle(HeadAnswered(ANN, (own(2),)), 0) == [FetchOwn(ANN, (own(2),))]
    assert guard.deadline == HEAD_ASK_INTERVAL_S
    guard.handle(OwnVertexHeld(own(1), issued_here=False), 1)
    guard.handle(OwnVertexHeld(own(2), issued_here=False), 1)
    assert guard.handle(Tick(), HEAD_ASK_INTERVAL_S) == [AskHead(ANN)]
    assert guard.handle(HeadAnswered(ANN, (own(2),)), 3) == [BeginIssuing()]


def test_a_seat_that_knows_less_counts() -> None:
    guard = AmnesiaGuard(ME, {ME: 1, ANN: 1, BEN: 1}, 2)
    guard.handle(OwnVertexHeld(own(0), issued_here=False), 0)
    guard.handle(OwnVertexHeld(own(1), issued_here=False), 0)
    guard.handle(Started(), 0)
    guard.handle(SeatJoined(ANN), 0)
    assert guard.handle(HeadAnswered(ANN, (own(0),)), 0) == [BeginIssuing()]


def test_no_answer_is_asked_for_again_and_a_seat_that_left_is_not() -> None:
    guard = AmnesiaGuard(ME, SEATS, 3)
    guard.handle(Started(), 0)
    guard.handle(SeatJoined(ANN), 0)
    assert guard.handle(Tick(), 1) == []
    assert guard.handle(HeadAnswered(ANN, None), 1) == []
    assert guard.handle(Tick(), guard.deadline) == [AskHead(ANN)]
    guard.handle(SeatLeft(ANN), 4)
    assert guard.deadline == inf
    assert guard.handle(HeadAnswered(ANN, ()), 5) == []
    assert guard.weight_needed == 2


def test_a_fork_of_the_own_chain_found_while_silent_stops_for_good() -> None:
    guard = AmnesiaGuard(ME, {ME: 1, ANN: 1, BEN: 1}, 2)
    guard.handle(OwnVertexHeld(own(0, b"mine"), issued_here=True), 0)
    guard.handle(Started(), 0)
    assert guard.handle(OwnVertexHeld(own(0, b"other"), issued_here=False), 0) == [
        StopIssuing(FORKED)
    ]
    guard.handle(SeatJoined(ANN), 0)
    assert guard.handle(HeadAnswered(ANN, ()), 0) == []


def test_an_own_log_that_contradicts_the_store_stops_at_the_start() -> None:
    guard = AmnesiaGuard(ME, {ME: 1}, 1)
    guard.handle(OwnVertexHeld(own(0, b"store"), issued_here=False), 0)
    contradiction = OwnVertexHeld(own(0, b"log"), issued_here=True)
    assert guard.handle(contradiction, 0) == []
    assert guard.handle(Started(), 0) == [StopIssuing(FORKED)]
    assert guard.handle(Started(), 0) == []


def test_a_fork_that_the_seats_decided_on_stops_nobody_who_starts_again() -> None:
    guard = AmnesiaGuard(ME, {ME: 1, ANN: 1, BEN: 1}, 2)
    for name in (b"this", b"that"):
        guard.handle(OwnVertexHeld(own(3, name), issued_here=False), 0)
    guard.forgive_below(4)
    guard.handle(SeatJoined(ANN), 0)
    assert guard.handle(Started(), 0) == [AskHead(ANN)]
    # Both sides are known, so a seat that tells of both tells nothing new.
    heads = (own(3, b"this"), own(3, b"that"))
    assert guard.handle(HeadAnswered(ANN, heads), 0) == [BeginIssuing()]
    # What forks now is another matter.
    guard.handle(OwnVertexHeld(own(4, b"mine"), issued_here=True), 1)
    again = OwnVertexHeld(own(4, b"other"), issued_here=False)
    assert guard.handle(again, 1) == [StopIssuing(FORKED)]


def test_a_vertex_made_elsewhere_while_issuing_stops() -> None:
    guard = AmnesiaGuard(ME, {ME: 1}, 1)
    guard.handle(Started(), 0)
    assert guard.handle(OwnVertexHeld(own(0), issued_here=True), 1) == []
    assert guard.handle(OwnVertexHeld(own(0), issued_here=False), 1) == []
    assert guard.handle(OwnVertexHeld(own(1), issued_here=False), 2) == [StopIssuing(FOREIGN)]
    assert guard.handle(OwnVertexHeld(own(2), issued_here=False), 2) == []
