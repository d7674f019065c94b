"""Runs gossip: its machine decides, ``Exchange`` calls (SPEC.md section 8.7)."""

from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import TypeVar

import trio

from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.driver import Driver

from ..gossip import Gossip
from ..gossip_events import (
    AnswerFrontier,
    AskFrontier,
    AskParents,
    AskRanges,
    CutOff,
    FrontierReceived,
    GossipCommand,
    GossipEvent,
    PassProof,
    PeerJoined,
    PushVertices,
)
from ..messages import FrontierMessage
from ..vertex import VertexId
from .exchange import Exchange

Question = TypeVar("Question")


class Spreading:
    """Gossip with its clock and its calls."""

    def __init__(self, exchange: Exchange, random: Random) -> None:
        """Call by ``exchange``; neighbours and pauses are drawn from ``random``."""
        self._exchange = exchange
        self._gossip = Gossip(random)
        self._driver: Driver[GossipEvent, GossipCommand] = Driver(self._gossip, self._perform)
        self._nursery: trio.Nursery | None = None
        self._answer = FrontierMessage(reset=False, entries={})

    def tell(self, event: GossipEvent) -> None:
        """Let gossip handle ``event`` now."""
        self._driver.tell(event)

    def compare(self, peer: NodeId, message: FrontierMessage) -> FrontierMessage:
        """Return what to answer a peer that tells its frontier."""
        # Its question may be faster than the news that it is here.
        self.tell(PeerJoined(peer))
        self.tell(FrontierReceived(peer, message))
        return self._answer

    def heads(self, issuer: NodeId) -> Sequence[VertexId]:
        """Return the heads that are held of ``issuer``."""
        return self._gossip.heads(issuer)

    async def run(self) -> None:
        """Spread and find until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                await self._driver.run()
            finally:
                self._nursery = None

    def _perform(self, command: GossipCommand) -> None:
        match command:
            case PushVertices():
                self._exchange.push(command)
            case PassProof():
                self._exchange.pass_proof(command)
            case CutOff():
                self._exchange.cut_off(command)
            case AnswerFrontier(_, message):
                self._answer = message
            case AskFrontier():
                self._start(self._exchange.ask_frontier, command)
            case AskParents():
                self._start(self._exchange.ask_parents, command)
            case AskRanges():
                self._start(self._exchange.ask_ranges, command)

    def _start(self, ask: Callable[[Question], Awaitable[GossipEvent]], question: Question) -> None:
        # Peers may still be answered while the disk is written for the last time.
        if self._nursery is not None:
            self._nursery.start_soon(self._ask, ask, question)

    async def _ask(
        self, ask: Callable[[Question], Awaitable[GossipEvent]], question: Question
    ) -> None:
        self.tell(await ask(question))
