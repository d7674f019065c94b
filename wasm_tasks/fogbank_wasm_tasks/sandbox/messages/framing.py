"""Where a message begins and ends in a pipe, and what the short ones begin with."""

from typing import Final

LENGTH_BYTES: Final = 4
RULE: Final = "7.6"
"""The section of SPEC.md that a message breaks."""

COMPACT: Final = b"\xc1"
"""Begins the messages of which there are thousands a second; no canonical value begins so."""


def frame(message: bytes) -> bytes:
    """Return ``message`` with its length before it."""
    return len(message).to_bytes(LENGTH_BYTES, "big") + message
