"""Terms in their one spelling (SPEC.md section 7.8)."""

from typing import Any

import pytest

from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.run import RunRequest
from fogbank_wasm_tasks.verification.terms import (
    StepPlan,
    decode_terms,
    make_terms,
    terms_to_value,
)

REQUEST = RunRequest(
    input=b"in", fuel_max=9, arguments=["a", "b"], environment=[("A", "1"), ("B", "2")], seed=3
)
TERMS = make_terms(blob_id(b"package"), REQUEST, StepPlan(2, 5))


def test_terms_come_back_and_ask_for_the_same_run() -> None:
    data = encode(terms_to_value(TERMS))

    read = decode_terms(data)

    assert read == TERMS
    assert read.terms_id() == TERMS.terms_id()
    again = read.request(b"in", wall_s_max=REQUEST.wall_s_max)
    assert make_terms(read.package_id, again, read.plan) == TERMS


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, 2),
        (0, True),
        (1, 2),
        (2, bytes(31)),
        (3, ["a\0"]),
        (3, [b"a"]),
        (3, ["a"] * 65),
        (4, [["B", ""], ["A", ""]]),
        (4, [["", ""]]),
        (4, [["A"]]),
        (5, True),
        (6, 1 << 62),
        (7, 268_435_457),
        (8, 67_108_865),
        (9, []),
        (9, [0, 1]),
        (9, [1, 0]),
        (9, [1 << 31, 1]),
        (9, [1, 1 << 40]),
        (9, [True, 1]),
    ],
)
def test_what_are_no_terms_is_refused(place: int, value: Any) -> None:
    fields = decode(encode(terms_to_value(TERMS)))
    assert isinstance(fields, list)
    fields[place] = value

    with pytest.raises(RemoteProtocolError) as caught:
        decode_terms(encode(fields))
    assert caught.value.rule == "7.8"
