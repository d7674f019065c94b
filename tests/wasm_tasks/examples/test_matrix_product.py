"""The matrix product against Python's integers, and its verifier against wrong products."""

import struct
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wasm_tasks.examples.sandboxed import run

from fogbank_wasm_tasks.outcome import Trap

MODULUS = 2**31 - 1


def matrices(side: int, seed: int = 1) -> tuple[bytes, bytes]:
    """Return an input and its output."""
    random = Random(seed)
    a, b = ([random.choice((0, 1, MODULUS - 1, random.randrange(MODULUS))) for _ in range(side**2)]
            for _ in range(2))  # fmt: skip
    product = [
        sum(a[row * side + at] * b[at * side + column] for at in range(side)) % MODULUS
        for row in range(side)
        for column in range(side)
    ]
    return (
        struct.pack(f"<{1 + 2 * side**2}I", side, *a, *b),
        struct.pack(f"<{side**2}I", *product),
    )


@pytest.mark.parametrize("side", [1, 2, 7, 24])
def test_the_product_is_the_product(side: int) -> None:
    data, product = matrices(side)

    assert run("matrix_product", data).output == product
    assert run("matrix_product", data, claimed=product, seed=5).output == b"\1"


@settings(max_examples=30, deadline=None)
@given(
    place=st.integers(0, 8 * 8 - 1),
    by=st.integers(1, MODULUS - 1),
    seed=st.integers(0, 2**64 - 1),
)
def test_a_product_with_one_wrong_element_is_rejected(place: int, by: int, seed: int) -> None:
    data, product = matrices(8)
    elements = list(struct.unpack("<64I", product))
    elements[place] = (elements[place] + by) % MODULUS

    wrong = run("matrix_product", data, claimed=struct.pack("<64I", *elements), seed=seed)

    assert wrong.output == b"\0"


def test_what_is_no_matrix_is_rejected() -> None:
    data, product = matrices(8)

    for wrong in (b"", product[:-1], product + b"\0", b"\xff" * len(product)):
        assert run("matrix_product", data, claimed=wrong).output == b"\0"


def test_checking_is_far_cheaper_than_computing() -> None:
    data, product = matrices(48)

    assert run("matrix_product", data, claimed=product).fuel * 4 < run("matrix_product", data).fuel


@pytest.mark.parametrize(
    "data", [b"", struct.pack("<I", 0), struct.pack("<I", 513), struct.pack("<3I", 1, MODULUS, 0)]
)
def test_an_input_that_is_no_pair_of_matrices_traps(data: bytes) -> None:
    assert run("matrix_product", data).ending == Trap("unreachable")
