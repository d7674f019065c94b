"""A job whose requestor is killed in the middle goes on, and pays for nothing twice."""

import signal
from pathlib import Path
from typing import Any

import pytest
from tests.wasm_tasks.packages import package, reactor

from fogbank_agent.control.requests.kept_jobs import GetJobs, KeptJobs

from .agents import Agent, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.end_to_end]

LOCAL = ("--interface", "127.0.0.1")
FRAGMENTS = 24
SPIN = reactor(
    "(local $turns i32) (local.set $turns (i32.const 45000000))"
    "(loop $again (br_if $again (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))"
    "(i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32))"
    "        (i64.extend_i32_u (local.get 1)))"
)
"""Takes its time, and gives back what it was given: so the reduce task gives what it was joined."""


def test_a_killed_requestor_goes_on_with_its_job_and_pays_for_nothing_twice(
    tmp_path: Path,
) -> None:
    inputs, outputs = tmp_path / "inputs", tmp_path / "outputs"
    inputs.mkdir()
    for number in range(FRAGMENTS):
        (inputs / f"{number:02}").write_bytes(b"%d" % number)
    task = tmp_path / "spin.fogpkg"
    task.write_bytes(package(SPIN).data)
    buyer, seller = Agent(tmp_path / "buyer"), Agent(tmp_path / "seller")
    try:
        assert buyer("init", "--name", "fields", *LOCAL).returncode == 0
        buyer.start()
        network = buyer.json("status")["network_id"]
        assert seller("init", "--join", network, *LOCAL).returncode == 0
        _ask_one_drop_a_run(seller)
        seller.start()
        buyer.wait_peers(1)

        started = buyer("job", "start", task, "--map", inputs, "--reduce", task, "--verify", "none")
        assert started.returncode == 0, started.stderr.decode()
        job = started.stdout.decode().strip()
        wait_until("some fragments are paid", lambda: _paid(buyer) >= 3)
        paid = _paid(buyer)
        buyer.stop(signal.SIGKILL)
        buyer.start()
        assert _done(buyer) >= paid, "what was paid for is forgotten"
        assert _done(buyer) < FRAGMENTS, "there was nothing left to do: let the task spin longer"
        fetched = buyer("job", "fetch", job, "--output", outputs)

        assert fetched.returncode == 0, fetched.stderr.decode()
        for path in inputs.iterdir():
            assert (outputs / path.name).read_bytes() == path.read_bytes()
        whole = b"".join(
            len(data).to_bytes(4, "little") + data
            for data in (b"%d" % number for number in range(FRAGMENTS))
        )
        assert (outputs / "reduced").read_bytes() == whole
        assert buyer("job", "fetch", job).stdout == whole
        wait_until("all is paid", lambda: _paid(buyer) >= FRAGMENTS + 1)
        assert _paid(buyer) == FRAGMENTS + 1
        assert buyer("job", "forget", job).returncode == 0
        assert buyer.ask(GetJobs(), KeptJobs).jobs == ()
        assert buyer("job", "fetch", job).returncode == 5
    finally:
        for agent in (buyer, seller):
            for _ in list(agent.processes):
                agent.stop()


def _ask_one_drop_a_run(seller: Agent) -> None:
    path = seller.state / "config.toml"
    text = path.read_text()
    for name, value in (("price", 0), ("start_price", 1)):
        lines = [
            f"{name} = {value}" if line.lstrip("# ").startswith(f"{name} =") else line
            for line in text.splitlines()
        ]
        text = "\n".join(lines) + "\n"
    path.write_text(text)


def _done(buyer: Agent) -> int:
    (job,) = buyer.ask(GetJobs(), KeptJobs).jobs
    return job.done


def _paid(buyer: Agent) -> int:
    channels: list[dict[str, Any]] = buyer.json("channels")["channels"]
    return sum(one["paid"] for one in channels if one["pays"])
