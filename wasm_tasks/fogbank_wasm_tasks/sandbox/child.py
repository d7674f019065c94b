"""What every process that touches hostile code has in common: its pipes, and how it ends."""

import importlib
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Final

from ..limits import WORKER_STACK_BYTES
from .confinement import may_execute_made_code
from .messages import (
    COMMAND_BYTES_MAX,
    LENGTH_BYTES,
    Command,
    Reply,
    Unusable,
    decode_command,
    encode_reply,
    frame,
)
from .settings import Target

NOT_EXECUTABLE: Final = (
    "this process may not make memory executable, which running tasks needs: remove "
    "MemoryDenyWriteExecute=yes from the service's unit file, or whatever else forbids it"
)
NO_ENGINE: Final = (
    "the package wasmtime does not work here ({}): tasks need a 64-bit operating system on x86-64 "
    "or ARM; if this is one, try: pip install --force-reinstall wasmtime"
)

_READ_BYTES: Final = 1 << 18


class Pipes:
    """The two pipes between this process and the agent, blocking."""

    def __init__(self) -> None:
        """Take over standard input and output, so that nothing else can write among the replies."""
        self._commands = os.dup(0)
        self._replies = os.dup(1)
        self._received = b""
        self._taken = 0
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        os.close(nothing)

    def receive(self) -> Command:
        """Wait for the next command; ends the process when the agent is gone."""
        length = int.from_bytes(self._read(LENGTH_BYTES), "big")
        assert length <= COMMAND_BYTES_MAX
        return decode_command(self._read(length))

    def send(self, reply: Reply) -> None:
        """Send ``reply``; ends the process when the agent is gone."""
        message = encode_reply(reply)
        if len(message) <= _READ_BYTES:
            self._write(frame(message))
        else:
            # Not copied once more: memory is limited, and an output may take a part of it.
            self._write(len(message).to_bytes(LENGTH_BYTES, "big"))
            self._write(message)

    def _write(self, data: bytes) -> None:
        try:
            written = os.write(self._replies, data)
            while written < len(data):
                written += os.write(self._replies, memoryview(data)[written:])
        except BrokenPipeError:
            os._exit(0)

    def wait_for_the_end(self) -> None:
        """Block until the agent has closed its end, whatever other threads do.

        A parent-death signal would not do: Linux sends it when the thread dies that started this
        process, and that is a short-lived one of the agent.
        """
        poll = select.poll()
        poll.register(self._commands, 0)
        poll.poll()

    def _read(self, count: int) -> bytes:
        start = self._taken
        end = start + count
        if end > len(self._received):
            if count > _READ_BYTES:
                return self._read_long(count)
            self._receive_more(count)
            start, end = 0, count
        self._taken = end
        return self._received[start:end]

    def _receive_more(self, count: int) -> None:
        """Read until there are ``count`` bytes that were not taken, which are then the first."""
        gathered = self._take_rest()
        while len(gathered) < count:
            # As much as there is: commands come many at a time.
            gathered += self._read_some(_READ_BYTES)
        self._received = bytes(gathered)

    def _read_long(self, count: int) -> bytes:
        """Return the next ``count`` bytes and read no others: they are many, and held once."""
        gathered = self._take_rest()
        while len(gathered) < count:
            gathered += self._read_some(min(count - len(gathered), _READ_BYTES))
        return bytes(gathered)

    def _take_rest(self) -> bytearray:
        rest = bytearray(self._received[self._taken :])
        self._received = b""
        self._taken = 0
        return rest

    def _read_some(self, most: int) -> bytes:
        part = os.read(self._commands, most)
        if not part:
            os._exit(0)
        return part


def run_child(serve: Callable[[Pipes, Target], None]) -> None:
    """Call ``serve`` in a thread with a stack large enough for runs, until the agent is gone.

    The target is the process's only argument.
    When this machine has no usable engine, the agent is told why, and ``serve`` is not called.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipes = Pipes()
    target = Target(sys.argv[1])

    def serve_and_end() -> None:
        try:
            fault = _find_engine_fault()
            if fault is None:
                serve(pipes, target)
            else:
                pipes.send(fault)
        except BaseException:
            # Not raised on: the main thread would wait for the agent to find out.  Telling it may
            # fail as well, when there is no memory left.
            try:
                traceback.print_exc()
            finally:
                os._exit(1)
        os._exit(0)

    threading.stack_size(WORKER_STACK_BYTES)
    threading.Thread(target=serve_and_end).start()
    pipes.wait_for_the_end()
    os._exit(0)


def _find_engine_fault() -> Unusable | None:
    """Import the engine, and return why that is of no use on this machine, if so."""
    try:
        importlib.import_module("fogbank_wasm_tasks.sandbox.engine")
    except (ImportError, OSError, RuntimeError) as error:
        return Unusable(NO_ENGINE.format(str(error)[:200]))
    if not may_execute_made_code():
        return Unusable(NOT_EXECUTABLE)
    return None
