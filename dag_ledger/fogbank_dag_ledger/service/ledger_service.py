"""The ledger as a service of one node: gossip, storage, issuing (SPEC.md sections 8.7 and 8.8)."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from random import Random, SystemRandom

import trio

from fogbank_protocol.identity import Identity, NodeId
from fogbank_protocol.node.peers import PeerConnected
from fogbank_protocol.node.services import Service

from ..amnesia import SeatJoined, SeatLeft
from ..events import Equivocated, Final
from ..genesis import Genesis
from ..gossip_events import ForkProved, PeerJoined, PeerLeft, VerticesSeen
from ..intake import Intake, Outcome
from ..ledger import Ledger
from ..own_account import OwnAccount, PaymentReceived, PaymentView
from ..vertex import Vertex, VertexId
from ..wallet import ImpossiblePayment
from .answers import Answers
from .disk import Disk, open_disk
from .exchange import Exchange
from .failures import NotIssuing
from .issuer import Issuer
from .network import Network
from .news import NewsStand
from .own_chain import OwnChain
from .paying import Paying
from .pipeline import Pipeline
from .recovery import replay_store
from .reports import accepted_by, missing_of_proof, reports_on_peers, restored_by
from .spreading import Spreading
from .summary import Summary
from .validating import Validating
from .views import IssuingChanged, IssuingState, LedgerNews, Statistics, Stopped, WalletView

_log = logging.getLogger(__name__)


class LedgerService:
    """The shared ledger, as one identity takes part in it.

    Validates, keeps and passes on everyone's vertices; issues those of its own identity, which may
    hold a seat; claims payments to it by itself.
    """

    def __init__(
        self,
        genesis: Genesis,
        identity: Identity,
        folder: Path,
        node: Network,
        *,
        random: Random | None = None,
    ) -> None:
        """Take part in the network of ``genesis``; keep everything in ``folder``, made if absent.

        Give ``services`` to the node (``node.add_services``) before either runs.  Nothing is opened
        before ``run``.  Neighbours, pauses and tips are drawn from ``random``.
        """
        random = random or SystemRandom()
        self._own = identity.node_id
        self._folder = folder
        self._network = node
        self._ledger = Ledger(genesis)
        self._intake = Intake(self._ledger)
        self._account = OwnAccount(self._ledger, self._own)
        self._summary = Summary(self._ledger, self._account)
        self._pipeline = Pipeline(
            self._ledger,
            self._intake,
            absorb=self._absorb,
            note_seen=self._note_seen,
            wait_for_room=self._wait_for_room,
        )
        exchange = Exchange(node, self._pipeline)
        self._spreading = Spreading(exchange, random)
        self._issuer = Issuer(
            identity,
            genesis.network,
            insert=self._take_own,
            unix_time_s=lambda: int(time.time()),
            store_failure=self._store_failure,
        )
        self._own_chain = OwnChain(self._ledger, self._own, exchange, self._spreading, self._issuer)
        self._paying = Paying(self._ledger, self._own, self._issuer, _draws(random))
        self._validating = Validating(self._ledger, self._own, self._issuer)
        self._answers = Answers(
            self._pipeline,
            compare=self._spreading.compare,
            learn_proof=self._learn_proof,
            heads=self._spreading.heads,
        )
        self._disk: Disk | None = None
        self._damaged = 0
        self._news: NewsStand[LedgerNews] = NewsStand()
        self._finals: dict[VertexId, trio.Event] = {}
        self._last_state: IssuingState = self._own_chain.silence

    def services(self) -> Sequence[Service]:
        """Return the methods of SPEC.md section 8.7 for the node to serve."""
        return self._answers.services()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Take part until cancelled; ``task_status`` is told when what the disk holds is read.

        Run it beside ``node.run``.  What was accepted is on disk when it returns.

        Raises:
            StorageFailure: the files cannot be used; ``LogUnusable`` when another agent has them
                open, or they belong to another identity.
            DatabaseFailure: as ``StorageFailure``, for the file of everyone's vertices.
        """
        disk = await trio.to_thread.run_sync(
            open_disk, self._folder, self._ledger.genesis.network, self._own
        )
        try:
            await self._run_with(disk, task_status)
        finally:
            self._answers.close()
            disk.close()

    async def pay(self, payments: Sequence[tuple[NodeId, int]]) -> VertexId:
        """Pay each recipient its amount, in drops ≥ 1, with one vertex; return when it is on disk.

        1 to 16 payments, no recipient twice and not the own account.  Waits for calls before it; it
        is final later: see ``wait_final``.  Cancelled while waiting it pays nothing; once signing
        has begun it completes.

        Raises:
            InsufficientFunds: the balance, with what can be claimed, is smaller.
            PaymentRefused: ``ImpossiblePayment`` when a bound above is broken, ``WindowFull`` when
                too many own vertices are not final yet, ``AccountForked``.
            NotIssuing: the own chain is not known yet, the disk is full, or the chain forked.
        """
        amounts = dict(payments)
        if len(amounts) < len(payments):
            raise ImpossiblePayment("a recipient is named twice in one payment")
        vertex = await self._paying.pay(amounts)
        return vertex.id

    async def wait_final(self, vertex_id: VertexId) -> None:
        """Return when the vertex is final; may be never.  It need not be held yet."""
        if not self._ledger.is_final(vertex_id):
            await self._finals.setdefault(vertex_id, trio.Event()).wait()

    async def wait_issuing(self) -> None:
        """Return when vertices are issued: after a start, as soon as enough seats have answered.

        Raises:
            NotIssuing: issuing was stopped for good.
        """
        await self._issuer.wait_decided()
        match self._state():
            case Stopped(reason):
                raise NotIssuing(reason)
            case _:
                return

    @property
    def vertices_held(self) -> int:
        """How many vertices the ledger holds."""
        return len(self._ledger)

    def is_final(self, vertex_id: VertexId) -> bool:
        """Tell whether the vertex is held and final."""
        return self._ledger.is_final(vertex_id)

    def wallet(self) -> WalletView:
        """Return the own account."""
        claimable = self._ledger.claimable(self._own)
        return WalletView(
            balance=self._paying.wallet.available,
            claimable=sum(gain for _, gain in claimable.values()),
            incoming=self._account.incoming,
            pending_out=self._paying.wallet.pending,
            issuing=self._state(),
        )

    def statistics(self) -> Statistics:
        """Return the ledger in numbers; takes time when something became final since the last."""
        present = {*self._own_chain.peers, self._own}
        return self._summary.statistics(parked=self._intake.parked, present=present)

    def payments(self, count: int = 50) -> Sequence[PaymentView]:
        """Return the last payments from and to the own account, newest first, at most 1,000."""
        return self._account.payments(count)

    def watch(self) -> AbstractAsyncContextManager[trio.abc.ReceiveChannel[LedgerNews]]:
        """Receive news of the own account from now on.

        At most 1,024 wait for a slow receiver; beyond that the oldest are dropped, so take them as
        hints and ask ``payments`` for the whole.
        """
        return self._news.reader()

    def notices(self) -> Sequence[str]:
        """Return what a person should know of the start: files set aside, and where they are."""
        if self._disk is None:
            return ()
        notices = list(self._disk.notices)
        if self._damaged:
            notices.append(
                f"{self._damaged} vertices in the file were damaged and are asked for again"
            )
        return notices

    async def _run_with(self, disk: Disk, task_status: trio.TaskStatus[None]) -> None:
        self._disk = disk
        self._damaged = await replay_store(
            disk.store, self._ledger.genesis.network, self._take_restored
        )
        for notice in self.notices():
            _log.warning("%s", notice)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(disk.writer.run)
            nursery.start_soon(self._pipeline.run)
            nursery.start_soon(self._spreading.run)
            nursery.start_soon(self._own_chain.run, disk, self._take_own)
            nursery.start_soon(self._follow_peers)
            nursery.start_soon(self._issue)
            self._answers.open(disk)
            task_status.started()

    async def _follow_peers(self) -> None:
        async with self._network.watch_peers() as events:
            async for event in events:
                peer = event.peer
                if isinstance(event, PeerConnected):
                    self._own_chain.peers.add(peer)
                    self._spreading.tell(PeerJoined(peer))
                    self._own_chain.tell(SeatJoined(peer))
                else:
                    self._own_chain.peers.discard(peer)
                    self._spreading.tell(PeerLeft(peer))
                    self._own_chain.tell(SeatLeft(peer))

    async def _issue(self) -> None:
        await self._issuer.wait_decided()
        self._publish_state()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._paying.run)
            if self._own in self._ledger.genesis.seats:
                nursery.start_soon(self._validating.run)

    def _note_seen(self, peer: NodeId, wires: tuple[bytes, ...]) -> None:
        self._spreading.tell(VerticesSeen(peer, wires))

    async def _wait_for_room(self) -> None:
        if self._disk is not None:
            await self._disk.writer.wait_for_room()

    def _store_failure(self) -> str | None:
        return None if self._disk is None else self._disk.writer.failure

    def _state(self) -> IssuingState:
        return self._issuer.state(self._own_chain.silence)

    def _take_restored(self, vertices: Sequence[Vertex]) -> None:
        """Take vertices that the store holds already."""
        outcome = self._intake.take([(vertex, None) for vertex in vertices])
        self._spreading.tell(restored_by(outcome))
        self._follow(outcome)

    def _take_own(self, vertex: Vertex) -> None:
        """Take a vertex that is in the own log."""
        self._absorb(self._intake.take([(vertex, None)]))

    def _absorb(self, outcome: Outcome) -> None:
        """Keep and spread what was accepted, and tell everyone what happened."""
        if outcome.accepted:
            assert self._disk is not None
            accepted = accepted_by(outcome)
            self._pipeline.remember(vertex for vertex, _ in outcome.accepted)
            self._disk.writer.put((vertex.id, vertex.wire) for vertex in accepted.vertices)
            self._spreading.tell(accepted)
        self._follow(outcome)
        for report in reports_on_peers(outcome):
            self._spreading.tell(report)

    def _follow(self, outcome: Outcome) -> None:
        for event in outcome.events:
            match event:
                case Final(vertex_id) if vertex_id in self._finals:
                    self._finals.pop(vertex_id).set()
                case Equivocated(issuer, proof):
                    self._spreading.tell(ForkProved(issuer, proof, None))
                case _:
                    pass
        news = self._account.note(outcome.events)
        if any(isinstance(item, PaymentReceived) for item in news):
            self._paying.note_received()
        self._news.publish(news)
        self._validating.note(outcome.events)
        self._own_chain.note(outcome.accepted)
        self._publish_state()

    def _learn_proof(self, peer: NodeId, proof: bytes) -> None:
        issuer = self._ledger.learn_proof(proof)
        if issuer is not None:
            self._spreading.tell(ForkProved(issuer, proof, peer))
            self._spreading.tell(missing_of_proof(peer, proof, self._intake))

    def _publish_state(self) -> None:
        state = self._state()
        if type(state) is not type(self._last_state):
            self._last_state = state
            self._news.publish([IssuingChanged(state)])


def _draws(random: Random) -> Iterator[int]:
    while True:
        yield random.getrandbits(32)
