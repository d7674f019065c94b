"""Reads the configuration file and checks every word of it.

An unknown key is refused and not ignored: a misspelt limit that silently does nothing is worse
than an agent that does not start.
"""

import tomllib
from dataclasses import fields
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from re import fullmatch
from typing import Annotated, Any, TypeGuard, cast, get_args, get_origin

from .config import Between, Config, LiteralAddresses, Matching, OneOf
from .errors import ConfigError
from .limits import CONFIG_BYTES_MAX


def read_config(path: Path) -> Config:
    """Return the configuration in the file at ``path``.

    Raises:
        ConfigError: there is no such file, it is not TOML, or it has an unknown key or a value
            out of range; the message names the file, the line, and what is allowed.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            f"{path} is missing: put it back; an empty one takes every default"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > CONFIG_BYTES_MAX:
        raise ConfigError(f"{path} has more than {CONFIG_BYTES_MAX} bytes: it is no configuration")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not text in UTF-8") from None
    return parse_config(text, str(path))


def parse_config(text: str, file: str) -> Config:
    """Return the configuration that ``text`` says; ``file`` is named in errors."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}") from None
    return _Reader(text, file).config(tables)


class _Reader:
    """Turns TOML tables into sections, and finds the line of what is wrong."""

    def __init__(self, text: str, file: str) -> None:
        self._lines = text.splitlines()
        self._file = file

    def config(self, tables: dict[str, Any]) -> Config:
        sections = {section.name: cast("type", section.type) for section in fields(Config)}
        for name, table in tables.items():
            if name not in sections:
                raise self._error(name, None, f"unknown section [{name}]", _nearest(name, sections))
            if not isinstance(table, dict):
                raise self._error(name, None, f"[{name}] is a section, not a value", "")
        read: dict[str, Any] = {
            name: self._section(name, sections[name], table) for name, table in tables.items()
        }
        return Config(**read)

    def _section(self, section: str, kind: type, table: dict[str, Any]) -> object:
        known = {setting.name: setting.type for setting in fields(kind)}
        values: dict[str, object] = {}
        for key, value in table.items():
            if key not in known:
                raise self._error(
                    section, key, f"unknown setting '{key}' in [{section}]", _nearest(key, known)
                )
            values[key] = self._value(section, key, known[key], value)
        return kind(**values)

    def _value(self, section: str, key: str, kind: object, value: object) -> object:
        bound: object = None
        if get_origin(kind) is Annotated:
            kind, bound = get_args(kind)
        wrong = _what_is_wrong(kind, bound, value)
        if wrong:
            raise self._error(section, key, f"'{key}' in [{section}] must be {wrong}", "")
        return tuple(cast("list[str]", value)) if isinstance(value, list) else value

    def _error(self, section: str, key: str | None, problem: str, hint: str) -> ConfigError:
        line = self._line(section, key)
        place = f"{self._file}, line {line}" if line else self._file
        return ConfigError(f"{place}: {problem}{hint}")

    def _line(self, section: str, key: str | None) -> int | None:
        """Find where a section, or a key within it, stands; None when written in another style."""
        inside = False
        for number, line in enumerate(self._lines, start=1):
            words = line.split("#")[0].strip()
            if words.startswith("["):
                inside = words.strip("[] ") == section
                found = inside and key is None
            else:
                name = words.split("=")[0].strip(" \"'")
                found = name == (key or section) and (inside or key is None)
            if found:
                return number
        return None


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
    return "" if _are_texts(value) else 'a list of texts, such as ["127.0.0.1"]'


def _are_texts(value: object) -> TypeGuard[list[str]]:
    items = cast("list[object]", value) if isinstance(value, list) else [None]
    return all(isinstance(item, str) for item in items)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _nearest(name: str, known: dict[str, Any]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    return f": did you mean '{near[0]}'?" if near else f"; known are {', '.join(known)}"
