"""Checkpoints and messages about them, as bytes (SPEC.md section 8.21)."""

from collections.abc import Callable
from typing import Any

import pytest

from fogbank_dag_ledger.checkpoint import (
    NO_CHECKPOINT,
    Checkpoint,
    CheckpointHash,
    check_signatures,
    decode_checkpoint,
    decode_names,
    decode_names_request,
    decode_newest,
    decode_nothing,
    decode_records,
    decode_signed,
    decode_state_request,
    encode_names,
    encode_names_request,
    encode_newest,
    encode_records,
    encode_signed,
    encode_state_request,
    new_checkpoint,
    preimage,
)
from fogbank_dag_ledger.checkpoint_state import decode_record, encode_record
from fogbank_dag_ledger.committee_proof import decode_committee_request, encode_committee_request
from fogbank_dag_ledger.limits import RECORD_BYTES_MAX, STATE_PAGE_BYTES_MAX
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId, NodeId

from .vector_files import case_name, vectors

NET = NetworkId(b"network!")
ONE, OTHER = VertexId(b"1" * 32), VertexId(b"2" * 32)
NAME = CheckpointHash(b"h" * 32)
SIGNED = {NodeId(b"s" * 32): bytes(64), NodeId(b"t" * 32): b"x" * 64}


def checkpoint(**changes: Any) -> Checkpoint:
    fields: dict[str, Any] = {
        "height": 0,
        "previous": NO_CHECKPOINT,
        "epoch": 5,
        "heads": (ONE, OTHER),
        "dead": (OTHER,),
        "state_root": b"r" * 32,
        "record_count": 3,
        "names_root": b"n" * 32,
        "name_count": 7,
    }
    return new_checkpoint(NET, **(fields | changes))


def test_a_checkpoint_comes_back_as_it_was() -> None:
    one = checkpoint()
    assert decode_checkpoint(one.body, NET) == one
    assert checkpoint(height=1, previous=NAME).hash != one.hash


@pytest.mark.parametrize(
    "changes",
    [
        {"height": 1},
        {"previous": NAME},
        {"heads": ()},
        {"heads": (OTHER, ONE)},
        {"heads": (ONE, ONE)},
        {"dead": (b"short",)},
        {"state_root": b""},
        {"names_root": bytes(31)},
        {"record_count": 0},
        {"record_count": True},
        {"name_count": 0},
        {"name_count": 8_193},
        {"height": 1 << 32, "previous": NAME},
    ],
)
def test_what_is_no_checkpoint_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        checkpoint(**changes)
    assert caught.value.rule == "8.21"


def test_another_network_or_version_is_refused() -> None:
    body = checkpoint().body
    fields = decode(body)
    assert isinstance(fields, list)
    for wrong in (body[:-1], encode([2, *fields[1:]]), encode(fields[:-1])):
        with pytest.raises(RemoteProtocolError):
            decode_checkpoint(wrong, NET)
    with pytest.raises(RemoteProtocolError):
        decode_checkpoint(body, NetworkId(b"another!"))


MESSAGES: list[tuple[bytes, Callable[[bytes], Any], Any]] = [
    (encode_signed(b"body", SIGNED), decode_signed, (b"body", SIGNED)),
    (encode_newest([]), decode_newest, []),
    (encode_newest([(b"body", SIGNED)] * 2), decode_newest, [(b"body", SIGNED)] * 2),
    (encode([]), decode_nothing, None),
    (encode_state_request(NAME, 5), decode_state_request, (NAME, 5)),
    (encode_records([b"one", b"two"]), decode_records, [b"one", b"two"]),
    (encode_names_request(NAME), decode_names_request, NAME),
    (encode_names([ONE, OTHER]), decode_names, (ONE, OTHER)),
]


@pytest.mark.parametrize(("data", "decode_it", "value"), MESSAGES)
def test_messages_come_back_and_no_truncation_is_taken(
    data: bytes, decode_it: Callable[[bytes], Any], value: Any
) -> None:
    assert decode_it(data) == value
    for end in range(len(data)):
        with pytest.raises(RemoteProtocolError):
            decode_it(data[:end])
    with pytest.raises(RemoteProtocolError):
        decode_it(encode([1, [2], b"3"]))


@pytest.mark.parametrize(
    ("data", "decode_it"),
    [
        (encode([b"body", []]), decode_signed),
        (encode([b"body", [[b"s" * 32, bytes(63)]]]), decode_signed),
        (encode([b"body", [[b"s" * 32, bytes(64)]] * 2]), decode_signed),
        (encode([[b"body", [[b"s" * 32, bytes(64)]]]] * 3), decode_newest),
        (encode([]), decode_records),
        (encode([bytes(2_049)]), decode_records),
        (encode([1]), decode_records),
        (encode([b""]), decode_names),
        (encode([OTHER + ONE]), decode_names),
        (encode([NAME, 1 << 32]), decode_state_request),
        (encode([NAME[1:]]), decode_names_request),
    ],
)
def test_what_breaks_a_bound_is_refused(data: bytes, decode_it: Callable[[bytes], Any]) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_it(data)


