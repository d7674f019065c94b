"""The example tasks make what their pages say they make, for as much fuel."""

import re
import shlex
import subprocess
import sys
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from tests.wasm_tasks.examples.sandboxed import run

from fogbank_wasm_tasks import examples
from fogbank_wasm_tasks.examples import MODULE_NAMES, module_bytes

FOLDER = Path(examples.__file__).parent
EXPECTED = re.compile(
    r"That is ([0-9,]+) bytes for ([0-9,]+) fuel, with the SHA-256 `([0-9a-f]{64})`\.\n"
    r"The module has ([0-9,]+) bytes\.\n"
)


def number(text: str) -> int:
    return int(text.replace(",", ""))


def read_input(folder: Path, page: str, words: list[str]) -> bytes:
    """Return the input that ``page`` makes with printf, or the sample that it names."""
    made = re.search(r"^ {4}(printf .*) > input$", page, re.MULTILINE)
    if made is None:
        return (folder / words[words.index("--input") + 1]).read_bytes()
    return subprocess.run(["sh", "-c", made.group(1)], capture_output=True, check=True).stdout


@pytest.mark.skipif(sys.platform == "win32", reason="makes inputs with a shell")
@pytest.mark.parametrize("name", MODULE_NAMES)
def test_an_example_makes_what_its_page_says(name: str) -> None:
    page = (FOLDER / name / "README.md").read_text()
    command = re.search(rf"^ {{4}}fogbank run {name} --local (.*)$", page, re.MULTILINE)
    expected = EXPECTED.search(page)
    assert command is not None
    assert expected is not None
    words = shlex.split(command.group(1))
    arguments = [after for word, after in pairwise(words) if word == "--arg"]

    ended = run(name, read_input(FOLDER / name, page, words), arguments=arguments)

    size, fuel, digest, module_size = expected.groups()
    assert len(ended.output) == number(size)
    assert ended.fuel == number(fuel)
    assert sha256(ended.output).hexdigest() == digest
    assert len(module_bytes(name)) == number(module_size)
