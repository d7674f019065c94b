"""A compile child: compiles one module and ends.

A hostile module can take minutes and a gigabyte to compile: that is spent here, within limits.
Started by ``compiler.py`` as ``python -m fogbank_wasm_tasks.sandbox.compile_child``.
"""

from ..limits import COMPILE_MEMORY_BYTES_MAX, COMPILED_BYTES_MAX, WORKER_STACK_BYTES
from .child import Pipes, run_child
from .confinement import confine
from .messages import CompileCommand, Compiled, Invalid, Ready
from .settings import Target

_MESSAGE_LETTERS_MAX = 500


def serve(pipes: Pipes, target: Target) -> None:
    """Compile the one module that the agent sends, for ``target``."""
    # Imported here because run_child has found out by now that it can be.
    from .engine import Engine, InvalidModule

    engine = Engine(on_call=lambda _fuel: None, target=target)
    pipes.send(Ready(confine(COMPILE_MEMORY_BYTES_MAX + WORKER_STACK_BYTES)))
    command = pipes.receive()
    assert isinstance(command, CompileCommand)
    try:
        compiled = engine.compile(
            command.module, is_precise=command.is_precise, is_paced=command.is_paced
        )
    except InvalidModule as error:
        pipes.send(Invalid(str(error)[:_MESSAGE_LETTERS_MAX]))
        return
    assert len(compiled) <= COMPILED_BYTES_MAX
    pipes.send(Compiled(compiled))


if __name__ == "__main__":
    run_child(serve)
