"""Frontiers: their bytes, how they grow, what two of them say about each other (section 8.7)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_dag_ledger.frontier import (
    Frontier,
    Head,
    Range,
    Tag,
    decode_entries,
    decode_ranges,
    encode_entries,
    encode_ranges,
    missing_range,
)
from fogbank_dag_ledger.limits import FRONTIER_ENTRIES_MAX, RANGES_MAX
from fogbank_dag_ledger.vertex import NO_VERTEX, VertexId
from fogbank_protocol.errors import RemoteProtocolError

from .vector_files import case_name, vectors

VECTORS = vectors("frontier")
ANN = Tag(b"a" * 8)
BEN = Tag(b"b" * 8)


def vertex_id(tag: bytes, seq: int, name: bytes) -> VertexId:
    return VertexId(tag + seq.to_bytes(4, "big") + name.ljust(20, b"\0"))


heads = st.builds(Head, st.integers(0, 2**32 - 1), st.binary(min_size=4, max_size=4))
tags = st.binary(min_size=8, max_size=8).map(Tag)


@given(st.dictionaries(tags, heads, max_size=20))
def test_entries_survive_the_wire(entries: dict[Tag, Head]) -> None:
    assert decode_entries(encode_entries(entries.items())) == entries


@given(st.binary(max_size=200))
def test_hostile_entries_raise_remote_errors_only(data: bytes) -> None:
    try:
        entries = decode_entries(data)
    except RemoteProtocolError:
        pass
    else:
        assert encode_entries(entries.items()) == data


@given(st.binary(max_size=200))
def test_hostile_ranges_raise_remote_errors_only(data: bytes) -> None:
    try:
        ranges = decode_ranges(data)
    except RemoteProtocolError:
        pass
    else:
        assert encode_ranges(ranges) == data


@pytest.mark.parametrize(
    "data",
    [
        b"a" * 15,
        b"a" * 16 + b"a" * 16,
        b"b" * 16 + b"a" * 16,
        b"".join(i.to_bytes(16, "big") for i in range(FRONTIER_ENTRIES_MAX + 1)),
    ],
)
def test_wrong_entries_are_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_entries(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a" * 15,
        b"a" * 8 + b"\0\0\0\2" + b"\0\0\0\1",
        b"b" * 16 + b"a" * 16,
        b"".join(i.to_bytes(8, "big") + bytes(8) for i in range(RANGES_MAX + 1)),
    ],
)
def test_wrong_ranges_are_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_ranges(data)


@pytest.mark.parametrize("case", VECTORS["accept"], ids=case_name)
def test_vectors_of_what_is_held(case: Any) -> None:
    frontier = Frontier()
    for vertex in case["held"]:
        frontier.add(VertexId(bytes.fromhex(vertex["id"])), VertexId(bytes.fromhex(vertex["prev"])))
    assert encode_entries(frontier.entries.items()).hex() == case["hex"]
    assert decode_entries(bytes.fromhex(case["hex"])) == frontier.entries


@pytest.mark.parametrize("case", VECTORS["compare"], ids=case_name)
def test_vectors_of_what_is_asked_for(case: Any) -> None:
    ((tag, there),) = decode_entries(bytes.fromhex(case["neighbour"])).items()
    here = None if case["own"] is None else decode_entries(bytes.fromhex(case["own"]))[tag]
    wanted = missing_range(tag, here, there, case["asked_before"])
    assert case["ask"] == (None if wanted is None else [wanted.first, wanted.last])


def test_a_chain_is_summed_up_by_its_head() -> None:
    frontier = Frontier()
    first, second = vertex_id(ANN, 0, b"one"), vertex_id(ANN, 1, b"two!")
    frontier.add(first, NO_VERTEX)
    frontier.add(second, first)
    assert frontier.entries == {ANN: Head(1, b"two!")}
    assert frontier.heads(ANN) == [second]
    assert frontier.heads(BEN) == []


@given(st.permutations([0, 1, 2, 3]))
def test_a_fork_is_summed_up_by_all_its_heads_in_any_order(order: list[int]) -> None:
    root = vertex_id(ANN, 0, b"root")
    left, right = vertex_id(ANN, 1, b"left"), vertex_id(ANN, 1, b"rigt")
    more = [
        (left, root),
        (right, root),
        (vertex_id(ANN, 2, b"up_l"), left),
        (vertex_id(ANN, 2, b"up_r"), right),
    ]
    frontier, held = Frontier(), {root}
    frontier.add(root, NO_VERTEX)
    waiting = [more[i] for i in order]
    while waiting:
        ready = next(pair for pair in waiting if pair[1] in held)
        waiting.remove(ready)
        frontier.add(*ready)
        held.add(ready[0])
    mark = bytes(a ^ b for a, b in zip(b"up_l", b"up_r", strict=True))
    assert frontier.entries == {ANN: Head(2, mark)}
    assert frontier.heads(ANN) == [more[2][0], more[3][0]]


def test_a_branch_from_below_the_head_is_a_head_of_its_own() -> None:
    frontier = Frontier()
    chain = [vertex_id(ANN, seq, b"v%03d" % seq) for seq in range(4)]
    for previous, current in zip([NO_VERTEX, *chain], chain, strict=False):
        frontier.add(current, previous)
    frontier.add(vertex_id(ANN, 2, b"fork"), chain[1])
    mark = bytes(a ^ b for a, b in zip(b"v003", b"fork", strict=True))
    assert frontier.entries == {ANN: Head(3, mark)}


@pytest.mark.parametrize(
    ("here", "there", "asked_before", "wanted"),
    [
        (None, Head(5, b"xxxx"), 0, Range(ANN, 0, 5)),
        (Head(3, b"yyyy"), Head(5, b"xxxx"), 0, Range(ANN, 4, 5)),
        (Head(3, b"yyyy"), Head(5, b"xxxx"), 1, Range(ANN, 0, 5)),
        (Head(3, b"yyyy"), Head(5, b"xxxx"), 7, Range(ANN, 4, 5)),
        (Head(500, b"y" * 4), Head(510, b"xxxx"), 1, Range(ANN, 485, 510)),
        (Head(500, b"y" * 4), Head(510, b"xxxx"), 2, Range(ANN, 373, 510)),
        (Head(500, b"y" * 4), Head(510, b"xxxx"), 3, Range(ANN, 0, 510)),
        (Head(500, b"y" * 4), Head(510, b"xxxx"), 4, Range(ANN, 501, 510)),
        (Head(5, b"xxxx"), Head(5, b"xxxx"), 0, None),
        (Head(6, b"yyyy"), Head(5, b"xxxx"), 0, None),
        (Head(500, b"y" * 4), Head(500, b"xxxx"), 0, Range(ANN, 485, 500)),
        (Head(500, b"y" * 4), Head(500, b"xxxx"), 1, Range(ANN, 373, 500)),
        (Head(500, b"y" * 4), Head(500, b"xxxx"), 2, Range(ANN, 0, 500)),
        (Head(500, b"y" * 4), Head(500, b"xxxx"), 3, None),
    ],
)
def test_what_is_asked_for(
    here: Head | None, there: Head, asked_before: int, wanted: Range | None
) -> None:
    assert missing_range(ANN, here, there, asked_before) == wanted
