"""What a stake is worth to those who rely on it (SPEC.md section 9.9)."""

from dataclasses import replace
from fractions import Fraction
from math import prod

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fogbank_agent.limits import STAKE_BEATS_BY_OTHERS_MIN
from fogbank_agent.market.stakes import (
    is_watch_drawn,
    stake_share,
    stake_terms,
    stake_worth,
    watch_of,
)
from fogbank_agent.market.verification import deterrent_ppm
from fogbank_dag_ledger.operations import ObjectId, StakeTerms
from fogbank_dag_ledger.stakes import StakeView
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.identity import NodeId

from .town import ANN, BEN, CAT, DAN, EVE

TERMS = StakeTerms((BEN, CAT, DAN), 2, 3_600, 100)
EVE_2 = NodeId(b"f" * 32)
STAKE = StakeView(
    id=ObjectId(bytes(32)),
    opening=VertexId(bytes(32)),
    index=0,
    owner=ANN,
    amount=1_000,
    terms=TERMS,
    is_final=True,
    is_leaving=False,
    is_slashed=False,
    is_settled=False,
    is_seized=False,
)
SEATS = [(BEN, 1), (CAT, 2), (DAN, 3), (ANN, 4)]


def worth(**changes: object) -> int:
    return stake_worth(replace(STAKE, **changes), ANN, SEATS, EVE)  # type: ignore[arg-type]


def test_what_is_burned_counts_and_the_reward_of_friends_does_not() -> None:
    assert worth() == 900


@pytest.mark.parametrize(
    "changes",
    [
        {"owner": BEN},
        {"is_final": False},
        {"is_leaving": True},
        {"is_slashed": True},
        {"is_settled": True},
        {"terms": replace(TERMS, beats=599)},
        {"terms": replace(TERMS, need=3)},
        {"terms": replace(TERMS, need=1)},
        {"terms": replace(TERMS, watch=(ANN, BEN, DAN))},
        {"terms": replace(TERMS, watch=(BEN, CAT, EVE_2))},
        {"terms": replace(TERMS, watch=(BEN,), need=1)},
    ],
    ids=str,
)
def test_a_stake_that_may_be_gone_or_is_nobodys_to_take_counts_for_nothing(
    changes: dict[str, object],
) -> None:
    assert worth(**changes) == 0


def test_who_needs_two_proofs_counts_on_stakes_that_stay_that_long() -> None:
    for beats, counts in ((STAKE_BEATS_BY_OTHERS_MIN - 1, 0), (STAKE_BEATS_BY_OTHERS_MIN, 900)):
        stake = replace(STAKE, terms=replace(TERMS, beats=beats))
        assert stake_worth(stake, ANN, SEATS, EVE) == 900
        assert stake_worth(stake, ANN, SEATS, EVE, STAKE_BEATS_BY_OTHERS_MIN) == counts


def test_the_reader_trusts_itself() -> None:
    terms = replace(TERMS, watch=(BEN, DAN, EVE))
    assert worth(terms=terms) == 900
    assert stake_worth(replace(STAKE, terms=terms), ANN, SEATS, CAT) == 0


def test_without_a_stake_there_is_nothing_to_lose() -> None:
    assert stake_worth(None, ANN, SEATS, EVE) == 0


def test_the_heaviest_seats_watch_and_nobody_watches_itself() -> None:
    terms = stake_terms([(ANN, 9), (BEN, 1), (CAT, 3)], ANN, 5_000)
    assert terms == StakeTerms((BEN, CAT), 2, 3_600, 500)
    many = [(NodeId(bytes([number]) * 32), number) for number in range(1, 12)]
    terms = stake_terms(many, ANN, 5_000)
    assert terms is not None
    assert terms.watch == tuple(who for who, _ in many[3:])
    assert terms.need == 5
    assert stake_worth(replace(STAKE, terms=terms), ANN, many, BEN) == 500


def test_alone_nobody_can_watch() -> None:
    assert stake_terms([(ANN, 1)], ANN, 5_000) is None
    assert stake_terms([(BEN, 1), (CAT, 1)], ANN, 1) is None


def test_a_stake_is_shared_by_those_who_can_be_lied_to_at_once() -> None:
    assert stake_share(900, {}, EVE) == 900
    assert stake_share(900, {EVE: 50}, EVE) == 900
    assert stake_share(900, {EVE: 50, DAN: 50}, EVE) == 450
    assert stake_share(900, {EVE: 50, DAN: 100}, EVE) == 300
    assert stake_share(900, {DAN: 100}, EVE) == 0


