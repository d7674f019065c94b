"""Finds out at the start what the own chain is, and lets issuing begin (SPEC.md section 8.8)."""

import logging
from collections.abc import Callable, Sequence
from itertools import islice

import trio

from fogbank_protocol.identity import NodeId, short_form
from fogbank_protocol.node.driver import Driver

from ..amnesia import (
    AmnesiaCommand,
    AmnesiaEvent,
    AmnesiaGuard,
    AskHead,
    BeginIssuing,
    FetchOwn,
    HeadAnswered,
    OwnVertexHeld,
    Started,
    StopIssuing,
)
from ..gossip_events import ParentsMissing
from ..ledger import Ledger
from ..limits import FRONTIER_INTERVAL_S, OWN_LOG_APPEND_BYTES_MAX, VERTEX_BYTES_MAX
from ..vertex import Vertex, VertexId
from .disk import Disk
from .exchange import Exchange
from .issuer import Issuer
from .recovery import OwnReplay
from .spreading import Spreading
from .views import Silent

_log = logging.getLogger(__name__)

_ADOPTED_AT_ONCE = OWN_LOG_APPEND_BYTES_MAX // (2 * VERTEX_BYTES_MAX)


class OwnChain:
    """The amnesia guard with its clock, its calls and the own log."""

    def __init__(
        self, ledger: Ledger, own: NodeId, exchange: Exchange, spreading: Spreading, issuer: Issuer
    ) -> None:
        """Guard the chain of ``own``, and tell ``issuer`` when to begin and when to stop."""
        self._ledger = ledger
        self._own = own
        self._exchange = exchange
        self._spreading = spreading
        self._issuer = issuer
        seats, quorum = ledger.genesis.seats, ledger.genesis.quorum
        self._guard = AmnesiaGuard(own, seats, quorum)
        self._driver: Driver[AmnesiaEvent, AmnesiaCommand] = Driver(self._guard, self._perform)
        self._held: dict[VertexId, None] = {}
        self._edges_missing = 0
        self._grown = trio.Event()
        self._may_begin = trio.Event()
        self._nursery: trio.Nursery | None = None
        self.peers: set[NodeId] = set()
        """Who is connected now."""

    @property
    def silence(self) -> Silent:
        """What is missing before anything may be issued."""
        return Silent(self._guard.weight_needed, self._edges_missing)

    def tell(self, event: AmnesiaEvent) -> None:
        """Let the guard handle ``event`` now."""
        self._driver.tell(event)

    def note(self, vertices: Sequence[tuple[Vertex, NodeId | None]]) -> None:
        """Take what the ledger accepted, each with who sent it; None: it was made here."""
        self._grown.set()
        for vertex, source in vertices:
            if vertex.issuer == self._own:
                if not self._may_begin.is_set():
                    self._held[vertex.id] = None
                self.tell(OwnVertexHeld(vertex.id, issued_here=source is None))

    async def run(self, disk: Disk, take: Callable[[Vertex], None]) -> None:
        """Read the own log into the ledger by ``take``, let issuing begin, and guard it after."""
        async with trio.open_nursery() as self._nursery:
            self._nursery.start_soon(self._driver.run)
            replay = OwnReplay(disk.log, self._ledger, take)
            while missing := await replay.advance():
                self._edges_missing = len(missing)
                await self._wait_for(missing)
            self._edges_missing = 0
            self.tell(Started())
            await self._may_begin.wait()
            async with self._issuer.turn():
                await self._adopt(disk, replay.logged)
            self._issuer.begin(disk.log)

    async def _wait_for(self, missing: Sequence[VertexId]) -> None:
        """Wait until more is held, asking for ``missing`` now and then."""
        _log.info("own vertices wait for %d others that are not held", len(missing))
        if self.peers:
            self._spreading.tell(ParentsMissing(next(iter(self.peers)), tuple(missing)))
        self._grown = trio.Event()
        with trio.move_on_after(FRONTIER_INTERVAL_S):
            await self._grown.wait()

    async def _adopt(self, disk: Disk, logged: set[VertexId]) -> None:
        """Put own vertices into the own log that came back from the store or from peers."""
        absent = iter([held for held in self._held if held not in logged])
        while ids := list(islice(absent, _ADOPTED_AT_ONCE)):
            wires = await disk.writer.find(ids)
            await trio.to_thread.run_sync(disk.log.append, wires)
        self._held.clear()

    def _perform(self, command: AmnesiaCommand) -> None:
        match command:
            case AskHead(peer):
                assert self._nursery is not None
                self._nursery.start_soon(self._ask_head, peer)
            case FetchOwn(peer, ids):
                _log.info("%s knows own vertices that are not here", short_form(peer))
                self._spreading.tell(ParentsMissing(peer, ids))
            case BeginIssuing():
                self._may_begin.set()
            case StopIssuing(reason):
                _log.error("%s", reason)
                self._issuer.stop(reason)

    async def _ask_head(self, peer: NodeId) -> None:
        heads = await self._exchange.ask_head(peer, self._own)
        self.tell(HeadAnswered(peer, heads))
