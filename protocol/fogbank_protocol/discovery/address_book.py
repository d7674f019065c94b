"""Addresses to which a channel was opened, for the next life (SPEC.md section 5.2).

The book is a value: a shell keeps it in a file.  Nothing in it is trusted more than any hint.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..encoding import decode, encode
from ..errors import RemoteProtocolError
from ..identity import NodeId
from ..limits import REMEMBERED_ADDRESSES_BYTES_MAX, REMEMBERED_ADDRESSES_MAX
from .address import Address
from .peer_list import PeerAddress, peer_from_value


@dataclass(frozen=True, slots=True)
class AddressBook:
    """Remembered addresses, the latest first, one a node id."""

    entries: Sequence[PeerAddress] = ()

    def remember(self, node_id: NodeId, address: Address) -> "AddressBook":
        """Return the book with this address on top; the oldest entry makes room if need be."""
        newest = PeerAddress(node_id, address)
        if self.entries and self.entries[0] == newest:
            return self
        others = [
            entry for entry in self.entries if entry.node_id != node_id and entry.address != address
        ]
        return AddressBook((newest, *others[: REMEMBERED_ADDRESSES_MAX - 1]))


def encode_address_book(book: AddressBook) -> bytes:
    """Return the bytes of the file that remembers ``book``."""
    return encode([entry.to_value() for entry in book.entries])


def decode_address_book(data: bytes) -> AddressBook:
    """Return the book that was remembered as ``data``.

    Raises:
        RemoteProtocolError: it is not such a file, or a damaged one.
    """
    match decode(data, bytes_max=REMEMBERED_ADDRESSES_BYTES_MAX):
        case [*entries] if len(entries) <= REMEMBERED_ADDRESSES_MAX:
            return AddressBook(tuple(peer_from_value(entry) for entry in entries))
        case _:
            raise RemoteProtocolError("not an address book", rule="5.2")
