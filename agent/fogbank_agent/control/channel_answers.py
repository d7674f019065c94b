"""Answers about payment channels."""

from collections.abc import Callable, Iterable

import trio

from fogbank_dag_ledger.operations import ObjectId
from fogbank_dag_ledger.own_objects import ChannelView, ObjectState
from fogbank_protocol.identity import NodeId, short_form

from ..limits import CONTROL_WAIT_S_MAX
from ..parts import Parts
from .requests.channels import (
    Channel,
    Channels,
    ChannelsClosed,
    CloseChannels,
    Earnings,
    Royalty,
)
from .server import Conversation

_LOOK_AGAIN_S = 0.1


def list_channels(parts: Parts) -> Channels:
    """Return all channels from and to the agent."""
    return Channels(tuple(_channel(parts, view) for view in parts.ledger.channels.all()))


def sum_channels(
    own: NodeId, views: Iterable[ChannelView], vouchers_total: Callable[[ObjectId], int]
) -> tuple[int, int]:
    """Return the drops of ``own`` in channels to others, and those that others owe it in theirs.

    ``vouchers_total`` tells what the vouchers of a channel add up to.  Of a channel that is
    settled counts what is still to be taken.
    """
    unspent = earned = 0
    for view in views:
        if view.state is ObjectState.SETTLED:
            left = paid = view.owed
        else:
            paid = vouchers_total(view.id)
            left = view.deposit + view.deposit_pending - paid
        if view.payer == own:
            unspent += left
        else:
            earned += paid
    return unspent, earned


async def answer_close_channels(
    parts: Parts, request: CloseChannels, conversation: Conversation
) -> None:
    """Have the own channels settled, and tell how many are."""
    with trio.move_on_after(min(max(request.wait_s, 0), CONTROL_WAIT_S_MAX)):
        await _settle(parts, request)
    waiting = _unsettled(parts, request)
    closed = len(_meant(parts, request)) - waiting
    paying = (
        0 if request.earned else count_paying(parts.identity.node_id, parts.ledger.channels.all())
    )
    await conversation.send(ChannelsClosed(closed, waiting, paying))


async def _settle(parts: Parts, request: CloseChannels) -> None:
    # Again and again: one may have been opening, or in use, or not to be reclaimed at that moment.
    while True:
        await parts.requestor.close_channels()
        if request.earned and parts.provider is not None:
            await parts.provider.close_channels()
        if not _unsettled(parts, request):
            return
        await trio.sleep(_LOOK_AGAIN_S)


def _unsettled(parts: Parts, request: CloseChannels) -> int:
    return sum(
        view.state is not ObjectState.SETTLED or view.owed > 0 for view in _meant(parts, request)
    )


def count_paying(own: NodeId, views: Iterable[ChannelView]) -> int:
    """Return how many channels that are not settled pay ``own``."""
    return sum(
        view.terms.provider == own and view.state is not ObjectState.SETTLED for view in views
    )


def _meant(parts: Parts, request: CloseChannels) -> list[ChannelView]:
    own = parts.identity.node_id
    return [
        view
        for view in parts.ledger.channels.all()
        if _pays(parts, view) or (request.earned and view.terms.provider == own)
    ]


def list_earnings(parts: Parts) -> Earnings:
    """Return what the settled channels of others gave the agent as an author."""
    royalties = tuple(
        Royalty(one.id.hex(), short_form(one.payer), short_form(one.provider), one.drops)
        for one in parts.ledger.channels.shares()
    )
    return Earnings(royalties, sum(royalty.drops for royalty in royalties))


def _pays(parts: Parts, view: ChannelView) -> bool:
    return view.payer == parts.identity.node_id


def _channel(parts: Parts, view: ChannelView) -> Channel:
    pays = _pays(parts, view)
    is_settled = view.state is ObjectState.SETTLED
    return Channel(
        channel=view.id.hex(),
        with_whom=short_form(view.terms.provider if pays else view.payer),
        pays=pays,
        state=view.state.name.lower(),
        deposit=view.deposit,
        paid=view.paid if is_settled else parts.vouchers_total(view.id),
    )
