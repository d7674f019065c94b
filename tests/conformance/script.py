"""Runs one script of the WebAssembly test suite."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import wasmtime
from tests.conformance.instance import Instance, Mode, Trapped
from tests.conformance.text import Node, parse, split, unquote, words
from tests.conformance.values import Either, Expected, Number, all_arguments, read_expected

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.limits import EXPORTS_MAX
from fogbank_wasm_tasks.metering.injection.binary import (
    encode_sections,
    encode_vector,
    read_unsigned,
)
from fogbank_wasm_tasks.metering.injection.layout import EXPORTS
from fogbank_wasm_tasks.module.checks import check_module
from fogbank_wasm_tasks.sandbox.engine.configuration import configure

TRAPS: Final = {
    "unreachable": "UNREACHABLE",
    "integer overflow": "INTEGER_OVERFLOW",
    "integer divide by zero": "INTEGER_DIVISION_BY_ZERO",
    "invalid conversion to integer": "BAD_CONVERSION_TO_INTEGER",
    "out of bounds memory access": "MEMORY_OUT_OF_BOUNDS",
    "out of bounds table access": "TABLE_OUT_OF_BOUNDS",
    "undefined element": "TABLE_OUT_OF_BOUNDS",
    "undefined": "TABLE_OUT_OF_BOUNDS",
    "uninitialized element": "INDIRECT_CALL_TO_NULL",
    "uninitialized": "INDIRECT_CALL_TO_NULL",
    "indirect call type mismatch": "BAD_SIGNATURE",
    "call stack exhausted": "DEPTH",
}
"""The suite's words for a trap, and the engine's."""

THE_NAN: Final = (0x7FC0_0000, 0x7FF8 << 48)

_HEAD: Final = re.compile(rb"\(\s*([a-z_]+)")
_MODULE: Final = re.compile(
    rb"\(module(?:\s+(\$[^\s()]+))?(?:\s+(binary|quote|definition|instance)\b)?"
)
_VALIDATOR: Final = wasmtime.Engine(configure())


class Refused(Exception):
    """A module of the suite uses what section 7.2 refuses; the message says what."""


class MadeTheNan(AssertionError):
    """A NaN's bits, as an integer, are those of the one NaN and not those expected."""


@dataclass(slots=True)
class Tally:
    """What came of a script."""

    passed: Counter[str] = field(default_factory=Counter[str])
    failed: list[str] = field(default_factory=list[str])
    refused: Counter[str] = field(default_factory=Counter[str])
    """Modules that are refused, by the reason."""

    skipped: Counter[str] = field(default_factory=Counter[str])
    """What was not tried, by the reason."""

    def add(self, other: "Tally") -> None:
        """Count what ``other`` counted as well."""
        self.passed.update(other.passed)
        self.failed += other.failed
        self.refused.update(other.refused)
        self.skipped.update(other.skipped)


