"""The tree of a memory that changes is the tree of the memory (SPEC.md section 7.9)."""

from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank_wasm_tasks.limits import PAGE_BYTES, STATE_PAGE_BYTES
from fogbank_wasm_tasks.verification.memory_tree import MemoryTree
from fogbank_wasm_tasks.verification.merkle import EMPTY_ROOT, hash_leaf, root_of

CHANGES = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.tuples(st.integers(0, 2**20), st.binary(max_size=9)))),
    min_size=1,
    max_size=6,
)


def read(memory: bytes, address: int, count: int) -> memoryview:
    return memoryview(memory)[address : address + count]


def plain_root(memory: bytes) -> bytes:
    return root_of(
        [
            hash_leaf(memory[start : start + STATE_PAGE_BYTES])
            for start in range(0, len(memory), STATE_PAGE_BYTES)
        ]
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
        tree.update(len(seen) // PAGE_BYTES, partial(read, seen))
        assert tree.root == plain_root(seen)
        assert b"".join(tree.pages()) == seen


def test_no_memory_has_the_root_of_nothing() -> None:
    assert MemoryTree().root == EMPTY_ROOT


def test_only_what_changed_is_hashed_again() -> None:
    memory = bytearray(64 * PAGE_BYTES)
    tree = MemoryTree()
    tree.update(64, lambda at, count: bytes(memory[at : at + count]))
    before = tree.root

    memory[5] = 1
    tree.update(64, lambda at, count: bytes(memory[at : at + count]))
    changed = tree.root
    memory[5] = 0
    tree.update(64, lambda at, count: bytes(memory[at : at + count]))

    assert (changed != before, tree.root == before) == (True, True)
