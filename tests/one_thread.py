"""Holds up whatever waits for a thread: the disk, as a test sees it, takes its time."""

from collections.abc import Generator
from contextlib import contextmanager

import trio


@contextmanager
def one_thread() -> Generator[trio.CapacityLimiter]:
    """Let one thread at a time do what blocks, in the order in which it is asked for.

    While the test holds what this gives, with ``async with``, none does.
    """
    limiter = trio.to_thread.current_default_thread_limiter()
    tokens, limiter.total_tokens = limiter.total_tokens, 1
    try:
        yield limiter
    finally:
        limiter.total_tokens = tokens
