"""The agents of the demonstration as processes of this machine, ended whatever happens."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO

from ..control.client import ControlClient
from ..errors import MachineError
from ..limits import DEMO_STOP_S
from .stage import Player

_UP = (
    "from fogbank_agent.demo.lifeline import hold; hold(); "
    "from fogbank_agent.cli.main import main; main()"
)
"""The command line is a layer above this one, so that it is named here in the process's words."""


class AgentProcess:
    """One agent that runs, and its log."""

    def __init__(self, player: Player) -> None:
        """Start the agent of ``player``: ``fogbank up``, and the lifeline."""
        self.player = player
        self.killed = False
        self._log: BinaryIO = player.log.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-c", _UP, "up", "--state", str(player.state.path)],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            # A session of its own: Ctrl-C is for the demonstration, which then stops its agents.
            start_new_session=True,
        )

    def connect(self) -> ControlClient:
        """Connect to the agent; raises ``AgentUnreachable`` while it does not listen yet."""
        return ControlClient(self.player.state.control_socket)

    def check_running(self) -> None:
        """Raise ``MachineError`` with the last line of its log when the agent ended by itself."""
        if self.killed or self._process.poll() is None:
            return
        lines = self.player.log.read_text(errors="replace").strip().splitlines()
        last = lines[-1] if lines else "it said nothing"
        raise MachineError(
            f"{self.player.name} stopped by itself: {last}; its log is {self.player.log}"
        )

    def wait_stopped(self) -> None:
        """Wait a moment for an agent that no longer answers to end."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(DEMO_STOP_S)

    def kill(self) -> None:
        """End the agent as a power failure would: SIGKILL, with no chance to say anything."""
        self.killed = True
        self._process.kill()
        self._process.wait()

    def ask_to_stop(self) -> None:
        """Send SIGTERM, unless it has ended."""
        if self._process.poll() is None:
            self._process.terminate()

    def end(self) -> None:
        """Wait for its end, and make one when that takes more than ``DEMO_STOP_S``."""
        try:
            self._process.wait(DEMO_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # What it started and left behind when it was killed.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._log.close()


@contextmanager
def running(players: Sequence[Player]) -> Generator[list[AgentProcess]]:
    """Start all agents; stop them when the context ends, for whatever reason."""
    processes: list[AgentProcess] = []
    try:
        for player in players:
            processes.append(AgentProcess(player))
        yield processes
    finally:
        for process in processes:
            process.ask_to_stop()
        for process in processes:
            process.end()
