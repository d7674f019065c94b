"""What can go wrong between nodes without anyone breaking a rule: each by its own name."""

from ..discovery.address import Address
from ..identity import NodeId, short_form


class CallFailure(Exception):
    """A call was not answered with a result.  Never raised itself: see the classes below."""


class PeerGone(CallFailure):
    """There is no channel to the peer, or it closed before the answer came."""

    def __init__(self, peer: NodeId) -> None:
        """``peer`` is the one that is gone."""
        super().__init__(f"the peer {short_form(peer)} is gone")
        self.peer = peer


class CallTimedOut(CallFailure):
    """The time given for the call passed without an answer."""

    def __init__(self, peer: NodeId, method: str) -> None:
        """Say that ``method`` of ``peer`` did not answer in time."""
        super().__init__(f"the peer {short_form(peer)} did not answer {method} in time")
        self.peer = peer
        self.method = method


class CallRefused(CallFailure):
    """The peer answered with an error; a handler raises it to answer with one.

    ``code`` is one of SPEC.md section 4.4; ``message`` is for people, at most 256 bytes.
    """

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message


class CannotListen(Exception):
    """No channel can be accepted at an address.  The message says what to do."""

    def __init__(self, address: Address, reason: str) -> None:
        """``reason`` is a sentence for people."""
        super().__init__(reason)
        self.address = address


class PortInUse(CannotListen):
    """Another program listens at the address already."""
