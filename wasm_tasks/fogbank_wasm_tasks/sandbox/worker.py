"""A worker process: runs modules, one at a time, until the agent closes its pipe or kills it.

It holds no key, has no network, opens no file, and outlives no agent.
Started by ``pool.py`` as ``python -m fogbank_wasm_tasks.sandbox.worker``.
"""

from ..limits import MEMORY_BYTES_MAX, WORKER_MEMORY_SLACK_BYTES, WORKER_STACK_BYTES
from .child import Pipes, run_child
from .confinement import confine
from .messages import CallCommand, CompileCommand, GoOn, ProfileCommand, Ready, SliceDone
from .settings import Target


def serve(pipes: Pipes, target: Target) -> None:
    """Run modules compiled for ``target`` as told, until the agent is gone."""
    # Imported here because run_child has found out by now that it can be.
    from .runner import Runner

    def wait(done: SliceDone) -> GoOn:
        pipes.send(done)
        told = pipes.receive()
        assert isinstance(told, GoOn)
        return told

    runner = Runner(tell=pipes.send, wait=wait, receive=pipes.receive, target=target)
    most = MEMORY_BYTES_MAX + WORKER_STACK_BYTES + WORKER_MEMORY_SLACK_BYTES
    pipes.send(Ready(confine(most)))
    while True:
        command = pipes.receive()
        assert not isinstance(command, CallCommand | CompileCommand | GoOn | ProfileCommand)
        pipes.send(runner.answer(command))


if __name__ == "__main__":
    run_child(serve)
