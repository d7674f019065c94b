"""Reads TOML files of which every word is checked, and says where and what is wrong.

A file is described by a frozen dataclass: each field is a section, itself a dataclass, or a tuple
of them for ``[[section]]``.  An unknown key is refused and not ignored: a misspelt limit that
silently does nothing is worse than a file that is not taken.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from re import fullmatch
from types import NoneType, UnionType
from typing import Annotated, Any, TypeGuard, TypeVar, Union, cast, get_args, get_origin

from .errors import ConfigError

_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True)
class Between:
    """The smallest and the largest number that a setting takes."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class OneOf:
    """The words that a setting takes."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matching:
    """The regular expression that a text must match, and examples of it for people."""

    pattern: str
    examples: str


@dataclass(frozen=True, slots=True)
class LiteralAddresses:
    """Each text must be a literal IP address."""


def read_text(path: Path, *, bytes_max: int, missing: str) -> str:
    """Return the text of the file at ``path``; ``missing`` is said when there is no such file.

    Raises:
        ConfigError: it is missing, unreadable, longer than ``bytes_max`` bytes, or not UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(bytes_max + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path} is missing: {missing}") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > bytes_max:
        raise ConfigError(f"{path} has more than {bytes_max} bytes: it is something else")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not text in UTF-8") from None


def parse(text: str, file: str, kind: type[_Kind]) -> _Kind:
    """Return the ``kind`` that ``text`` says; ``file`` is named in errors.

    Raises:
        ConfigError: it is not TOML, has an unknown key, lacks one, or has a value out of range;
            the message names the file, the line, and what is allowed.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}") from None
    return _Reader(text, file).whole(tables, kind)


@dataclass(frozen=True, slots=True)
class _Place:
    """A section, and which one of several of the same name."""

    section: str
    number: int = 0
    is_one_of_many: bool = False

    def __str__(self) -> str:
        return f"[[{self.section}]]" if self.is_one_of_many else f"[{self.section}]"


class _Reader:
    """Turns TOML tables into sections, and finds the line of what is wrong."""

    def __init__(self, text: str, file: str) -> None:
        self._lines = text.splitlines()
        self._file = file

    def whole(self, tables: dict[str, Any], kind: type[_Kind]) -> _Kind:
        sections: dict[str, Field[Any]] = {
            section.name: section for section in fields(cast("Any", kind))
        }
        for name in tables:
            if name not in sections:
                raise self._error(
                    _Place(name), None, f"unknown section [{name}]{_nearest(name, sections)}"
                )
        for name, section in sections.items():
            if name not in tables and _is_required(section):
                raise ConfigError(f"{self._file}: the section [{name}] is missing")
        read: dict[str, Any] = {
            name: self._part(name, sections[name].type, table) for name, table in tables.items()
        }
        return kind(**read)

    def _part(self, name: str, kind: object, table: object) -> object:
        kind = _present(kind)
        if get_origin(kind) is not tuple:
            assert isinstance(kind, type)
            if not isinstance(table, dict):
                raise self._error(_Place(name), None, f"[{name}] is a section, not a value")
            return self._section(_Place(name), kind, table)
        if not isinstance(table, list) or not all(isinstance(one, dict) for one in table):
            raise self._error(_Place(name), None, f"write each as a section [[{name}]]")
        each: type = get_args(kind)[0]
        return tuple(
            self._section(_Place(name, number, is_one_of_many=True), each, one)
            for number, one in enumerate(cast("list[dict[str, Any]]", table))
        )

    def _section(self, place: _Place, kind: type, table: dict[str, Any]) -> object:
        assert is_dataclass(kind)
        known = {setting.name: setting for setting in fields(kind)}
        values: dict[str, object] = {}
        for key, value in table.items():
            if key not in known:
                problem = f"unknown setting '{key}' in {place}{_nearest(key, known)}"
                raise self._error(place, key, problem)
            values[key] = self._value(place, key, known[key].type, value)
        for key, setting in known.items():
            if key not in table and _is_required(setting):
                raise self._error(place, None, f"'{key}' in {place} is missing")
        return kind(**values)

    def _value(self, place: _Place, key: str, kind: object, value: object) -> object:
        bound: object = None
        kind = _present(kind)
        if get_origin(kind) is Annotated:
            kind, bound = get_args(kind)
        wrong = _what_is_wrong(kind, bound, value)
        if wrong:
            raise self._error(place, key, f"'{key}' in {place} must be {wrong}")
        return tuple(cast("list[str]", value)) if isinstance(value, list) else value

    def _error(self, place: _Place, key: str | None, problem: str) -> ConfigError:
        line = self._line(place, key)
        where = f"{self._file}, line {line}" if line else self._file
        return ConfigError(f"{where}: {problem}")

    def _line(self, place: _Place, key: str | None) -> int | None:
        """Find where a section, or a key within it, stands; None when written in another style."""
        inside = False
        before = 0
        for number, line in enumerate(self._lines, start=1):
            words = line.split("#")[0].strip()
            if words.startswith("["):
                is_named = words.strip("[] ") == place.section
                inside = is_named and before == place.number
                before += is_named
                found = inside and key is None
            else:
                name = words.split("=")[0].strip(" \"'")
                found = name == (key or place.section) and (inside or key is None)
            if found:
                return number
        return None


def _present(kind: object) -> object:
    """Return ``kind`` without the None that stands for what is left out."""
    if get_origin(kind) not in (UnionType, Union):
        return kind
    [present] = [each for each in get_args(kind) if each is not NoneType]
    return present


def _is_required(setting: "Field[Any]") -> bool:
    return setting.default is MISSING and setting.default_factory is MISSING


def _what_is_wrong(kind: object, bound: object, value: object) -> str:
    """Say what ``value`` should be, or nothing when it is right."""
    match bound:
        case LiteralAddresses():
            right = _are_texts(value) and all(_is_address(str(item)) for item in value)
            return "" if right else 'a list of IP addresses, such as ["127.0.0.1"]'
        case Between(least, most):
            right = type(value) is int and least <= value <= most
            return "" if right else f"a whole number from {least} to {most}"
        case OneOf(words):
            return "" if value in words else "one of " + ", ".join(f'"{word}"' for word in words)
        case Matching(pattern, examples):
            texts = cast("list[object]", value) if isinstance(value, list) else [value]
            right = all(isinstance(text, str) and fullmatch(pattern, text) for text in texts)
            if not right or isinstance(value, str) != (kind is str):
                return examples if kind is str else f"such as {examples}"
            return ""
        case _:
            pass
    if kind is bool:
        return "" if isinstance(value, bool) else "true or false"
    if kind is str:
        return "" if isinstance(value, str) else "text in quotes"
    return "" if _are_texts(value) else 'a list of texts, such as ["one", "two"]'


def _are_texts(value: object) -> TypeGuard[list[str]]:
    items = cast("list[object]", value) if isinstance(value, list) else [None]
    return all(isinstance(item, str) for item in items)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f": did you mean '{near[0]}'?" if near else f"; known are {', '.join(known)}"
