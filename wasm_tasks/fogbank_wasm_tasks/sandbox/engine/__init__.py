"""The one door to wasmtime: compiles modules and runs them (SPEC.md sections 7.3 to 7.5).

Only the processes that may die import this: the compile child and the workers.
"""

from .engine import Engine
from .instance import Instance, LoadedModule
from .interface import EngineFailed, InvalidModule

__all__ = ["Engine", "EngineFailed", "Instance", "InvalidModule", "LoadedModule"]
