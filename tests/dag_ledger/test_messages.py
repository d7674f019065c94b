"""The bodies of the ledger's methods, by vectors and by hostile bytes (SPEC.md section 8.7)."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_dag_ledger.limits import PAGE_BYTES_MAX, PAGE_VERTICES_MAX
from fogbank_dag_ledger.messages import (
    decode_fetch,
    decode_frontier,
    decode_head_request,
    decode_heads,
    decode_proof_message,
    decode_vertices,
    decode_wanted,
    encode_frontier,
    encode_head_request,
    encode_ids,
    encode_proof_message,
    encode_vertices,
    encode_wanted,
    page_end,
    pages,
)
from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.errors import RemoteProtocolError

from .vector_files import case_name, vectors

VECTORS = vectors("gossip")

BOTH_WAYS: dict[str, Callable[[bytes], bytes]] = {
    "page": lambda body: encode_vertices(decode_vertices(body)),
    "frontier": lambda body: encode_frontier(decode_frontier(body)),
    "ledger.range": lambda body: encode_wanted(decode_wanted(body)),
    "ledger.fetch": lambda body: encode_ids(decode_fetch(body)),
    "heads": lambda body: encode_ids(decode_heads(body)),
    "ledger.head": lambda body: encode_head_request(decode_head_request(body)),
    "ledger.proof": lambda body: encode_proof_message(decode_proof_message(body)),
}


@pytest.mark.parametrize("case", VECTORS["accept"], ids=case_name)
def test_an_accepted_body_is_written_again_as_it_was(case: Any) -> None:
    body = bytes.fromhex(case["hex"])
    assert BOTH_WAYS[case["message"]](body) == body


@pytest.mark.parametrize("case", VECTORS["reject"], ids=case_name)
def test_a_rejected_body_names_its_rule(case: Any) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        BOTH_WAYS[case["message"]](bytes.fromhex(case["hex"]))
    assert caught.value.rule == case["rule"]


values: st.SearchStrategy[Value] = st.recursive(
    st.one_of(st.booleans(), st.integers(0, 300), st.binary(max_size=40), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=6,
)


@given(st.sampled_from(sorted(BOTH_WAYS)), st.one_of(st.binary(max_size=60), values.map(encode)))
def test_hostile_bodies_raise_remote_errors_only(message: str, body: bytes) -> None:
    try:
        again = BOTH_WAYS[message](body)
    except RemoteProtocolError:
        return
    assert again == body


@given(st.lists(st.integers(0, 9_000), max_size=600))
def test_pages_hold_everything_in_order_within_their_bounds(sizes: list[int]) -> None:
    vertices = [bytes([number % 256]) * size for number, size in enumerate(sizes)]
    cut = list(pages(vertices))
    assert [vertex for page in cut for vertex in page] == vertices
    for page in cut:
        assert 1 <= len(page) <= PAGE_VERTICES_MAX
        assert len(encode_vertices(page)) <= PAGE_BYTES_MAX
        assert page_end(map(len, page)) == len(page)


def test_a_page_that_is_too_large_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        decode_vertices(encode([bytes(PAGE_BYTES_MAX)]))
