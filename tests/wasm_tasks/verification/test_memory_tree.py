"""The tree of a memory that changes is the tree of the memory (SPEC.md section 7.9)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank_wasm_tasks.limits import PAGE_BYTES, STATE_PAGE_BYTES
from fogbank_wasm_tasks.verification.memory_tree import MemoryTree
from fogbank_wasm_tasks.verification.merkle import EMPTY_ROOT, hash_leaf, root_of

# Often the same few places, so that a piece changes again and again, and rests in between.
PLACES = st.sampled_from([3, 4_094, 40_000, 70_000]) | st.integers(0, 2**20)
CHANGES = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.lists(st.tuples(PLACES, st.binary(max_size=9)), max_size=4),
    ),
    min_size=1,
    max_size=8,
)


def plain_root(memory: bytes) -> bytes:
    pieces = [
        hash_leaf(memory[start : start + STATE_PAGE_BYTES])
        for start in range(0, len(memory), STATE_PAGE_BYTES)
    ]
    return root_of(
        [hash_leaf(b"".join(pieces[start : start + 16])) for start in range(0, len(pieces), 16)]
    )


@settings(max_examples=40, deadline=None)
@given(changes=CHANGES)
def test_the_root_is_that_of_all_pages_after_any_changes(
    changes: list[tuple[int, list[tuple[int, bytes]]]],
) -> None:
    memory = bytearray()
    tree = MemoryTree()

    for grown, writes in changes:
        memory += bytes(grown * PAGE_BYTES)
        for place, data in writes:
            if memory:
                start = place % len(memory)
                data = data[: len(memory) - start]
                memory[start : start + len(data)] = data
        seen = bytes(memory)
        tree.update(seen)
        assert tree.root == plain_root(seen)


def test_no_memory_has_the_root_of_nothing() -> None:
    assert MemoryTree().root == EMPTY_ROOT


def test_a_piece_that_changes_and_rests_and_changes_back_is_seen_each_time() -> None:
    memory = bytearray(2 * PAGE_BYTES)
    tree = MemoryTree()

    for value in (0, 1, 2, 2, 2, 0, 0, 1, 0, 2, 2, 1, 1, 1, 0):
        memory[5] = value
        tree.update(bytes(memory))
        assert tree.root == plain_root(bytes(memory))
