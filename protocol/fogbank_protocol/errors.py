"""What can go wrong on the wire, and whose fault it is."""


class ProtocolError(Exception):
    """A rule of SPEC.md was broken.  Never raised itself: see the two classes below."""


class LocalProtocolError(ProtocolError):
    """This side tried something the protocol forbids: a bug in the caller."""


class MachineFailure(Exception):
    """This machine does not keep what it must: nothing that was read or written was wrong.

    Never raised itself: its subclasses name what failed, and say what to do.
    """


class RemoteProtocolError(ProtocolError):
    """The peer broke a rule: refuse what it sent, and close the channel when SPEC.md says so."""

    def __init__(self, message: str, *, rule: str) -> None:
        """``rule`` is the section of SPEC.md that the peer broke, such as "5.4"."""
        super().__init__(f"{message} (SPEC.md section {rule})")
        self.rule = rule
