"""``fogbank demo`` as a newcomer runs it, with fewer paths of light so that it takes less time."""

import json
import os
import signal
import subprocess
from collections.abc import Generator
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from .agents import FOGBANK, PATIENCE_S, fogbank, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.end_to_end]

PIXELS_SHA256 = "d740468de137d60baca11d082e96c1d39b0ff16ba6307cbfd73e2b74973d8aee"
"""Of the picture of seed 7 with two samples: it does not depend on who computed what."""


def processes_naming(text: str) -> list[str]:
    """Return the command lines of processes in which ``text`` stands."""
    found: list[str] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if text in line:
                found.append(line)
    return found


def test_the_demo_keeps_what_it_promises(tmp_path: Path) -> None:
    out = tmp_path / "out"

    done = fogbank("demo", "--json", "--samples", 2, "--seed", 7, "--out", out)

    assert done.returncode == 0, done.stderr.decode()
    report = json.loads(done.stdout)
    assert report["agents"] == 5
    assert report["completed"] == report["tasks"] > 0
    assert report["wrong_accepted"] == 0
    assert report["lies_caught"] == report["lies_told"] > 0
    assert report["killed"] == report["migrated_runs"] == 1
    assert report["auctions"] > 0
    assert report["audits"] > 0
    assert report["channels_closed"] == 4
    assert report["channels_open"] == 0
    assert report["royalties_paid"] > 0
    assert report["supply_before"] == report["supply_after"] + report["burned"]
    assert report["disputes"] > 0
    assert report["slashed"] == 1
    assert report["burned"] == 9_000
    assert report["payments_final"] is True
    assert len(report["state_hashes"]) == 4
    assert len(set(report["state_hashes"])) == 1
    assert report["fuel_total"] > 0
    image = Path(report["image"])
    assert sha256(image.read_bytes()).hexdigest() == report["image_sha256"]
    with Image.open(image) as picture:
        assert picture.size == (384, 256)
        assert sha256(picture.tobytes()).hexdigest() == PIXELS_SHA256
    assert len(list((out / "logs").iterdir())) == 5


@pytest.fixture
def demo(tmp_path: Path) -> Generator[subprocess.Popen[bytes]]:
    """Start a demonstration and return when agents of it run, their state in ``tmp_path``."""
    process = subprocess.Popen(
        [*FOGBANK, "demo", "--out", str(tmp_path / "out")],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    with process:
        wait_until(
            "agents run",
            lambda: len(agents_in(tmp_path)) >= 2 or process.poll() is not None,
        )
        yield process
        process.kill()


def agents_in(folder: Path) -> list[str]:
    return processes_naming(f"{folder}/fogbank-demo-")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_leaves_no_agent_and_no_state(
    demo: subprocess.Popen[bytes], tmp_path: Path, number: signal.Signals
) -> None:
    demo.send_signal(number)
    _, complaint = demo.communicate(timeout=PATIENCE_S)

    assert demo.returncode == 130
    assert complaint.strip() == b"fogbank: interrupted"
    assert agents_in(tmp_path) == []
    assert not list(tmp_path.glob("fogbank-demo-*"))


def test_agents_end_by_themselves_when_their_demo_is_killed(
    demo: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    demo.kill()

    wait_until("no agent runs", lambda: agents_in(tmp_path) == [])


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = fogbank("demo", "--out", tmp_path / "file")

    assert done.returncode == 6
    assert (
        done.stderr == f"fogbank: the folder {tmp_path}/file cannot be made: File exists\n".encode()
    )
