"""The locals of one function and the size of its frame (SPEC.md section 7.5)."""

from typing import Final

from .binary import encode_unsigned, read_unsigned
from .counter import DEPTH_MAX

FRAME_SIZE_PER_UNIT: Final = 64
"""So much of a frame's size weighs one unit of depth."""

_VALUE_SIZE: Final = 2
"""What a local or value adds to the size of a frame; a byte of code adds one."""


class Frame:
    """What one function keeps: its locals, a few of ours, and how deep it makes the stack."""

    def __init__(self, code: bytes, start: int, end: int, parameters: int) -> None:
        """Read the locals of the body in ``code`` from ``start`` to ``end``."""
        self.counter = encode_unsigned(parameters)
        """The index of the counter, a parameter after the function's own."""

        self._groups: list[tuple[int, int]] = []
        groups, at = read_unsigned(code, start)
        for _ in range(groups):
            count, at = read_unsigned(code, at)
            if count:
                self._groups.append((count, code[at]))
            at += 1
        self.code_start = at
        """Where the operators begin."""

        declared = sum(count for count, _ in self._groups)
        self.size = end - start + _VALUE_SIZE * (parameters + declared)
        """Grows with what calls and blocks take and give: see ``add_values``."""

        self.moved: bytes | None = None
        """Where the local is whose index the counter has taken."""

        self._next = parameters + 1
        if self._groups:
            # Only the first declared local moves, to the end: all others keep their numbers.
            count, kind = self._groups[0]
            self._groups[0] = (count - 1, kind)
            self._groups.append((1, kind))
            self.moved = encode_unsigned(parameters + declared)
            self._next = parameters + declared + 1
        self._scratch: dict[tuple[int, int], bytes] = {}

    @property
    def depth_units(self) -> int:
        """What a call of this function takes from the depth left."""
        # No run has more than DEPTH_MAX left, and what is taken must not reach beyond the guard.
        return min(1 + self.size // FRAME_SIZE_PER_UNIT, DEPTH_MAX + 1)

    def add_values(self, count: int) -> None:
        """Make room for ``count`` values that one operator takes and gives, whatever its length."""
        self.size += _VALUE_SIZE * count

    def scratch(self, kind: int, number: int = 0) -> bytes:
        """Return the index of a local of type ``kind`` for a moment's use, one per ``number``."""
        found = self._scratch.get((kind, number))
        if found is None:
            found = self._scratch[kind, number] = encode_unsigned(self._next)
            self._next += 1
            self._groups.append((1, kind))
        return found

    def encode_locals(self) -> bytes:
        """Return the declarations of all locals, ours among them."""
        groups = [encode_unsigned(count) + bytes([kind]) for count, kind in self._groups if count]
        return encode_unsigned(len(groups)) + b"".join(groups)
