"""Jobs that an agent keeps over its restarts, for the command line."""

from dataclasses import dataclass

from .jobs import StartJob


@dataclass(frozen=True, slots=True)
class KeepJob:
    """Buy what ``job`` says and keep it, whoever hangs up.  Answered by ``KeptJob``."""

    job: StartJob
    reduce_id: bytes | None
    """The blob of the task that joins the outputs, kept before; None to keep them as they are."""

    reduce_name: str
    fan: int
    """How many outputs it joins at a time, at least 2; 0 for all at once."""


@dataclass(frozen=True, slots=True)
class GetJobs:
    """Which jobs are kept?  Answered by ``KeptJobs``."""


@dataclass(frozen=True, slots=True)
class FollowJob:
    """Tell every result of a job, those that are there and those that come.

    Answered by ``FragmentDone`` for each, and ``KeptJob`` when it has ended.  ``job`` is the
    beginning of its id.
    """

    job: str


@dataclass(frozen=True, slots=True)
class ForgetJob:
    """Give a job up if it is open, and keep nothing of it.  Answered by ``KeptJobs``."""

    job: str


@dataclass(frozen=True, slots=True)
class ResumeJob:
    """Go on with a job that has failed, with what it has.  Answered by ``KeptJob``."""

    job: str


@dataclass(frozen=True, slots=True)
class KeptJob:
    """How a job is."""

    job: str
    """32 hexadecimal digits."""

    name: str
    began_unix_s: int
    state: str
    """"open", "done" or "failed"."""

    why: str
    """Why it failed, or what it waits for while it is open; else empty."""

    fragments: int
    done: int
    """Fragments with an accepted outcome."""

    levels: int
    """1, and one more for each time that outputs were joined."""


@dataclass(frozen=True, slots=True)
class KeptJobs:
    """All kept jobs, the oldest first."""

    jobs: tuple[KeptJob, ...]


@dataclass(frozen=True, slots=True)
class FragmentDone:
    """Fragment ``number`` of ``level`` has ended; the last word about it counts."""

    level: int
    """0 for the inputs of the job, higher for joined outputs."""

    number: int
    name: str
    accepted: bool
    """False when nobody has run it so far; it is tried again while the job is open."""

    outcome: str
    output_id: bytes | None
    """None unless the outcome is "ok"."""

    output_bytes: int
    provider: str
    fuel: int
