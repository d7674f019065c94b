"""Wrong results brought before the watch of a stake, among real agents (SPEC.md section 9.10)."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import trio
import trio.testing

from fogbank_agent.market.dispute import DisputeState
from fogbank_agent.market.dispute_messages import (
    DisputeOpening,
    decode_finding,
    encode_dispute_opening,
)
from fogbank_agent.market.orders import Audit
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.reputation import Record
from fogbank_agent.trading.bill_book import BillBook
from fogbank_agent.trading.methods import DISPUTE_METHOD
from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.failures import CallRefused
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.receipt import open_receipt
from fogbank_wasm_tasks.run import Pace, RunReport, RunRequest
from fogbank_wasm_tasks.verification.proof_file import WrongResultProof, decode_proof, encode_proof
from fogbank_wasm_tasks.verification.requests import VerifyReport, VerifyRequest

from .neighbourhood import (
    BALANCE,
    Agent,
    Hasher,
    Neighbourhood,
    a_job,
    neighbourhood,
    settings,
    wait_until,
)

pytestmark = pytest.mark.slow

STAKE = 50_000
REWARD = STAKE // 10
INPUTS = [bytes([number]) * (10 + number) for number in range(8)]


async def with_liar(
    hood: Neighbourhood, *, judges: int = 2, checks: Hasher | None = None
) -> tuple[Agent, Agent]:
    """Start a buyer, an honest provider and a liar, both with a stake; return buyer and liar.

    ``judges`` of the three others than the liar have a sandbox.
    """
    ann = await hood.start(1, checks=checks or Hasher())
    terms = settings(stake=STAKE)
    await hood.start(2, sells=Hasher(), checks=Hasher() if judges > 1 else None, terms=terms)
    await hood.start(4, checks=Hasher() if judges > 2 else None)
    liar = await hood.start(
        3, sells=Hasher(lies=lambda _: True), terms=settings(stake=STAKE, price=10)
    )
    await hood.wait_ready()
    await wait_until(
        lambda: all(ann.requestor.stake_of(hood.agents[at].node_id) > 0 for at in (1, 3))
    )
    return ann, liar


async def buy(ann: Agent) -> bytes:
    """Buy runs, all audited, until the liar is caught; return the id of one bought then.

    The first may all go elsewhere: who is asked depends on whose channel is final first.
    """
    while True:
        job = await a_job(ann, INPUTS, lots_at_once=4, verification=Audit(1_000_000))
        result = await ann.requestor.buy(job)
        assert [run.reason for run in result.runs] == [None] * len(INPUTS)
        if result.lies_caught:
            return result.runs[0].run_id


def state(ann: Agent) -> DisputeState | None:
    """Return how far the first dispute of ``ann`` is."""
    records = ann.requestor.disputing.records()
    return records[-1].state if records else None


async def test_a_lie_costs_the_liar_its_stake_and_nobody_else_gains_but_the_watch(
    tmp_path: Path,
) -> None:
    async with neighbourhood(tmp_path, 4, limit_s=60) as hood:
        ann, liar = await with_liar(hood, judges=3)
        await buy(ann)

        await wait_until(lambda: state(ann) is DisputeState.SEIZED)

        (record,) = ann.requestor.disputing.records()
        assert record.provider == liar.node_id
        assert liar.provider is not None
        (stake,) = liar.provider.staking.stakes()
        assert stake.is_seized
        await wait_until(lambda: ann.requestor.stake_of(liar.node_id) == 0)
        honest = hood.agents[1]
        assert ann.requestor.stake_of(honest.node_id) > 0
        dan = hood.agents[2]
        await wait_until(lambda: dan.ledger.wallet().balance == BALANCE + REWARD // 3)
        stories = [line for run in ann.journal.runs() for line in ann.journal.why(run.run_id)]
        assert any("has lost 50,000 drops" in line for line in stories)


async def test_one_of_three_alone_seizes_nothing(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 4, limit_s=60) as hood:
        ann, liar = await with_liar(hood, judges=1)
        await buy(ann)
        await wait_until(lambda: state(ann) is DisputeState.OPEN)
        assert liar.provider is not None
        # Both others say that they cannot, and are asked again later.
        await trio.testing.wait_all_tasks_blocked(0.05)
        (stake,) = liar.provider.staking.stakes()
        assert not stake.is_slashed
        assert state(ann) is DisputeState.OPEN


async def test_a_dispute_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 4, limit_s=90) as hood:
        ann, liar = await with_liar(hood, judges=1)
        await buy(ann)
        await wait_until(lambda: state(ann) is DisputeState.OPEN)
        for agent in (ann, hood.agents[2]):
            agent.scope.cancel()
        await wait_until(lambda: len(liar.node.peers()) == 1)

        await hood.start(4, checks=Hasher())
        ann = await hood.start(1, checks=Hasher())

        await wait_until(lambda: state(ann) is DisputeState.SEIZED)


async def test_a_wrong_result_that_was_not_proved_yet_is_proved_after_a_restart(
    tmp_path: Path,
) -> None:
    async with neighbourhood(tmp_path, 4, limit_s=90) as hood:

        class Stuck(Hasher):
            """Never ends the run that is to prove a lie."""

            async def execute(
                self, package: Package | bytes, request: RunRequest, *, pace: Pace | None = None
            ) -> RunReport:
                if ann.journal.query("SELECT 1 FROM accusations"):
                    await trio.sleep_forever()
                return await super().execute(package, request, pace=pace)

        ann, liar = await with_liar(hood, judges=3, checks=Stuck())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(buy, ann)
            await wait_until(lambda: bool(ann.journal.query("SELECT 1 FROM accusations")))
            nursery.cancel_scope.cancel()
        ann.scope.cancel()
        await ann.ended.wait()
        assert state_on_disk(tmp_path, ann) == []

        ann = await hood.start(1, checks=Hasher())

        await wait_until(lambda: state(ann) is DisputeState.SEIZED)
        (record,) = ann.requestor.disputing.records()
        assert record.provider == liar.node_id
        assert ann.journal.query("SELECT 1 FROM accusations") == []


def state_on_disk(folder: Path, agent: Agent) -> list[tuple[str]]:
    """Return the states of the disputes in the journal of an agent that has ended."""
    path = folder / agent.node_id.hex()[:8] / "journal.sqlite"
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT state FROM disputes").fetchall()


async def test_who_opens_disputes_in_vain_is_not_listened_to_for_a_while(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 4, limit_s=60) as hood:
        ann, liar = await with_liar(hood, judges=3)
        await buy(ann)
        await wait_until(lambda: state(ann) is DisputeState.SEIZED)
        honest = hood.agents[1]
        assert honest.provider is not None
        place = honest.provider.staking.place()
        assert place is not None
        (record,) = ann.requestor.disputing.records()
        dan = hood.agents[2]

        async def ask(opening: DisputeOpening) -> str:
            try:
                body = encode_dispute_opening(opening)
                answer = await liar.node.request(dan.node_id, DISPUTE_METHOD, body, timeout_s=20)
            except CallRefused as refused:
                return refused.message
            return decode_finding(answer).signature.hex()

        # The liar has what was said of it shown against another's stake.
        data = await ann.blobs.read(record.opening.proof_id)
        proof_id = await liar.blobs.put(data)
        assert await ask(DisputeOpening(record.opening.stake, proof_id, len(data))) == (
            "no_such_stake"
        ), "it is seized"
        assert await ask(DisputeOpening(place, proof_id, len(data))) == "no_such_stake"
        missing = DisputeOpening(place, BlobId(bytes(32)), 10)
        assert await ask(missing) == "proof_unavailable"
        broken_id = await liar.blobs.put(b"no proof")
        assert await ask(DisputeOpening(place, broken_id, 8)) == "proof_refused"
        assert await ask(DisputeOpening(place, broken_id, 8)) == "busy"


RESULTS_OF = "SELECT 1 FROM receipts WHERE provider = ?"


def sellers(ann: Agent) -> list[bytes]:
    """Return whose offers ``ann`` has."""
    return [offer.provider for offer in ann.requestor.offers()]


async def test_a_liar_that_vanishes_at_once_loses_its_stake_all_the_same(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 4, limit_s=60) as hood:
        gone: list[Agent] = []

        class Late(Hasher):
            """Looks at nothing before the liar has gone: neither its offer nor it is there."""

            async def verify(self, package: Package, request: VerifyRequest) -> VerifyReport:
                await self._wait()
                return await super().verify(package, request)

            async def execute(
                self, package: Package | bytes, request: RunRequest, *, pace: Pace | None = None
            ) -> RunReport:
                await self._wait()
                return await super().execute(package, request, pace=pace)

            async def _wait(self) -> None:
                if not gone or not ann.journal.query(RESULTS_OF, gone[0].node_id):
                    return
                gone[0].scope.cancel()
                await wait_until(lambda: gone[0].node_id not in sellers(ann))

        ann, liar = await with_liar(hood, judges=3, checks=Late())
        gone.append(liar)
        await buy(ann)
        await wait_until(lambda: state(ann) is DisputeState.SEIZED)
        (record,) = ann.requestor.disputing.records()
        assert record.provider == liar.node_id


async def blind_buyer(hood: Neighbourhood, *sellers: Hasher, can_judge: bool = True) -> Agent:
    """Start a buyer without a sandbox, and providers with a stake who can look at proofs."""
    ann = await hood.start(1)
    for number, sells in enumerate(sellers, start=2):
        terms = settings(stake=STAKE, price=10 * number)
        checks = Hasher() if can_judge else None
        await hood.start(number, sells=sells, checks=checks, terms=terms)
    await hood.wait_ready()
    await wait_until(
        lambda: all(ann.requestor.stake_of(other.node_id) > 0 for other in hood.agents[1:])
    )
    return ann


async def test_who_cannot_execute_brings_what_others_contradict_before_the_watch(
    tmp_path: Path,
) -> None:
    async with neighbourhood(tmp_path, 4, limit_s=90) as hood:
        ann = await blind_buyer(hood, Hasher(lies=lambda _: True), Hasher(), Hasher())
        liar = hood.agents[1]
        await buy(ann)

        await wait_until(lambda: state(ann) is DisputeState.SEIZED)

        (record,) = ann.requestor.disputing.records()
        assert record.provider == liar.node_id
        assert all(ann.requestor.stake_of(other.node_id) > 0 for other in hood.agents[2:])


async def test_a_second_proof_in_vain_makes_a_member_busy(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 4, limit_s=90) as hood:
        ann = await blind_buyer(hood, Hasher(lies=lambda _: True), Hasher(), Hasher())
        await buy(ann)
        await wait_until(lambda: state(ann) is DisputeState.SEIZED)
        (record,) = ann.requestor.disputing.records()
        proof = decode_proof(await ann.blobs.read(record.opening.proof_id))
        honest, member = hood.agents[2:]
        rows = ann.journal.query("SELECT DISTINCT lot_id FROM receipts")
        signed = [one for (lot,) in rows for one in ann.journal.receipts(cast("bytes", lot))]
        opened = [(one, open_receipt(one, proof.network)) for one in signed]
        first, second = [
            replace(proof, receipt=one, given=await ann.blobs.read(receipt.results[0].input_id))
            for one, receipt in opened
            if (receipt.provider, receipt.terms_id) == (honest.node_id, proof.terms.terms_id())
        ][:2]
        assert honest.provider is not None
        place = honest.provider.staking.place()
        assert place is not None

        async def ask(wrong: WrongResultProof) -> str:
            data = encode_proof(wrong)
            opening = DisputeOpening(place, await ann.blobs.put(data), len(data))
            body = encode_dispute_opening(opening)
            with pytest.raises(CallRefused) as refused:
                await ann.node.request(member.node_id, DISPUTE_METHOD, body, timeout_s=20)
            return refused.value.message

        # Who asks again, since the answer was lost, has wasted nobody's time.
        assert [await ask(first) for _ in range(3)] == ["result_right"] * 3
        assert await ask(second) == "result_right"
        third = replace(second, terms=replace(second.terms, seed=second.terms.seed + 1))
        assert await ask(third) == "busy"
        assert await ask(first) == "result_right"


async def buy_until_outvoted(ann: Agent) -> None:
    """Buy one run after the other, until somebody is caught."""
    lies = 0
    while not lies:
        job = await a_job(ann, INPUTS[:1], verification=Audit(1_000_000))
        lies = (await ann.requestor.buy(job)).lies_caught


def verdicts(agent: Agent) -> set[tuple[NodeId, DisputeState]]:
    """Return how the disputes of ``agent`` stand."""
    return {(one.provider, one.state) for one in agent.requestor.disputing.records()}


def kept_records(agent: Agent) -> Sequence[tuple[NodeId, BlobId, Record]]:
    """Return what the journal of ``agent`` has of providers."""
    return BillBook(agent.journal).reputations()


async def test_those_who_lie_together_lose_their_stakes_to_the_one_that_they_outvoted(
    tmp_path: Path,
) -> None:
    def lie(_: int) -> bool:
        return True

    async with neighbourhood(tmp_path, 4, limit_s=60) as hood:
        ann = await blind_buyer(hood, Hasher(lies=lie), Hasher(lies=lie), Hasher())
        liars = {agent.node_id for agent in hood.agents[1:3]}
        honest = hood.agents[3].node_id

        await buy_until_outvoted(ann)
        assert ann.requestor.reputation.is_distrusted(honest)
        await wait_until(
            lambda: (
                verdicts(ann)
                == {
                    (honest, DisputeState.RIGHT),
                    *((liar, DisputeState.SEIZED) for liar in liars),
                }
            )
        )

        assert not ann.requestor.reputation.is_distrusted(honest)
        assert all(not one.caught_unix_s for who, _, one in kept_records(ann) if who == honest)
        assert ann.journal.query("SELECT 1 FROM accusations") == []
        stories = [line for run in ann.journal.runs() for line in ann.journal.why(run.run_id)]
        assert any("found its result right" in line for line in stories)


async def test_what_follows_from_a_right_result_follows_after_a_restart_too(
    tmp_path: Path,
) -> None:
    def lie(_: int) -> bool:
        return True

    async with neighbourhood(tmp_path, 4, limit_s=90) as hood:
        sellers = (Hasher(lies=lie), Hasher(lies=lie), Hasher())
        ann = await blind_buyer(hood, *sellers, can_judge=False)
        liars, honest = [agent.node_id for agent in hood.agents[1:3]], hood.agents[3].node_id
        await buy_until_outvoted(ann)
        await wait_until(lambda: verdicts(ann) == {(honest, DisputeState.OPEN)})
        for agent in list(hood.agents):
            agent.scope.cancel()
            await agent.ended.wait()

        # They sell nothing more and offer nothing: their stakes answer all the same.
        for number in (2, 3, 4):
            await hood.start(number, checks=Hasher())
        ann = await hood.start(1)

        await wait_until(
            lambda: (
                verdicts(ann)
                == {
                    (honest, DisputeState.RIGHT),
                    *((liar, DisputeState.SEIZED) for liar in liars),
                }
            )
        )
        assert not ann.requestor.reputation.is_distrusted(honest)


async def test_of_claims_that_nobody_decides_between_the_first_goes_before_the_watch(
    tmp_path: Path,
) -> None:
    async with neighbourhood(tmp_path, 4, limit_s=90) as hood:
        ann = await blind_buyer(hood, Hasher(lies=lambda _: True), Hasher())
        await hood.start(4, checks=Hasher())
        liar = hood.agents[1].node_id
        job = await a_job(ann, INPUTS[:1], verification=Audit(1_000_000), run_ms_max=2_000)
        (run,) = (await ann.requestor.buy(job)).runs
        assert run.reason is Reason.UNVERIFIED
        # Whichever came first: when that one was right, the other's claim is next.
        await wait_until(lambda: (liar, DisputeState.SEIZED) in verdicts(ann))
        honest = hood.agents[2].node_id
        assert verdicts(ann) - {(liar, DisputeState.SEIZED)} <= {(honest, DisputeState.RIGHT)}
