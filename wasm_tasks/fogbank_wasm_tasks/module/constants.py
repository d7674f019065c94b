"""Reads the constant expressions that initialise globals and place segments."""

from .reader import Reader, refuse
from .types import VALUE_TYPE_CODES

_END = 0x0B
_EXTENDED = frozenset((0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E))


def read_constant(reader: Reader) -> None:
    """Read one constant expression: a single constant, reference or global, and its end."""
    operator = reader.byte()
    match operator:
        case 0x41:
            reader.signed(32)
        case 0x42:
            reader.signed(64)
        case 0x43:
            reader.bytes(4)
        case 0x44:
            reader.bytes(8)
        case 0x23 | 0xD2:  # global.get, ref.func
            reader.u32()
        case 0xD0:  # ref.null
            if reader.byte() not in VALUE_TYPE_CODES & {0x70, 0x6F}:
                raise refuse("it uses typed function references or GC")
        case 0xFD:
            if reader.u32() != 0x0C:
                raise refuse("a constant expression with another operator than a constant")
            reader.bytes(16)
        case _:
            raise refuse("a constant expression with another operator than a constant")
    following = reader.byte()
    if following != _END:
        feature = "extended constant expressions" if _follows(following) else "it is malformed"
        raise refuse(f"a constant expression of more than one operator ({feature})")


def _follows(operator: int) -> bool:
    return operator in _EXTENDED or operator in (0x41, 0x42, 0x23)
