"""A provider that a requestor only hears of, and dials when it has work (SPEC.md section 9.1)."""

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import trio

from fogbank_agent.limits import OFFERS_TOLD_TOGETHER_MAX
from fogbank_agent.market.offers import sign_offer
from fogbank_agent.market.orders import NoVerification
from fogbank_agent.market.told_offers import TellOffer, encode_told
from fogbank_agent.trading.methods import OFFERS_METHOD
from fogbank_protocol.discovery.address import Address
from fogbank_protocol.identity import Identity
from fogbank_protocol.node.node import Node, NodeSettings

from ..market.heard import AN_OFFER
from .neighbourhood import (
    Agent,
    Hasher,
    Neighbourhood,
    a_job,
    identity,
    neighbourhood,
    wait_until,
)

pytestmark = pytest.mark.slow


async def invent(hood: Neighbourhood, victim: Agent) -> None:
    """Be a neighbour of ``victim`` that tells it of ever new providers which work for nothing."""
    settings = NodeSettings(listen_hosts=("127.0.0.1",), mdns=False, interfaces=("127.0.0.1",))
    liar = Node(identity(9), hood.genesis.network, settings, hood.genesis.body)
    async with trio.open_nursery() as nursery:
        await nursery.start(liar.run)
        victim.node.hint(liar.node_id, Address("127.0.0.1", liar.port))
        await wait_until(lambda: liar.is_connected(victim.node_id))
        for first in count(0, OFFERS_TOLD_TOGETHER_MAX):
            numbers = range(first, first + OFFERS_TOLD_TOGETHER_MAX)
            told = [_invention(liar, number) for number in numbers]
            liar.send_nowait(victim.node_id, OFFERS_METHOD, encode_told(told))
            # As much as it may say, but quickly at first: it is there before anybody else.
            await trio.sleep(0.01 if first < 200 else 0.8)


def _invention(liar: Node, number: int) -> TellOffer:
    own = Identity.from_seed(number.to_bytes(32, "big"))
    offer = replace(AN_OFFER, provider=own.node_id, price=0, start_price=0, valid_s=3_600)
    # Nobody listens at such ports.
    address = Address("127.0.0.1", 1 + number % 1_000)
    return TellOffer(1, 3_600, address, sign_offer(offer, liar.network, own))


async def test_an_offer_reaches_a_neighbours_neighbour_who_buys_from_it(tmp_path: Path) -> None:
    members = [identity(number).node_id for number in (2, 3)]
    async with neighbourhood(tmp_path, 1, limit_s=60, rich=members) as hood:
        middle = await hood.start(1)
        # It accepts no channels, so that the provider cannot find it; and it asked for peers before
        # the provider came, and asks again in a minute.
        ann = await hood.start(2, listens=False)
        await wait_until(lambda: middle.node.is_connected(ann.node_id))
        ben = await hood.start(3, sells=Hasher())
        await wait_until(lambda: middle.node.is_connected(ben.node_id))
        for agent in hood.agents:
            await agent.ledger.wait_issuing()
        job = await a_job(ann, [b"x"], verification=NoVerification(), patience_s=40.0)
        result = await ann.requestor.buy(job)
        assert result.completed == 1
        assert ann.node.is_connected(ben.node_id)


async def test_a_neighbour_that_invents_free_providers_does_not_hide_it(tmp_path: Path) -> None:
    members = [identity(number).node_id for number in (2, 3)]
    async with neighbourhood(tmp_path, 1, limit_s=60, rich=members) as hood:
        middle = await hood.start(1)
        ann = await hood.start(2, listens=False)
        await wait_until(lambda: middle.node.is_connected(ann.node_id))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(invent, hood, ann)
            await wait_until(lambda: ann.node.is_connected(identity(9).node_id))
            ben = await hood.start(3, sells=Hasher())
            await wait_until(lambda: middle.node.is_connected(ben.node_id))
            for agent in hood.agents:
                await agent.ledger.wait_issuing()
            job = await a_job(ann, [b"x"], verification=NoVerification(), patience_s=40.0)
            result = await ann.requestor.buy(job)
            nursery.cancel_scope.cancel()
        assert result.completed == 1
        assert ann.node.is_connected(ben.node_id)
