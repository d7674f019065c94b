"""Reads the sections of a module, each against its bounds (SPEC.md section 7.2)."""

from dataclasses import dataclass, field

from fogbank_protocol.errors import RemoteProtocolError

from ..limits import (
    BODY_BYTES_MAX,
    DATA_BYTES_MAX,
    EXPORTS_MAX,
    FUNCTIONS_MAX,
    GLOBALS_MAX,
    IMPORTS_MAX,
    SEGMENT_ELEMENTS_MAX,
    SEGMENTS_MAX,
    TABLES_MAX,
    TYPES_MAX,
)
from .code import walk_body
from .constants import read_constant
from .facts import Export, ExternKind, FunctionImport, FunctionType, GlobalType, PageLimits
from .host_functions import HOST_FUNCTIONS
from .reader import Reader, refuse
from .reserved import RESERVED
from .types import (
    read_function_type,
    read_memory_type,
    read_reference_type,
    read_table_type,
    read_value_type,
)

_TAG = 4
_FUNCTION_ELEMENTS = 0


@dataclass(slots=True)
class Sections:
    """What has been read of a module so far."""

    types: list[FunctionType] = field(default_factory=list[FunctionType])
    imports: list[FunctionImport] = field(default_factory=list[FunctionImport])
    functions: list[FunctionType] = field(default_factory=list[FunctionType])
    exports: dict[str, Export] = field(default_factory=dict[str, Export])
    tables: int = 0
    memory: PageLimits | None = None
    globals: list[GlobalType] = field(default_factory=list[GlobalType])
    start: int | None = None
    data_count: int | None = None
    data_segments: int = 0
    bodies: int = 0
    code_bytes: int = 0
    operators: int = 0

    def function_type(self, index: int) -> FunctionType:
        """Return the function type ``index``."""
        if index >= len(self.types):
            raise refuse("a function type that does not exist")
        return self.types[index]


def read_types(reader: Reader, sections: Sections) -> None:
    """Read section 1."""
    for _ in range(reader.count(TYPES_MAX, "types")):
        sections.types.append(read_function_type(reader))


def read_imports(reader: Reader, sections: Sections) -> None:
    """Read section 2: functions of the host, and nothing else."""
    for _ in range(reader.count(IMPORTS_MAX, "imports")):
        module, name, kind = reader.name(), reader.name(), reader.byte()
        if kind != ExternKind.FUNCTION.value:
            raise _refuse_import(module, name, "is not a function")
        found = sections.function_type(reader.u32())
        offered = HOST_FUNCTIONS.get((module, name))
        if offered is None:
            raise _refuse_import(module, name, "is not on the list")
        if offered != found:
            raise _refuse_import(module, name, f"is imported as {found}, but is {offered}")
        sections.imports.append(FunctionImport(module, name, found))
        sections.functions.append(found)


def read_functions(reader: Reader, sections: Sections) -> None:
    """Read section 3."""
    for _ in range(reader.count(FUNCTIONS_MAX - len(sections.imports), "functions")):
        sections.functions.append(sections.function_type(reader.u32()))


def read_tables(reader: Reader, sections: Sections) -> None:
    """Read section 4."""
    sections.tables = reader.count(TABLES_MAX, "tables")
    for _ in range(sections.tables):
        read_table_type(reader)


def read_memories(reader: Reader, sections: Sections) -> None:
    """Read section 5."""
    count = reader.u32()
    if count > 1:
        raise refuse("it uses multi-memory")
    if count:
        sections.memory = read_memory_type(reader)


def read_globals(reader: Reader, sections: Sections) -> None:
    """Read section 6."""
    for _ in range(reader.count(GLOBALS_MAX, "globals")):
        value_type, mutability = read_value_type(reader), reader.byte()
        if mutability > 1:
            raise refuse("a malformed global, or one of threads")
        sections.globals.append(GlobalType(value_type, is_mutable=mutability == 1))
        read_constant(reader)


def read_exports(reader: Reader, sections: Sections) -> None:
    """Read section 7."""
    for _ in range(reader.count(EXPORTS_MAX, "exports")):
        name, kind = reader.name(), reader.byte()
        if kind == _TAG:
            raise refuse("it uses exceptions")
        if kind > _TAG:
            raise refuse("an export of an unknown kind")
        if name.startswith(RESERVED):
            raise refuse(f"an export whose name begins with {RESERVED}")
        if name in sections.exports:
            raise refuse("two exports of one name")
        sections.exports[name] = Export(ExternKind(kind), reader.u32())


def read_start(reader: Reader, sections: Sections) -> None:
    """Read section 8."""
    sections.start = reader.u32()


def read_elements(reader: Reader, sections: Sections) -> None:
    """Read section 9, in all eight spellings of a segment."""
    elements = 0
    for _ in range(reader.count(SEGMENTS_MAX, "element segments")):
        flags = reader.u32()
        if flags > 7:
            raise refuse("a malformed element segment")
        # Bit 0: passive or declared.  Bit 1: a table index follows, or it is declared.
        # Bit 2: elements are expressions.
        is_active = not flags & 1
        if is_active:
            if flags & 2:
                reader.u32()
            read_constant(reader)
        if flags & 3:
            _read_elements_kind(reader, are_expressions=bool(flags & 4))
        count = reader.count(SEGMENT_ELEMENTS_MAX, "elements of a segment")
        elements += count
        if elements > SEGMENT_ELEMENTS_MAX:
            raise refuse(f"more than {SEGMENT_ELEMENTS_MAX} elements in segments")
        for _ in range(count):
            if flags & 4:
                read_constant(reader)
            else:
                reader.u32()


def _read_elements_kind(reader: Reader, *, are_expressions: bool) -> None:
    if are_expressions:
        read_reference_type(reader)
    elif reader.byte() != _FUNCTION_ELEMENTS:
        raise refuse("an element segment of an unknown kind")


def read_data_count(reader: Reader, sections: Sections) -> None:
    """Read section 12."""
    sections.data_count = reader.u32()


def read_code(reader: Reader, sections: Sections) -> None:
    """Read section 10, all operators of all functions."""
    imported = len(sections.imports)
    sections.bodies = reader.count(FUNCTIONS_MAX, "function bodies")
    if sections.bodies != len(sections.functions) - imported:
        raise refuse("declared functions and bodies differ in number")
    for index in range(sections.bodies):
        size = reader.u32()
        if size > BODY_BYTES_MAX:
            raise refuse(f"a function of {size} bytes, at most {BODY_BYTES_MAX} allowed")
        sections.code_bytes += size
        parameters = len(sections.functions[imported + index].parameters)
        sections.operators += walk_body(reader.part(size), parameters)


def read_data(reader: Reader, sections: Sections) -> None:
    """Read section 11."""
    sections.data_segments = reader.count(SEGMENTS_MAX, "data segments")
    total = 0
    for _ in range(sections.data_segments):
        flags = reader.u32()
        if flags > 2:
            raise refuse("a malformed data segment")
        if flags == 2 and reader.u32() != 0:
            raise refuse("it uses multi-memory")
        if flags != 1:
            read_constant(reader)
        size = reader.u32()
        total += size
        if total > DATA_BYTES_MAX:
            raise refuse(f"more than {DATA_BYTES_MAX} bytes of data")
        reader.part(size)


def _refuse_import(module: str, name: str, problem: str) -> RemoteProtocolError:
    shown = f"{module}.{name}".encode("unicode_escape").decode("ascii")[:100]
    return refuse(f"import {shown} {problem}")
