"""What is brought before a watch next (SPEC.md section 9.10)."""

from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.limits import CHARGES_MAX, DISPUTES_AT_ONCE_MAX
from fogbank_agent.market.docket import Charge, Docket
from fogbank_protocol.identity import NodeId

from .town import ANN, BEN, CAT, DAN, EVE


def charge(name: str, accused: NodeId, *others: NodeId) -> Charge:
    """Return what others say against ``accused``."""
    return Charge(name.encode(), accused, frozenset(others))


def docket(*charges: Charge) -> Docket:
    """Return one in which ``charges`` wait."""
    made = Docket()
    assert all(made.add(one) for one in charges)
    return made


def test_charges_without_a_common_party_are_opened_side_by_side() -> None:
    first, second = charge("1", ANN, BEN), charge("2", CAT, DAN)
    waiting = docket(first, second)
    assert waiting.call() == [first, second]
    assert waiting.call() == []


def test_who_was_outvoted_twice_is_accused_once_more_when_the_first_was_in_vain() -> None:
    first, second = charge("1", ANN, BEN, CAT), charge("2", ANN, DAN, EVE)
    waiting = docket(first, second)
    assert waiting.call() == [first]
    waiting.decide(first.receipt)
    assert waiting.call() == []
    waiting.end(first.receipt)
    assert waiting.call() == [second]


def test_one_whose_word_is_doubted_elsewhere_waits_and_is_not_dropped() -> None:
    # Ben was accused of another lie meanwhile: is that true, he says nothing against Ann.
    first, second = charge("1", ANN, BEN), charge("2", BEN, CAT)
    waiting = docket(second, first)
    assert waiting.call() == [second]
    assert waiting.call() == []
    waiting.decide(second.receipt)
    assert waiting.call() == [first]


def test_the_next_is_called_as_soon_as_the_watch_has_decided() -> None:
    first, second = charge("1", ANN, BEN), charge("2", CAT, BEN)
    waiting = docket(first, second)
    assert waiting.call() == [first]
    waiting.decide(first.receipt)
    assert waiting.call() == [second]


def test_who_contradicted_what_is_right_comes_first() -> None:
    right, other = charge("1", ANN, BEN), charge("2", ANN, BEN)
    waiting = docket(right, other)
    assert waiting.call() == [right]
    waiting.decide(right.receipt)
    liar = charge("3", BEN)
    assert waiting.add(liar, is_first=True)
    waiting.end(right.receipt)
    assert waiting.call() == [liar]
    waiting.decide(liar.receipt)
    assert waiting.call() == [other]


def test_a_charge_about_the_same_receipt_takes_the_place_of_the_first() -> None:
    first, again = charge("1", ANN, BEN), charge("1", ANN)
    waiting = docket(charge("2", BEN, CAT), first, again)
    assert [one.receipt for one in waiting.call()] == [b"2", b"1"]
    assert waiting.add(first)
    assert waiting.call() == []


def test_only_so_many_wait_and_only_so_many_are_open() -> None:
    waiting = Docket()
    for number in range(CHARGES_MAX):
        who = NodeId(number.to_bytes(32, "big"))
        assert waiting.add(charge(str(number), who))
    assert not waiting.add(charge("one more", ANN))
    assert len(waiting.call()) == DISPUTES_AT_ONCE_MAX


@given(
    st.lists(
        st.tuples(st.sampled_from([ANN, BEN, CAT, DAN]), st.sets(st.sampled_from([CAT, DAN, EVE]))),
        max_size=12,
    ),
)
def test_every_charge_is_opened_in_the_end_and_none_beside_one_in_doubt(
    charges: list[tuple[NodeId, set[NodeId]]],
) -> None:
    waiting, opened, done = Docket(), list[Charge](), 0
    for number, (accused, others) in enumerate(charges):
        assert waiting.add(Charge(bytes([number]), accused, frozenset(others - {accused})))
    while done < len(charges):
        for one in waiting.call():
            assert not any(one.parties & other.parties for other in opened)
            opened.append(one)
        ended = opened.pop()
        waiting.decide(ended.receipt)
        waiting.end(ended.receipt)
        done += 1
    assert waiting.call() == []
