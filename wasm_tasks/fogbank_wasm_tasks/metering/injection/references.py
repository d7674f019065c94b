"""References to imported functions in segments and globals, turned to their twins."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from .binary import encode_unsigned, encode_vector, read_unsigned, skip_integer
from .layout import read_constant

_PASSIVE, _EXPLICIT, _EXPRESSIONS = 1, 2, 4
"""The bits of a segment's flags (core specification, section 5.5.12)."""

_DECLARATION: Final = b"\x03\x00"
"""The beginning of a segment that only names functions."""


def rewrite_elements(
    section: bytes, twins: Mapping[int, int], referenced: Collection[int]
) -> bytes:
    """Return section 9 with each function in ``twins`` replaced by its twin.

    A body may refer to a function only if something outside of bodies names it.  What named it may
    have been an export, which names a wrapper now: so one segment more names all ``referenced``.
    """
    count, at = read_unsigned(section, 0)
    segments: list[bytes] = []
    for _ in range(count):
        segment, at = _rewrite_segment(section, at, twins)
        segments.append(segment)
    if referenced:
        names = encode_vector([encode_unsigned(each) for each in sorted(referenced)])
        segments.append(_DECLARATION + names)
    return encode_vector(segments)


def rewrite_globals(section: bytes, twins: Mapping[int, int], added: Sequence[bytes]) -> bytes:
    """Return section 6 with twins in its references, and the globals ``added`` after its own."""
    count, at = read_unsigned(section, 0)
    entries: list[bytes] = []
    for _ in range(count):
        value, after = _rewrite_constant(section, at + 2, twins)
        entries.append(section[at : at + 2] + value)
        at = after
    return encode_vector([*entries, *added])


def _rewrite_segment(section: bytes, at: int, twins: Mapping[int, int]) -> tuple[bytes, int]:
    start = at
    flags, at = read_unsigned(section, at)
    if not flags & _PASSIVE:
        if flags & _EXPLICIT:
            at = skip_integer(section, at)
        _, at = read_constant(section, at)
    if flags & (_PASSIVE | _EXPLICIT):
        at += 1
    head = section[start:at]
    count, at = read_unsigned(section, at)
    elements: list[bytes] = []
    for _ in range(count):
        if flags & _EXPRESSIONS:
            element, at = _rewrite_constant(section, at, twins)
        else:
            function, at = read_unsigned(section, at)
            element = encode_unsigned(twins.get(function, function))
        elements.append(element)
    return head + encode_vector(elements), at


def _rewrite_constant(data: bytes, at: int, twins: Mapping[int, int]) -> tuple[bytes, int]:
    function, after = read_constant(data, at)
    if function is None:
        return data[at:after], after
    return b"\xd2" + encode_unsigned(twins.get(function, function)) + b"\x0b", after
