"""What the participant wants and takes a while: asking peers, writing to the disk."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias, TypeVar

import trio

from fogbank_protocol.identity import Identity, NetworkId
from fogbank_protocol.node.database import DatabaseFailure

from ..amnesia import AskHead, HeadAnswered
from ..checkpoint import preimage as checkpoint_preimage
from ..checkpointing import CheckpointSigned, KeepCheckpoint, SignCheckpoint
from ..committee_proof import encode_committee_proof
from ..gossip_events import AskFrontier, AskParents, AskRanges
from ..limits import DISK_RETRY_S
from ..participation.happenings import (
    AdoptOwn,
    CheckpointKept,
    KeepCommittee,
    KeepOwn,
    OwnAdopted,
    OwnLogRead,
    OwnRefused,
    ParticipantEvent,
    ReadOwnLog,
    ShortenOwnLog,
)
from .checkpoint_files import keep
from .disk import Disk
from .exchange import Exchange
from .failures import StorageFailure
from .issuer import Issuer
from .own_records import OwnRecords
from .wishes import Wish

_log = logging.getLogger(__name__)

Errand: TypeAlias = (
    AskFrontier
    | AskParents
    | AskRanges
    | AskHead
    | KeepOwn
    | ReadOwnLog
    | AdoptOwn
    | ShortenOwnLog
    | SignCheckpoint
    | KeepCheckpoint
    | KeepCommittee
)

Question = TypeVar("Question")


class Errands:
    """Begins what takes a while, and tells what came of it."""

    def __init__(
        self,
        disk: Disk,
        exchange: Exchange,
        issuer: Issuer,
        identity: Identity,
        network: NetworkId,
        *,
        tell: Callable[[ParticipantEvent], None],
        wishes: dict[int, Wish],
    ) -> None:
        """Write to ``disk``, and ask peers by ``exchange``; ``wishes`` by number of the payment."""
        self._disk = disk
        self._exchange = exchange
        self._issuer = issuer
        self._identity = identity
        self._network = network
        self._records = OwnRecords(disk, network)
        self._tell = tell
        self._wishes = wishes
        self._keeping = trio.Lock()
        self._committees: list[KeepCommittee] = []
        self.state_kept: Mapping[bytes, bytes] = {}
        """The records at the floor that the file has, by key."""

        self.nursery: trio.Nursery | None = None
        """Where they run; None before the start and after the end."""

    def begin(self, errand: Errand) -> None:
        """Begin with ``errand``."""
        match errand:
            case AskFrontier():
                self._start(self._exchange.ask_frontier, errand)
            case AskParents():
                self._start(self._exchange.ask_parents, errand)
            case AskRanges():
                self._start(self._exchange.ask_ranges, errand)
            case AskHead():
                self._start(self._ask_head, errand)
            case KeepOwn():
                self._start(self._keep_own, errand)
            case ReadOwnLog():
                self._start(self._read_own_log, errand)
            case AdoptOwn():
                self._start(self._adopt_own, errand)
            case ShortenOwnLog():
                if self.nursery is not None:
                    self.nursery.start_soon(self._shorten_own_log, errand)
            case SignCheckpoint():
                self._start(self._sign_checkpoint, errand)
            case KeepCommittee():
                if self.nursery is None:
                    self._committees.append(errand)
                else:
                    self.nursery.start_soon(self._keep_committee, errand)
            case KeepCheckpoint():
                if self.nursery is not None:
                    self.nursery.start_soon(self._keep_checkpoint, errand)

    def _start(
        self, ask: Callable[[Question], Awaitable[ParticipantEvent]], question: Question
    ) -> None:
        # Peers may still be answered while the disk is written for the last time.
        if self.nursery is not None:
            self.nursery.start_soon(self._do, ask, question)

    async def _do(
        self, ask: Callable[[Question], Awaitable[ParticipantEvent]], question: Question
    ) -> None:
        self._tell(await ask(question))

    async def _ask_head(self, command: AskHead) -> HeadAnswered:
        heads = await self._exchange.ask_head(command.peer, self._identity.node_id)
        return HeadAnswered(command.peer, heads)

    async def _keep_own(self, command: KeepOwn) -> ParticipantEvent:
        if command.payment in self._wishes:
            self._wishes[command.payment].begin()
        # Whoever sent what it refers to may forget it, and then nobody could follow the own chain.
        await self._disk.writer.flush()
        failure = self._disk.writer.failure
        return OwnRefused(failure) if failure else await self._issuer.keep(command.draft)

    async def _read_own_log(self, _: ReadOwnLog) -> OwnLogRead:
        return OwnLogRead(await self._records.read())

    async def _adopt_own(self, command: AdoptOwn) -> OwnAdopted:
        await self._records.adopt(command.ids)
        return OwnAdopted()

    async def _shorten_own_log(self, command: ShortenOwnLog) -> None:
        with trio.CancelScope(shield=True):
            try:
                await self._records.shorten(command.first)
            except StorageFailure as error:
                _log.warning("the log of own vertices is not shortened: %s", error)

    async def _sign_checkpoint(self, command: SignCheckpoint) -> CheckpointSigned:
        while command.sealed:
            # The promise has to be on the disk before the signature leaves.
            store = self._disk.store
            try:
                await trio.to_thread.run_sync(store.seal, command.sealed, command.epoch)
                break
            except DatabaseFailure as error:
                _log.warning("a checkpoint waits to be signed: %s", error)
                await trio.sleep(DISK_RETRY_S)
        return CheckpointSigned(
            command.hash, self._identity.sign(checkpoint_preimage(self._network, command.hash))
        )

    def begin_waiting(self) -> None:
        """Begin with what came while the disk was read: there is a nursery now."""
        committees, self._committees = self._committees, []
        for errand in committees:
            self.begin(errand)

    async def _keep_committee(self, command: KeepCommittee) -> None:
        wires = await self._disk.writer.find(command.shown_by)
        if len(wires) < len(command.shown_by):
            # They were pruned since, and then the proof is kept.
            return
        proof = encode_committee_proof(wires[0], wires[1:])
        try:
            await trio.to_thread.run_sync(self._disk.store.keep_committee, command.epoch, proof)
        except DatabaseFailure as error:
            _log.warning("what shows the seats of an epoch is not kept: %s", error)

    async def _keep_checkpoint(self, command: KeepCheckpoint) -> None:
        disk = self._disk
        async with self._keeping:
            await disk.writer.flush()
            with trio.CancelScope(shield=True):
                try:
                    await trio.to_thread.run_sync(keep, disk.store, command, self.state_kept)
                except DatabaseFailure as error:
                    # What should have been forgotten is read again at the next start.
                    _log.warning("a checkpoint is not kept: %s", error)
                    return
            if command.floor is not None:
                self.state_kept = command.floor.state
                self._tell(CheckpointKept(command.floor.checkpoint.height))
