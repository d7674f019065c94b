"""The C99 reader of the vectors, built and run where a compiler and libsodium are installed."""

import json
import subprocess
from pathlib import Path

import pytest

VECTORS = Path(__file__).parents[1] / "vectors"
TOPICS = (
    "encoding",
    "identity",
    "signed",
    "genesis",
    "vertices",
    "equivocation",
    "packages",
    "receipts",
)


pytestmark = pytest.mark.slow


def run(program: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *files], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("topic", TOPICS)
def test_every_vector_comes_out_as_its_file_says(check_vectors: Path, topic: str) -> None:
    ran = run(check_vectors, VECTORS / f"{topic}.json")

    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    assert ran.stdout.endswith(", 0 wrong\n")


@pytest.mark.parametrize("topic", TOPICS)
def test_a_case_that_moves_to_the_other_list_is_noticed(
    check_vectors: Path, topic: str, tmp_path: Path
) -> None:
    file = json.loads((VECTORS / f"{topic}.json").read_text(encoding="utf-8"))
    file["accept"], file["reject"] = file["reject"][:1], file["accept"][:1]
    file["reject"][0]["rule"] = "2.1"
    moved = tmp_path / f"{topic}.json"
    moved.write_text(json.dumps(file), encoding="utf-8")

    ran = run(check_vectors, moved)

    assert ran.returncode == 1
    assert ran.stdout.endswith(", 2 wrong\n")


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", '{"accept": [], "reject": []} x', "[" * 1000, '"\\ud800"', "01"]
)
def test_a_file_that_is_not_json_is_refused(check_vectors: Path, text: str, tmp_path: Path) -> None:
    broken = tmp_path / "encoding.json"
    broken.write_text(text, encoding="utf-8")

    ran = run(check_vectors, broken)

    assert ran.returncode == 2
    assert ran.stderr.startswith("the vectors cannot be used: ")
