"""What a peer wrote, made harmless for logs and people."""

from ..limits import LOGGED_TEXT_MAX


def printable(text: str) -> str:
    """Return ``text`` without what could move a cursor or begin a line, and not too long."""
    kept = "".join(letter if letter.isprintable() else "?" for letter in text[:LOGGED_TEXT_MAX])
    return kept + "…" if len(text) > LOGGED_TEXT_MAX else kept