@given(
    worth=st.integers(0, 1 << 62),
    risks=st.lists(st.tuples(st.integers(1, 1 << 40), st.integers(1, 1 << 40)), min_size=1),
)
def test_who_lies_to_everybody_at_once_wins_nothing(
    worth: int, risks: list[tuple[int, int]]
) -> None:
    readers = [NodeId(at.to_bytes(32, "big")) for at in range(len(risks))]
    funds = {reader: drops for reader, (drops, _) in zip(readers, risks, strict=True)}
    shares = [stake_share(worth, funds, reader) for reader in readers]
    assert sum(shares) <= worth
    rates = [
        Fraction(deterrent_ppm(at_risk, share), 10**6)
        for share, (_, at_risk) in zip(shares, risks, strict=True)
    ]
    won = sum((1 - rate) * at_risk for rate, (_, at_risk) in zip(rates, risks, strict=True))
    nobody_looks = prod(1 - rate for rate in rates)
    assert won <= worth * (1 - nobody_looks)


_WHO = [NodeId(bytes([number]) * 32) for number in range(1, 15)]

_WEIGHTS = st.dictionaries(st.sampled_from(_WHO[1:-2]), st.integers(1, 9), min_size=1)


@given(data=st.data(), weights=_WEIGHTS)
def test_neither_side_can_choose_a_watch_that_counts(
    data: st.DataObject, weights: dict[NodeId, int]
) -> None:
    owner, reader = _WHO[0], NodeId(b"r" * 32)
    seats = list(weights.items())
    drawn = watch_of(seats, owner)
    others = [who for who in _WHO[1:] if who not in drawn]
    missing = data.draw(st.sets(st.sampled_from(drawn), max_size=3))
    added = data.draw(st.sets(st.sampled_from(others), max_size=3))
    watch = (set(drawn) - missing) | added
    assume(0 < len(watch) <= 8)
    need = data.draw(st.sampled_from([len(watch) // 2 + 1, 1, len(watch)]))
    terms = StakeTerms(tuple(sorted(watch)), need, 3_600, 100)
    if not is_watch_drawn(terms, owner, seats, reader):
        return
    # Whoever of the drawn is not a friend is honest: friends below the bound decide nothing.
    strangers = watch - set(drawn)
    powerless = 2 if len(drawn) == 8 else len(drawn) // 2 - 1
    friends = data.draw(st.sets(st.sampled_from(drawn), max_size=max(0, powerless)))
    against = (friends & watch) | strangers
    assert len(against) < need, "friends alone seize an honest stake"
    assert len(watch - against) >= need, "friends protect a liar"


@given(weights=st.dictionaries(st.sampled_from(_WHO), st.integers(1, 9), min_size=2))
def test_what_is_proposed_counts_and_still_does_when_one_seat_is_new(
    weights: dict[NodeId, int],
) -> None:
    owner, reader = _WHO[0], NodeId(b"r" * 32)
    terms = stake_terms(weights.items(), owner, 5_000)
    assert terms is not None
    assert is_watch_drawn(terms, owner, weights.items(), reader)
    grown = [*weights.items(), (NodeId(b"n" * 32), 5)]
    others = len(set(weights) - {owner})
    assert is_watch_drawn(terms, owner, grown, reader)
    assert others < 8 or len(set(terms.watch) - set(watch_of(grown, owner))) <= 1


def test_one_may_be_missing_and_one_of_eight_another_and_no_more() -> None:
    seats = [(who, 10) for who in _WHO[1:9]]
    drawn, others = [who for who, _ in seats], [*_WHO[9:], EVE_2]

    def is_drawn(kept: int, added: int, of: int = 8) -> bool:
        watch = tuple(sorted([*drawn[8 - of :][:kept], *others[:added]]))
        terms = StakeTerms(watch, len(watch) // 2 + 1, 3_600, 100)
        return is_watch_drawn(terms, _WHO[0], seats[8 - of :], EVE)

    assert [is_drawn(kept, 0) for kept in (8, 7, 6)] == [True, True, False]
    assert [is_drawn(7, added) for added in (0, 1)] == [True, True]
    assert not is_drawn(6, 2)
    assert [is_drawn(4, 0, of=4), is_drawn(3, 0, of=4), is_drawn(3, 1, of=4)] == [True, True, False]
