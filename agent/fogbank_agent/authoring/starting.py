"""Begins a task: a small program that works, its manifest and its tests."""

import json
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from re import fullmatch

from ..errors import MachineError, Refused
from .manifest import FILE_NAME, LANGUAGES

_MAIN = {
    "c": "main.c",
    "zig": "main.zig",
    "rust": "src/main.rs",
    "go": "main.go",
    "assemblyscript": "main.ts",
}
_FOUND_BY_ITS_TOOL = ("rust", "go")
# A hidden file would be lost on the way into some archives.
_RENAMED = {"gitignore": ".gitignore"}


def start(folder: Path, name: str, language: str) -> list[Path]:
    """Write a new task ``name`` in ``language`` into ``folder`` and return its files.

    Raises:
        Refused: the name cannot be a package's, or there is something in the folder.
        MachineError: it cannot be written.
    """
    assert language in LANGUAGES
    if not fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", name):
        raise Refused(f"'{name}' cannot name a package: small letters, digits and hyphens can")
    if language == "rust" and name[0].isdecimal():
        raise Refused(f"'{name}' cannot name a Rust program, which begins with a letter")
    main = _MAIN[language]
    words = {
        "name": name,
        "language": language,
        "main": main,
        "sources": "[]" if language in _FOUND_BY_ITS_TOOL else json.dumps([main]),
    }
    try:
        if folder.exists() and any(folder.iterdir()):
            raise Refused(f"{folder} is not empty: name another folder")
        templates = files("fogbank_agent.authoring") / "templates"
        written = [
            path
            for template in (templates / "common", templates / language)
            for path in _write(template, folder, words)
        ]
    except OSError as error:
        raise MachineError(f"{folder} cannot be written: {error.strerror}") from None
    assert folder / FILE_NAME in written
    return written


def _write(template: Traversable, folder: Path, words: dict[str, str]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for each in sorted(template.iterdir(), key=lambda each: each.name):
        path = folder / _RENAMED.get(each.name, each.name)
        if each.is_dir():
            written += _write(each, path, words)
            continue
        text = each.read_text("utf-8")
        for word, value in words.items():
            text = text.replace("{{" + word + "}}", value)
        path.write_text(text, "utf-8")
        written.append(path)
    return written