ALL = vectors("checkpoints")
VECTORS_NET = NetworkId(bytes.fromhex(ALL["network"]))
DECODERS: dict[str, Callable[[bytes], Any]] = {
    "ledger.checkpoint": decode_signed,
    "ledger.names": decode_names,
}


SNAPSHOTS = vectors("snapshots")
READERS: dict[str, Callable[[bytes], Any]] = {
    **DECODERS,
    "newest asked": decode_nothing,
    "ledger.newest": decode_newest,
    "state asked": decode_state_request,
    "ledger.state": decode_records,
    "names asked": decode_names_request,
    "committee asked": decode_committee_request,
}
WRITERS: dict[str, Callable[[Any], bytes]] = {
    "ledger.checkpoint": lambda read: encode_signed(*read),
    "ledger.names": encode_names,
    "newest asked": lambda _: encode([]),
    "ledger.newest": encode_newest,
    "state asked": lambda read: encode_state_request(*read),
    "ledger.state": encode_records,
    "names asked": encode_names_request,
    "committee asked": encode_committee_request,
}


@pytest.mark.parametrize("case", SNAPSHOTS["accept"], ids=case_name)
def test_what_a_beginner_is_told_is_read_and_written_again(case: Any) -> None:
    data, message = bytes.fromhex(case["hex"]), case["message"]
    assert WRITERS[message](READERS[message](data)) == data


@pytest.mark.parametrize("case", SNAPSHOTS["reject"], ids=case_name)
def test_what_a_beginner_refuses_names_its_rule(case: Any) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        READERS[case["message"]](bytes.fromhex(case["hex"]))
    assert caught.value.rule == case["rule"]


@pytest.mark.parametrize("case", SNAPSHOTS["signed"], ids=case_name)
def test_signatures_of_seats_hold(case: Any) -> None:
    body, signatures = decode_signed(bytes.fromhex(case["hex"]))
    assert body.hex() == SNAPSHOTS["checkpoint"]
    name = decode_checkpoint(body, VECTORS_NET).hash
    check_signatures(name, signatures, VECTORS_NET)


@pytest.mark.parametrize("case", SNAPSHOTS["not signed"], ids=case_name)
def test_other_signatures_do_not(case: Any) -> None:
    body, signatures = decode_signed(bytes.fromhex(case["hex"]))
    name = decode_checkpoint(body, VECTORS_NET).hash
    with pytest.raises(RemoteProtocolError) as caught:
        check_signatures(name, signatures, VECTORS_NET)
    assert caught.value.rule == case["rule"]


def test_a_page_of_a_state_is_bounded() -> None:
    full = [bytes(RECORD_BYTES_MAX)] * (STATE_PAGE_BYTES_MAX // RECORD_BYTES_MAX)
    assert decode_records(encode_records(full)) == full
    with pytest.raises(RemoteProtocolError):
        decode_records(encode_records([*full, b"x"]))


@pytest.mark.parametrize("case", ALL["accept"], ids=case_name)
def test_checkpoints_of_the_vectors_are_read(case: Any) -> None:
    read = decode_checkpoint(bytes.fromhex(case["hex"]), VECTORS_NET)
    assert read.hash.hex() == case["hash"]
    assert preimage(VECTORS_NET, read.hash).hex() == case["preimage"]


@pytest.mark.parametrize("case", ALL["reject"], ids=case_name)
def test_what_the_vectors_refuse_is_refused(case: Any) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_checkpoint(bytes.fromhex(case["hex"]), VECTORS_NET)
    assert caught.value.rule == case["rule"]


@pytest.mark.parametrize("case", ALL["records"], ids=case_name)
def test_records_of_the_vectors_come_back_under_their_keys(case: Any) -> None:
    data = bytes.fromhex(case["hex"])
    assert encode_record(decode_record(data)) == (bytes.fromhex(case["key"]), data)


@pytest.mark.parametrize("case", ALL["no_records"], ids=case_name)
def test_what_is_no_record_is_refused(case: Any) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_record(bytes.fromhex(case["hex"]))
    assert caught.value.rule == case["rule"]


@pytest.mark.parametrize("case", ALL["messages"], ids=case_name)
def test_messages_of_the_vectors_are_read(case: Any) -> None:
    DECODERS[case["message"]](bytes.fromhex(case["hex"]))


@pytest.mark.parametrize("case", ALL["no_messages"], ids=case_name)
def test_messages_that_the_vectors_refuse_are_refused(case: Any) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        DECODERS[case["message"]](bytes.fromhex(case["hex"]))
    assert caught.value.rule == case["rule"]
