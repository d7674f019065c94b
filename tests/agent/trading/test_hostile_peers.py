"""Peers that break the rules of section 9: raw nodes against the real shells."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from fogbank_agent.market.agreements import (
    Agreement,
    AgreementId,
    agreement_id,
    decode_agreement,
    sign_agreement,
)
from fogbank_agent.market.bids import BID, Bid, BidId, Decline, bid_id, open_answer, sign_answer
from fogbank_agent.market.checkpoint import Checkpoint
from fogbank_agent.market.commitments import check_reveal
from fogbank_agent.market.job_result import JobEvent, JobResult
from fogbank_agent.market.offers import sign_offer
from fogbank_agent.market.orders import (
    ORDER,
    Audit,
    NoVerification,
    Order,
    OrderId,
    OrderInput,
    Quorum,
    open_order,
    order_id,
    sign_order,
)
from fogbank_agent.market.reasons import SAID_BY_PROVIDERS, Reason, sentence
from fogbank_agent.market.run_messages import (
    AgreementMade,
    RunCommitted,
    RunEnded,
    RunEvidence,
    RunOpening,
    RunTicked,
    decode_run_item,
    decode_run_opening,
    encode_run_item,
    encode_run_opening,
)
from fogbank_agent.market.settlements import (
    Payment,
    Settlement,
    encode_close,
    encode_settlement,
)
from fogbank_agent.market.story import ProviderPaid
from fogbank_agent.market.ticks import Tick, sign_tick
from fogbank_agent.trading.standings import Standings
from fogbank_dag_ledger.operations import ObjectId, Share, Voucher
from fogbank_dag_ledger.own_objects import ObjectState
from fogbank_dag_ledger.service.ledger_service import LedgerService
from fogbank_dag_ledger.statements import sign_voucher
from fogbank_protocol.blobs.naming import BlobId, blob_id
from fogbank_protocol.discovery.address import Address
from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.identity import Identity, NodeId
from fogbank_protocol.node.blob_store import StoreFull
from fogbank_protocol.node.node import (
    CallFailure,
    CallRefused,
    Node,
    NodeSettings,
    RequestService,
    Service,
    StreamService,
)
from fogbank_protocol.signed import Signed, signed_from_value
from fogbank_wasm_tasks.outcome import Ok, OutOfFuel
from fogbank_wasm_tasks.receipt import Receipt, Result, sign_receipt

from ..market.test_offers import AN_OFFER
from .neighbourhood import (
    Agent,
    Hasher,
    Neighbourhood,
    a_job,
    example_package,
    identity,
    neighbourhood,
    settings,
    wait_until,
)

pytestmark = pytest.mark.slow

MALLORY = identity(66)
OTHER = identity(67)
OUTPUT = b"an output"


def beside_mallory(folder: Path) -> AbstractAsyncContextManager[Neighbourhood]:
    """Give a neighbourhood of one seat, in which Mallory has money too."""
    return neighbourhood(folder, 1, rich=(MALLORY.node_id,))


async def raw_node(hood: Neighbourhood, nursery: trio.Nursery, *services: Service) -> Node:
    """Run Mallory's node beside the first agent and return it when the two are connected."""
    node = Node(
        MALLORY,
        hood.genesis.network,
        NodeSettings(
            listen_hosts=("127.0.0.1",),
            mdns=False,
            interfaces=("127.0.0.1",),
            static_peers=(Address("127.0.0.1", hood.agents[0].node.port),),
        ),
        hood.genesis.body,
        services,
    )
    await nursery.start(node.run)
    await wait_until(lambda: node.is_connected(hood.agents[0].node_id))
    return node


# Mallory sells.


