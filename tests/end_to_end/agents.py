"""Real agents as real processes, driven through the command line as a person drives them."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from fogbank_agent.control.client import ControlClient
from fogbank_agent.control.requests.money import GetWallet, Wallet
from fogbank_agent.control.requests.peers import GetPeers, Peers
from fogbank_agent.control.requests.status import GetStatus, Status
from fogbank_agent.errors import AgentUnreachable

Kind = TypeVar("Kind")

FOGBANK = [sys.executable, "-c", "from fogbank_agent.cli.main import main; main()"]
PATIENCE_S = 60
"""How long anything is waited for; reached only when something is broken."""

POLL_S = 0.02


def fogbank(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run one command to its end."""
    return subprocess.run(
        [*FOGBANK, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=2 * PATIENCE_S,
    )


def wait_until(what: str, holds: Callable[[], bool]) -> None:
    """Return as soon as ``holds`` does."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"still not so: {what}"
        time.sleep(POLL_S)


@dataclass
class Agent:
    """One agent in a state folder of its own; it runs between ``start`` and ``stop``."""

    state: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __call__(self, command: str, *arguments: object) -> subprocess.CompletedProcess[bytes]:
        """Run ``command`` for this agent."""
        return fogbank(command, *arguments, "--state", self.state)

    def json(self, command: str, *arguments: object) -> dict[str, Any]:
        """Run ``command --json``, which must do well, and return what it says."""
        done = self(command, *arguments, "--json")
        assert done.returncode == 0, done.stderr.decode()
        answer = json.loads(done.stdout)
        assert isinstance(answer, dict)
        return answer

    def start(self) -> None:
        """Start the agent and return when it answers commands."""
        with (self.state / "log").open("ab") as log:
            process = subprocess.Popen([*FOGBANK, "up", "--state", str(self.state)], stderr=log)
        self.processes.append(process)
        wait_until(f"{self.state} is up", lambda: self.is_up() or process.poll() is not None)
        assert process.poll() is None, self.log()

    def ask(self, request: object, kind: type[Kind]) -> Kind:
        """Ask over the control socket, as the commands do but without their start-up."""
        with ControlClient(self.state / "control.sock") as client:
            return client.ask(request, kind)

    def status(self) -> Status:
        """Return how the agent is."""
        return self.ask(GetStatus(), Status)

    def wallet(self) -> Wallet:
        """Return the agent's money."""
        return self.ask(GetWallet(), Wallet)

    def is_up(self) -> bool:
        """Tell whether the agent answers."""
        try:
            self.status()
        except AgentUnreachable:
            return False
        return True

    def wait_peers(self, count: int) -> None:
        """Return when ``count`` peers are connected and offer to run tasks."""
        wait_until(f"{self.state} has {count} peers", lambda: self.providers() >= count)

    def providers(self) -> int:
        """Return how many connected peers offer to run tasks."""
        return sum(peer.price is not None for peer in self.ask(GetPeers(), Peers).peers)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the agent with a signal and return its exit code."""
        process = self.processes.pop()
        process.send_signal(number)
        return process.wait(PATIENCE_S)

    def log(self) -> str:
        """Return what the agent wrote to standard error."""
        return (self.state / "log").read_text()
