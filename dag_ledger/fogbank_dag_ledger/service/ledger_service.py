"""The ledger as a service of one node: gossip, storage, issuing (SPEC.md sections 8.7 and 8.8).

``Participant`` decides; here its commands are performed, and it is told what came of them.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import count
from pathlib import Path
from random import Random
from secrets import randbits

import trio

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity, NodeId
from fogbank_protocol.node.driver import Driver
from fogbank_protocol.node.peers import PeerConnected
from fogbank_protocol.node.services import Service

from ..checkpoint import CHECKPOINT, encode_signed
from ..checkpointing import (
    CheckpointArrived,
    Pace,
    SpreadCheckpoint,
)
from ..committee_operations import Table
from ..events import EpochBegan, Settled
from ..genesis import Genesis
from ..gossip_events import (
    AnswerFrontier,
    CutOff,
    FrontierReceived,
    PassProof,
    PeerJoined,
    PeerLeft,
    PushVertices,
)
from ..home_operations import CreateHome, MoveHome
from ..messages import FrontierMessage
from ..operations import ObjectId, Operation
from ..own_account import PaymentView
from ..participation import Participant
from ..participation.happenings import (
    ActWanted,
    FloorRead,
    KeepVertices,
    ParticipantCommand,
    ParticipantEvent,
    PaymentEnded,
    PaymentWanted,
    PaymentWithdrawn,
    PromisesRead,
    ProofArrived,
    PublishNews,
    SeatsWanted,
    StoreEnded,
    StoreFailed,
    StoreRead,
    TellEvents,
    VoucherRemembered,
)
from ..participation.issuing_state import IssuingState, Silent, Stopped
from ..stakes import StakeView, channel_funds, convicted, view_stake
from ..vertex import NO_VERTEX, Vertex, VertexId
from ..wallet import ImpossiblePayment, PaymentRefused
from .answers import Answers
from .bootstrap import fetch_snapshot
from .channels import Channels
from .checkpoint_files import Snapshot, begin_store, newest_kept, read_floor
from .disk import Disk, open_disk
from .errands import Errands
from .exchange import Exchange
from .failures import NotIssuing
from .finals import Finals
from .issuer import Issuer
from .network import Network
from .news import NewsStand
from .pipeline import Pipeline
from .recovery import replay_store
from .summary import Summary
from .views import CommitteeView, HomeView, LedgerNews, Statistics, WalletView
from .wishes import Wish

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
        pace: Pace | None = None,
    ) -> None:
        """Take part in the network of ``genesis``; keep everything in ``folder``, made if absent.

        Give ``services`` to the node (``node.add_services``) before either runs.  Nothing is opened
        before ``run``.  Neighbours, pauses and tips are drawn from ``random``; ``pace`` is that of
        checkpoints, None: as SPEC.md has it.
        """
        self._identity = identity
        self._own = identity.node_id
        self._folder = folder
        self._network = node
        self._genesis = genesis
        self._random = random or _unforeseen()
        self._pace = pace or Pace()
        self._disk: Disk | None = None
        self._errands: Errands | None = None
        self._damaged = 0
        self._wrong_state: Path | None = None
        self._news: NewsStand[LedgerNews] = NewsStand()
        self._wishes: dict[int, Wish] = {}
        self._finals = Finals()
        self._numbers = count()
        self.channels = Channels(
            self._own,
            self._act,
            lambda channel, voucher: self._driver.tell(VoucherRemembered(channel, voucher)),
        )
        """Payment channels, escrows and stakes of the own account: one object for good, though the
        ledger below it may begin anew."""

        self._decided = trio.Event()
        self._answer = FrontierMessage(reset=False, entries={})
        self._snapshot: Snapshot | None = None
        self._assemble()
        self._answers = Answers(
            lambda: self._pipeline,
            compare=self._compare,
            learn_proof=lambda peer, proof: self._driver.tell(ProofArrived(peer, proof)),
            heads=lambda issuer: self._participant.heads(issuer),
            note_lacking=lambda lacked: self._driver.tell(lacked),
            checkpoints=lambda: self._participant.checkpointing,
            learn_checkpoint=lambda arrived: self._driver.tell(arrived),
        )

    def _assemble(self) -> None:
        """Begin with an empty ledger."""
        self._participant = Participant(self._genesis, self._own, self._random, self._pace)
        self._driver: Driver[ParticipantEvent, ParticipantCommand] = Driver(
            self._participant, self._perform
        )
        self._ledger = self._participant.ledger
        self._epoch_began = trio.Event()
        self._finals.follow(self._ledger)
        self._summary = Summary(self._ledger, self._participant.account)
        self._pipeline = Pipeline(
            self._ledger,
            self._participant.intake,
            take=self._driver.tell,
            note_seen=lambda seen: self._driver.tell(seen),
            has_room=lambda: self._disk is not None and self._disk.writer.has_room,
            wait_for_room=self._wait_for_room,
        )
        self._exchange = Exchange(self._network, self._pipeline)
        self.channels.follow(self._participant.objects)

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
            while self._snapshot is not None:
                await self._begin_anew(disk, self._snapshot)
                await self._run_with(disk, trio.TASK_STATUS_IGNORED)
        finally:
            self._answers.close()
            with trio.CancelScope(shield=True):
                await self._answers.wait_read()
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
        vertex = await self._issue(lambda number: PaymentWanted(number, amounts))
        return vertex.id

    def committee(self) -> CommitteeView:
        """Return who has a seat now, and what is wanted next."""
        epochs = self._ledger.epochs
        return CommitteeView(
            epoch=epochs.number,
            table=epochs.table,
            wanted=tuple(epochs.wanted().items()),
            weight_needed=epochs.table.enough_for_a_correct_one,
            is_changing=epochs.signed_off,
        )

    def homes(self) -> tuple[HomeView, ...]:
        """Return the homes that sites have made, as far as they are known here."""
        return tuple(
            HomeView(
                VertexId(home_id),
                home.table,
                self._ledger.is_final(VertexId(home_id)),
                self._ledger.homes.before(home),
            )
            for home_id, home in self._ledger.homes.others.items()
        )

    @property
    def own_home(self) -> bytes:
        """The id of the home of the own account; empty for that of the whole community."""
        return self._ledger.homes.of(self._ledger.chain(self._own)).id

    async def create_home(
        self, table: Table, signatures: Sequence[bytes], succeeds: VertexId = NO_VERTEX
    ) -> VertexId:
        """Make a home with these seats; return its id when it is on disk.

        ``signatures`` are those of each seat under ``home_codec.home_preimage``, in their order;
        who lives in the home ``succeeds`` follows there.

        Raises:
            PaymentRefused: ``ImpossibleAct`` when a rule of 8.18 is broken, others as for ``pay``.
            NotIssuing: as for ``pay``.
        """
        vertex = await self._act((CreateHome(table, tuple(signatures), succeeds),))
        return vertex.id

    async def move_home(self, home: bytes) -> VertexId:
        """Let the own account live in ``home`` from the next vertex on; return what says so.

        Raises:
            PaymentRefused: ``ImpossibleAct`` when it lives there, or the home is not final yet.
            NotIssuing: as for ``pay``.
        """
        vertex = await self._act((MoveHome(VertexId(home)),))
        return vertex.id

    async def wait_seats(self, table: Table) -> None:
        """Return when these are the seats; may be never."""
        while self._ledger.epochs.table != table:
            await self._epoch_began.wait()

    async def wait_epoch(self, number: int) -> None:
        """Return when this epoch, or a later one, has begun; may be never."""
        while self._ledger.epochs.number < number:
            await self._epoch_began.wait()

    def is_split(self, account: NodeId) -> bool:
        """Tell whether two vertices contend for the next slot of ``account``, and neither is L1.

        While the seats that have yet to vote cannot decide it, only a new epoch can (8.19).
        """
        chain = self._ledger.chain(account)
        rivals = () if chain is None else chain.contenders(chain.final_count)
        return len(rivals) > 1 and not any(rival.confirmed for rival in rivals)

    def want_seats(self, table: Table) -> None:
        """Want ``table`` from the next epoch on; others with a seat have to want the same.

        Does nothing without an own seat.  It begins soon after enough do, or never.
        """
        self._driver.tell(SeatsWanted(table))

    async def wait_final(self, vertex_id: VertexId) -> None:
        """Return when the vertex is final; it need not be held yet.

        Raises:
            NeverFinal: its issuer signed two vertices in one slot, and another one of them won, or
                the votes are split so that none can win; a new epoch may free the account.
        """
        await self._finals.wait(vertex_id)

    async def wait_issuing(self) -> None:
        """Return when vertices are issued: after a start, as soon as enough seats have answered.

        Raises:
            NotIssuing: issuing was stopped for good.
        """
        await self._decided.wait()
        match self._state():
            case Stopped(reason):
                raise NotIssuing(reason)
            case _:
                return

    @property
    def vertices_held(self) -> int:
        """How many vertices the ledger holds."""
        return len(self._ledger)

    @property
    def floor_height(self) -> int:
        """The height of the checkpoint below which all is forgotten; -1 while nothing is."""
        floor = self._participant.checkpointing.floor
        return -1 if floor is None else floor.checkpoint.height

    def is_final(self, vertex_id: VertexId) -> bool:
        """Tell whether the vertex is held and final."""
        return self._ledger.is_final(vertex_id)

    def stake(self, name: ObjectId) -> StakeView | None:
        """Return a stake of any account; None when none of that name is held."""
        return view_stake(self._ledger, name)

    def channel_funds(self, provider: NodeId) -> Mapping[NodeId, int]:
        """Return the drops that open channels to ``provider`` began with, by opener."""
        return channel_funds(self._ledger, provider)

    def convicted(self) -> frozenset[NodeId]:
        """Return whose stakes were seized, as far as the ledger still has a trace of it."""
        return convicted(self._ledger)

    def has_seen(self, account: NodeId) -> bool:
        """Tell whether a seat, the genesis, a vertex or a payment names ``account``.

        Payments count that are final and not yet claimed, and the last 1,000 from the own account.
        """
        return (
            self._ledger.chain(account) is not None
            or bool(self._ledger.claimable(account))
            or any(payment.recipient == account for payment in self.payments(1_000))
        )

    def wallet(self) -> WalletView:
        """Return the own account."""
        claimable = self._ledger.claimable(self._own)
        wallet = self._participant.wallet
        return WalletView(
            balance=wallet.available,
            claimable=sum(gain for _, gain in claimable.values()),
            incoming=self._participant.account.incoming,
            pending_out=wallet.pending,
            issuing=self._state(),
        )

    def statistics(self) -> Statistics:
        """Return the ledger in numbers; takes time when something became final since the last."""
        present = {*self._participant.peers, self._own}
        return self._summary.statistics(parked=self._participant.intake.parked, present=present)

    def payments(self, count: int = 50) -> Sequence[PaymentView]:
        """Return the last payments from and to the own account, newest first, at most 1,000."""
        return self._participant.account.payments(count)

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
        if self._wrong_state is not None:
            notices.append(
                "the state in the file of vertices is not what the seats signed; a copy is kept as "
                f"{self._wrong_state}, and the right one is asked for"
            )
        if self._damaged:
            notices.append(
                f"{self._damaged} vertices in the file were damaged and are asked for again"
            )
        return notices

    # What runs.

    async def _run_with(self, disk: Disk, task_status: trio.TaskStatus[None]) -> None:
        self._disk = disk
        network = self._ledger.genesis.network
        errands = self._errands = Errands(
            disk,
            self._exchange,
            Issuer(
                self._identity,
                network,
                disk.log,
                lambda: int(time.time()),
                self._ledger.work_wanted,
            ),
            self._identity,
            network,
            tell=self._driver.tell,
            wishes=self._wishes,
        )
        floor = await trio.to_thread.run_sync(self._read_floor, disk)
        if floor is not None:
            errands.state_kept = floor.floor.state
            self._driver.tell(floor)
            # What somebody waits for may be final below it: nothing will tell that it became so.
            self._finals.follow(self._ledger)
        self._damaged = await replay_store(
            disk.store, network, lambda vertices: self._driver.tell(StoreRead(vertices))
        )
        self._driver.tell(PromisesRead(await trio.to_thread.run_sync(disk.store.sealed)))
        self.channels.begin(disk)
        for notice in self.notices():
            _log.warning("%s", notice)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(disk.writer.run)
            nursery.start_soon(self.channels.keep_shares)
            nursery.start_soon(self._pipeline.run)
            nursery.start_soon(self._follow_store, disk)
            await nursery.start(self._drive, errands)
            newest = await trio.to_thread.run_sync(newest_kept, disk.store)
            if newest is not None:
                self._driver.tell(CheckpointArrived(self._own, *newest))
            nursery.start_soon(self._follow_peers)
            nursery.start_soon(self._catch_up, nursery.cancel_scope)
            self._answers.open(disk)
            task_status.started()

    async def _drive(self, errands: Errands, *, task_status: trio.TaskStatus[None]) -> None:
        try:
            async with trio.open_nursery() as nursery:
                errands.nursery = nursery
                errands.begin_waiting()
                try:
                    self._driver.tell(StoreEnded())
                    task_status.started()
                    await self._driver.run()
                finally:
                    errands.nursery = None
        finally:
            # Whoever waits for one that was being kept waits through a cancellation.
            for wish in self._wishes.values():
                wish.give_up("the ledger was stopped while it was being kept")

    def _read_floor(self, disk: Disk) -> FloorRead | None:
        try:
            return read_floor(disk.store, self._genesis)
        except RemoteProtocolError as error:
            self._wrong_state = disk.store.begin_anew()
            _log.error("the state in the file of vertices is wrong: %s", error)
            return None

    async def _begin_anew(self, disk: Disk, snapshot: Snapshot) -> None:
        """Stand on ``snapshot``, with what the disk holds above it."""
        self._answers.close()
        self._snapshot = None
        await trio.to_thread.run_sync(begin_store, disk.store, snapshot)
        for wish in self._wishes.values():
            wish.end("the ledger took a newer state from its neighbours: try again")
        self._assemble()

    async def _catch_up(self, scope: trio.CancelScope) -> None:
        """End ``scope`` when others have forgotten what is missing here, and their state is."""
        while True:
            await trio.sleep(self._pace.retry_s)
            checkpointing = self._participant.checkpointing
            behind_at = checkpointing.height
            if not checkpointing.is_behind:
                continue
            # Unless nothing is held, it may only be on its way.
            await trio.sleep(self._pace.patience_s if len(self._ledger) else 0)
            if checkpointing.height != behind_at or not checkpointing.is_behind:
                continue
            self._snapshot = await fetch_snapshot(
                self._network, self._genesis, list(self._participant.peers), behind_at - 1
            )
            if self._snapshot is not None:
                _log.info("begin at checkpoint %d", self._snapshot.certified.checkpoint.height)
                scope.cancel()
                return

    async def _follow_peers(self) -> None:
        async with self._network.watch_peers() as events:
            async for event in events:
                if isinstance(event, PeerConnected):
                    self._driver.tell(PeerJoined(event.peer))
                else:
                    self._driver.tell(PeerLeft(event.peer))

    async def _follow_store(self, disk: Disk) -> None:
        while True:
            self._driver.tell(StoreFailed(await disk.writer.wait_failure_changed()))

    async def _act(self, operations: tuple[Operation, ...]) -> Vertex:
        return await self._issue(lambda number: ActWanted(number, operations))

    async def _issue(self, wanted: Callable[[int], PaymentWanted | ActWanted]) -> Vertex:
        number = next(self._numbers)
        wish = self._wishes[number] = Wish()
        try:
            self._driver.tell(wanted(number))
            result = await wish.wait(lambda: self._driver.tell(PaymentWithdrawn(number)))
        finally:
            del self._wishes[number]
        match result:
            case Vertex():
                return result
            case PaymentRefused():
                raise result
            case reason:
                raise NotIssuing(reason)

    # What the participant wants.

    def _perform(self, command: ParticipantCommand) -> None:
        match command:
            case KeepVertices(vertices):
                assert self._disk is not None
                self._pipeline.remember(vertex for vertex, _ in vertices)
                self._disk.writer.put((vertex.id, wire) for vertex, wire in vertices)
            case PushVertices():
                self._exchange.push(command)
            case PassProof():
                self._exchange.pass_proof(command)
            case CutOff():
                self._exchange.cut_off(command)
            case AnswerFrontier(_, message):
                self._answer = message
            case TellEvents(events):
                self._finals.note(events)
                for event in events:
                    if isinstance(event, Settled):
                        self.channels.note_settled(event.object_id)
                    elif isinstance(event, EpochBegan):
                        self._epoch_began.set()
                        self._epoch_began = trio.Event()
            case SpreadCheckpoint(body, signatures, source, to):
                signed = encode_signed(body, signatures)
                for peer in [to] if to is not None else list(self._participant.peers):
                    if peer != source:
                        self._network.send_nowait(peer, CHECKPOINT, signed)
            case PublishNews(news):
                self._news.publish(news)
                if not isinstance(self._state(), Silent):
                    self._decided.set()
            case PaymentEnded(number, result):
                if number in self._wishes:
                    self._wishes[number].end(result)
            case _:
                assert self._errands is not None
                self._errands.begin(command)

    def _compare(self, peer: NodeId, message: FrontierMessage) -> FrontierMessage:
        """Return what to answer a peer that tells its frontier."""
        # Its question may be faster than the news that it is here.
        self._driver.tell(PeerJoined(peer))
        self._driver.tell(FrontierReceived(peer, message))
        return self._answer

    async def _wait_for_room(self) -> None:
        if self._disk is not None:
            await self._disk.writer.wait_for_room()

    def _state(self) -> IssuingState:
        return self._participant.issuing(trio.current_time())


def _unforeseen() -> Random:
    """Return draws that nobody foresees at the start; each for itself would be a system call."""
    return Random(randbits(256))
