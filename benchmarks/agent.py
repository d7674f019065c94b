"""Real agents on loopback: start-up, discovery, idle cost, order to agreement; JSON lines."""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path

from fogbank_agent.control.client import ControlClient
from fogbank_agent.control.requests.jobs import (
    JobEnded,
    JobProgressed,
    RunInput,
    RunsEnded,
    StartJob,
)
from fogbank_agent.control.requests.peers import GetPeers, Peers
from fogbank_agent.control.requests.status import GetStatus, Status
from fogbank_agent.errors import FogbankError
from fogbank_wasm_tasks.examples import module_bytes

FOGBANK = Path(sys.executable).with_name("fogbank")
AGENTS = 4
RUNS = 40
IDLE_S = 20
START_UP_TRIALS = 20
PATIENCE_S = 60
CSV = b"time,temperature\n" + b"".join(b"%d,%d.5\n" % (line, line % 30) for line in range(100))


def report(name: str, value: float, unit: str, **more: object) -> None:
    print(json.dumps({"benchmark": name, "value": round(value, 3), "unit": unit, **more}))


def fogbank(*arguments: str | Path) -> str:
    return subprocess.run(
        [FOGBANK, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@contextmanager
def running(state: Path) -> Generator[subprocess.Popen[bytes]]:
    with (state / "log").open("wb") as log:
        process = subprocess.Popen([FOGBANK, "up", "--state", state], stderr=log)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def make_network(folder: Path) -> list[Path]:
    states = [folder / f"agent{number}" for number in range(AGENTS)]
    keys = [fogbank("init", "--key-only", "--state", state) for state in states]
    options = [option for key in keys for option in ("--seat", key, "--balance", f"{key}=1000000")]
    fogbank("network", "create", "--name", "bench", *options, "--out", folder / "network")
    for state in states:
        where = ("--interface", "127.0.0.1", "--state", state)
        fogbank("init", "--network", folder / "network", *where)
    return states


def wait_connected(state: Path, peers: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            with ControlClient(state / "control.sock") as client:
                while time.monotonic() < deadline:
                    known = client.ask(GetPeers(), Peers).peers
                    if sum(peer.price is not None for peer in known) == peers:
                        return
                    time.sleep(0.02)
        except FogbankError:
            time.sleep(0.02)
    raise SystemExit(f"{state}: {peers} peers did not come in {PATIENCE_S} s; see its log")


def cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("no VmRSS in /proc")


def measure_idle(states: list[Path]) -> None:
    processes: list[int] = []
    for state in states:
        with ControlClient(state / "control.sock") as client:
            processes.append(client.ask(GetStatus(), Status).process)
    before = [cpu_s(process) for process in processes]
    time.sleep(IDLE_S)
    used = [cpu_s(process) - was for process, was in zip(processes, before, strict=True)]
    report("idle_cpu", 100 * max(used) / IDLE_S, "percent of a core", agents=len(states))
    report("idle_rss", max(map(resident_mib, processes)), "MiB", agents=len(states))


def measure_agreements(state: Path) -> None:
    module = module_bytes("sensor_statistics")
    ordered: dict[int, int] = {}
    waits: list[int] = []
    with ControlClient(state / "control.sock") as client:
        task = client.put_blob(BytesIO(module), len(module))
        blob = client.put_blob(BytesIO(CSV), len(CSV))
        job = StartJob(
            task_id=task,
            task_name="sensor_statistics",
            inputs=tuple(RunInput(f"run {number}", blob) for number in range(RUNS)),
            arguments=(),
            environment=(),
            seed=0,
            verify="none",
            price_max=None,
            start_price_max=None,
            fuel_max=None,
            deadline_s=None,
            patience_s=None,
        )
        client.send(job)
        while True:
            match client.receive_any([JobProgressed, RunsEnded, JobEnded]):
                case JobProgressed(run=run, at_ms=at_ms, event="RunOrdered"):
                    ordered[run] = at_ms
                case JobProgressed(run=run, at_ms=at_ms, event="RunPlaced") if run in ordered:
                    waits.append(at_ms - ordered[run])
                case JobEnded() as ended:
                    break
                case _:
                    pass
    report("order_to_agreement", statistics.median(waits), "ms median", orders=len(waits))
    report("small_runs", ended.ok / ended.seconds, "runs/s", runs=ended.ok)


def measure_start_up(state: Path) -> None:
    times: list[float] = []
    for _ in range(START_UP_TRIALS):
        began = time.perf_counter()
        fogbank("status", "--json", "--state", state)
        times.append(1000 * (time.perf_counter() - began))
    report("command_start_up", statistics.median(times), "ms median", command="status")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        states = make_network(Path(folder))
        began = time.monotonic()
        for state in states:
            stack.enter_context(running(state))
        for state in states:
            wait_connected(state, AGENTS - 1)
        report("start_to_all_connected", time.monotonic() - began, "s", agents=AGENTS)
        measure_idle(states)
        measure_agreements(states[0])
        measure_start_up(states[0])


if __name__ == "__main__":
    main()
