"""Why this agent cannot run a task.  (A module's own faults are a ``RemoteProtocolError``)."""


class SandboxUnavailable(Exception):
    """This machine cannot run tasks at all; the message is a sentence that says what to do."""


class SandboxBusy(Exception):
    """As many runs wait as may: try again later, or on another machine."""
