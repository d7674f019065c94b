"""The file of addresses for the next life (SPEC.md section 5.2)."""

from logging import getLogger
from pathlib import Path

import trio

from ..discovery.address import Address
from ..discovery.address_book import AddressBook, decode_address_book, encode_address_book
from ..errors import RemoteProtocolError
from ..identity import NodeId
from ..limits import ADDRESS_BOOK_INTERVAL_S

_logger = getLogger(__name__)


class RememberedAddresses:
    """An address book in a file; only hints are in it, so no failure is worth more than a line."""

    def __init__(self, file: Path | None) -> None:
        """Read ``file`` if there is one; with None everything is forgotten at the end."""
        self._file = file
        self.book = AddressBook() if file is None else _read(file)
        self._changed = trio.Event()

    def remember(self, node_id: NodeId, address: Address) -> None:
        """Put an address on top of the book."""
        book = self.book.remember(node_id, address)
        if book is not self.book:
            self.book = book
            self._changed.set()

    async def run(self) -> None:
        """Write the file after changes, but seldom, and when cancelled."""
        if self._file is None:
            return
        while True:
            try:
                await self._changed.wait()
                # Not at each change: memory cards wear.
                await trio.sleep(ADDRESS_BOOK_INTERVAL_S)
            finally:
                if self._changed.is_set():
                    _write(self._file, self.book)
                    self._changed = trio.Event()


def _read(file: Path) -> AddressBook:
    try:
        return decode_address_book(file.read_bytes())
    except FileNotFoundError:
        return AddressBook()
    except (OSError, RemoteProtocolError) as error:
        _logger.warning("the remembered addresses in %s are lost: %s", file, error)
        return AddressBook()


def _write(file: Path, book: AddressBook) -> None:
    beside = file.with_name(file.name + ".writing")
    try:
        beside.write_bytes(encode_address_book(book))
        beside.replace(file)
    except OSError as error:
        _logger.warning("addresses cannot be remembered in %s: %s", file, error)