class Script:
    """One script while it runs."""

    def __init__(self, path: Path, mode: Mode) -> None:
        self._path = path
        self._mode = mode
        self._current: Instance | None = None
        self._named: dict[str, Instance | None] = {}
        self._has_registered = False
        self._is_changed_by_refused = False
        """Whether a module was refused that would have changed one that is used on."""

        self.tally = Tally()

    def run(self) -> Tally:
        """Run all of it."""
        for form, line in split(self._path.read_bytes()):
            match = _HEAD.match(form)
            head = match.group(1).decode("ascii") if match else "?"
            try:
                self._take(head, form)
            except AssertionError as error:
                self.tally.failed.append(f"{self._path.name}:{line}: {head}: {error!r}")
            except Trapped as trapped:
                self.tally.failed.append(f"{self._path.name}:{line}: {head}: trapped {trapped}")
        return self.tally

    def _take(self, head: str, form: bytes) -> None:
        match head:
            case "module":
                self._take_module(form)
            case "assert_return" | "assert_trap" | "assert_exhaustion" | "invoke":
                self._take_action(head, form)
            case "assert_invalid" | "assert_malformed":
                self._take_wrong_module(head, form)
            case _:
                self._has_registered |= head == "register"
                self.tally.skipped[head] += 1

    def _take_module(self, form: bytes) -> None:
        match = _MODULE.match(form)
        assert match is not None
        name, kind = match.groups()
        self._current = None
        if name:
            self._named[name.decode("utf-8")] = None
        if kind in (b"definition", b"instance"):
            self.tally.skipped["module definitions and instances"] += 1
            return
        try:
            module = self._accept(form)
        except Refused as refused:
            self.tally.refused[str(refused)] += 1
            self._is_changed_by_refused |= self._has_registered
            return
        self._current = Instance(module, self._mode)
        self.tally.passed["module"] += 1
        if name:
            self._named[name.decode("utf-8")] = self._current

    def _accept(self, form: bytes) -> bytes:
        """Return the module that ``form`` says, once it is accepted as a task's would be."""
        try:
            module = translate(form)
        except wasmtime.WasmtimeError as error:
            raise Refused("text that is not understood") from error
        try:
            check_module(with_fewer_exports(module))
        except RemoteProtocolError as error:
            raise Refused(reason(str(error))) from None
        try:
            wasmtime.Module.validate(_VALIDATOR, module)
        except wasmtime.WasmtimeError as error:
            raise Refused("does not validate") from error
        return module

    def _take_action(self, head: str, form: bytes) -> None:
        tree = parse(form)
        if head == "assert_trap" and isinstance(tree[1], list) and tree[1][0] == "module":
            self._take_trapping_module(form, tree)
            return
        action = tree if head == "invoke" else tree[1]
        assert isinstance(action, list)
        *maybe_name, export = words(action[1:])
        instance = self._named.get(maybe_name[0]) if maybe_name else self._current
        if instance is None:
            self.tally.skipped["calls of refused modules"] += 1
            return
        try:
            arguments = all_arguments([each for each in action[2:] if isinstance(each, list)])
            wanted = [read_expected(each) for each in tree[2:]] if head == "assert_return" else []
        except ValueError as error:
            self.tally.skipped[f"values of {error}"] += 1
            return
        name = unquote(export).decode("utf-8", "surrogatepass")
        try:
            if head in ("assert_trap", "assert_exhaustion"):
                said = unquote(str(tree[2])).decode("utf-8")
                self._expect_trap(instance, name, arguments, said)
            elif action[0] == "get":
                _compare([instance.value(name)], wanted)
            elif head == "invoke":
                instance.call(name, arguments)
            else:
                _compare(instance.call(name, arguments), wanted)
        except (AssertionError, Trapped) as difference:
            # Both are differences that SPEC.md wants.
            if any(each.is_nan for each in arguments) or isinstance(difference, MadeTheNan):
                self.tally.skipped["bits of a NaN that section 7.5 makes the one"] += 1
            elif self._is_changed_by_refused:
                self.tally.skipped["calls that a refused module would have changed"] += 1
            else:
                raise
        else:
            self.tally.passed[head] += 1

    def _expect_trap(
        self, instance: Instance, name: str, arguments: Sequence[Number], words_: str
    ) -> None:
        try:
            found = instance.call(name, list(arguments))
        except Trapped as trapped:
            _compare_traps(trapped, words_)
            return
        raise AssertionError(f"{found} instead of a trap")

    def _take_trapping_module(self, form: bytes, tree: list[Node]) -> None:
        inner = form[form.index(b"(module") : form.rindex(b'"', 0, form.rindex(b'"'))].rstrip()
        try:
            module = self._accept(inner)
        except Refused as refused:
            self.tally.refused[str(refused)] += 1
            self._is_changed_by_refused |= self._has_registered
            return
        try:
            Instance(module, self._mode)
        except Trapped as trapped:
            _compare_traps(trapped, unquote(str(tree[2])).decode("utf-8"))
            self.tally.passed["assert_trap"] += 1
            return
        raise AssertionError("no trap")

    def _take_wrong_module(self, head: str, form: bytes) -> None:
        inner = form[form.index(b"(module") :]
        match = _MODULE.match(inner)
        if match and match.group(2) == b"quote":
            self.tally.skipped["malformed text"] += 1
            return
        inner = next(split(inner))[0]
        try:
            self._accept(inner)
        except Refused:
            self.tally.passed[head] += 1
            return
        raise AssertionError("accepted")


def _compare_traps(trapped: Trapped, said: str) -> None:
    # "uninitialized element 2" names the element, which nothing here does.
    wanted = TRAPS.get(said) or TRAPS[said.rsplit(" ", 1)[0]]
    assert str(trapped) == wanted, f"{trapped} instead of {wanted}"


def _compare(found: Sequence[Number], wanted: Sequence[Expected | Either]) -> None:
    assert len(found) == len(wanted), (found, wanted)
    for each, one in zip(wanted, found, strict=True):
        if not each.fits(one):
            is_nan = isinstance(each, Expected) and each.is_nan_as_integer
            raise (MadeTheNan if is_nan and one.bits in THE_NAN else AssertionError)(found, wanted)


def translate(form: bytes) -> bytes:
    """Return the module of a form, also when it is written as the bytes themselves."""
    match = _MODULE.match(form)
    kind = match.group(2) if match else None
    if kind in (b"binary", b"quote"):
        data = b"".join(unquote(each) for each in words(parse(form)) if each.startswith('"'))
        return data if kind == b"binary" else bytes(wasmtime.wat2wasm(b"(module " + data + b")"))
    return bytes(wasmtime.wat2wasm(form))


def with_fewer_exports(module: bytes) -> bytes:
    """Return ``module`` with no more exports than a task may have."""
    sections: list[tuple[int, bytes]] = []
    at = 8
    try:
        while at < len(module):
            number = module[at]
            size, at = read_unsigned(module, at + 1)
            sections.append((number, module[at : at + size]))
            at += size
        exports = dict(sections).get(EXPORTS, b"\0")
        count, at = read_unsigned(exports, 0)
        if count <= EXPORTS_MAX or at > len(exports):
            return module
        entries: list[bytes] = []
        for _ in range(EXPORTS_MAX):
            size, name = read_unsigned(exports, at)
            _, after = read_unsigned(exports, name + size + 1)
            entries.append(exports[at:after])
            at = after
    except IndexError:
        return module
    kept = [(n, encode_vector(entries) if n == EXPORTS else each) for n, each in sections]
    return encode_sections(kept)


def reason(message: str) -> str:
    """Return why a module is refused, without what is peculiar to it."""
    message = message.removeprefix("module refused: ")
    message = re.sub(r"import .* (is|has)", r"an import \1", message)
    return re.sub(r"\(.*?\)|\d+", "…", message)[:70].removesuffix(" …")
