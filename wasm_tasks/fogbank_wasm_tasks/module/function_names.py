"""The names that a compiler left in a module for people: the custom section ``name``.

They decide nothing, so what is malformed here is passed over and refuses no module.
"""

from typing import Final

from fogbank_protocol.errors import RemoteProtocolError

from .reader import Reader

_HEADER_BYTES: Final = 8
_CUSTOM: Final = 0
_CODE: Final = 10
_SECTION: Final = "name"
_FUNCTIONS: Final = 1


def read_function_names(module: bytes) -> dict[int, str]:
    """Return the names of the functions of ``module``, by index; empty when it has none."""
    try:
        return _read_section(Reader(module, _HEADER_BYTES, len(module)))
    except RemoteProtocolError:
        return {}


def have_equal_code(module: bytes, other: bytes) -> bool:
    """Tell whether two modules that passed ``check_module`` have the same functions.

    Then the names of one are those of the other.
    """
    return _code(module) == _code(other)


def _code(module: bytes) -> bytes:
    reader = Reader(module, _HEADER_BYTES, len(module))
    while not reader.is_done:
        number = reader.byte()
        content = reader.bytes(reader.u32())
        if number == _CODE:
            return content
    return b""


def _read_section(reader: Reader) -> dict[int, str]:
    while not reader.is_done:
        number = reader.byte()
        content = reader.part(reader.u32())
        if number == _CUSTOM and content.name() == _SECTION:
            return _read_names(content)
    return {}


def _read_names(content: Reader) -> dict[int, str]:
    while not content.is_done:
        kind = content.byte()
        part = content.part(content.u32())
        if kind == _FUNCTIONS:
            return dict(_read_entry(part) for _ in range(part.u32()))
    return {}


def _read_entry(part: Reader) -> tuple[int, str]:
    index = part.u32()
    # Not Reader.name: compilers write longer names here than an import may have.
    return index, part.bytes(part.u32()).decode("utf-8", "replace")
