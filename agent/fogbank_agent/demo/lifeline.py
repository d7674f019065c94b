"""Ties an agent of the demonstration to the process that started it.

The demonstration holds the other end of the agent's standard input.  The kernel closes it however
the demonstration ends, SIGKILL included, so that no agent is ever left behind.
"""

import os
import signal
import sys
from threading import Thread


def hold() -> None:
    """From now on, stop this process as SIGTERM does when its standard input ends."""
    Thread(target=_wait, name="lifeline", daemon=True).start()


def _wait() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
