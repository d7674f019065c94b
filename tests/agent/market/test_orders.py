"""Orders: vectors and hostile bytes (SPEC.md section 9.2)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.market.orders import (
    ORDER,
    Audit,
    NoVerification,
    Partial,
    Quorum,
    Verification,
    Verify,
    open_order,
    order_id,
    sign_order,
)
from fogbank_protocol.errors import LocalProtocolError

from .objects import (
    ANN,
    NETWORK,
    an_order,
    check_accepted,
    check_hostile_bytes,
    check_rejected,
    vectors,
)

VECTORS = vectors("orders")


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_an_accepting_vector_is_accepted(case: dict[str, str]) -> None:
    check_accepted(case, ORDER, VECTORS["net"], open_order)


@pytest.mark.parametrize("case", VECTORS["reject"], ids=lambda case: case["name"])
def test_a_rejecting_vector_is_refused_for_its_reason(case: dict[str, str]) -> None:
    check_rejected(case, VECTORS["net"], open_order)


verifications: st.SearchStrategy[Verification] = st.one_of(
    st.just(NoVerification()),
    st.builds(Audit, st.integers(0, 1_000_000)),
    st.builds(Quorum, st.integers(2, 7)),
    st.builds(Verify, st.integers(0, 1_000_000)),
    st.builds(Partial, st.integers(0, 1_000_000)),
)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@given(
    verification=verifications,
    arguments=st.lists(texts, max_size=3),
    seed=st.integers(0, (1 << 64) - 1),
    salt=st.binary(min_size=16, max_size=16),
)
def test_what_is_signed_is_read_back(
    verification: Verification, arguments: list[str], seed: int, salt: bytes
) -> None:
    order = an_order(verification=verification, arguments=tuple(arguments), seed=seed, salt=salt)
    assert open_order(sign_order(order, NETWORK, ANN), NETWORK) == order


@pytest.mark.parametrize(
    "change",
    [
        {"fuel_max": 0},
        {"run_ms_max": 0},
        {"environment": (("B", ""), ("A", ""))},
        {"memory_bytes_max": 0},
        {"verification": Quorum(1)},
    ],
)
def test_an_order_that_a_provider_would_refuse_is_not_signed(change: dict[str, Any]) -> None:
    with pytest.raises(LocalProtocolError):
        sign_order(an_order(**change), NETWORK, ANN)


def test_two_orders_that_differ_in_salt_only_have_different_names() -> None:
    ids = {
        order_id(sign_order(an_order(salt=bytes([number]) * 16), NETWORK, ANN), NETWORK)
        for number in range(3)
    }
    assert len(ids) == 3


@pytest.mark.slow
def test_no_changed_byte_goes_unnoticed() -> None:
    check_hostile_bytes(sign_order(an_order(), NETWORK, ANN), open_order)
