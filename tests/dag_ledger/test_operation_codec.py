"""Ops on objects to bytes and back (SPEC.md sections 8.12 to 8.16)."""

from collections.abc import Iterator
from typing import Any, cast

import msgpack
import pytest

from fogbank_dag_ledger.operation_codec import operation_value
from fogbank_dag_ledger.operations import Opening, object_id
from fogbank_dag_ledger.vertex_codec import decode_vertex, encode_vertex
from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId

from .vector_files import case_name, vectors

VECTORS = vectors("objects")
NETWORK = NetworkId(bytes.fromhex(VECTORS["network"]))


@pytest.mark.parametrize("case", VECTORS["accept"], ids=case_name)
def test_an_accepted_op_is_read_and_written_again(case: Any) -> None:
    data = bytes.fromhex(case["hex"])
    vertex = decode_vertex(data, NETWORK)
    assert encode_vertex(vertex) == data
    fields = decode(vertex.body)
    assert isinstance(fields, list)
    assert [operation_value(one) for one in vertex.operations] == fields[9]
    opened = [one for one in vertex.operations if isinstance(one, Opening)]
    assert [object_id(vertex.id, one.index).hex() for one in opened] == case["opens"]
    assert sorted(edge.hex() for edge in vertex.edges) == case["edges"]
    assert vertex.carries


@pytest.mark.parametrize("case", VECTORS["reject"], ids=case_name)
def test_a_rejected_op_breaks_its_rule(case: Any) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_vertex(bytes.fromhex(case["hex"]), NETWORK)
    assert caught.value.rule == case["rule"]


def places(value: Any, here: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield (*here, index)
            yield from places(item, (*here, index))


def changed(value: Any, place: tuple[int, ...], spoiler: Any) -> Any:
    first, *rest = place
    item = changed(value[first], tuple(rest), spoiler) if rest else spoiler
    return [*value[:first], item, *value[first + 1 :]]


SPOILERS = [-1, 1.0, None, True, "text", {}, [None], b"short", msgpack.ExtType(1, b"")]


@pytest.mark.parametrize("case", VECTORS["accept"], ids=case_name)
def test_what_is_no_value_of_an_op_is_refused_in_every_place(case: Any) -> None:
    vertex = decode_vertex(bytes.fromhex(case["hex"]), NETWORK)
    fields = decode(vertex.body)
    assert isinstance(fields, list)
    is_anchor = "anchor" in case["name"]
    for place in places(fields[9]):
        for spoiler in SPOILERS:
            if spoiler == b"short" and (is_anchor or "wrong" in case["name"]):
                continue  # a label and a receipt may be as short
            body = cast("bytes", msgpack.packb(changed(fields, (9, *place), spoiler)))
            with pytest.raises(RemoteProtocolError) as caught:
                decode_vertex(encode([body, bytes(64)]), NETWORK)
            assert caught.value.rule in ("8.3.1", "8.12.1")
