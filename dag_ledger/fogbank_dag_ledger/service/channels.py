"""Objects of the own account, for the layers above (SPEC.md sections 8.12 to 8.16)."""

from collections.abc import Callable, Sequence
from logging import getLogger
from typing import Protocol

import trio

from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.database import DatabaseFailure

from ..limits import DISK_RETRY_S, OBJECT_LIST_MAX
from ..operations import (
    Act,
    Action,
    ChannelTerms,
    Close,
    ObjectId,
    Opening,
    Operation,
    PostVouchers,
    Reclaim,
    Terms,
    TopUp,
    Voucher,
    object_id,
)
from ..own_objects import ChannelView, ObjectState, ObjectView, OwnObjects, ShareView
from ..vertex import Vertex, VertexId
from ..wallet import ImpossibleAct
from .disk import Disk

_log = getLogger(__name__)

_TOO_LARGE = "8.3.2"


class Issue(Protocol):
    """Issues one vertex with these ops; see ``LedgerService.pay`` for what it raises."""

    async def __call__(self, operations: tuple[Operation, ...]) -> Vertex:
        """Return the vertex once it is on disk."""
        ...


class Channels:
    """Opens objects, acts on them, and tells what there is.

    What is owed after an object was settled is taken without asking; so is a reclaim answered, by
    the vouchers that were remembered, and finished when its beats are over, and a stake withdrawn.
    """

    def __init__(
        self,
        own: NodeId,
        issue: Issue,
        remember: Callable[[ObjectId, Voucher], None],
    ) -> None:
        """Act for ``own`` by ``issue``; ``remember`` tells of vouchers that are on disk."""
        self._objects: OwnObjects
        self._own = own
        self._issue = issue
        self._remember = remember
        self._settled: dict[ObjectId, trio.Event] = {}
        self._disk: Disk | None = None
        self._shares: dict[ObjectId, ShareView] = {}
        """Those that are on disk."""

        self._unkept: dict[ObjectId, ShareView] = {}
        """Those that are not yet."""

        self._share_noted = trio.Event()
        self._keeping = trio.Lock()
        """Vouchers are written one set after another, so that no older one is written last."""

    def follow(self, objects: OwnObjects) -> None:
        """Tell of ``objects`` from now on: those of another ledger when there were any before."""
        self._objects = objects

    def begin(self, disk: Disk) -> None:
        """Use ``disk``, and tell of the vouchers on it; those of settled channels are dropped."""
        self._disk = disk
        for channel, voucher in list(disk.vouchers.all()):
            if self._objects.state(channel) is ObjectState.SETTLED:
                disk.vouchers.forget(channel)
            else:
                self._remember(channel, voucher)
        self._shares = {one.id: one for one in disk.shares.all()}
        noted = {one.id: one for one in self._objects.shares()}
        self._unkept = {
            name: one for name, one in (self._unkept | noted).items() if name not in self._shares
        }

    async def keep_shares(self) -> None:
        """Write what others' objects give the own account a part of, until cancelled.

        The ledger forgets them.  What is not written when the agent is killed comes again: the
        vertices that say so are read back at the next start.
        """
        assert self._disk is not None, "the service runs"
        while True:
            self._share_noted = trio.Event()
            unkept = dict(self._unkept)
            if unkept:
                try:
                    await trio.to_thread.run_sync(self._disk.shares.put, unkept.values())
                except DatabaseFailure as error:
                    _log.error("a share cannot be kept now: %s", error)
                    await trio.sleep(DISK_RETRY_S)
                    continue
                self._shares |= unkept
                for name in unkept:
                    del self._unkept[name]
            if not self._unkept:
                await self._share_noted.wait()

    def note_settled(self, name: ObjectId) -> None:
        """Wake who waits for this object, and keep what the own account gets a part of."""
        share = self._objects.share(name)
        if share is not None and name not in self._shares:
            self._unkept[name] = share
            self._share_noted.set()
        if name in self._settled:
            self._settled.pop(name).set()

    async def open(self, amount: int, terms: Terms) -> tuple[ObjectId, VertexId]:
        """Open an object with ``amount`` drops; return its name and the vertex, once on disk.

        It can be acted on when that vertex is final.

        Raises:
            PaymentRefused: ``ImpossibleAct`` says which rule it would break.
            NotIssuing: nothing was opened.
        """
        vertex = await self._issue((Opening(0, amount, terms),))
        return object_id(vertex.id, 0), vertex.id

    async def open_channel(
        self,
        provider: NodeId,
        deposit: int,
        *,
        beats: int,
        lanes: int = 1,
        voucher_key: NodeId | None = None,
    ) -> tuple[ObjectId, VertexId]:
        """Open a payment channel to ``provider``; as ``open``.

        Vouchers are signed with ``voucher_key``, by default the own.  The provider has ``beats``
        (seconds) to answer a reclaim: more than it may ever be cut off for.
        """
        return await self.open(
            deposit, ChannelTerms(provider, voucher_key or self._own, lanes, beats)
        )

    async def act(self, name: ObjectId, action: Action) -> VertexId:
        """Do ``action`` to an object that the own account has a part in; as ``open``."""
        vertex = await self._issue((Act(*self._place(name), action),))
        return vertex.id

    async def act_at(self, opening: VertexId, index: int, action: Action) -> VertexId:
        """Do ``action``, a slash say, to what op ``index`` of ``opening`` opened; as ``open``."""
        vertex = await self._issue((Act(opening, index, action),))
        return vertex.id

    async def top_up(self, channel: ObjectId, drops: int) -> VertexId:
        """Put ``drops`` more into an own channel; as ``act``."""
        self._place(channel)
        return await self.act(channel, TopUp(self._objects.next_total(channel, drops)))

    async def remember_voucher(self, channel: ObjectId, voucher: Voucher) -> None:
        """Keep a voucher for the own account; return when it is on disk.

        It answers a reclaim by itself, and is what ``close`` goes by.  The caller has checked it.
        """
        await self.remember_vouchers([(channel, voucher)])

    async def remember_vouchers(self, vouchers: Sequence[tuple[ObjectId, Voucher]]) -> None:
        """Keep several at once: one sync of the disk for all of them."""
        assert self._disk is not None, "the service runs"
        async with self._keeping:
            better = [
                (channel, one) for channel, one in vouchers if self._objects.is_better(channel, one)
            ]
            if better:
                await trio.to_thread.run_sync(self._disk.vouchers.put, better)
            for channel, voucher in better:
                self._remember(channel, voucher)

    async def post_vouchers(self, channel: ObjectId, vouchers: Sequence[Voucher]) -> VertexId:
        """Show vouchers on the ledger, as many as fit into a vertex; as ``act``."""
        return await self.act(channel, PostVouchers(tuple(vouchers)))

    async def close(self, channel: ObjectId, vouchers: Sequence[Voucher] | None = None) -> VertexId:
        """Close a channel to the own account by these vouchers, by default those remembered.

        Vouchers that do not fit into one vertex are posted first.  As ``act``; what is owed is
        taken by itself when the outcome is L1: see ``wait_settled``.
        """
        self._place(channel)
        if vouchers is None:
            # Those that are on their way to the disk count: they were taken before.
            async with self._keeping:
                vouchers = self._objects.remembered(channel)
        shown = tuple(vouchers)
        try:
            return await self.act(channel, Close(self._objects.funds(channel), (), shown))
        except ImpossibleAct as error:
            if error.rule != _TOO_LARGE:
                raise
        posted = [await self.post_vouchers(channel, [one]) for one in shown[:OBJECT_LIST_MAX]]
        named = tuple(sorted(posted))
        return await self.act(channel, Close(self._objects.funds(channel), named, ()))

    async def reclaim(self, channel: ObjectId) -> VertexId:
        """Ask for the rest of an own channel back; the settlement follows by itself; as ``act``."""
        return await self.act(channel, Reclaim())

    def all(self) -> Sequence[ChannelView]:
        """Return the channels from and to the own account, the oldest first."""
        return self._objects.channels()

    def get(self, channel: ObjectId) -> ChannelView | None:
        """Return one of them; None when there is none of that name."""
        return self._objects.channel(channel)

    def others(self) -> Sequence[ObjectView]:
        """Return the escrows and stakes that the own account has a part in, the oldest first."""
        return self._objects.others()

    def shares(self) -> Sequence[ShareView]:
        """Return what others' objects gave the own account a part of, the oldest outcome first.

        Those of earlier lives too.
        """
        return [*self._shares.values(), *self._unkept.values()]

    async def wait_settled(self, name: ObjectId) -> None:
        """Return when an outcome of the object is L1; may be never."""
        if self._objects.state(name) is not ObjectState.SETTLED:
            await self._settled.setdefault(name, trio.Event()).wait()

    def _place(self, name: ObjectId) -> tuple[VertexId, int]:
        place = self._objects.place(name)
        if place is None:
            raise ImpossibleAct("no such object of this account is known")
        return place
