"""Checks a module before anything compiles it (SPEC.md section 7.2)."""

from collections.abc import Callable
from typing import Final

from ..limits import MODULE_BYTES_MAX
from .facts import ExternKind, ModuleFacts
from .reader import Reader, refuse
from .sections import (
    Sections,
    read_code,
    read_data,
    read_data_count,
    read_elements,
    read_exports,
    read_functions,
    read_globals,
    read_imports,
    read_memories,
    read_start,
    read_tables,
    read_types,
)

_HEADER: Final = b"\0asm\x01\0\0\0"
_COMPONENT_HEADER: Final = b"\0asm\x0d\0\x01\0"
_CUSTOM: Final = 0

# In the order in which they must come.
_READERS: Final[dict[int, Callable[[Reader, Sections], None]]] = {
    1: read_types,
    2: read_imports,
    3: read_functions,
    4: read_tables,
    5: read_memories,
    6: read_globals,
    7: read_exports,
    8: read_start,
    9: read_elements,
    12: read_data_count,
    10: read_code,
    11: read_data,
}
_ORDER: Final = {section: place for place, section in enumerate(_READERS)}
_FEATURES: Final = {13: "exceptions", 14: "string references"}


def check_module(module: bytes) -> ModuleFacts:
    """Return what ``module`` is, after checking every bound and feature of section 7.2.

    The result says nothing about types inside function bodies: the compiler still validates.

    Raises:
        RemoteProtocolError: the module is malformed, breaks a bound, uses a refused feature, or
            imports what the host does not have (section 7.2).
    """
    if len(module) > MODULE_BYTES_MAX:
        raise refuse(f"{len(module)} bytes, at most {MODULE_BYTES_MAX} allowed")
    if module.startswith(_COMPONENT_HEADER):
        raise refuse("it is a component, not a core module")
    if not module.startswith(_HEADER):
        raise refuse("it is not WebAssembly 1.0")
    sections = _read_sections(Reader(module, len(_HEADER), len(module)))
    _check_whole(sections)
    return ModuleFacts(
        imports=tuple(sections.imports),
        exports=sections.exports,
        functions=tuple(sections.functions),
        memory=sections.memory,
        globals=tuple(sections.globals),
        code_bytes=sections.code_bytes,
        operators=sections.operators,
    )


def _read_sections(reader: Reader) -> Sections:
    sections = Sections()
    last = -1
    while not reader.is_done:
        section = reader.byte()
        content = reader.part(reader.u32())
        if section == _CUSTOM:
            content.name()
            continue
        if section not in _READERS:
            feature = _FEATURES.get(section, f"an unknown section {section}")
            raise refuse(f"it uses {feature}")
        if _ORDER[section] <= last:
            raise refuse("sections out of order")
        last = _ORDER[section]
        _READERS[section](content, sections)
        if not content.is_done:
            raise refuse(f"section {section} is longer than its content")
    return sections


def _check_whole(sections: Sections) -> None:
    if sections.bodies != len(sections.functions) - len(sections.imports):
        raise refuse("declared functions and bodies differ in number")
    if sections.data_count not in (None, sections.data_segments):
        raise refuse("the data count differs from the number of data segments")
    if sections.start is not None and sections.start >= len(sections.functions):
        raise refuse("the start function does not exist")
    sizes = {
        ExternKind.FUNCTION: len(sections.functions),
        ExternKind.TABLE: sections.tables,
        ExternKind.MEMORY: 0 if sections.memory is None else 1,
        ExternKind.GLOBAL: len(sections.globals),
    }
    for export in sections.exports.values():
        if export.index >= sizes[export.kind]:
            raise refuse("an export of something that does not exist")