class Crook:
    """A provider whose every step can be bent."""

    def __init__(self, hood: Neighbourhood) -> None:
        self.network = hood.genesis.network
        self.sells_again = 0
        self.bend_bid: Callable[[Bid], Bid] = lambda bid: bid
        self.bid_signer: Identity = MALLORY
        self.agreement_signer: Identity = MALLORY
        self.bend_receipt: Callable[[Receipt], Receipt] = lambda receipt: receipt
        self.bend_result: Callable[[Result], Result] = lambda result: result
        self.receipt_signer: Identity = MALLORY
        self.output: bytes | None = OUTPUT
        self.agreed = AgreementId(bytes(32))
        self.bend_agreed: Callable[[AgreementId], AgreementId] = lambda agreed: agreed
        self.items: Callable[[bytes, bytes], list[bytes]] = lambda first, last: [first, last]
        self.reuses = False
        self.evidence: Callable[[Receipt], list[Signed]] = lambda _: []
        """What it shows for the receipt that it is about to give."""

        self.refuses: Reason | None = None
        """Why it does not sign after all."""

        self.breaks_off: Reason | None = None
        """Why there is no receipt."""

    def services(self) -> list[Service]:
        """Return what a provider serves."""
        return [
            RequestService("market.order", self._bid),
            StreamService("market.run", self._run),
        ]

    async def _bid(self, peer: NodeId, body: bytes) -> bytes:
        await trio.lowlevel.checkpoint()
        signed = signed_from_value(ORDER, decode(body))
        bid = Bid(
            provider=self.bid_signer.node_id,
            order_id=order_id(signed, self.network),
            price=100,
            start_price=1,
            start_ms=0,
            valid_ms=5_000,
            tick=10**9,
            reuse=self.reuses,
        )
        answer = sign_answer(self.bend_bid(bid), self.network, self.bid_signer)
        return encode(answer.to_value())

    async def _run(self, peer: NodeId, body: bytes) -> AsyncIterator[bytes]:
        self.sells_again += 1
        if self.refuses is not None:
            raise CallRefused("refused", self.refuses.value)
        opening = decode_run_opening(body)
        order = open_order(opening.order, self.network)
        signature = sign_agreement(opening.agreement_body, self.network, self.agreement_signer)
        receipt = self.bend_receipt(
            Receipt(
                agreement_id=agreement_id(opening.agreement_body, self.network),
                provider=self.receipt_signer.node_id,
                package_id=order.package_id,
                terms_id=order.terms().terms_id(),
                results=(
                    self.bend_result(
                        Result(order.inputs[0].blob_id, Ok(blob_id(OUTPUT), len(OUTPUT)), 1_000)
                    ),
                ),
            )
        )
        signed = sign_receipt(receipt, self.network, self.receipt_signer)
        self.agreed = self.bend_agreed(agreement_id(opening.agreement_body, self.network))
        first = encode_run_item(AgreementMade(signature))
        last = encode_run_item(RunEnded(signed, [self.output]))
        for item in self.items(first, last):
            if item == last and self.breaks_off is not None:
                raise CallRefused("refused", self.breaks_off.value)
            if item == last and (shown := self.evidence(receipt)):
                yield encode_run_item(RunEvidence(shown))
            yield item

    def old(self, receipt: Receipt, signer: Identity = MALLORY, **changes: Any) -> list[Signed]:
        """Return what would prove ``receipt``, with ``changes``."""
        changes = {"agreement_id": bytes(32), "provider": signer.node_id, **changes}
        return [sign_receipt(replace(receipt, **changes), self.network, signer)]


async def buy_from(
    tmp_path: Path, bend: Callable[[Crook], None], **changes: Any
) -> tuple[Agent, Any, Crook]:
    """Let an honest requestor buy one run where only Mallory sells; return how it went."""
    async with beside_a_crook(tmp_path) as (ann, crook):
        bend(crook)
        return ann, await buy_once(ann, **changes), crook
    raise AssertionError


@asynccontextmanager
async def beside_a_crook(
    tmp_path: Path, checks: Hasher | None = None, kind: type[Crook] = Crook
) -> AsyncGenerator[tuple[Agent, Crook]]:
    """Give a requestor that knows Mallory's offer alone."""
    async with (
        neighbourhood(tmp_path, 1, rich=(MALLORY.node_id,)) as hood,
        trio.open_nursery() as nursery,
    ):
        ann = await hood.start(1, checks=checks)
        await ann.ledger.wait_issuing()
        crook = kind(hood)
        node = await raw_node(hood, nursery, *crook.services())
        offer = replace(AN_OFFER, provider=MALLORY.node_id)
        signed = sign_offer(offer, hood.genesis.network, MALLORY)
        node.send_nowait(ann.node_id, "market.offer", encode(signed.to_value()))
        await wait_until(lambda: len(ann.requestor.offers()) == 1)
        yield ann, crook
        nursery.cancel_scope.cancel()


async def buy_once(ann: Agent, **changes: Any) -> tuple[JobResult, str]:
    """Let ``ann`` buy one run; return what came of it, and its story."""
    wanted = {"verification": NoVerification(), "patience_s": 0.3, **changes}
    while True:
        # A first job may end before the channel that it has opened is final.
        result = await ann.requestor.buy(await a_job(ann, [b"x"], **wanted))
        story = "\n".join(ann.journal.why(result.runs[0].run_id))
        if "Order 1 went" in story:
            return result, story


async def test_an_unbent_crook_sells_what_it_says(tmp_path: Path) -> None:
    _, (result, _), _ = await buy_from(tmp_path, lambda crook: None)
    assert result.completed == 1


def bids_above_the_cap(crook: Crook) -> None:
    crook.bend_bid = lambda bid: replace(bid, price=1_001)


def bids_for_another_order(crook: Crook) -> None:
    crook.bend_bid = lambda bid: replace(bid, order_id=OrderId(bytes(32)))


def bids_as_somebody_else(crook: Crook) -> None:
    crook.bid_signer = OTHER


@pytest.mark.parametrize(
    "bend", [bids_above_the_cap, bids_for_another_order, bids_as_somebody_else]
)
async def test_a_bid_that_is_no_bid_is_not_taken(
    tmp_path: Path, bend: Callable[[Crook], None]
) -> None:
    _, (result, story), crook = await buy_from(tmp_path, bend)
    assert result.runs[0].reason is Reason.NO_PROVIDER
    assert "it broke a rule of the protocol" in story
    assert crook.sells_again == 0


def signs_the_agreement_as_somebody_else(crook: Crook) -> None:
    crook.agreement_signer = OTHER


def signs_the_receipt_as_somebody_else(crook: Crook) -> None:
    crook.receipt_signer = OTHER


def bills_more_fuel_than_agreed(crook: Crook) -> None:
    crook.bend_result = lambda result: replace(result, fuel=10**9 + 1)


def answers_for_another_input(crook: Crook) -> None:
    crook.bend_result = lambda result: replace(result, input_id=blob_id(b"y"))


