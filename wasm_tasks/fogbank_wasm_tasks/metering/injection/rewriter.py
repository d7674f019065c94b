"""Rewrites a module so that it counts its own fuel and depth (SPEC.md section 7.5)."""

from dataclasses import dataclass
from typing import Final

from ...module.reserved import CALLS, COUNTER, FUEL, START_FUNCTION, WAIT
from . import instructions as op
from .binary import (
    encode_sections,
    encode_signed,
    encode_unsigned,
    encode_vector,
    read_unsigned,
    with_length,
)
from .body import BodyRewriter, Surroundings
from .layout import (
    CODE,
    ELEMENTS,
    EXPORTS,
    FUNCTIONS,
    GLOBALS,
    START,
    TABLES,
    TYPES,
    FunctionType,
    Layout,
    in_order,
    read_layout,
)
from .references import rewrite_elements, rewrite_globals
from .tally import TALLY_GLOBALS, Tally

_I64: Final = b"\x7e"
_ZERO_GLOBAL: Final = _I64 + b"\x01\x42\x00\x0b"
_FUNCTION, _TABLE, _GLOBAL = b"\x00", b"\x01", b"\x03"
_WAIT_TABLE: Final = b"\x70\x01\x01\x01"
"""Functions, exactly one."""


@dataclass(frozen=True, slots=True)
class Injected:
    """A module that counts for itself."""

    module: bytes

    has_float_vectors: bool
    """Whether the engine has to give every NaN of a vector its one form; here nobody does."""


def inject(
    module: bytes, *, is_precise: bool, is_profiled: bool = False, is_paced: bool = False
) -> Injected:
    """Return ``module`` with the counter in it; it must be valid, and have passed ``check_module``.

    With ``is_precise`` the counter's global is exact whenever the module traps; else only when it
    ends, calls the host, reaches ``unreachable``, or runs out of fuel or depth, and the module is
    faster: a tight loop takes up to twice as long when it is precise.  If ``is_profiled`` it also
    counts the fuel and the calls of each of its functions, under the names ``FUEL`` and ``CALLS``.
    If ``is_paced`` it calls the function in the table ``WAIT`` where it runs out of fuel, and goes
    on when there is more.
    """
    layout = read_layout(module)
    return _Rewriter(
        layout, is_precise=is_precise, is_profiled=is_profiled, is_paced=is_paced
    ).rewrite()


