"""Which processes of the sandbox there are, seen from outside."""

import os
from collections.abc import Callable
from pathlib import Path

import trio

WORKER = "fogbank_wasm_tasks.sandbox.worker"
COMPILER = "fogbank_wasm_tasks.sandbox.compile_child"


def children(module: str, parent: int | None = None) -> list[int]:
    """Return the ids of the live processes that run ``module`` and were started by ``parent``."""
    wanted = os.getpid() if parent is None else parent
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        state, its_parent = fields[0], int(fields[1])
        if module.encode() in command and its_parent == wanted and state != "Z":
            found.append(int(folder.name))
    return found


async def wait_until(condition: Callable[[], object]) -> None:
    """Wait until ``condition`` holds, which no event tells: it is about other processes."""
    with trio.fail_after(60):
        while not condition():  # noqa: ASYNC110
            await trio.sleep(0.005)
