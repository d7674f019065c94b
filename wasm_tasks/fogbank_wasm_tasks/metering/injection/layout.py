"""The sections of a checked module, as far as the rewriter must know them."""

from dataclasses import dataclass
from typing import Final

from .binary import read_unsigned, skip_integer

TYPES, IMPORTS, FUNCTIONS, TABLES, GLOBALS, EXPORTS = 1, 2, 3, 4, 6, 7
START, ELEMENTS, CODE = 8, 9, 10
_ORDER: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11)
_HEADER_BYTES: Final = 8
_REF_FUNC: Final = 0xD2
_INTEGER_CONSTANTS: Final = frozenset((0x23, 0x41, 0x42, _REF_FUNC))
_FIXED_CONSTANTS: Final = {0x43: 4, 0x44: 8, 0xD0: 1, 0xFD: 17}


@dataclass(frozen=True, slots=True)
class FunctionType:
    """Parameters and results, one byte each."""

    parameters: bytes
    results: bytes


@dataclass(frozen=True, slots=True)
class Layout:
    """A module, taken apart."""

    sections: dict[int, bytes]
    types: list[FunctionType]
    functions: list[int]
    """The index of each function's type, imported ones first."""

    imports: int
    globals: int


def read_layout(module: bytes) -> Layout:
    """Take apart ``module``, which passed ``check_module``; custom sections are left out."""
    sections: dict[int, bytes] = {}
    at = _HEADER_BYTES
    while at < len(module):
        number = module[at]
        size, at = read_unsigned(module, at + 1)
        if number:
            sections[number] = module[at : at + size]
        at += size
    imported = _read_imports(sections.get(IMPORTS, b"\0"))
    count, at = read_unsigned(sections.get(GLOBALS, b"\0"), 0)
    return Layout(
        sections=sections,
        types=_read_types(sections.get(TYPES, b"\0")),
        functions=imported + _read_indices(sections.get(FUNCTIONS, b"\0")),
        imports=len(imported),
        globals=count,
    )


def in_order(sections: dict[int, bytes]) -> list[tuple[int, bytes]]:
    """Return ``sections`` in the order in which a module has them."""
    return [(number, sections[number]) for number in _ORDER if number in sections]


def read_constant(data: bytes, at: int) -> tuple[int | None, int]:
    """Return the function that the constant expression at ``at`` names, and the place after it."""
    operator = data[at]
    at += 1
    function = None
    if operator == _REF_FUNC:
        function, at = read_unsigned(data, at)
    elif operator in _INTEGER_CONSTANTS:
        at = skip_integer(data, at)
    else:
        at += _FIXED_CONSTANTS[operator]
    return function, at + 1


def _read_types(section: bytes) -> list[FunctionType]:
    count, at = read_unsigned(section, 0)
    types: list[FunctionType] = []
    for _ in range(count):
        size, at = read_unsigned(section, at + 1)
        parameters = section[at : at + size]
        size, at = read_unsigned(section, at + size)
        types.append(FunctionType(parameters, section[at : at + size]))
        at += size
    return types


def _read_imports(section: bytes) -> list[int]:
    count, at = read_unsigned(section, 0)
    types: list[int] = []
    for _ in range(count):
        for _ in range(2):
            size, at = read_unsigned(section, at)
            at += size
        kind, at = read_unsigned(section, at + 1)
        types.append(kind)
    return types


def _read_indices(section: bytes) -> list[int]:
    count, at = read_unsigned(section, 0)
    indices: list[int] = []
    for _ in range(count):
        index, at = read_unsigned(section, at)
        indices.append(index)
    return indices
