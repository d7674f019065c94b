"""``fogbank demo`` as a newcomer runs it, with fewer paths of light so that it takes less time."""

import json
import os
import signal
import subprocess
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
    assert report["killed"] == 1
    assert report["supply_before"] == report["supply_after"] > 0
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


def test_an_interrupted_demo_leaves_no_agent_behind(tmp_path: Path) -> None:
    out = tmp_path / "out"
    # The state folders of the agents lie in the temporary folder, and in their command lines.
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    demo = subprocess.Popen(
        [*FOGBANK, "demo", "--out", str(out)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    mark = f"{tmp_path}/fogbank-demo-"
    wait_until("five agents run", lambda: len(processes_naming(mark)) >= 5)

    demo.send_signal(signal.SIGINT)
    _, complaint = demo.communicate(timeout=PATIENCE_S)

    assert demo.returncode == 130
    assert b"Traceback" not in complaint
    assert processes_naming(mark) == []
    assert not list(tmp_path.glob("fogbank-demo-*"))