class _Rewriter:
    """One module on its way."""

    def __init__(
        self, layout: Layout, *, is_precise: bool, is_profiled: bool, is_paced: bool
    ) -> None:
        self._layout = layout
        self._tables = read_unsigned(layout.sections.get(TABLES, b"\0"), 0)[0]
        self._is_paced = is_paced
        self._tallies = len(layout.functions) - layout.imports if is_profiled else 0
        self._global = encode_unsigned(layout.globals)
        self._types = list(layout.types)
        self._types += [
            FunctionType(each.parameters + _I64, each.results + _I64) for each in layout.types
        ]
        self._type_numbers = {each: number for number, each in reversed([*enumerate(self._types)])}
        self._wrappers: list[tuple[int, bytes]] = []
        """Functions added at the end: the number of their type, and their body."""

        self._around = Surroundings(
            counter_global=self._global,
            imports=layout.imports,
            import_twins={each: self._wrap_import(each) for each in range(layout.imports)},
            functions=layout.functions,
            type_sizes=[len(each.parameters) + len(each.results) for each in layout.types],
            is_precise=is_precise,
            wait=self._wait() if is_paced else b"",
        )
        self._has_float_vectors = False

    def rewrite(self) -> Injected:
        """Return the new module."""
        layout = self._layout
        sections = dict(layout.sections)
        twins = self._around.import_twins
        sections[EXPORTS] = self._rewrite_exports()
        bodies = self._rewrite_bodies()
        bodies += [with_length(body) for _, body in self._wrappers]
        sections[CODE] = encode_vector(bodies)
        sections[FUNCTIONS] = self._rewrite_functions()
        # Last, because the others ask for types.
        sections[TYPES] = encode_vector([_encode_type(each) for each in self._types])
        referenced = self._around.referenced
        if ELEMENTS in sections or referenced:
            elements = sections.get(ELEMENTS, b"\0")
            sections[ELEMENTS] = rewrite_elements(elements, twins, referenced)
        added = [_ZERO_GLOBAL] * (1 + TALLY_GLOBALS * self._tallies)
        if self._is_paced:
            tables = sections.get(TABLES, b"\0")
            rest = tables[read_unsigned(tables, 0)[1] :]
            sections[TABLES] = encode_unsigned(self._tables + 1) + rest + _WAIT_TABLE
        sections[GLOBALS] = rewrite_globals(sections.get(GLOBALS, b"\0"), twins, added)
        sections.pop(START, None)
        return Injected(encode_sections(in_order(sections)), self._has_float_vectors)

    def _rewrite_exports(self) -> bytes:
        section = self._layout.sections.get(EXPORTS, b"\0")
        count, at = read_unsigned(section, 0)
        exports: list[bytes] = []
        for _ in range(count):
            size, name = read_unsigned(section, at)
            kind = section[name + size : name + size + 1]
            index, after = read_unsigned(section, name + size + 1)
            if kind == _FUNCTION:
                index = self._wrap_export(index)
            exports.append(section[at : name + size] + kind + encode_unsigned(index))
            at = after
        exports.append(_encode_name(COUNTER) + _GLOBAL + self._global)
        if self._is_paced:
            exports.append(_encode_name(WAIT) + _TABLE + encode_unsigned(self._tables))
        for place in range(self._tallies):
            tally = self._tally(place)
            exports.append(_encode_name(f"{FUEL}{place}") + _GLOBAL + tally.fuel_global)
            exports.append(_encode_name(f"{CALLS}{place}") + _GLOBAL + tally.calls_global)
        if START in self._layout.sections:
            start, _ = read_unsigned(self._layout.sections[START], 0)
            wrapper = encode_unsigned(self._wrap_export(start))
            exports.append(_encode_name(START_FUNCTION) + _FUNCTION + wrapper)
        return encode_vector(exports)

    def _rewrite_functions(self) -> bytes:
        layout = self._layout
        own = [kind + len(layout.types) for kind in layout.functions[layout.imports :]]
        added = [kind for kind, _ in self._wrappers]
        return encode_vector([encode_unsigned(kind) for kind in own + added])

    def _rewrite_bodies(self) -> list[bytes]:
        layout = self._layout
        code = layout.sections.get(CODE, b"\0")
        count, at = read_unsigned(code, 0)
        bodies: list[bytes] = []
        for function in range(layout.imports, layout.imports + count):
            size, at = read_unsigned(code, at)
            kind = layout.types[layout.functions[function]]
            block = self._block_type(kind.results)
            end = at + size
            tally = self._tally(function - layout.imports) if self._tallies else None
            parameters = len(kind.parameters)
            rewriter = BodyRewriter(self._around, code, at, end, parameters, block, tally)
            bodies.append(rewriter.rewrite())
            self._has_float_vectors |= rewriter.has_float_vectors
            at = end
        return bodies

    def _tally(self, place: int) -> Tally:
        # Right after the counter.
        return Tally.at(self._layout.globals + 1, place)

    def _wait(self) -> bytes:
        """Return the code that calls the function in the table ``WAIT``."""
        kind = encode_unsigned(self._type(b""))
        return op.I32_CONST_ZERO + bytes([op.CALL_INDIRECT]) + kind + encode_unsigned(self._tables)

    def _block_type(self, results: bytes) -> bytes:
        if not results:
            return b"\x40"
        if len(results) == 1:
            return results
        return encode_signed(self._type(results))

    def _type(self, results: bytes) -> int:
        """Return the number of the type without parameters that has these ``results``."""
        wanted = FunctionType(b"", results)
        if wanted not in self._type_numbers:
            self._type_numbers[wanted] = len(self._types)
            self._types.append(wanted)
        return self._type_numbers[wanted]

    def _wrap_export(self, function: int) -> int:
        """Return a function of the original type that hands the global's counter through."""
        if function < self._layout.imports:
            return function
        kind = self._layout.functions[function]
        body = b"\x00" + self._push_parameters(kind) + b"\x23" + self._global
        body += b"\x10" + encode_unsigned(function) + b"\x24" + self._global + b"\x0b"
        return self._add_wrapper(kind, body)

    def _wrap_import(self, function: int) -> int:
        """Return a function of the twin type that calls the host as the original does."""
        kind = self._layout.functions[function]
        counter = encode_unsigned(len(self._layout.types[kind].parameters))
        body = b"\x00" + b"\x20" + counter + b"\x24" + self._global + self._push_parameters(kind)
        body += b"\x10" + encode_unsigned(function) + b"\x23" + self._global + b"\x0b"
        return self._add_wrapper(kind + len(self._layout.types), body)

    def _push_parameters(self, kind: int) -> bytes:
        count = len(self._layout.types[kind].parameters)
        return b"".join(b"\x20" + encode_unsigned(each) for each in range(count))

    def _add_wrapper(self, kind: int, body: bytes) -> int:
        self._wrappers.append((kind, body))
        return len(self._layout.functions) + len(self._wrappers) - 1


def _encode_type(kind: FunctionType) -> bytes:
    parameters, results = kind.parameters, kind.results
    return (
        b"\x60"
        + encode_unsigned(len(parameters))
        + parameters
        + encode_unsigned(len(results))
        + results
    )


def _encode_name(name: str) -> bytes:
    return with_length(name.encode("ascii"))
