"""A run's linear memory as the host sees it: every access is checked."""

from typing import Protocol


class AddressFault(Exception):
    """An address range that a run named does not lie inside its memory."""


class GuestMemory(Protocol):
    """The linear memory of a run."""

    def size(self) -> int:
        """Return how many bytes the memory has now."""
        ...

    def read(self, address: int, length: int) -> bytes:
        """Return a copy of ``length`` bytes at ``address``; AddressFault when outside."""
        ...

    def write(self, address: int, data: bytes) -> None:
        """Copy ``data`` to ``address``; AddressFault when outside."""
        ...


def check_range(memory: GuestMemory, address: int, length: int) -> None:
    """Check that ``length`` bytes at ``address`` lie inside ``memory``.

    Raises:
        AddressFault: they do not.
    """
    if address + length > memory.size():
        raise AddressFault
