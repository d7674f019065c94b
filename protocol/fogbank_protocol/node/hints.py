"""Gathers hints of where peers may be, from all four sources (SPEC.md sections 5.1 and 5.2)."""

from functools import partial
from logging import getLogger

import trio

from ..channel.introduction import Versions
from ..discovery.announcement import Announcement
from ..discovery.candidates import Source
from ..discovery.dialling import AddressLearnt, AddressWithdrawn
from ..discovery.peer_list import decode_peers, encode_peers, select_peers
from ..errors import RemoteProtocolError
from ..identity import NetworkId, NodeId
from ..limits import ASK_TIMEOUT_S, PEERS_LIST_INTERVAL_S
from .connections import Connections
from .failures import CallFailure
from .mdns import Heard, Hint, OwnService, Withdrawn, run_mdns
from .peers import PeerConnected
from .remembered_addresses import RememberedAddresses
from .settings import NodeSettings

LIST_PEERS = "peers.list"

_logger = getLogger(__name__)


class Hints:
    """Feeds what is heard of peers to those who dial."""

    def __init__(
        self,
        node_id: NodeId,
        network: NetworkId,
        settings: NodeSettings,
        connections: Connections,
        remembered: RememberedAddresses,
    ) -> None:
        """Tell ``connections`` where others of ``network`` may be."""
        self._node_id = node_id
        self._network = network
        self._settings = settings
        self._connections = connections
        self._remembered = remembered
        self._asking: dict[NodeId, trio.CancelScope] = {}

    async def run(self) -> None:
        """Listen and ask until cancelled; ``connections`` must be running."""
        for address in self._settings.static_peers:
            self._connections.learn(AddressLearnt(address, None, Source.CONFIGURED))
        for entry in self._remembered.book.entries:
            self._connections.learn(AddressLearnt(entry.address, entry.node_id, Source.REMEMBERED))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._ask_everyone, nursery)
            if self._settings.mdns:
                nursery.start_soon(
                    partial(run_mdns, self._settings.interfaces, self._own(), self._take)
                )

    def _own(self) -> OwnService | None:
        port = self._connections.port
        if not port:
            return None
        announcement = Announcement(
            Versions().newest, self._network, self._node_id, self._settings.network_name
        )
        return OwnService(announcement, port, self._settings.listen_hosts)

    def _take(self, hint: Hint) -> None:
        match hint:
            case Heard(announcement, addresses) if announcement.network == self._network:
                for address in addresses:
                    self._connections.learn(
                        AddressLearnt(address, announcement.node_id, Source.ANNOUNCED)
                    )
            case Heard():
                # Of another network, which is no business of this agent.
                pass
            case Withdrawn(addresses):
                for address in addresses:
                    self._connections.learn(AddressWithdrawn(address))

    async def _ask_everyone(self, nursery: trio.Nursery) -> None:
        """Ask each peer now and then whom else it knows."""
        async with self._connections.watches.watch() as events:
            async for event in events:
                if isinstance(event, PeerConnected):
                    scope = self._asking[event.peer] = trio.CancelScope()
                    nursery.start_soon(self._ask_repeatedly, event.peer, scope)
                else:
                    self._asking.pop(event.peer).cancel()

    async def _ask_repeatedly(self, peer: NodeId, scope: trio.CancelScope) -> None:
        with scope:
            while True:
                try:
                    await self._ask(peer)
                except CallFailure as failure:
                    _logger.debug("whom else a peer knows: %s", failure)
                except RemoteProtocolError as error:
                    self._connections.cut_off(peer, str(error))
                    return
                await trio.sleep(PEERS_LIST_INTERVAL_S)

    async def _ask(self, peer: NodeId) -> None:
        session = self._connections.session(peer)
        if session is None:
            return
        answer = await session.request(LIST_PEERS, b"", timeout_s=ASK_TIMEOUT_S)
        for entry in decode_peers(answer):
            self._connections.learn(AddressLearnt(entry.address, entry.node_id, Source.TOLD))


def answer_list_peers(connections: Connections, asker: NodeId) -> bytes:
    """Return the answer to ``peers.list`` of ``asker`` (section 5.2)."""
    known = [entry for info in connections.infos() if (entry := info.told_address) is not None]
    hosts = {info.node_id: info.host for info in connections.infos()}
    # The asker may have gone while its question waited; nobody reads the answer then.
    return encode_peers(select_peers(known, asker=asker, asker_host=hosts.get(asker, "0.0.0.0")))
