"""Remembered addresses (SPEC.md section 5.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_protocol.discovery.address import Address
from fogbank_protocol.discovery.address_book import (
    AddressBook,
    decode_address_book,
    encode_address_book,
)
from fogbank_protocol.discovery.peer_list import PeerAddress
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId
from fogbank_protocol.limits import REMEMBERED_ADDRESSES_BYTES_MAX, REMEMBERED_ADDRESSES_MAX

ANN, BEN = (NodeId(bytes([letter]) * 32) for letter in b"ab")
FIRST, SECOND = Address("192.0.2.1", 1), Address("192.0.2.2", 2)


def test_the_latest_address_of_each_peer_is_remembered_first() -> None:
    book = AddressBook().remember(ANN, FIRST).remember(BEN, SECOND).remember(ANN, Address("::1", 3))
    assert book.entries == (PeerAddress(ANN, Address("::1", 3)), PeerAddress(BEN, SECOND))


def test_an_address_that_has_changed_hands_is_remembered_once() -> None:
    book = AddressBook().remember(ANN, FIRST).remember(BEN, FIRST)
    assert book.entries == (PeerAddress(BEN, FIRST),)


def test_what_is_on_top_already_changes_nothing() -> None:
    book = AddressBook().remember(ANN, FIRST)
    assert book.remember(ANN, FIRST) is book


def test_a_full_book_forgets_the_oldest_and_can_be_read_back() -> None:
    book = AddressBook()
    for number in range(REMEMBERED_ADDRESSES_MAX + 1):
        node_id = NodeId(number.to_bytes(32, "big"))
        book = book.remember(node_id, Address("2001:db8:1111:2222:3333:4444:5555:6666", number + 1))
    data = encode_address_book(book)
    assert len(book.entries) == REMEMBERED_ADDRESSES_MAX
    assert book.entries[-1].node_id == NodeId((1).to_bytes(32, "big"))
    assert len(data) <= REMEMBERED_ADDRESSES_BYTES_MAX
    assert decode_address_book(data) == book


@given(st.data())
def test_a_damaged_file_is_noticed_or_holds_addresses(data: st.DataObject) -> None:
    file = bytearray(encode_address_book(AddressBook().remember(ANN, FIRST)))
    file[data.draw(st.integers(0, len(file) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        book = decode_address_book(bytes(file))
    except RemoteProtocolError:
        return
    assert len(book.entries) <= 1


def test_a_file_of_something_else_is_noticed() -> None:
    for data in (b"", b"\xc0", b"\x91\xc0", b"\x91\x93\xc4\x00\xa0\x00"):
        with pytest.raises(RemoteProtocolError):
            decode_address_book(data)
