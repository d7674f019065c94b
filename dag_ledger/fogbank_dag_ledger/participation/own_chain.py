"""Finds out at the start what the own chain is, and when it may go on (SPEC.md section 8.8).

The own log is read first.  When the store was lost, the edges of own vertices come back from the
others before they are taken.  Own vertices that only the others or the store still had are copied
to the own log before anything new is issued.
"""

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from math import inf
from typing import TypeAlias

from fogbank_protocol.identity import NodeId, short_form
from fogbank_protocol.machine import Tick

from ..amnesia import (
    AmnesiaCommand,
    AmnesiaEvent,
    AmnesiaGuard,
    AskHead,
    BeginIssuing,
    FetchOwn,
    OwnVertexHeld,
    Started,
    StopIssuing,
)
from ..committee_operations import Table
from ..gossip_events import ParentsMissing
from ..ledger import Ledger
from ..limits import FRONTIER_INTERVAL_S
from ..vertex import Vertex, VertexId, seq_in
from .happenings import AdoptOwn, ReadOwnLog, ShortenOwnLog
from .issuing_state import Silent

_log = logging.getLogger(__name__)

OwnChainCommand: TypeAlias = (
    ReadOwnLog | AdoptOwn | ShortenOwnLog | AskHead | ParentsMissing | StopIssuing
)


class OwnChain:
    """The amnesia guard, and the own log as it is read back."""

    def __init__(self, ledger: Ledger, own: NodeId) -> None:
        """Guard the chain of ``own``."""
        self._ledger = ledger
        self._own = own
        self._guard = AmnesiaGuard(own, ledger.genesis.seats, ledger.genesis.quorum)
        self._asked: Table | None = None
        """Whom the guard asks, once the own log was read."""

        self._page: deque[Vertex] = deque()
        self._logged: set[VertexId] = set()
        self._held: dict[VertexId, None] = {}
        self._edges_missing: tuple[VertexId, ...] = ()
        self._is_reading = False
        self._waits_for_page = False
        self._knows = False
        self._ask_at = inf

    @property
    def silence(self) -> Silent:
        """What is missing before anything may be issued."""
        return Silent(self._guard.weight_needed, len(self._edges_missing))

    @property
    def deadline(self) -> float:
        """When there is something to ask for, in seconds on the caller's clock; may be inf."""
        return min(self._guard.deadline, self._ask_at)

    def begin(self) -> list[OwnChainCommand]:
        """Begin to read the own log: the store was read."""
        self._is_reading = self._waits_for_page = True
        return [ReadOwnLog()]

    def take_page(self, vertices: Sequence[Vertex], now: float) -> list[OwnChainCommand]:
        """Take the next vertices of the own log; none at its end."""
        self._waits_for_page = False
        self._page.extend(vertices)
        self._logged.update(vertex.id for vertex in vertices)
        if vertices:
            return []
        self._is_reading = False
        # Whom to ask the store has told: the seats may have changed since genesis.
        self._ask_home(now)
        chain = self._ledger.chain(self._own)
        self._guard.forgive_below(0 if chain is None else chain.forgiven)
        return self.handle(Started(), now)

    def settle(self, head: VertexId, now: float) -> list[OwnChainCommand]:
        """Take note that the own chain is settled up to ``head``."""
        commands = self.handle(OwnVertexHeld(head, issued_here=True), now)
        self._guard.forget_below(seq_in(head))
        for known in (self._logged, self._held):
            for one in [one for one in known if seq_in(one) <= seq_in(head)]:
                known.remove(one) if isinstance(known, set) else known.pop(one)
        return commands

    def shorten(self) -> list[ShortenOwnLog]:
        """Say what of the own log nobody needs any more: the present floor is on disk.

        Its last settled vertex stays: without the file of vertices it tells how far the own chain
        goes, and nothing is issued before what is below it is known again.  When the own weight is
        a quorum nobody else need have the rest, and it all stays.
        """
        chain, epochs = self._ledger.chain(self._own), self._ledger.epochs
        if not self._knows or epochs.weight_of(self._own) >= epochs.quorum:
            return []
        if chain is None or chain.settled_head is None:
            return []
        return [ShortenOwnLog(seq_in(chain.settled_head.id))]

    def ready(self) -> Iterator[Vertex]:
        """Iterate over the next vertices of the own log, as long as their edges are held."""
        while self._page:
            vertex = self._page[0]
            if vertex.id not in self._ledger:
                if self._ledger.missing(vertex):
                    return
                yield vertex
            self._page.popleft()

    def read_on(self, peer: NodeId | None, now: float) -> list[OwnChainCommand]:
        """After ``ready`` has ended, ask for what is needed next, edges by ``peer`` at first."""
        if not self._is_reading or self._waits_for_page:
            return []
        if not self._page:
            self._ask_at, self._edges_missing = inf, ()
            self._waits_for_page = True
            return [ReadOwnLog()]
        missing = self._ledger.missing(self._page[0])
        if missing == self._edges_missing and now < self._ask_at:
            return []
        self._edges_missing = missing
        self._ask_at = now + FRONTIER_INTERVAL_S
        _log.info("own vertices wait for %d others that are not held", len(missing))
        return [] if peer is None else [ParentsMissing(peer, missing)]

    def note(
        self, vertices: Sequence[tuple[Vertex, NodeId | None]], now: float
    ) -> list[OwnChainCommand]:
        """Take what the ledger accepted, each with who sent it; None: it was made here."""
        commands: list[OwnChainCommand] = []
        for vertex, source in vertices:
            if vertex.issuer == self._own:
                if not self._knows:
                    self._held[vertex.id] = None
                commands += self.handle(OwnVertexHeld(vertex.id, source is None), now)
        return commands

    def handle(self, event: AmnesiaEvent | Tick, now: float) -> list[OwnChainCommand]:
        """Let the guard take ``event`` at time ``now``, and return what to do."""
        commands: list[OwnChainCommand] = []
        done: list[AmnesiaCommand] = []
        if self._asked is not None and not self._knows and self._ask_home(now):
            # Those are other seats than before, who may be connected already.
            done += self._guard.handle(Tick(), now)
        for command in (*done, *self._guard.handle(event, now)):
            match command:
                case FetchOwn(peer, ids):
                    _log.info("%s knows own vertices that are not here", short_form(peer))
                    commands.append(ParentsMissing(peer, ids))
                case BeginIssuing():
                    commands.append(self._adopt())
                case StopIssuing(reason):
                    _log.error("%s", reason)
                    commands.append(command)
                case AskHead():
                    commands.append(command)
        return commands

    def _ask_home(self, now: float) -> bool:
        """Ask the seats of the home in which the next own vertex is; tell whether they changed.

        What was fetched may show that the account has moved, or that the seats have changed.
        """
        table = self._ledger.homes.of(self._ledger.chain(self._own)).table
        if table == self._asked:
            return False
        self._asked = table
        self._guard.seat(table.weights(), table.quorum, now)
        return True

    def _adopt(self) -> AdoptOwn:
        self._knows = True
        absent = tuple(held for held in self._held if held not in self._logged)
        self._held.clear()
        self._logged.clear()
        return AdoptOwn(absent)
