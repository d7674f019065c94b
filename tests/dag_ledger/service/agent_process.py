"""One agent's ledger as a process of its own: ``python -m tests.dag_ledger.service.agent_process``.

Reads one JSON line with its place in the community, its folder and its peers' addresses; prints its
port; then pays in a small circle for ever and prints every payment once ``pay`` has returned, and
every one that became final.  It is there to be killed.  Checkpoints follow each other so fast, and
the own log is shortened when it is so short, that most kills are near one or the other.
"""

import json
import sys
from contextlib import suppress
from pathlib import Path

import trio

from fogbank_dag_ledger.checkpointing import Pace
from fogbank_dag_ledger.own_account import PaymentFinal
from fogbank_dag_ledger.service import LedgerService
from fogbank_dag_ledger.service.failures import NotIssuing
from fogbank_dag_ledger.service.own_log import OwnLog
from fogbank_dag_ledger.wallet import PaymentRefused
from fogbank_protocol.discovery.address import Address
from fogbank_protocol.node.node import Node, NodeSettings

from ..community import Community

PAUSE_S = 0.1
PACE = Pace(interval_s=5.0, turn_s=0.5, retry_s=0.25)
LOG_BYTES = 4_096
"""An own log is shortened from here on."""


def say(**what: object) -> None:
    """Print one JSON line at once."""
    print(json.dumps(what), flush=True)


async def pay_for_ever(service: LedgerService, community: Community, number: int) -> None:
    """Pay the next one in the circle again and again."""
    await service.wait_issuing()
    say(issuing=True)
    recipient = community.names[(number + 1) % len(community.validators)]
    while True:
        with suppress(PaymentRefused, NotIssuing):
            say(paid=(await service.pay([(recipient, 1)])).hex())
        # Not as fast as it can: whoever starts anew reads all of it.
        await trio.sleep(PAUSE_S)


async def report_finals(service: LedgerService) -> None:
    """Print what became final."""
    async with service.watch() as news:
        async for item in news:
            if isinstance(item, PaymentFinal):
                say(final=item.vertex_id.hex())


async def main(number: int, folder: Path, peers: list[tuple[str, int]], pays: bool) -> None:
    """Run until killed."""
    community = Community(seats=4, others=1)
    settings = NodeSettings(
        listen_hosts=("127.0.0.1",),
        mdns=False,
        static_peers=tuple(Address(host, port) for host, port in peers),
    )
    identity, genesis = community.identities[number], community.genesis
    node = Node(identity, genesis.network, settings, genesis.body)
    OwnLog.shorten_bytes = LOG_BYTES
    service = LedgerService(genesis, identity, folder, node, pace=PACE)
    node.add_services(service.services())
    async with trio.open_nursery() as nursery:
        await nursery.start(service.run)
        nursery.start_soon(report_finals, service)
        await nursery.start(node.run)
        say(port=node.port)
        if pays:
            nursery.start_soon(pay_for_ever, service, community, number)


if __name__ == "__main__":
    given = json.loads(sys.stdin.readline())
    trio.run(main, given["number"], Path(given["folder"]), given["peers"], given["pays"])
