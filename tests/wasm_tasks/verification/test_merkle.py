"""The tree against RFC 6962's own definition (SPEC.md section 7.8)."""

from collections.abc import Sequence
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_wasm_tasks.verification.merkle import (
    EMPTY_ROOT,
    hash_leaf,
    hash_node,
    path_of,
    root_by_path,
    root_of,
)


def by_halves(contents: Sequence[bytes]) -> bytes:
    """Return the root as RFC 6962 section 2.1 has it, with blake2b-256."""
    if not contents:
        return blake2b(b"", digest_size=32).digest()
    if len(contents) == 1:
        return blake2b(b"\0" + contents[0], digest_size=32).digest()
    half = 1
    while half * 2 < len(contents):
        half *= 2
    left, right = by_halves(contents[:half]), by_halves(contents[half:])
    return blake2b(b"\1" + left + right, digest_size=32).digest()


def leaves_of(count: int) -> list[bytes]:
    return [hash_leaf(b"%d" % at) for at in range(count)]


@pytest.mark.parametrize("count", [*range(20), 31, 32, 33, 100])
def test_the_root_is_that_of_the_rfc(count: int) -> None:
    assert root_of(leaves_of(count)) == by_halves([b"%d" % at for at in range(count)])


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert root_of([]) == EMPTY_ROOT == by_halves([])


@pytest.mark.parametrize("count", range(1, 20))
def test_every_leaf_has_a_path_to_the_root(count: int) -> None:
    leaves = leaves_of(count)

    for index in range(count):
        path = path_of(leaves, index)
        assert root_by_path(leaves[index], index, count, path) == root_of(leaves)


@given(count=st.integers(1, 40), data=st.data())
def test_a_path_shows_its_own_leaf_only(count: int, data: st.DataObject) -> None:
    leaves = leaves_of(count)
    index = data.draw(st.integers(0, count - 1))
    path = path_of(leaves, index)
    root = root_of(leaves)

    assert root_by_path(hash_leaf(b"other"), index, count, path) != root
    assert root_by_path(leaves[index], index, count, [*path, bytes(32)]) is None
    if path:
        assert root_by_path(leaves[index], index, count, path[:-1]) is None
        place = data.draw(st.integers(0, len(path) - 1))
        changed = [*path[:place], bytes(32), *path[place + 1 :]]
        assert root_by_path(leaves[index], index, count, changed) != root


def test_a_node_is_no_leaf() -> None:
    one, two = leaves_of(2)

    assert hash_node(one, two) != hash_leaf(one + two)
