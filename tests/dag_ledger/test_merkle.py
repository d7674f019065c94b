"""Merkle trees and their proofs (SPEC.md sections 8.16 and 8.21)."""

from hashlib import blake2b

import pytest

from fogbank_dag_ledger import merkle


def slow_root(leaves: list[bytes]) -> bytes:
    """Return RFC 6962's definition, word for word, with another hash."""
    if not leaves:
        return blake2b(b"", digest_size=32).digest()
    if len(leaves) == 1:
        return blake2b(b"\0" + leaves[0], digest_size=32).digest()
    split = 1
    while 2 * split < len(leaves):
        split *= 2
    halves = slow_root(leaves[:split]) + slow_root(leaves[split:])
    return blake2b(b"\1" + halves, digest_size=32).digest()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 33])
def test_roots_are_those_of_the_definition_and_each_leaf_is_proved(count: int) -> None:
    leaves = [bytes([number]) * 3 for number in range(count)]
    root = merkle.root(leaves)
    assert root == slow_root(leaves)
    for index, leaf in enumerate(leaves):
        path = merkle.path(leaves, index)
        assert merkle.is_in(leaf, index, count, path, root)
        assert not merkle.is_in(leaf + b"x", index, count, path, root)
        assert not merkle.is_in(leaf, index, count, [*path, root], root)
        assert not merkle.is_in(leaf, index + 1, count, path, root) or count == 1
        if path:
            assert not merkle.is_in(leaf, index, count, path[1:], root)
    assert not merkle.is_in(b"", count, count, [], root)
