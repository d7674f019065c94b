"""Announces a network by mDNS until it is ended; run by tests as another process.

Arguments: the network id in hexadecimal, the port, and the address of the interface.
"""

import signal
import sys

import trio

from fogbank_protocol.discovery.announcement import Announcement
from fogbank_protocol.identity import NetworkId, NodeId
from fogbank_protocol.node.mdns import Heard, Hint, OwnService, run_mdns


def show(hint: Hint) -> None:
    """Print what is heard, for the test that started this."""
    if isinstance(hint, Heard):
        print("heard", hint.announcement.node_id.hex(), *hint.addresses, flush=True)


async def main(network: str, port: str, host: str) -> None:
    """Announce until told to stop."""
    announcement = Announcement(
        1, NetworkId(bytes.fromhex(network)), NodeId(b"o" * 32), "the other process"
    )
    own = OwnService(announcement, int(port), (host,))
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_mdns, (host,), own, show)
            async for _ in signals:
                nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2], sys.argv[3])
