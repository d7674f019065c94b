"""How a host function ends a run."""


class RunEnded(Exception):
    """The host ends the run: see the subclasses for how."""


class RunExited(RunEnded):
    """The run asked to end with ``code``."""

    def __init__(self, code: int) -> None:
        """``code`` is 0 … 2**32-1."""
        super().__init__(code)
        self.code = code


class RunAborted(RunEnded):
    """The run's own runtime found itself broken."""


class OutputTooLarge(RunEnded):
    """The run wrote more than it may."""
