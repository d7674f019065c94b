"""What the own chain says next, one vertex after the other (SPEC.md sections 8.3, 8.6 and 8.8)."""

from collections.abc import Sequence
from itertools import count

import pytest

from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.limits import CLAIM_WAIT_S, DISK_RETRY_S
from fogbank_dag_ledger.participation.happenings import KeepOwn, PaymentEnded
from fogbank_dag_ledger.participation.issuing import OwnIssuing
from fogbank_dag_ledger.participation.issuing_state import DiskIsFull, Issuing, Silent, Stopped
from fogbank_dag_ledger.vertex import VALIDATOR, Vertex
from fogbank_dag_ledger.wallet import InsufficientFunds

from ..community import Community, unsigned

COMMUNITY = Community(seats=4, others=2)
SILENT = Silent(2, 0)
BEN = COMMUNITY.names[5]


class Desk:
    """What one account issues, and a disk that keeps it when told to."""

    def __init__(self, person: int = 4) -> None:
        self.ledger = Ledger(COMMUNITY.genesis)
        self.issuing = OwnIssuing(self.ledger, COMMUNITY.names[person], count())

    def keep(self, command: KeepOwn | PaymentEnded, now: float = 0) -> list[PaymentEnded]:
        assert isinstance(command, KeepOwn)
        vertex = unsigned(command.draft, COMMUNITY.network)
        self.issuing.note(self.ledger.insert(vertex))
        return self.issuing.end_kept(vertex)

    def ended(self, commands: Sequence[KeepOwn | PaymentEnded]) -> list[object]:
        return [command.result for command in commands if isinstance(command, PaymentEnded)]


def test_nothing_is_issued_before_the_own_chain_is_known() -> None:
    desk = Desk()
    desk.issuing.wish(1, {BEN: 5})
    assert desk.issuing.state(SILENT, now=0) == SILENT
    assert desk.ended(desk.issuing.next(now=0)) == [
        "too few seats have answered since the start: try again soon"
    ]


def test_wishes_are_fulfilled_one_after_the_other_each_on_the_last() -> None:
    desk = Desk()
    desk.issuing.begin(now=0)
    desk.issuing.wish(1, {BEN: 5})
    desk.issuing.wish(2, {BEN: 6})
    (first,) = desk.issuing.next(now=0)
    assert desk.issuing.next(now=0) == []
    (ended,) = desk.keep(first)
    assert isinstance(ended.result, Vertex)
    assert (ended.number, ended.result.seq) == (1, 0)
    (second,) = desk.issuing.next(now=0)
    assert isinstance(second, KeepOwn)
    assert (second.draft.seq, second.draft.prev) == (1, ended.result.id)


def test_a_wish_can_be_withdrawn_until_it_is_being_kept() -> None:
    desk = Desk()
    desk.issuing.begin(now=0)
    desk.issuing.wish(1, {BEN: 5})
    desk.issuing.wish(2, {BEN: 6})
    (first,) = desk.issuing.next(now=0)
    desk.issuing.withdraw(1)
    desk.issuing.withdraw(2)
    assert [ended.number for ended in desk.keep(first)] == [1]
    assert desk.issuing.next(now=0) == []


def test_too_large_a_payment_ends_and_the_next_goes_on() -> None:
    desk = Desk()
    desk.issuing.begin(now=0)
    desk.issuing.wish(1, {BEN: 5_000})
    desk.issuing.wish(2, {BEN: 6})
    refused, kept = desk.issuing.next(now=0)
    assert isinstance(refused, PaymentEnded)
    assert isinstance(refused.result, InsufficientFunds)
    assert isinstance(kept, KeepOwn)
    assert kept.payment == 2


def test_a_full_disk_stops_issuing_until_there_may_be_room() -> None:
    desk = Desk()
    desk.issuing.begin(now=0)
    desk.issuing.wish(1, {BEN: 5})
    desk.issuing.next(now=0)
    assert desk.issuing.end_refused("no room", now=0) == [PaymentEnded(1, "no room")]
    assert desk.issuing.state(SILENT, now=1) == DiskIsFull("no room")
    desk.issuing.wish(2, {BEN: 5})
    assert desk.issuing.next(now=1) == [PaymentEnded(2, "no room")]
    assert desk.issuing.state(SILENT, now=DISK_RETRY_S) == Issuing()
    desk.issuing.wish(3, {BEN: 5})
    (kept,) = desk.issuing.next(now=DISK_RETRY_S)
    assert len(desk.keep(kept)) == 1


def test_nothing_is_issued_while_the_store_cannot_be_written() -> None:
    desk = Desk()
    desk.issuing.begin(now=0)
    desk.issuing.note_store("no room for the store")
    desk.issuing.wish(1, {BEN: 5})
    assert desk.issuing.next(now=0) == [PaymentEnded(1, "no room for the store")]
    desk.issuing.note_store(None)
    assert desk.issuing.state(SILENT, now=0) == Issuing()


def test_a_log_in_an_unknown_state_stops_issuing_for_good() -> None:
    desk = Desk()
    desk.issuing.begin(now=0)
    desk.issuing.wish(1, {BEN: 5})
    desk.issuing.next(now=0)
    assert desk.issuing.end_lost("Input/output error") == [PaymentEnded(1, "Input/output error")]
    state = desk.issuing.state(SILENT, now=1e9)
    assert isinstance(state, Stopped)
    desk.issuing.wish(2, {BEN: 5})
    assert desk.issuing.next(now=1e9) == [PaymentEnded(2, state.reason)]
    assert desk.issuing.deadline == float("inf")


def test_a_seat_votes_when_there_is_a_duty_and_not_on_top_of_what_is_being_kept() -> None:
    desk = Desk(person=0)
    desk.issuing.begin(now=0)
    desk.issuing.wish(1, {BEN: 5})
    (paid,) = desk.issuing.next(now=0)
    desk.issuing.note(desk.ledger.insert(COMMUNITY.vertex(4, pays={5: 1})))
    assert desk.issuing.next(now=5) == []
    assert desk.issuing.deadline == float("inf")
    desk.keep(paid)
    (vote,) = desk.issuing.next(now=5)
    assert isinstance(vote, KeepOwn)
    assert (vote.draft.kind, vote.draft.seq) == (VALIDATOR, 1)


@pytest.mark.parametrize("needed", [900, 1_500])
def test_what_can_be_claimed_is_claimed_by_itself_and_when_it_is_needed(needed: int) -> None:
    desk = Desk()
    source = COMMUNITY.vertex(0, pays={4: 800})
    votes = [COMMUNITY.vertex(seat, parents=[source]) for seat in (1, 2, 3)]
    certs = [COMMUNITY.vertex(seat, votes[seat - 1], votes, acknowledges=[source])
             for seat in (1, 2, 3)]  # fmt: skip
    for vertex in (source, *votes, *certs):
        desk.ledger.insert(vertex)
    desk.issuing.begin(now=0)
    assert desk.issuing.next(now=0) == []
    (claim,) = desk.issuing.next(now=CLAIM_WAIT_S)
    assert isinstance(claim, KeepOwn)
    assert [one.total for one in claim.draft.claims] == [800]
    eager = Desk()
    eager.ledger, eager.issuing = desk.ledger, OwnIssuing(
        desk.ledger, COMMUNITY.names[4], count()
    )  # fmt: skip
    eager.issuing.begin(now=0)
    eager.issuing.wish(1, {BEN: needed})
    (first,) = eager.issuing.next(now=0)
    assert isinstance(first, KeepOwn)
    assert [one.total for one in first.draft.claims] == [800]
    assert bool(first.draft.payments) == (needed == 900)
