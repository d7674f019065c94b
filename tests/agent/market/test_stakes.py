"""What a stake is worth to those who rely on it (SPEC.md section 9.9)."""

from dataclasses import replace
from fractions import Fraction
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.market.stakes import stake_share, stake_terms, stake_worth
from fogbank_agent.market.verification import deterrent_ppm
from fogbank_dag_ledger.operations import ObjectId, StakeTerms
from fogbank_dag_ledger.stakes import StakeView
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.identity import NodeId

from .town import ANN, BEN, CAT, DAN, EVE

TERMS = StakeTerms((BEN, CAT, DAN), 2, 3_600, 100)
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
SEATS = {BEN, CAT, ANN}


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
        {"terms": replace(TERMS, watch=(ANN, BEN, DAN))},
    ],
    ids=str,
)
def test_a_stake_that_may_be_gone_or_is_nobodys_to_take_counts_for_nothing(
    changes: dict[str, object],
) -> None:
    assert worth(**changes) == 0


def test_the_reader_trusts_itself() -> None:
    terms = replace(TERMS, watch=(BEN, DAN, EVE))
    assert worth(terms=terms) == 900
    assert stake_worth(replace(STAKE, terms=terms), ANN, SEATS, CAT) == 0
    assert stake_worth(None, ANN, SEATS, EVE) == 0


def test_the_heaviest_seats_watch_and_nobody_watches_itself() -> None:
    terms = stake_terms([(ANN, 9), (BEN, 1), (CAT, 3)], ANN, 5_000)
    assert terms == StakeTerms((BEN, CAT), 2, 3_600, 500)
    many = [(NodeId(bytes([number]) * 32), number) for number in range(1, 12)]
    terms = stake_terms(many, ANN, 5_000)
    assert terms is not None
    assert terms.watch == tuple(who for who, _ in many[3:])
    assert terms.need == 5
    assert stake_worth(replace(STAKE, terms=terms), ANN, dict(many), ANN) == 500


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
