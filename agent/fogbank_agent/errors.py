"""Errors that a person reads: one clear sentence that says what to do, and an exit code.

The command line prints the sentence and leaves with the code; nobody sees a traceback for any of
these.  A bug is none of these, and crashes.
"""


class FogbankError(Exception):
    """Something a person can put right.  The message is one sentence that says how."""

    exit_code = 1


class RunFailed(FogbankError):
    """At least one run did not give a result that was accepted."""

    exit_code = 1


class BuildFailed(FogbankError):
    """A task's sources do not give a module, or there is no module yet."""

    exit_code = 1


class TrialFailed(FogbankError):
    """A test of a task did not give what its manifest says."""

    exit_code = 1


class ProofFailed(FogbankError):
    """A proof of a wrong result hangs together, and the result is right."""

    exit_code = 1


class AgentUnreachable(FogbankError):
    """No agent answers on the control socket of this state folder."""

    exit_code = 3


class StateFolderError(FogbankError):
    """The state folder is missing, incomplete, damaged, or in use by another agent."""

    exit_code = 4


class ConfigError(FogbankError):
    """The configuration says something that is not understood."""

    exit_code = 4


class Refused(FogbankError):
    """The agent understood and said no: no such peer, not enough money, no such run."""

    exit_code = 5


class MachineError(FogbankError):
    """This machine does not give what is needed: a port, disk space, a network, rights."""

    exit_code = 6


def printable(text: str) -> str:
    """Return ``text`` without line breaks and whatever else would steer a terminal: others' words.

    What cannot be shown stands there as a question mark.
    """
    return "".join(character if character.isprintable() else "?" for character in text)
