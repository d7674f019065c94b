"""Reads the types of WebAssembly's binary format, refusing those of later features by name."""

from ..limits import PARAMETERS_MAX, TABLE_ELEMENTS_MAX
from .facts import FunctionType, PageLimits, ValueType
from .reader import Reader, refuse

_FUNCTION_TYPE = 0x60
_VALUE_TYPES = {each.code: each for each in ValueType}
_REFERENCE_TYPES = (ValueType.FUNCREF, ValueType.EXTERNREF)

_HAS_MAXIMUM = 0x01
_SHARED = 0x02
_SIXTY_FOUR_BITS = 0x04
_PAGES_MAX = 65_536

VALUE_TYPE_CODES = frozenset(_VALUE_TYPES)
"""The bytes that are value types."""


def read_value_type(reader: Reader) -> ValueType:
    """Read one value type."""
    code = reader.byte()
    found = _VALUE_TYPES.get(code)
    if found is None:
        feature = "typed function references or GC" if 0x60 <= code < 0x78 else "an unknown type"
        raise refuse(f"it uses {feature} (0x{code:02X})")
    return found


def read_reference_type(reader: Reader) -> ValueType:
    """Read the type of a table's elements."""
    found = read_value_type(reader)
    if found not in _REFERENCE_TYPES:
        raise refuse("a table of numbers")
    return found


def read_function_type(reader: Reader) -> FunctionType:
    """Read one entry of the type section, which must be a function type."""
    form = reader.byte()
    if form != _FUNCTION_TYPE:
        raise refuse(f"it uses GC (type form 0x{form:02X})")
    parameters = tuple(
        read_value_type(reader) for _ in range(reader.count(PARAMETERS_MAX, "parameters"))
    )
    results = tuple(read_value_type(reader) for _ in range(reader.count(PARAMETERS_MAX, "results")))
    return FunctionType(parameters, results)


def read_memory_type(reader: Reader) -> PageLimits:
    """Read the limits of a memory, which must be neither shared nor of 64 bits."""
    flags = reader.byte()
    if flags & _SIXTY_FOUR_BITS:
        raise refuse("it uses memory64")
    if flags & _SHARED:
        raise refuse("it uses shared memory")
    if flags > _HAS_MAXIMUM:
        raise refuse("it uses custom page sizes")
    minimum = reader.u32()
    maximum = reader.u32() if flags & _HAS_MAXIMUM else None
    if max(minimum, maximum or 0) > _PAGES_MAX or (maximum is not None and maximum < minimum):
        raise refuse("malformed limits of a memory")
    return PageLimits(minimum, maximum)


def read_table_type(reader: Reader) -> None:
    """Read the type of a table, which must begin small enough."""
    read_reference_type(reader)
    flags = reader.byte()
    if flags & _SIXTY_FOUR_BITS:
        raise refuse("it uses memory64")
    if flags & _SHARED:
        raise refuse("it uses threads")
    if flags > _HAS_MAXIMUM:
        raise refuse("malformed limits of a table")
    minimum = reader.u32()
    maximum = reader.u32() if flags & _HAS_MAXIMUM else None
    if maximum is not None and maximum < minimum:
        raise refuse("malformed limits of a table")
    if minimum > TABLE_ELEMENTS_MAX:
        raise refuse(f"a table of {minimum} elements, at most {TABLE_ELEMENTS_MAX} allowed")