def answers_for_another_package(crook: Crook) -> None:
    crook.bend_receipt = lambda receipt: replace(receipt, package_id=blob_id(b"y"))


def answers_for_another_agreement(crook: Crook) -> None:
    crook.bend_receipt = lambda receipt: replace(receipt, agreement_id=bytes(32))


def sends_another_output_than_it_signs(crook: Crook) -> None:
    crook.output = b"an 0utput"


def keeps_a_small_output_back(crook: Crook) -> None:
    crook.output = None


def sends_an_output_with_a_trap(crook: Crook) -> None:
    crook.bend_result = lambda result: replace(result, outcome=OutOfFuel())


def tells_of_two_runs(crook: Crook) -> None:
    crook.bend_receipt = lambda receipt: replace(receipt, results=tuple(receipt.results) * 2)


def answers_for_other_terms(crook: Crook) -> None:
    crook.bend_receipt = lambda receipt: replace(receipt, terms_id=bytes(32))


def begins_without_agreeing(crook: Crook) -> None:
    crook.items = lambda first, last: [last]


def agrees_twice(crook: Crook) -> None:
    crook.items = lambda first, last: [first, first, last]


def ends_without_a_receipt(crook: Crook) -> None:
    crook.items = lambda first, last: [first]


def sends_garbage(crook: Crook) -> None:
    crook.items = lambda first, last: [first, b"\xc1garbage"]


def states(crook: Crook, *fuel: int, by: Identity = MALLORY) -> None:
    """Let ``crook`` state so much fuel, one after another, and then send its receipt."""
    crook.items = lambda first, last: [
        first,
        *[
            encode_run_item(
                RunTicked(sign_tick(Tick(crook.agreed, by.node_id, one), crook.network, by))
            )
            for one in fuel
        ],
        last,
    ]


def floods_with_statements(crook: Crook) -> None:
    states(crook, *range(1, 1_000))


def states_more_than_a_tick_at_once(crook: Crook) -> None:
    states(crook, 10**9 + 1)


def states_the_same_twice(crook: Crook) -> None:
    states(crook, 500, 500)


def states_more_than_its_receipt_says(crook: Crook) -> None:
    states(crook, 1_001)


def states_what_somebody_else_did(crook: Crook) -> None:
    states(crook, 500, by=identity(99))


def states_about_another_agreement(crook: Crook) -> None:
    states(crook, 500)
    crook.bend_agreed = lambda _: AgreementId(bytes(32))


def hands_out_a_state_of_a_run_that_has_none(crook: Crook) -> None:
    state = Checkpoint(4_096, 500, bytes(32), blob_id(b"state"), 100)

    def items(first: bytes, last: bytes) -> list[bytes]:
        tick = Tick(crook.agreed, MALLORY.node_id, 500, state)
        return [first, encode_run_item(RunTicked(sign_tick(tick, crook.network, MALLORY))), last]

    crook.items = items


def proves_nothing(crook: Crook) -> None:
    crook.reuses = True


def proves_what_nobody_asked_it_to(crook: Crook) -> None:
    crook.evidence = crook.old


def proves_it_by_somebody_else(crook: Crook) -> None:
    crook.reuses = True
    crook.evidence = lambda receipt: crook.old(receipt, OTHER)


def proves_it_by_the_same_agreement(crook: Crook) -> None:
    crook.reuses = True
    crook.evidence = lambda receipt: crook.old(receipt, agreement_id=receipt.agreement_id)


def proves_it_for_another_package(crook: Crook) -> None:
    crook.reuses = True
    crook.evidence = lambda receipt: crook.old(receipt, package_id=blob_id(b"y"))


def proves_it_on_other_terms(crook: Crook) -> None:
    crook.reuses = True
    crook.evidence = lambda receipt: crook.old(receipt, terms_id=bytes(32))


def proves_another_result(crook: Crook) -> None:
    crook.reuses = True
    crook.evidence = lambda receipt: crook.old(
        receipt, results=[replace(result, fuel=999) for result in receipt.results]
    )


def forges_its_proof(crook: Crook) -> None:
    def forged(receipt: Receipt) -> list[Signed]:
        (good,) = crook.old(receipt)
        return [Signed(good.body, bytes(64))]

    crook.reuses, crook.evidence = True, forged


def states_work_that_it_does_not_do(crook: Crook) -> None:
    crook.reuses, crook.evidence = True, crook.old
    states(crook, 500)


async def test_a_result_with_its_old_receipt_is_taken(tmp_path: Path) -> None:
    def proves_it(crook: Crook) -> None:
        crook.reuses, crook.evidence = True, crook.old

    _, (result, story), _ = await buy_from(tmp_path, proves_it)
    assert result.runs[0].outcome == "ok"
    assert "served it again, with 1 receipt of earlier runs" in story


