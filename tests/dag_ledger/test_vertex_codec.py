"""Vertices to bytes and back (SPEC.md sections 8.2 and 8.3)."""

from collections.abc import Iterator
from typing import Any, cast

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_dag_ledger.genesis import decode_genesis
from fogbank_dag_ledger.vertex import NO_VERTEX, ORDINARY, Draft, Payment, preimage
from fogbank_dag_ledger.vertex_codec import (
    check_signature,
    decode_vertex,
    encode_vertex,
    sign_vertex,
)
from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.identity import NetworkId, NodeId

from .community import Community, people
from .vector_files import case_name, vectors

VECTORS = vectors("vertices")
NETWORK = NetworkId(bytes.fromhex(VECTORS["network"]))
SMALL = bytes.fromhex(VECTORS["accept"][1]["hex"])


@pytest.mark.parametrize("case", VECTORS["accept"], ids=case_name)
def test_an_accepted_vector_is_read_and_written_again(case: Any) -> None:
    data = bytes.fromhex(case["hex"])
    vertex = decode_vertex(data, NETWORK)
    check_signature(vertex, NETWORK)
    assert vertex.id.hex() == case["id"]
    assert preimage(NETWORK, vertex.id).hex() == case["preimage"]
    assert (vertex.issuer.hex(), vertex.seq) == (case["issuer"], case["seq"])
    assert sorted(edge.hex() for edge in vertex.edges) == case["edges"]
    assert vertex.carries == case["carries"]
    assert encode_vertex(vertex) == data


@pytest.mark.parametrize("case", VECTORS["reject"], ids=case_name)
def test_a_rejected_vector_breaks_its_rule(case: Any) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        check_signature(decode_vertex(bytes.fromhex(case["hex"]), NETWORK), NETWORK)
    assert caught.value.rule == case["rule"]


def test_the_vectors_are_of_the_network_whose_genesis_they_give() -> None:
    assert decode_genesis(bytes.fromhex(VECTORS["genesis"])).network == NETWORK


def test_every_rule_of_form_has_a_rejected_vector() -> None:
    rules = {case["rule"] for case in VECTORS["reject"]}
    # Whether the epoch is right only the past cone can tell.
    of_form = {f"8.3.{number}" for number in range(1, 13) if number != 7}
    assert rules == of_form | {"8.18.1", "8.19.1"}


def test_every_truncation_and_every_flipped_bit_is_refused() -> None:
    spoilt = [SMALL[:length] for length in range(len(SMALL))]
    for place in range(len(SMALL)):
        for bit in range(8):
            changed = bytearray(SMALL)
            changed[place] ^= 1 << bit
            spoilt.append(bytes(changed))
    for data in spoilt:
        with pytest.raises(RemoteProtocolError):
            check_signature(decode_vertex(data, NETWORK), NETWORK)


@given(st.binary(max_size=300))
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_vertex(data, NETWORK)


@given(
    st.lists(
        st.one_of(
            st.integers(0, (1 << 64) - 1),
            st.booleans(),
            st.binary(max_size=40),
            st.lists(st.lists(st.one_of(st.integers(0, 9), st.binary(max_size=33)), max_size=4)),
        ),
        min_size=14,
        max_size=14,
    )
)
def test_fields_of_any_type_are_read_or_refused(fields: list[Any]) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_vertex(encode([encode(fields), bytes(64)]), NETWORK)


SPOILERS = [-1, -(1 << 63), 1.0, None, True, "text", [], [-1], {}, msgpack.ExtType(1, b""), b""]


def places(value: Any, here: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Yield the place of everything in ``value``, as the indices that lead there."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield (*here, index)
            yield from places(item, (*here, index))


def changed(value: Any, place: tuple[int, ...], spoiler: Any) -> Any:
    first, *rest = place
    item = changed(value[first], tuple(rest), spoiler) if rest else spoiler
    return [*value[:first], item, *value[first + 1 :]]


def test_what_is_no_value_of_the_encoding_is_refused_in_every_place() -> None:
    community = Community()
    source = community.vertex(4, pays={5: 3})
    vertex = community.vertex(5, parents=[source], pays={4: 1}, claims=[(source, 3)])
    fields = decode(vertex.body)
    for place in places(fields):
        for spoiler in SPOILERS:
            body = cast("bytes", msgpack.packb(changed(fields, place, spoiler)))
            if body == vertex.body or (spoiler == [] and place in [(6,), (8,), (9,)]):
                continue
            wire = encode([body, bytes(64)])
            with pytest.raises(RemoteProtocolError) as caught:
                decode_vertex(wire, community.network)
            assert caught.value.rule == ("8.3.5" if (place, spoiler) == ((5,), b"") else "8.3.1")


@given(st.data())
def test_what_is_read_is_canonical_to_the_strict_decoder_too(data: st.DataObject) -> None:
    wire = bytearray.fromhex(data.draw(st.sampled_from(VECTORS["accept"]))["hex"])
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(wire) - 1))
        length = data.draw(st.integers(0, 3))
        wire[place : place + length] = data.draw(st.binary(max_size=4))
    try:
        vertex = decode_vertex(bytes(wire), NETWORK)
    except RemoteProtocolError:
        return
    assert decode(bytes(wire)) == [vertex.body, vertex.signature]
    decode(vertex.body)


def test_nobody_signs_for_another_or_against_the_rules() -> None:
    community, stranger = Community(), people(8)[0]
    draft = Draft(ORDINARY, community.names[1], 0, NO_VERTEX)
    with pytest.raises(LocalProtocolError, match="another issuer"):
        sign_vertex(draft, stranger, community.network)
    paying_oneself = Draft(
        ORDINARY, community.names[1], 0, NO_VERTEX, payments=[Payment(community.names[1], 1)]
    )
    with pytest.raises(LocalProtocolError, match=r"8\.3\.9"):
        community.sign(paying_oneself)


def test_the_time_on_a_vertex_is_part_of_it_and_means_nothing() -> None:
    community = Community()
    draft = Draft(ORDINARY, community.names[1], 0, NO_VERTEX)
    early, late = community.sign(draft, 0), community.sign(draft, 5)
    assert early.id != late.id
    assert (early.unix_time_s, late.unix_time_s) == (0, 5)
    assert NodeId(late.issuer) == community.names[1]
