"""Runs that recurse need the stack that a worker has, and more than a test has."""

import threading
from collections.abc import Callable
from typing import TypeVar

from fogbank_wasm_tasks.limits import WORKER_STACK_BYTES

Result = TypeVar("Result")


def on_large_stack(work: Callable[[], Result]) -> Result:
    """Return what ``work`` returns in a thread with a worker's stack, or raise what it raises."""
    returned: list[Result] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            returned.append(work())
        except BaseException as error:
            raised.append(error)

    before = threading.stack_size(WORKER_STACK_BYTES)
    try:
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    if raised:
        raise raised[0]
    return returned[0]
