"""Writes the configuration file of a new agent, and the page that explains every setting.

Both come from the docstrings of ``config``: run ``python -m fogbank_agent.config_page`` after a
change there to write ``docs/configuration.md`` anew; a test compares.
"""

import ast
import inspect
import sys
from collections.abc import Mapping
from dataclasses import fields
from textwrap import wrap
from typing import Annotated, cast, get_args, get_origin

from . import config
from .config import Config
from .strict_toml import Between, Matching, OneOf

_LINE = 100

_HEAD = """# Configuration

An agent reads `config.toml` in its state folder when it starts. Every setting has a default;
unknown sections and settings are refused. `fogbank init` writes the file with all of them as
comments. This page is made from the docstrings of `agent/fogbank_agent/config.py`.
"""


def starting_file(given: Mapping[str, Mapping[str, object]]) -> str:
    """Return the text of a new configuration: ``given`` set, everything else as comments."""
    parts = ["# Fogbank agent.  Settings that are commented out have the value shown."]
    for section, kind in _sections():
        parts += ["", f"[{section}]", f"# {_docstrings()[kind.__name__]['']}"]
        for setting in fields(kind):
            parts += ["", *_comment(_docstrings()[kind.__name__][setting.name])]
            value = given.get(section, {}).get(setting.name)
            if value is None:
                parts.append(f"# {setting.name} = {_toml(setting.default)}")
            else:
                parts.append(f"{setting.name} = {_toml(value)}")
    return "\n".join(parts) + "\n"


def page() -> str:
    """Return the text of ``docs/configuration.md``."""
    parts = [_HEAD]
    for section, kind in _sections():
        texts = _docstrings()[kind.__name__]
        parts.append(f"## [{section}]\n\n{texts['']}\n")
        parts.append("| setting | default | values | meaning |\n|---|---|---|---|")
        for setting in fields(kind):
            default = f"`{_toml(setting.default)}`"
            values = _values(setting.type)
            parts.append(f"| `{setting.name}` | {default} | {values} | {texts[setting.name]} |")
        parts.append("")
    return "\n".join(parts)


def _sections() -> list[tuple[str, type]]:
    return [(section.name, cast("type", section.type)) for section in fields(Config)]


def _docstrings() -> dict[str, dict[str, str]]:
    """Return, for each class of ``config``, the docstring of each field; "" is the class's own."""
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(inspect.getsource(config)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        texts = {"": ast.get_docstring(node) or ""}
        for line, after in zip(node.body, node.body[1:], strict=False):
            match line, after:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(
                    value=ast.Constant(value=str(text))
                ):
                    texts[name] = " ".join(text.split())
                case _:
                    pass
        found[node.name] = texts
    return found


def _values(kind: object) -> str:
    if get_origin(kind) is Annotated:
        match get_args(kind)[1]:
            case Between(least, most):
                return f"{least} … {most}"
            case OneOf(words):
                return ", ".join(f'`"{word}"`' for word in words)
            case Matching(_, examples):
                return f"such as `{examples}`"
            case _:
                return "list of IP addresses"
    if kind is bool:
        return "`true`, `false`"
    return "text" if kind is str else "list of texts"


def _comment(text: str) -> list[str]:
    return wrap(text, width=_LINE, initial_indent="# ", subsequent_indent="# ")


def _toml(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case _:
            items = ", ".join(_toml(item) for item in cast("tuple[object, ...]", value))
            return f"[{items}]"


if __name__ == "__main__":
    sys.stdout.write(page())