@pytest.mark.parametrize(
    "bend",
    [
        signs_the_agreement_as_somebody_else,
        signs_the_receipt_as_somebody_else,
        bills_more_fuel_than_agreed,
        answers_for_another_input,
        answers_for_another_package,
        answers_for_another_agreement,
        sends_another_output_than_it_signs,
        keeps_a_small_output_back,
        sends_an_output_with_a_trap,
        tells_of_two_runs,
        answers_for_other_terms,
        begins_without_agreeing,
        agrees_twice,
        ends_without_a_receipt,
        sends_garbage,
        floods_with_statements,
        states_more_than_a_tick_at_once,
        states_the_same_twice,
        states_more_than_its_receipt_says,
        states_what_somebody_else_did,
        states_about_another_agreement,
        hands_out_a_state_of_a_run_that_has_none,
        proves_nothing,
        proves_what_nobody_asked_it_to,
        proves_it_by_somebody_else,
        proves_it_by_the_same_agreement,
        proves_it_for_another_package,
        proves_it_on_other_terms,
        proves_another_result,
        forges_its_proof,
        states_work_that_it_does_not_do,
    ],
)
async def test_a_provider_that_breaks_a_rule_is_caught_and_gets_nothing(
    tmp_path: Path, bend: Callable[[Crook], None]
) -> None:
    _, (result, story), crook = await buy_from(tmp_path, bend)
    assert result.runs[0].reason is Reason.NO_PROVIDER
    assert "was caught" in story
    assert crook.sells_again == 1
    assert result.paid_total == 0


async def test_whatever_is_said_before_the_agreement_is_signed_breaks_none(tmp_path: Path) -> None:
    async with beside_a_crook(tmp_path) as (ann, crook):
        for reason in sorted(SAID_BY_PROVIDERS):
            crook.refuses = reason
            result, story = await buy_once(ann, patience_s=0.05)
            assert f"did not take it: {sentence(reason)}." in story
            assert "did not sign" not in story
            assert result.runs[0].attempts == []
        (mallory,) = Standings(ann.journal).providers()
        assert mallory.lost == 0
        assert mallory.refused >= len(SAID_BY_PROVIDERS)


@pytest.mark.parametrize("reason", [Reason.BEATEN_ON_PRICE, Reason.WRONG_RESULT])
async def test_what_only_the_requestor_can_find_is_not_believed_of_a_provider(
    tmp_path: Path, reason: Reason
) -> None:
    async with beside_a_crook(tmp_path) as (ann, crook):
        crook.breaks_off = reason
        result, story = await buy_once(ann, attempts_max=1)
        assert f"gave no result: {sentence(Reason.OTHER)}." in story
        assert [one.failure for one in result.runs[0].attempts] == [Reason.OTHER]
        assert [one.lost for one in result.providers] == [1]
        (mallory,) = Standings(ann.journal).providers()
        assert mallory.lost == 1


async def test_what_was_due_before_a_result_was_found_wrong_is_told_to_stay_paid(
    tmp_path: Path,
) -> None:
    async with beside_a_crook(tmp_path, checks=Hasher()) as (ann, crook):
        states(crook, 5 * 10**8)
        crook.bend_result = lambda result: replace(result, fuel=10**9)
        result, story = await buy_once(ann, verification=Audit(1_000_000))
        assert "is refused: it was found wrong; 50 drops of before stay paid." in story
        (attempt,) = [one for one in result.runs[0].attempts if one.refused]
        assert (attempt.price, attempt.fuel, attempt.runs) == (100, 5 * 10**8, 1)
        assert not attempt.accepted


class Turncoat(Crook):
    """It breaks a rule with its second run, when its first is paid."""

    def __init__(self, hood: Neighbourhood) -> None:
        super().__init__(hood)
        self.is_paid = trio.Event()

    async def _run(self, peer: NodeId, body: bytes) -> AsyncIterator[bytes]:
        if self.sells_again:
            await self.is_paid.wait()
            self.output = None
        async for item in super()._run(peer, body):
            yield item


async def test_a_result_that_was_paid_before_it_was_doubted_is_told_to_stay_paid(
    tmp_path: Path,
) -> None:
    async with beside_a_crook(tmp_path, checks=Hasher(), kind=Turncoat) as (ann, crook):
        assert isinstance(crook, Turncoat)
        send, receive = trio.open_memory_channel[JobEvent](1_000)

        async def watch() -> None:
            async for event in receive:
                if isinstance(event.what, ProviderPaid):
                    crook.is_paid.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            wanted = {"verification": NoVerification(), "patience_s": 0.3, "lots_at_once": 1}
            result = await ann.requestor.buy(await a_job(ann, [b"x", b"y"], **wanted), send)
            send.close()
        story = ann.journal.why(result.runs[0].run_id)
        paid = next(place for place, line in enumerate(story) if "Paid 2 drops" in line)
        assert "for this bill" in story[paid]
        assert "Opened again" in story[paid + 1]
        told = "\n".join(story[paid + 1 :])
        assert "is refused: it was found wrong; 2 drops of before stay paid." in told
        assert "is not paid" not in told


