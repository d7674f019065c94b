"""A wall around what bytes of a peer drive: a bug there ends that alone, and not the agent.

Bugs crash, and that is how they are found.  But an agent works for many, and a crash that one
message causes is a weapon: whoever finds it can end every agent that it can reach, again at each
start.  So what one peer asks for ends by itself, and the bug is reported as loudly as can be.

Not behind such a wall is what others' money and votes rest on.  A ledger that was left half
changed must not go on voting, so a bug in what changes it still ends the agent.
"""

from collections.abc import Awaitable, Callable
from logging import DEBUG, ERROR, getLogger
from traceback import extract_tb, format_list
from types import TracebackType
from typing import Self, TypeVarTuple, Unpack

from ..errors import MachineFailure, ProtocolError

_log = getLogger(__name__)

_reported: set[tuple[type[Exception], str, int]] = set()
"""Where bugs were found; code has a bounded number of such places."""

Arguments = TypeVarTuple("Arguments")


class Contained:
    """A context that any exception ends, and none leaves.

    But for what is no bug: cancellation, the end of the process, and ``MachineFailure``, by which
    an agent whose disk is full stops with a sentence.
    """

    def __init__(self, what: str, *passing: type[Exception]) -> None:
        """Name what ends ``what`` in the log; those ``passing`` are no bugs, and leave it."""
        self._what = what
        self._passing = passing
        self.has_failed = False
        """Whether something was raised inside."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if isinstance(error, BaseExceptionGroup) and not isinstance(error, ExceptionGroup):
            self._contain_part(error)
            return False
        if not isinstance(error, Exception) or isinstance(error, self._passing):
            return False
        if _is_of_machine(error):
            return False
        self.has_failed = True
        for bug in _bugs(error):
            _report(bug, self._what)
        return True

    def _contain_part(self, error: BaseExceptionGroup[BaseException]) -> None:
        """Let out of a bug beside a cancellation the cancellation alone."""
        bugs, rest = error.split(Exception)
        if bugs is None or rest is None or _is_of_machine(bugs):
            return
        self.has_failed = True
        for bug in _bugs(bugs):
            _report(bug, self._what)
        raise rest from None


async def run_contained(
    what: str,
    call: Callable[[Unpack[Arguments]], Awaitable[object]],
    *arguments: *Arguments,
) -> None:
    """Await ``call`` with ``arguments`` inside such a wall, for ``start_soon``."""
    with Contained(what):
        await call(*arguments)


def _is_of_machine(error: Exception) -> bool:
    if isinstance(error, ExceptionGroup):
        return error.subgroup(MachineFailure) is not None
    return isinstance(error, MachineFailure)


def _bugs(error: Exception) -> list[Exception]:
    """Return what a nursery has wrapped, however often."""
    if isinstance(error, ExceptionGroup):
        return [bug for one in error.exceptions for bug in _bugs(one)]
    return [error]


def _report(bug: Exception, what: str) -> None:
    frames = extract_tb(bug.__traceback__)
    last = frames[-1] if frames else None
    place = type(bug), last.filename if last else "", (last.lineno or 0) if last else 0
    # With its trace once: a peer must not be able to fill the log.
    level = DEBUG if place in _reported else ERROR
    _reported.add(place)
    # Other messages may quote what was being read: keys, inputs, whatever a peer has sent.
    said = f": {bug}" if isinstance(bug, ProtocolError) else ""
    _log.log(
        level,
        "a bug in this agent ended %s, and nothing else; please report it\n%s%s%s",
        what,
        "".join(format_list(frames)),
        type(bug).__name__,
        said,
    )
