"""What a party to a dispute does when it is asked about its run (SPEC.md section 7.11).

It kept the roots of its checkpoints; what lies between two of them it finds out by running that
part again, once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fogbank_protocol.errors import RemoteProtocolError

from ..limits import QUESTIONS_WAITING_MAX
from .state import Digest
from .statements import Question, Wanted
from .trace import Trace


@dataclass(frozen=True, slots=True)
class Asked:
    """The referee asks ``question`` about this run."""

    question: Question


@dataclass(frozen=True, slots=True)
class Replayed:
    """The states from ``first`` on, one after the other, have the roots ``roots``."""

    first: int
    roots: Sequence[Digest]


@dataclass(frozen=True, slots=True)
class SnapshotTaken:
    """The file of the state at ``position``."""

    position: int
    data: bytes


@dataclass(frozen=True, slots=True)
class State:
    """Sign and send: at ``position`` the run was at ``digest``."""

    position: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class GiveSnapshot:
    """Send the file of the state at ``position``."""

    position: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Replay:
    """Run again from a state at or before ``first`` up to ``last``, with a root at every step."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class TakeSnapshot:
    """Run again up to ``position`` and make a snapshot there."""

    position: int


RespondentEvent: TypeAlias = Asked | Replayed | SnapshotTaken
RespondentCommand: TypeAlias = State | GiveSnapshot | Replay | TakeSnapshot


class Respondent:
    """Answers for one run.  It keeps no time: the referee does."""

    def __init__(self, trace: Trace) -> None:
        """Answer for the run that left ``trace``."""
        self._trace = trace
        self._first = 0
        self._roots: Sequence[Digest] = ()
        self._waiting: list[int] = []

    def handle(self, event: RespondentEvent) -> list[RespondentCommand]:
        """Take one event and return what to do.

        Raises:
            RemoteProtocolError: a question about a state that the run never was in, or too many
                at a time (section 7.11).
        """
        match event:
            case Asked(Question(position=position, wanted=wanted)):
                if position >= self._trace.states:
                    raise RemoteProtocolError("a question beyond the run's end", rule="7.11")
                if wanted is Wanted.SNAPSHOT:
                    return [TakeSnapshot(position)]
                return self._answer(position)
            case Replayed(first, roots):
                self._first, self._roots = first, roots
                waiting, self._waiting = self._waiting, []
                return [command for position in waiting for command in self._answer(position)]
            case SnapshotTaken(position, data):
                return [GiveSnapshot(position, data)]

    def _answer(self, position: int) -> list[RespondentCommand]:
        digest = self._trace.digest(position)
        if digest is None and 0 <= position - self._first < len(self._roots):
            digest = self._roots[position - self._first]
        if digest is not None:
            return [State(position, digest)]
        if len(self._waiting) == QUESTIONS_WAITING_MAX:
            raise RemoteProtocolError("too many questions at a time", rule="7.11")
        self._waiting.append(position)
        unit = self._trace.checkpoint_steps
        first = position // unit * unit
        return [Replay(first, min(first + unit, self._trace.states) - 1)]
