"""Reads ``fogtask.toml`` and checks every word of it."""

from collections import Counter
from pathlib import Path

from ..errors import ConfigError
from ..limits import AUTHOR_TESTS_MAX, TASK_MANIFEST_BYTES_MAX
from ..strict_toml import parse, read_text
from .manifest import FILE_NAME, TaskManifest, TrialSection

_NEEDS_SOURCES = ("c", "zig", "assemblyscript")
_DESCRIPTION_BYTES_MAX = 1_024


def read_manifest(folder: Path) -> TaskManifest:
    """Return what the manifest in ``folder`` says.

    Raises:
        ConfigError: there is none, or it is not as ``docs/authors.md`` has it; the message names
            the file, the line, and what is allowed.
    """
    path = folder / FILE_NAME
    text = read_text(
        path,
        bytes_max=TASK_MANIFEST_BYTES_MAX,
        missing="go to a task's folder, or begin one with 'fogbank task new NAME --lang c'",
    )
    return parse_manifest(text, str(path))


def parse_manifest(text: str, file: str) -> TaskManifest:
    """Return the manifest that ``text`` says; ``file`` is named in errors.

    Raises:
        ConfigError: it says something that is not understood.
    """
    manifest = parse(text, file, TaskManifest)
    wrong = _what_is_wrong(manifest)
    if wrong:
        raise ConfigError(f"{file}: {wrong}")
    return manifest


def _what_is_wrong(manifest: TaskManifest) -> str:
    build = manifest.build
    if build.language in _NEEDS_SOURCES and not build.sources:
        return f"[build] sources must name the files to compile, as language is {build.language}"
    for path in (*build.sources, manifest.module):
        if not is_inside(path):
            return f"'{path}' in [build] must be a path inside the task's folder"
    if len(manifest.full_description.encode()) > _DESCRIPTION_BYTES_MAX:
        return f"the description, media types included, is over {_DESCRIPTION_BYTES_MAX} bytes"
    if len(manifest.test) > AUTHOR_TESTS_MAX:
        return f"{len(manifest.test)} tests, at most {AUTHOR_TESTS_MAX} allowed"
    twice = [
        name for name, times in Counter(one.name for one in manifest.test).items() if times > 1
    ]
    if twice:
        return f"two tests are named '{twice[0]}'"
    return next(filter(None, map(_what_is_wrong_in, manifest.test)), "")


def _what_is_wrong_in(test: TrialSection) -> str:
    inputs = [text for text in (test.input_text, test.input_file) if text is not None]
    outputs = [text for text in (test.output_text, test.output_file) if text is not None]
    outputs += [test.output_sha256] if test.output_sha256 else []
    if len(inputs) > 1:
        return f"the test '{test.name}' has input_text and input_file: leave one"
    if len(outputs) > 1:
        return (
            f"the test '{test.name}' has several outputs: leave one of output_text, output_file "
            "and output_sha256"
        )
    if outputs and test.outcome != "ok":
        return f"the test '{test.name}' ends with {test.outcome} and so has no output to compare"
    for path in filter(None, (test.input_file, test.output_file)):
        if not is_inside(path):
            return f"'{path}' in the test '{test.name}' must be a path inside the task's folder"
    return ""


def is_inside(path: str) -> bool:
    """Tell whether ``path`` is relative and never leaves its folder."""
    return bool(path) and not Path(path).is_absolute() and ".." not in Path(path).parts
