"""How a module is made to count its fuel."""

from typing import Protocol

from ..module.global_exports import export_globals
from ..module.rewriting import export_start


class Metering(Protocol):
    """One way to meter.  Its ``name`` is part of the name under which compiled code is kept."""

    @property
    def name(self) -> str:
        """The way and its version, such as "engine-fuel-1"."""
        ...

    @property
    def engine_counts(self) -> bool:
        """Whether the engine's own counter is to be switched on."""
        ...

    def prepare(self, module: bytes) -> bytes:
        """Return ``module``, which passed ``check_module``, as it is to be compiled."""
        ...


class EngineFuel:
    """The engine counts."""

    name = "engine-fuel-2"
    engine_counts = True

    def prepare(self, module: bytes) -> bytes:
        """Return ``module`` with nothing left to run while it is instantiated."""
        return export_start(export_globals(module))


METERING: Metering = EngineFuel()
"""How this version of the agent meters."""
