"""Providers that state work which they do not do: what they get for it, from a real requestor."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from fogbank_agent.limits import ADVANCE_PARTS, TICK_FUEL_MAX
from fogbank_agent.market.agreements import agreement_id, sign_agreement
from fogbank_agent.market.bids import Bid
from fogbank_agent.market.job_result import JobResult
from fogbank_agent.market.offers import sign_offer
from fogbank_agent.market.orders import Audit
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.run_messages import (
    AgreementMade,
    RunTicked,
    decode_run_opening,
    encode_run_item,
)
from fogbank_agent.market.ticks import Tick, sign_tick
from fogbank_protocol.encoding import encode
from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.node import CallRefused

from ..market.test_offers import AN_OFFER
from .neighbourhood import Hasher, Neighbourhood, a_job, neighbourhood, wait_until
from .test_hostile_peers import MALLORY, Crook, raw_node

pytestmark = pytest.mark.slow

STATED = 3 * 10**10
"""Fuel that the thief says it has used."""

PRICE = 1_000
"""Drops that it asks for a gigafuel."""

HELD_S = 0.3
"""How long the thief waits for the money."""


class Thief(Crook):
    """States as much as it may, and leaves as soon as that is paid."""

    def __init__(self, hood: Neighbourhood, statements: int) -> None:
        super().__init__(hood)
        self.statements = statements

    async def _run(self, peer: NodeId, body: bytes) -> AsyncIterator[bytes]:
        self.sells_again += 1
        opening = decode_run_opening(body)
        named = agreement_id(opening.agreement_body, self.network)
        signature = sign_agreement(opening.agreement_body, self.network, MALLORY)
        yield encode_run_item(AgreementMade(signature))
        for number in range(1, self.statements + 1):
            tick = Tick(named, MALLORY.node_id, number * STATED // self.statements)
            yield encode_run_item(RunTicked(sign_tick(tick, self.network, MALLORY)))
        await trio.sleep(HELD_S)
        raise CallRefused("refused", Reason.SHUTTING_DOWN.value)


async def robbed(
    tmp_path: Path, statements: int, bend_bid: Callable[[Bid], Bid]
) -> tuple[JobResult, int, int]:
    """Buy where a thief alone sells; return what came of it, its sales, and what was owned."""
    async with (
        neighbourhood(tmp_path, 1, rich=(MALLORY.node_id,)) as hood,
        trio.open_nursery() as nursery,
    ):
        ann = await hood.start(1, checks=Hasher())
        await ann.ledger.wait_issuing()
        thief = Thief(hood, statements)
        thief.bend_bid = bend_bid
        node = await raw_node(hood, nursery, *thief.services())
        offer = replace(AN_OFFER, provider=MALLORY.node_id, price=PRICE)
        signed = sign_offer(offer, hood.genesis.network, MALLORY)
        node.send_nowait(ann.node_id, "market.offer", encode(signed.to_value()))
        await wait_until(lambda: len(ann.requestor.offers()) == 1)
        owned = ann.ledger.wallet().spendable
        while True:
            # A first job may end before the channel that it has opened is final.
            job = await a_job(
                ann,
                [b"x"],
                verification=Audit(50_000),
                fuel_max=STATED,
                price_max=PRICE,
                patience_s=1.0,
            )
            result = await ann.requestor.buy(job)
            if "Order 1 went" in "\n".join(ann.journal.why(result.runs[0].run_id)):
                break
        nursery.cancel_scope.cancel()
    return result, thief.sells_again, owned


async def test_nobody_takes_a_bid_with_a_tick_of_a_hundred_seconds(tmp_path: Path) -> None:
    result, sales, _ = await robbed(tmp_path, 1, lambda bid: replace(bid, price=PRICE, tick=STATED))
    assert (sales, result.paid_total) == (0, 0)


async def test_who_states_what_it_has_not_done_is_paid_no_faster_than_work_and_not_for_long(
    tmp_path: Path,
) -> None:
    result, sales, owned = await robbed(
        tmp_path, 30, lambda bid: replace(bid, price=PRICE, tick=TICK_FUEL_MAX // 4)
    )
    assert result.completed == 0
    assert result.runs[0].reason is Reason.NO_PROVIDER
    assert sales > 1
    # What the last of its attempts gives is beyond the pool.
    assert result.paid_total <= owned // ADVANCE_PARTS + STATED * PRICE // 10**9
