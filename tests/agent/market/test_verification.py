"""Which result is right, and how often to check (SPEC.md section 9.6)."""

from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.market.orders import Audit, NoVerification, Partial, Quorum, Verify
from fogbank_agent.market.verification import (
    Voice,
    audit_rate_ppm,
    decide,
    deterrent_ppm,
    missing_voices,
    voices_needed,
)

from .town import ANN, BEN, CAT, claim, right, wrong

RIGHT, WRONG = claim(right(), 1_000), claim(wrong(), 1_000)


def nobody(_: bytes) -> bool:
    return False


@given(ppm=st.integers(0, 1_000_000), confirmed=st.integers(0, 10_000))
def test_the_rate_is_never_below_one_in_the_confirmed_nor_below_the_orders(
    ppm: int, confirmed: int
) -> None:
    rate = audit_rate_ppm(Audit(ppm), confirmed)
    assert ppm <= rate <= 1_000_000
    assert rate * max(confirmed, 1) >= 1_000_000


@given(at_risk=st.integers(0, 1 << 62), stake=st.integers(-(1 << 62), 1 << 62))
def test_at_the_deterring_rate_a_lie_wins_nothing_and_below_it_does(
    at_risk: int, stake: int
) -> None:
    rate = deterrent_ppm(at_risk, stake)
    assert 0 <= rate <= 1_000_000
    lost = max(stake, 0)
    assert (1_000_000 - rate) * at_risk <= rate * lost or rate == 1_000_000
    if rate > 0:
        assert (1_000_001 - rate) * at_risk > (rate - 1) * lost


def test_an_audit_is_at_least_as_probable_as_deters() -> None:
    assert deterrent_ppm(10, 100) == 90_910
    assert deterrent_ppm(10, 0) == deterrent_ppm(10, -5) == 1_000_000
    assert deterrent_ppm(0, 0) == 0
    assert audit_rate_ppm(Audit(0), 100, 90_910) == audit_rate_ppm(Partial(0), 100, 90_910)
    assert audit_rate_ppm(Audit(0), 100, 90_910) == 90_910
    assert audit_rate_ppm(Audit(0), 4, 90_910) == 250_000


def test_without_audit_nothing_is_drawn() -> None:
    assert audit_rate_ppm(NoVerification(), 0) == 0
    assert audit_rate_ppm(Quorum(2), 0) == 0


def test_a_part_is_as_large_as_an_audit_is_probable_and_a_verifier_leaves_its_ppm() -> None:
    assert audit_rate_ppm(Partial(1), 0) == audit_rate_ppm(Audit(1), 0) == 1_000_000
    assert audit_rate_ppm(Partial(1), 4) == 250_000
    assert audit_rate_ppm(Verify(7), 0) == 7
    assert audit_rate_ppm(Verify(7), 100, 90_910) == 90_910


def test_the_own_voice_decides_against_any_number() -> None:
    voices = [Voice(ANN, 1, WRONG), Voice(BEN, 2, WRONG), Voice(None, 0, RIGHT)]
    assert decide(voices, 2, nobody) == RIGHT


def test_two_voices_that_differ_need_two_that_agree() -> None:
    voices = [Voice(ANN, 1, RIGHT)]
    assert voices_needed(NoVerification(), voices) == 1
    voices.append(Voice(BEN, 2, WRONG))
    needed = voices_needed(NoVerification(), voices)
    assert needed == 2
    assert decide(voices, needed, nobody) is None
    assert decide([*voices, Voice(CAT, 3, RIGHT)], needed, nobody) == RIGHT


def test_the_voice_of_a_caught_provider_does_not_count() -> None:
    voices = [Voice(ANN, 1, RIGHT)]
    assert decide(voices, 1, nobody) == RIGHT
    assert decide(voices, 1, lambda provider: provider == ANN) is None
    assert missing_voices(voices, 1, lambda provider: provider == ANN) == 1


def test_a_quorum_counts_what_is_missing_from_the_strongest_claim() -> None:
    voices = [Voice(ANN, 1, RIGHT), Voice(BEN, 2, WRONG)]
    assert missing_voices([], 3, nobody) == 3
    assert missing_voices(voices, 3, nobody) == 2
    assert missing_voices([*voices, Voice(CAT, 3, RIGHT)], 2, nobody) == 0


def test_equal_outcomes_with_different_fuel_differ() -> None:
    voices = [Voice(ANN, 1, RIGHT), Voice(BEN, 2, claim(right(), 1_001))]
    assert decide(voices, 2, nobody) is None


def test_lots_that_differ_in_one_run_differ() -> None:
    first, second = claim(right(0)), claim(right(1))
    voices = [Voice(ANN, 1, first + second), Voice(BEN, 2, first + claim(wrong(1)))]
    assert decide(voices, 2, nobody) is None
    assert decide([*voices, Voice(CAT, 3, first + second)], 2, nobody) == first + second
