"""A profile child: compiles one module so that it counts by function, runs it once, and ends.

Started by ``profiler.py`` as ``python -m fogbank_wasm_tasks.sandbox.profile_child``.
"""

from collections import Counter

from ..limits import (
    COMPILE_MEMORY_BYTES_MAX,
    MEMORY_BYTES_MAX,
    WORKER_MEMORY_SLACK_BYTES,
    WORKER_STACK_BYTES,
)
from ..module.reserved import CALLS, FUEL
from ..outcome import HostFault, HostFaultKind
from .child import Pipes, run_child
from .confinement import confine
from .messages import Ended, Invalid, ProfileCommand, Profiled, Ready
from .settings import Target

_MEMORY_BYTES = (
    COMPILE_MEMORY_BYTES_MAX + MEMORY_BYTES_MAX + WORKER_STACK_BYTES + WORKER_MEMORY_SLACK_BYTES
)
_MESSAGE_LETTERS_MAX = 500


def serve(pipes: Pipes, target: Target) -> None:
    """Profile the one run that the agent asks for."""
    # Imported here because run_child has found out by now that it can be.
    from .engine import Engine, EngineFailed, Instance, InvalidModule

    functions: list[tuple[int, int]] = []
    fuel: Counter[str] = Counter()
    calls: Counter[str] = Counter()

    def count(name: str, cost: int) -> None:
        fuel[name] += cost
        calls[name] += 1

    engine = Engine(lambda _fuel: None, target, on_cost=count)
    pipes.send(Ready(confine(_MEMORY_BYTES)))
    command = pipes.receive()
    assert isinstance(command, ProfileCommand)

    def look(instance: Instance) -> None:
        functions.extend(zip(instance.read_counts(FUEL), instance.read_counts(CALLS), strict=True))

    try:
        compiled = engine.compile(command.module, is_precise=True, is_profiled=True)
        ended = engine.run(engine.load(compiled), command.run, look=look)
    except InvalidModule as error:
        pipes.send(Invalid(str(error)[:_MESSAGE_LETTERS_MAX]))
        return
    except EngineFailed:
        ended = Ended(
            ending=HostFault(HostFaultKind.ENGINE_FAILED),
            output=b"",
            fuel=0,
            peak_memory_bytes=0,
            wall_us=0,
            diagnostics=b"",
            is_exact=True,
        )
    pipes.send(Profiled(functions, [(name, fuel[name], calls[name]) for name in sorted(calls)]))
    pipes.send(ended)


if __name__ == "__main__":
    run_child(serve)
