"""Stands in for a full disk: the system refuses to let any file of this process grow."""

import resource
import signal
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def full_disk(bytes_max: int) -> Generator[None]:
    """Refuse to write files longer than ``bytes_max`` while this lasts.

    Keep it within a test: pytest itself writes a line between a test and its fixtures' ends.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
