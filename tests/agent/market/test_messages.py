"""What carries the market's signed objects, by its vectors (SPEC.md sections 9.1 to 9.8)."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.market.agreements import AgreementId
from fogbank_agent.market.commitments import decode_reveal, encode_reveal
from fogbank_agent.market.run_messages import (
    decode_run_item,
    decode_run_opening,
    encode_run_item,
    encode_run_opening,
)
from fogbank_agent.market.service_messages import (
    decode_call,
    decode_service_item,
    decode_service_opening,
    decode_stop,
    encode_call,
    encode_service_item,
    encode_service_opening,
    encode_stop,
)
from fogbank_agent.market.settlements import (
    decode_close,
    decode_settlement,
    encode_close,
    encode_settlement,
)
from fogbank_agent.market.tally import next_root
from fogbank_agent.market.told_offers import decode_told, encode_told
from fogbank_protocol.errors import RemoteProtocolError

from .objects import check_refused, kind_and_name, vectors

VECTORS = vectors("messages")


def write_call(call: tuple[AgreementId, bytes]) -> bytes:
    return encode_call(*call)


READERS: dict[str, Any] = {
    "settlement": (decode_settlement, encode_settlement),
    "opening": (decode_run_opening, encode_run_opening),
    "item": (decode_run_item, encode_run_item),
    "told": (decode_told, encode_told),
    "reveal": (decode_reveal, encode_reveal),
    "close": (decode_close, encode_close),
    "service": (decode_service_opening, encode_service_opening),
    "charged": (decode_service_item, encode_service_item),
    "call": (decode_call, write_call),
    "stop": (decode_stop, encode_stop),
}


@pytest.mark.parametrize("case", VECTORS["accept"], ids=kind_and_name)
def test_an_accepting_vector_is_read_and_written_again(case: dict[str, str]) -> None:
    read, write = READERS[case["kind"]]
    body = bytes.fromhex(case["body"])
    if b"a_code_of_tomorrow" in body:
        # An unknown code is read as ``other``.
        assert len(write(read(body))) < len(body)
    else:
        assert write(read(body)) == body


@pytest.mark.parametrize("case", VECTORS["reject"], ids=kind_and_name)
def test_a_rejecting_vector_is_refused_for_its_reason(case: dict[str, str]) -> None:
    check_refused(case, READERS[case["kind"]][0])


@pytest.mark.parametrize("case", VECTORS["roots"], ids=lambda case: case["root"][:8])
def test_the_root_of_a_voucher_follows_from_what_it_pays(case: dict[str, Any]) -> None:
    paid = [AgreementId(bytes.fromhex(one)) for one in case["paid"]]
    assert next_root(bytes.fromhex(case["before"]), paid) == bytes.fromhex(case["root"])


@given(data=st.binary(max_size=300), kind=st.sampled_from(sorted(READERS)))
def test_hostile_bytes_raise_one_class_only(data: bytes, kind: str) -> None:
    with suppress(RemoteProtocolError):
        READERS[kind][0](data)
