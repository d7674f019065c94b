"""The machine of one dispute (SPEC.md section 9.10)."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.limits import DISPUTE_LASTS_S, DISPUTE_RETRY_S
from fogbank_agent.market.dispute import (
    AskMember,
    Dispute,
    DisputeState,
    EndDispute,
    FindingCame,
    MemberDeclined,
    ShowProof,
    StakeEnded,
)
from fogbank_agent.market.reasons import Reason
from fogbank_dag_ledger.operations import WrongResult
from fogbank_protocol.machine import Tick

from .town import ANN, BEN, CAT

WATCH = (ANN, BEN, CAT)
RIGHT, OTHER = b"r" * 32, b"o" * 32


def begun(need: int = 2) -> Dispute:
    dispute = Dispute(b"i" * 32, 3, WATCH, need, 0.0)
    assert dispute.begin() == [AskMember(who) for who in WATCH]
    return dispute


def found(who: bytes, right: bytes = RIGHT) -> FindingCame:
    return FindingCame(type(ANN)(who), right, who[:1] * 64)


def test_enough_who_agree_have_the_proof_shown_with_their_numbers_and_signatures() -> None:
    dispute = begun()
    assert dispute.handle(found(CAT), 1) == []
    assert dispute.handle(found(BEN, OTHER), 1) == []
    shown = dispute.handle(found(ANN), 1)
    signatures = (ANN[:1] * 64, CAT[:1] * 64)
    assert shown == [ShowProof(WrongResult(b"i" * 32, 3, RIGHT, (0, 2), signatures))]
    assert str(dispute.state) == "proved"
    assert dispute.handle(StakeEnded(is_seized=True), 2) == [EndDispute()]
    assert str(dispute.state) == "seized"
    assert dispute.handle(found(BEN), 3) == []


def test_who_cannot_tell_now_is_asked_again_and_who_will_not_is_not() -> None:
    dispute = begun()
    assert dispute.handle(MemberDeclined(ANN, Reason.BUSY), 5) == []
    assert dispute.handle(MemberDeclined(BEN, Reason.PROOF_REFUSED), 5) == []
    assert dispute.deadline == 5 + DISPUTE_RETRY_S
    assert dispute.handle(Tick(), dispute.deadline - 1) == []
    assert dispute.handle(Tick(), dispute.deadline) == [AskMember(ANN)]
    assert dispute.handle(MemberDeclined(CAT, Reason.NO_SUCH_STAKE), 20) == [EndDispute()]
    assert dispute.state is DisputeState.UNHEARD


def test_members_who_all_find_something_else_end_it() -> None:
    dispute = begun()
    dispute.handle(found(ANN, b"a" * 32), 1)
    dispute.handle(found(BEN, b"b" * 32), 1)
    assert dispute.handle(found(CAT, b"c" * 32), 1) == [EndDispute()]
    assert dispute.state is DisputeState.UNHEARD


def test_an_hour_is_enough() -> None:
    dispute = begun()
    dispute.handle(MemberDeclined(ANN, Reason.NO_ANSWER), DISPUTE_LASTS_S - 1)
    assert dispute.deadline == DISPUTE_LASTS_S
    assert dispute.handle(Tick(), DISPUTE_LASTS_S) == [EndDispute()]
    assert dispute.state is DisputeState.UNHEARD


def test_a_proof_that_the_ledger_never_takes_is_given_up_after_an_hour() -> None:
    dispute = begun()
    dispute.handle(found(ANN), 100)
    assert [type(one) for one in dispute.handle(found(BEN), 200)] == [ShowProof]
    assert dispute.deadline == 200 + DISPUTE_LASTS_S
    assert dispute.handle(Tick(), dispute.deadline - 1) == []
    assert dispute.handle(Tick(), dispute.deadline) == [EndDispute()]
    assert str(dispute.state) == "refused"
    assert dispute.deadline == inf
    assert dispute.handle(StakeEnded(is_seized=True), dispute.deadline) == []


@pytest.mark.parametrize(
    ("is_seized", "state"), [(True, DisputeState.SEIZED), (False, DisputeState.TOO_LATE)]
)
def test_a_stake_that_is_gone_ends_it(is_seized: bool, state: DisputeState) -> None:
    dispute = begun()
    assert dispute.handle(StakeEnded(is_seized), 1) == [EndDispute()]
    assert dispute.state is state


_ANSWERS = st.one_of(
    st.builds(found, st.sampled_from(WATCH), st.sampled_from([RIGHT, OTHER])),
    st.builds(
        MemberDeclined,
        st.sampled_from(WATCH),
        st.sampled_from([Reason.BUSY, Reason.RESULT_RIGHT, Reason.NO_ANSWER, Reason.BROKEN_RULE]),
    ),
    st.just(Tick()),
)


@given(events=st.lists(_ANSWERS, max_size=40), need=st.integers(2, 3))
def test_a_proof_has_need_members_who_were_asked_and_said_the_same(
    events: list[FindingCame | MemberDeclined | Tick], need: int
) -> None:
    dispute = begun(need)
    asked, said = set(WATCH), dict[bytes, bytes]()
    now, ended, found_right = 0.0, False, set[bytes]()
    for event in events:
        now += 4.0
        match event:
            case MemberDeclined(member, Reason.RESULT_RIGHT) if member in asked:
                found_right.add(member)
            case _:
                pass
        if isinstance(event, FindingCame) and event.member in asked and not ended:
            said[event.member] = event.right
        if isinstance(event, FindingCame | MemberDeclined):
            asked.discard(event.member)
        for command in dispute.handle(event, now):
            assert not ended
            match command:
                case AskMember(member):
                    assert member not in asked
                    assert member not in said
                    asked.add(member)
                case ShowProof(proof):
                    members = [WATCH[number] for number in proof.members]
                    assert len(members) == need
                    assert list(proof.members) == sorted(proof.members)
                    assert all(said[one] == proof.right for one in members)
                    ended = True
                case EndDispute():
                    is_right = len(found_right) >= need
                    assert dispute.state is (
                        DisputeState.RIGHT if is_right else DisputeState.UNHEARD
                    )
                    ended = True


def test_enough_who_find_the_result_right_end_it_as_right() -> None:
    dispute = begun()
    assert dispute.handle(MemberDeclined(ANN, Reason.RESULT_RIGHT), 1) == []
    assert dispute.handle(MemberDeclined(BEN, Reason.NO_SUCH_STAKE), 1) == []
    assert dispute.handle(MemberDeclined(CAT, Reason.RESULT_RIGHT), 1) == [EndDispute()]
    assert dispute.state is DisputeState.RIGHT
