"""Payment channels as a ledger would show them, for tests of who pays whom."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import trio

from fogbank_dag_ledger.operations import ChannelTerms, ObjectId, Voucher
from fogbank_dag_ledger.own_objects import ChannelView, ObjectState
from fogbank_dag_ledger.statements import sign_voucher
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.identity import Identity, NetworkId, NodeId

NETWORK = NetworkId(b"test-net")


def a_channel(payer: NodeId, provider: NodeId, name: bytes = b"c", **changes: Any) -> ChannelView:
    """Return an open channel with 1,000 drops, with ``changes``."""
    view = ChannelView(
        id=ObjectId(name * 32),
        opening=VertexId(name * 32),
        payer=payer,
        terms=ChannelTerms(provider, payer, 8, 3_600),
        state=ObjectState.OPEN,
        deposit=1_000,
        deposit_pending=0,
        paid=0,
        shown=0,
        reclaimed=False,
        owed=0,
    )
    return replace(view, **changes)


@dataclass(slots=True)
class Views:
    """A ledger that shows these channels, and does whatever it is asked."""

    channels: list[ChannelView] = field(default_factory=list[ChannelView])
    closed: list[ObjectId] = field(default_factory=list[ObjectId])
    opens: NodeId | None = None
    """Who may open channels."""

    posted: list[Voucher] = field(default_factory=list[Voucher])
    reclaimed: list[ObjectId] = field(default_factory=list[ObjectId])

    def all(self) -> Sequence[ChannelView]:
        return self.channels

    def get(self, channel: ObjectId) -> ChannelView | None:
        return next((view for view in self.channels if view.id == channel), None)

    async def open_channel(
        self, provider: NodeId, deposit: int, *, beats: int, lanes: int = 1
    ) -> tuple[ObjectId, VertexId]:
        assert self.opens, "nothing is opened here"
        await trio.lowlevel.checkpoint()
        self.channels.append(a_channel(self.opens, provider, b"o", deposit=deposit))
        return self.channels[-1].id, self.channels[-1].opening

    async def top_up(self, channel: ObjectId, drops: int) -> VertexId:
        raise AssertionError("nothing is topped up here")

    async def remember_voucher(self, channel: ObjectId, voucher: Voucher) -> None:
        await trio.lowlevel.checkpoint()

    async def remember_vouchers(self, vouchers: Sequence[tuple[ObjectId, Voucher]]) -> None:
        await trio.lowlevel.checkpoint()

    async def post_vouchers(self, channel: ObjectId, vouchers: Sequence[Voucher]) -> VertexId:
        await trio.lowlevel.checkpoint()
        self.posted += vouchers
        return VertexId(bytes(32))

    async def close(self, channel: ObjectId, vouchers: Sequence[Voucher] | None = None) -> VertexId:
        await trio.lowlevel.checkpoint()
        self.closed.append(channel)
        return VertexId(bytes(32))

    async def reclaim(self, channel: ObjectId) -> VertexId:
        await trio.lowlevel.checkpoint()
        self.reclaimed.append(channel)
        return VertexId(bytes(32))


def a_voucher(
    payer: Identity, channel: ChannelView, total: int, count: int = 1, **changes: Any
) -> Voucher:
    """Return a voucher of ``payer``, with ``changes`` to lane, root or split."""
    fields: dict[str, Any] = {"lane": 0, "root": bytes(32), "split": (), **changes}
    return sign_voucher(payer, NETWORK, channel.id, total=total, count=count, **fields)
