"""Carries the handshake of a channel over a stream (SPEC.md section 3.2)."""

from collections.abc import Callable

import trio

from ..channel.channel import HandshakeDone, NeedData, SecureChannel
from ..errors import RemoteProtocolError
from ..identity import NodeId
from ..limits import READ_BYTES


class NotNeeded(Exception):
    """The peer turned out to be one with whom there is nothing to open."""

    def __init__(self, peer: NodeId) -> None:
        """``peer`` is who is at the other end."""
        super().__init__("there is a channel to this peer already")
        self.peer = peer


async def shake_hands(
    stream: trio.abc.Stream,
    channel: SecureChannel,
    *,
    is_wanted: Callable[[NodeId], bool],
) -> HandshakeDone:
    """Complete the handshake of ``channel`` over ``stream``.

    ``is_wanted`` is asked as soon as the peer has proved who it is, before this side's last word:
    an initiator that closes then has opened nothing (section 5.3).

    Raises:
        NotNeeded: ``is_wanted`` said no.
        RemoteProtocolError: the peer broke a rule, or went away.
        trio.BrokenResourceError: the stream broke.
    """
    while True:
        event = channel.next_event()
        match event:
            case HandshakeDone(peer=peer):
                if not is_wanted(peer):
                    raise NotNeeded(peer)
                await stream.send_all(channel.data_to_send())
                return event
            case NeedData():
                await stream.send_all(channel.data_to_send())
                channel.receive_data(bytes(await stream.receive_some(READ_BYTES)))
            case _:
                raise RemoteProtocolError("the stream ended in the handshake", rule="3.2")
