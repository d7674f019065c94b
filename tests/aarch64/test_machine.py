"""Outcome, fuel, output and memory of a run are the same on aarch64 as on this machine.

The other machine is emulated: ``make aarch64-proof`` makes it where it can be made.
"""

import json
import platform
import subprocess
import sys
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from tests.aarch64.prepare import PYTHON, ROOT, SITE
from tests.wasm_tasks.examples.inputs import ARGUMENTS, INPUTS
from tests.wasm_tasks.metering.injection.generator import Generator
from tests.wasm_tasks.packages import translate
from tests.wasm_tasks.sandbox.hostile_charging import CHARGING

from fogbank_wasm_tasks.examples import MODULE_NAMES, module_bytes
from fogbank_wasm_tasks.metering.injection.binary import encode_sections
from fogbank_wasm_tasks.metering.injection.layout import EXPORTS, in_order, read_layout
from fogbank_wasm_tasks.module.checks import check_module
from fogbank_wasm_tasks.module.facts import Shape
from fogbank_wasm_tasks.module.shape import detect_shape

REPOSITORY = Path(__file__).parents[2]
CORPUS = REPOSITORY / "tests" / "wasm_tasks" / "metering" / "injection" / "corpus"
VECTORS = REPOSITORY / "tests" / "vectors"
GENERATED = 30
"""Thirty seeds: ten without floats, ten with, ten with vectors as well."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        which("qemu-aarch64") is None or not (ROOT / "usr" / "bin" / PYTHON).exists(),
        reason="no emulated aarch64 here: make aarch64-proof",
    ),
]


def task(module: bytes, **fields: Any) -> dict[str, Any]:
    return {"module": module.hex(), "shape": "command", "input": "", **fields}


def tasks() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for seed in range(GENERATED):
        text = Generator(seed, has_floats=seed % 3 != 0, has_vectors=seed % 3 == 2).module()
        module = translate(text.replace('"run"', '"_start"'))
        found[f"seed {seed}"] = task(module, is_plain=True)
    for case in json.loads((VECTORS / "metering.json").read_text("utf-8"))["accept"]:
        found[case["name"]] = task(
            bytes.fromhex(case["hex"]),
            shape=case["shape"], input=case["input"], fuel_max=case["fuel_max"],
        )  # fmt: skip
    for each in CHARGING:
        if not each.request:
            module = translate(each.module) if isinstance(each.module, str) else each.module
            shape = "command" if b"_start" in module else "reactor"
            found[each.name] = task(module, shape=shape, fuel_max=10**6)
    for path in sorted(CORPUS.glob("*.wasm")):
        found[path.stem] = task(with_run_as_start(path.read_bytes()), is_plain=True)
    for name in MODULE_NAMES:
        found[name] = example(name)
    return found


def with_run_as_start(module: bytes) -> bytes:
    """Return ``module``, which exports a ``run`` that takes and gives nothing, as a command."""
    sections = dict(read_layout(module).sections)
    assert sections[EXPORTS].count(b"\x03run\x00") == 1
    sections[EXPORTS] = sections[EXPORTS].replace(b"\x03run\x00", b"\x06_start\x00")
    return encode_sections(in_order(sections))


def example(name: str) -> dict[str, Any]:
    module = module_bytes(name)
    shape = detect_shape(check_module(module))
    found = task(
        module, shape=str(shape), input=INPUTS[name].hex(), arguments=ARGUMENTS.get(name, ())
    )
    if shape is Shape.STEP:
        found["checkpoint_steps"] = 3
    return found


def run_on(machine: str, work: str) -> dict[str, Any]:
    path = [str(REPOSITORY)]
    path += [str(REPOSITORY / each) for each in ("protocol", "wasm_tasks")]
    command = [sys.executable]
    if machine == "aarch64":
        path.append(str(SITE))
        command = [
            "qemu-aarch64", "-L", str(ROOT), "-E", f"PYTHONHOME={ROOT / 'usr'}",
            "-E", f"PYTHONPATH={':'.join(path)}", str(ROOT / "usr" / "bin" / PYTHON), "-S",
        ]  # fmt: skip
    done = subprocess.run(
        [*command, "-m", "tests.aarch64.machine"],
        input=work, capture_output=True, text=True, check=False, cwd=REPOSITORY,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_every_run_is_the_same_on_another_machine() -> None:
    work = json.dumps(tasks())
    here, there = run_on("here", work), run_on("aarch64", work)

    assert there["machine"] == "aarch64"
    assert here["machine"] == platform.machine() != "aarch64"
    assert here["tasks"] == there["tasks"]
    assert len({each["outcome"] for each in here["tasks"].values()}) > 5
    outcomes = {name: here["tasks"][name]["outcome"] for name in MODULE_NAMES}
    assert set(outcomes.values()) == {"Finished()"}, outcomes
    # Twenty generations: their states, and the roots of every third.
    assert here["tasks"]["cellular_automaton"]["memory"].startswith("21 ")