async def test_a_full_disk_of_the_requestor_is_no_fault_of_its_provider(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_full(blobs: Sequence[bytes]) -> Sequence[BlobId]:
        await trio.lowlevel.checkpoint()
        raise StoreFull(f"no room for {len(blobs)} blobs")

    async with beside_a_crook(tmp_path) as (ann, _):
        monkeypatch.setattr(ann.blobs, "put_small", is_full)
        result, story = await buy_once(ann, attempts_max=1)
        assert f"gave no result: {sentence(Reason.DISK_FULL)}." in story
        assert [one.failure for one in result.runs[0].attempts] == [Reason.DISK_FULL]
        assert [one.lost for one in result.providers] == [0]
        assert Standings(ann.journal).providers() == []


async def test_an_output_that_cannot_be_fetched_is_no_result(tmp_path: Path) -> None:
    def promises_a_long_output(crook: Crook) -> None:
        crook.output = None
        crook.bend_result = lambda result: replace(
            result, outcome=Ok(blob_id(bytes(40_000)), 40_000)
        )

    _, (result, story), _ = await buy_from(tmp_path, promises_a_long_output, attempts_max=1)
    assert result.runs[0].reason is Reason.ATTEMPTS_EXHAUSTED
    assert "its output could not be fetched" in story


def commits(crook: Crook, *commitments: bytes, nonce: bytes | None = None) -> None:
    """Let ``crook`` commit so, and then send its receipt with ``nonce``."""

    def items(first: bytes, last: bytes) -> list[bytes]:
        shown = decode_run_item(last)
        assert isinstance(shown, RunEnded)
        bound = [encode_run_item(RunCommitted(one)) for one in commitments]
        return [first, *bound, encode_run_item(replace(shown, nonce=nonce))]

    crook.items = items


def commits_to_something_else(crook: Crook) -> None:
    commits(crook, bytes(32), nonce=bytes(32))


def commits_twice(crook: Crook) -> None:
    commits(crook, bytes(32), bytes(32), nonce=bytes(32))


def shows_no_nonce(crook: Crook) -> None:
    commits(crook, bytes(32))


def commits_to_nothing(crook: Crook) -> None:
    commits(crook, nonce=bytes(32))


@pytest.mark.parametrize(
    "bend", [commits_to_something_else, commits_twice, shows_no_nonce, commits_to_nothing]
)
async def test_who_is_not_bound_to_its_result_in_a_quorum_is_caught(
    tmp_path: Path, bend: Callable[[Crook], None]
) -> None:
    _, (result, story), _ = await buy_from(tmp_path, bend, verification=Quorum(2))
    assert result.completed == 0
    assert "it broke a rule of the protocol" in story
    assert "was caught" in story


async def test_who_commits_where_nobody_asks_for_it_is_caught(tmp_path: Path) -> None:
    _, (result, story), _ = await buy_from(tmp_path, commits_to_something_else)
    assert result.completed == 0
    assert "was caught" in story


async def test_an_offer_of_somebody_else_closes_the_channel(tmp_path: Path) -> None:
    async with (
        neighbourhood(tmp_path, 1, rich=(MALLORY.node_id,)) as hood,
        trio.open_nursery() as nursery,
    ):
        ann = await hood.start(1)
        node = await raw_node(hood, nursery)
        offer = replace(AN_OFFER, provider=OTHER.node_id)
        signed = sign_offer(offer, hood.genesis.network, OTHER)
        node.send_nowait(ann.node_id, "market.offer", encode(signed.to_value()))
        await wait_until(lambda: not node.is_connected(ann.node_id))
        assert ann.requestor.offers() == []
        nursery.cancel_scope.cancel()


# Mallory buys.


class Customer:
    """A requestor whose every step can be bent."""

    def __init__(self, hood: Neighbourhood, node: Node, seller: Agent) -> None:
        self.network = hood.genesis.network
        self.node = node
        self.seller = seller

    def order(self, **changes: Any) -> Order:
        """Return an order for one run, with ``changes``."""
        fields: dict[str, Any] = {
            "requestor": MALLORY.node_id,
            "salt": bytes(16),
            "package_id": blob_id(example_package()),
            "inputs": (OrderInput(blob_id(b"x"), 1),),
            "arguments": (),
            "environment": (),
            "seed": 0,
            "fuel_max": 10**9,
            "memory_bytes_max": 1 << 20,
            "output_bytes_max": 1 << 20,
            "plan": None,
            "run_ms_max": 10_000,
            "price_max": 1_000,
            "start_price_max": 100,
            "weights": 1,
            "verification": NoVerification(),
            **changes,
        }
        return Order(**fields)

    async def ask(self, order: Order, signer: Identity = MALLORY) -> tuple[Signed, Bid, BidId]:
        """Send an order and return it signed, with the bid."""
        signed = sign_order(order, self.network, signer)
        body = await self.node.request(
            self.seller.node_id, "market.order", encode(signed.to_value()), timeout_s=5
        )
        answer = signed_from_value(BID, decode(body))
        bid = open_answer(answer, self.network)
        assert isinstance(bid, Bid)
        return signed, bid, bid_id(answer, self.network)

    def opening(self, signed: Signed, bid: Bid, named: BidId, **changes: Any) -> RunOpening:
        """Return an opening on that bid; ``changes`` bend the agreement."""
        agreement = Agreement(
            order_id=bid.order_id,
            bid_id=named,
            requestor=MALLORY.node_id,
            provider=self.seller.node_id,
            price=bid.price,
            start_price=bid.start_price,
            fuel_max=10**9,
            tick=bid.tick,
        )
        body = replace(agreement, **changes).encode()
        return RunOpening(signed, body, sign_agreement(body, self.network, MALLORY), [b"x"])

    async def open(self, opening: RunOpening) -> list[Any]:
        """Open a run and return its items."""
        items: list[Any] = []
        async with self.node.stream(
            self.seller.node_id, "market.run", encode_run_opening(opening), timeout_s=5
        ) as stream:
            async for item in stream:
                items.append(decode_run_item(item))
        return items


async def open_channel(
    hood: Neighbourhood,
    nursery: trio.Nursery,
    node: Node,
    seller: Agent,
    folder: Path,
    *,
    lanes: int = 1,
) -> tuple[LedgerService, ObjectId]:
    """Let Mallory open a channel to ``seller``, who is to know of it; return her ledger too."""
    ledger = LedgerService(hood.genesis, MALLORY, folder, node)
    node.add_services(ledger.services())
    await nursery.start(ledger.run)
    await ledger.wait_issuing()
    channel, _ = await ledger.channels.open_channel(seller.node_id, 10_000, beats=10, lanes=lanes)

    def is_open() -> bool:
        view = seller.ledger.channels.get(channel)
        return view is not None and view.state is ObjectState.OPEN

    await wait_until(is_open)
    return ledger, channel


async def sell_to(
    tmp_path: Path,
    act: Callable[[Customer], Any],
    *,
    terms: Any = None,
) -> Any:
    """Let Mallory ``act`` on an honest provider that has the package."""
    async with (
        neighbourhood(tmp_path, 1, rich=(MALLORY.node_id,)) as hood,
        trio.open_nursery() as nursery,
    ):
        seller = await hood.start(1, sells=Hasher(), terms=terms or settings())
        await seller.blobs.put(example_package())
        node = await raw_node(hood, nursery)
        await open_channel(hood, nursery, node, seller, tmp_path / "mallory")
        result = await act(Customer(hood, node, seller))
        nursery.cancel_scope.cancel()
        return result
    raise AssertionError


async def test_an_honest_customer_gets_its_run(tmp_path: Path) -> None:
    async def act(customer: Customer) -> None:
        items = await customer.open(customer.opening(*await customer.ask(customer.order())))
        assert isinstance(items[0], AgreementMade)
        assert isinstance(items[-1], RunEnded)
        assert all(isinstance(item, RunTicked) for item in items[1:-1])

    await sell_to(tmp_path, act)


async def test_a_member_of_a_quorum_shows_its_result_when_it_is_asked_to(tmp_path: Path) -> None:
    async def reveal(customer: Customer, named: bytes) -> None:
        await customer.node.request(
            customer.seller.node_id, "market.reveal", encode([named]), timeout_s=5
        )

    async def act(customer: Customer) -> None:
        order = customer.order(verification=Quorum(2))
        opening = customer.opening(*await customer.ask(order))
        named = agreement_id(opening.agreement_body, customer.network)
        with pytest.raises(CallRefused) as refused:
            await reveal(customer, named)
        assert refused.value.message == "agreement_expired"
        items: list[Any] = []
        async with customer.node.stream(
            customer.seller.node_id, "market.run", encode_run_opening(opening), timeout_s=5
        ) as stream:
            async for item in stream:
                items.append(decode_run_item(item))
                if isinstance(items[-1], RunCommitted):
                    await reveal(customer, named)
        *_, bound, ended = items
        assert isinstance(bound, RunCommitted)
        assert isinstance(ended, RunEnded)
        check_reveal(ended.receipt, ended.nonce, bound.commitment, customer.network)

    await sell_to(tmp_path, act)


async def test_an_agreement_works_once(tmp_path: Path) -> None:
    async def act(customer: Customer) -> None:
        opening = customer.opening(*await customer.ask(customer.order()))
        await customer.open(opening)
        with pytest.raises(CallRefused) as refused:
            await customer.open(opening)
        assert (refused.value.code, refused.value.message) == ("refused", "agreement_used")
        changed = replace(decode_agreement(opening.agreement_body), price=99).encode()
        signature = sign_agreement(changed, customer.network, MALLORY)
        with pytest.raises(CallRefused) as refused:
            await customer.open(
                replace(opening, agreement_body=changed, requestor_signature=signature)
            )
        assert refused.value.message == "agreement_expired"

    await sell_to(tmp_path, act)


@pytest.mark.parametrize(
    "change",
    [
        {"price": 99},
        {"start_price": 0},
        {"fuel_max": 10**10},
        {"requestor": OTHER.node_id},
        {"provider": OTHER.node_id},
        {"order_id": OrderId(bytes(32))},
    ],
)
async def test_an_agreement_on_other_terms_than_the_bids_is_not_signed(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    async def act(customer: Customer) -> None:
        opening = customer.opening(*await customer.ask(customer.order()), **change)
        with pytest.raises(CallRefused) as refused:
            await customer.open(opening)
        assert refused.value.code == "bad_request"

    await sell_to(tmp_path, act)


async def test_an_opening_whose_pieces_do_not_belong_together_is_refused(tmp_path: Path) -> None:
    async def act(customer: Customer) -> None:
        opening = customer.opening(*await customer.ask(customer.order()))
        other = sign_order(customer.order(salt=b"o" * 16), customer.network, MALLORY)
        for bent in (
            replace(opening, order=other),
            replace(opening, requestor_signature=bytes(64)),
            replace(opening, inputs=[b"y"]),
            replace(opening, inputs=[b"x", b"x"]),
            replace(opening, agreement_body=b""),
        ):
            with pytest.raises(CallRefused) as refused:
                await customer.open(bent)
            assert refused.value.code == "bad_request"
        assert len(await customer.open(opening)) == 2, "nobody's mistake used the agreement up"

    await sell_to(tmp_path, act)


async def test_an_agreement_on_no_bid_is_refused(tmp_path: Path) -> None:
    async def act(customer: Customer) -> None:
        signed, bid, _ = await customer.ask(customer.order())
        with pytest.raises(CallRefused) as refused:
            await customer.open(customer.opening(signed, bid, BidId(bytes(32))))
        assert refused.value.message == "agreement_expired"

    await sell_to(tmp_path, act)


async def test_orders_of_others_and_garbage_are_bad_requests(tmp_path: Path) -> None:
    async def act(customer: Customer) -> None:
        seller, node = customer.seller.node_id, customer.node
        stolen = sign_order(customer.order(requestor=OTHER.node_id), customer.network, OTHER)
        forged = Signed(sign_order(customer.order(), customer.network, MALLORY).body, bytes(64))
        for body in (
            encode(stolen.to_value()),
            encode(forged.to_value()),
            b"",
            b"\xc1",
            bytes(70_000),
        ):
            with pytest.raises(CallRefused) as refused:
                await node.request(seller, "market.order", body, timeout_s=5)
            assert refused.value.code == "bad_request"
        for body in (b"", encode([]), encode([None, [bytes(32)], []])):
            with pytest.raises(CallRefused) as refused:
                await node.request(seller, "market.settle", body, timeout_s=5)
            assert refused.value.code == "bad_request"

    await sell_to(tmp_path, act)


async def test_a_customer_that_claims_to_have_paid_and_has_not_stays_in_debt(
    tmp_path: Path,
) -> None:
    async def act(customer: Customer) -> None:
        opening = customer.opening(*await customer.ask(customer.order()))
        await customer.open(opening)
        named = agreement_id(opening.agreement_body, customer.network)
        nowhere = Payment(ObjectId(b"c" * 32), Voucher(0, 10**6, 1, bytes(32), (), bytes(64)))
        claim = encode_settlement(Settlement(nowhere, (named,), ()))
        with pytest.raises(CallRefused) as refused:
            await customer.node.request(
                customer.seller.node_id, "market.settle", claim, timeout_s=5
            )
        assert (refused.value.code, refused.value.message) == ("refused", "bad_voucher")
        (earnings,) = customer.seller.journal.earnings()
        assert (earnings.paid, earnings.unpaid > 0) == (0, True)
        with pytest.raises(AssertionError):
            await customer.ask(customer.order(salt=b"2" * 16))

    await sell_to(tmp_path, act, terms=settings(credit=0))


async def test_what_a_customer_has_paid_it_cannot_take_back(tmp_path: Path) -> None:
    """Nor can it pay by what no channel is closed by."""
    authors = [identity(100 + number).node_id for number in range(24)]
    async with beside_mallory(tmp_path) as hood, trio.open_nursery() as nursery:
        seller = await hood.start(1, sells=Hasher(), terms=settings())
        await seller.blobs.put(example_package())
        node = await raw_node(hood, nursery)
        ledger, channel = await open_channel(
            hood, nursery, node, seller, tmp_path / "mallory", lanes=8
        )
        customer = Customer(hood, node, seller)
        opening = customer.opening(*await customer.ask(customer.order()))
        await customer.open(opening)
        named = agreement_id(opening.agreement_body, customer.network)
        before = seller.ledger.wallet().spendable

        async def settle(total: int, count: int, *split: Share, lane: int = 0) -> None:
            voucher = sign_voucher(
                MALLORY,
                customer.network,
                channel,
                lane=lane,
                total=total,
                count=count,
                root=bytes(32),
                split=split,
            )
            settlement = Settlement(Payment(channel, voucher), (named,), ())
            await node.request(
                seller.node_id, "market.settle", encode_settlement(settlement), timeout_s=5
            )

        await settle(1_000, 1)
        for number, spoilt in enumerate(
            (
                partial(settle, 1_000, 2, (authors[0], 1_000)),
                partial(settle, 1_500, 2, (authors[0], 501)),
                partial(settle, 1_001, 2, (seller.node_id, 1)),
                partial(settle, 1_001, 2, (authors[0], 0)),
            )
        ):
            with pytest.raises(CallRefused) as refused:
                await spoilt()
            assert refused.value.message == "bad_voucher", number
        for lane in (1, 2):
            shares = [(author, 1) for author in authors[8 * lane : 8 * lane + 8]]
            await settle(8, 1, *shares, lane=lane)
        with pytest.raises(CallRefused) as refused:
            await settle(1, 1, (authors[0], 1), lane=3)
        assert refused.value.message == "bad_voucher"
        with pytest.raises(CallFailure):
            await settle(1_000, 1 << 63)
        await wait_until(lambda: node.is_connected(seller.node_id))

        await node.request(seller.node_id, "market.close", encode_close(channel), timeout_s=5)
        await ledger.channels.wait_settled(channel)
        await wait_until(lambda: seller.ledger.wallet().spendable == before + 1_000)
        nursery.cancel_scope.cancel()


async def test_a_result_that_was_not_paid_is_not_served_again(tmp_path: Path) -> None:
    async with beside_mallory(tmp_path) as hood, trio.open_nursery() as nursery:
        terms = settings(price=1_000, start_price=10, reuse_ppm=200_000)
        seller = await hood.start(1, sells=Hasher(), terms=terms)
        await seller.blobs.put(example_package())
        node = await raw_node(hood, nursery)
        _, channel = await open_channel(hood, nursery, node, seller, tmp_path / "mallory")
        customer = Customer(hood, node, seller)
        opening = customer.opening(*await customer.ask(customer.order()))
        await customer.open(opening)
        named = agreement_id(opening.agreement_body, customer.network)
        for count, (total, is_paid) in enumerate(((1, False), (1_011, True)), 1):
            voucher = sign_voucher(
                MALLORY, customer.network, channel, lane=0, total=total, count=count, root=bytes(32)
            )
            settlement = Settlement(Payment(channel, voucher), (named,), ())
            await node.request(
                seller.node_id, "market.settle", encode_settlement(settlement), timeout_s=5
            )
            _, bid, _ = await customer.ask(customer.order(salt=bytes([count]) * 16))
            assert bid.reuse is is_paid
        nursery.cancel_scope.cancel()


async def test_what_a_customer_does_not_want_to_see_yet_is_debt_all_the_same(
    tmp_path: Path,
) -> None:
    async def act(customer: Customer) -> None:
        order = customer.order(verification=Quorum(2))
        body = encode_run_opening(customer.opening(*await customer.ask(order)))
        seller = customer.seller.node_id
        async with customer.node.stream(seller, "market.run", body, timeout_s=5) as items:
            while not isinstance(decode_run_item(await anext(items)), RunCommitted):
                pass
            # It is done, bound, and never asked for.
            with pytest.raises(AssertionError):
                await customer.ask(customer.order(salt=b"2" * 16))

    await sell_to(tmp_path, act, terms=settings(credit=0))


async def test_a_customer_that_leaves_stops_its_run(tmp_path: Path) -> None:
    class Endless(Hasher):
        def __init__(self) -> None:
            super().__init__()
            self.begun = trio.Event()
            self.stopped = trio.Event()

        async def execute_steps(self, *args: object, **kwargs: object) -> Any:
            raise AssertionError("no step task is ordered here")

        async def execute(self, *args: object, **kwargs: object) -> Any:
            self.begun.set()
            try:
                await trio.sleep_forever()
            finally:
                self.stopped.set()

    runner = Endless()
    async with (
        neighbourhood(tmp_path, 1, rich=(MALLORY.node_id,)) as hood,
        trio.open_nursery() as nursery,
    ):
        seller = await hood.start(1, sells=runner)
        await seller.blobs.put(example_package())
        node = await raw_node(hood, nursery)
        await open_channel(hood, nursery, node, seller, tmp_path / "mallory")
        customer = Customer(hood, node, seller)
        opening = customer.opening(*await customer.ask(customer.order()))
        async with node.stream(
            seller.node_id, "market.run", encode_run_opening(opening), timeout_s=5
        ) as items:
            await anext(items)
            await runner.begun.wait()
        await runner.stopped.wait()
        assert seller.provider is not None
        await wait_until(lambda: seller.provider.status().running == 0)  # type: ignore[union-attr]
        assert seller.journal.earnings() == []
        nursery.cancel_scope.cancel()


async def test_a_run_past_its_time_is_stopped_by_the_provider(tmp_path: Path) -> None:
    class Endless(Hasher):
        async def execute(self, *args: object, **kwargs: object) -> Any:
            await trio.sleep_forever()

    async with (
        neighbourhood(tmp_path, 1, rich=(MALLORY.node_id,)) as hood,
        trio.open_nursery() as nursery,
    ):
        seller = await hood.start(1, sells=Endless())
        await seller.blobs.put(example_package())
        node = await raw_node(hood, nursery)
        await open_channel(hood, nursery, node, seller, tmp_path / "mallory")
        customer = Customer(hood, node, seller)
        # Long enough for the bid: a provider does not bid on what it cannot begin in time.
        opening = customer.opening(*await customer.ask(customer.order(run_ms_max=300)))
        with pytest.raises(CallRefused) as refused:
            await customer.open(opening)
        assert refused.value.message == "deadline_too_soon"
        nursery.cancel_scope.cancel()


async def test_a_package_that_nobody_has_ends_the_run_with_its_reason(tmp_path: Path) -> None:
    async def act(customer: Customer) -> None:
        order = customer.order(package_id=blob_id(b"nowhere"))
        with pytest.raises(CallRefused) as refused:
            await customer.open(customer.opening(*await customer.ask(order)))
        assert refused.value.message == "package_unavailable"
        await customer.seller.blobs.put(b"not a package")
        order = customer.order(package_id=blob_id(b"not a package"))
        with pytest.raises(CallRefused) as refused:
            await customer.open(customer.opening(*await customer.ask(order)))
        assert refused.value.message == "package_broken"

    await sell_to(tmp_path, act)


async def test_a_customer_without_a_channel_is_declined(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 1) as hood, trio.open_nursery() as nursery:
        seller = await hood.start(1, sells=Hasher())
        customer = Customer(hood, await raw_node(hood, nursery), seller)
        signed = sign_order(customer.order(), customer.network, MALLORY)
        body = await customer.node.request(
            seller.node_id, "market.order", encode(signed.to_value()), timeout_s=5
        )
        answer = open_answer(signed_from_value(BID, decode(body)), customer.network)
        assert isinstance(answer, Decline)
        assert answer.reasons == (Reason.NO_CHANNEL_FUNDS,)
        nursery.cancel_scope.cancel()
