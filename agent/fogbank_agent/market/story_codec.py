"""A run's story as bytes for the journal: one canonical array an event."""

from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from typing import cast, get_args

from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId

from .reasons import Reason, reason_from_code
from .story import StoryEvent

# The place in the union is the number in the file: add new events at its end only, and to an event
# that is there fields with defaults.
_KINDS: Sequence[type[StoryEvent]] = get_args(StoryEvent)


def encode_story_event(event: StoryEvent) -> bytes:
    """Return ``[kind, field, …]``."""
    values = [_plain(getattr(event, field.name)) for field in fields(event)]
    return encode([_KINDS.index(type(event)), *values])


def _plain(value: object) -> Value:
    match value:
        case Reason():
            # A text to Python, but not to the encoding.
            return value.value
        case list() | tuple():
            return [_plain(item) for item in cast("Sequence[object]", value)]
        case _:
            return cast("Value", value)


def decode_story_event(data: bytes) -> StoryEvent:
    """Return what ``encode_story_event`` was given.

    Raises:
        RemoteProtocolError: the file was changed by somebody else.
    """
    match decode(data):
        case [int(kind), *values] if kind < len(_KINDS):
            event_class = _KINDS[kind]
        case _:
            raise RemoteProtocolError("not an event of a story", rule="2.1")
    names = [field.name for field in fields(event_class)]
    needed = sum(field.default is MISSING for field in fields(event_class))
    if not needed <= len(values) <= len(names):
        raise RemoteProtocolError("an event of another version", rule="2.1")
    # What an older version did not know of has its default.
    typed = [_typed(name, value) for name, value in zip(names, values, strict=False)]
    return cast("Callable[..., StoryEvent]", event_class)(*typed)


def _typed(name: str, value: Value) -> object:
    match name, value:
        case "reason", str(code):
            return reason_from_code(code)
        case "reasons", list(codes):
            return tuple(reason_from_code(str(code)) for code in codes)
        case "provider", bytes(provider):
            return NodeId(provider)
        case "providers", list(providers):
            return tuple(str(provider) for provider in providers)
        case _:
            return value
