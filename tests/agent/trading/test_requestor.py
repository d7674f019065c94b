"""Jobs among real agents: nodes on loopback, the real ledger, the journal (SPEC.md section 9)."""

from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio
from tests.full_disk import full_disk
from tests.wasm_tasks.packages import package, reactor

from fogbank_agent.demo.liar import LyingRunner
from fogbank_agent.limits import INLINE_BYTES_MAX, JOURNAL_BUFFER_MAX
from fogbank_agent.market.checkpoint import Checkpoint
from fogbank_agent.market.job_request import RunInput
from fogbank_agent.market.orders import Audit, NoVerification, Partial, Quorum, Verify
from fogbank_agent.market.reasons import Reason
from fogbank_agent.trading.job_bounds import JobPostponed
from fogbank_agent.trading.owner_pricing import OwnerPricing
from fogbank_agent.trading.requestor import JobEvent, JobRefused, JobResult
from fogbank_agent.trading.sensors import Sensors
from fogbank_dag_ledger.own_objects import ObjectState
from fogbank_protocol.blobs.naming import BlobId, blob_id
from fogbank_protocol.identity import short_form
from fogbank_protocol.node.blob_store import BlobStore
from fogbank_wasm_tasks.errors import SandboxUnavailable
from fogbank_wasm_tasks.outcome import Ok
from fogbank_wasm_tasks.package import Package, pack_module
from fogbank_wasm_tasks.run import Pace, RunReport, RunRequest
from fogbank_wasm_tasks.sandbox.pool import Sandbox

from .neighbourhood import (
    AUTHOR,
    BALANCE,
    EXAMPLES,
    Agent,
    Hasher,
    Neighbourhood,
    a_job,
    neighbourhood,
    settings,
    wait_until,
)

pytestmark = pytest.mark.slow

INPUTS = [bytes([number]) * (10 + number) for number in range(8)]


ECHO = package(
    reactor(
        "(i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) "
        "(i64.extend_i32_u (local.get 1)))"
    )
)


async def test_drops_that_came_a_moment_ago_buy_a_run(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 1) as hood:
        ann = await hood.start(1, sells=Hasher())
        poor = await hood.start(2)
        await hood.wait_ready()
        assert poor.requestor.affordable_fuel(1_000, 100, copies=1) == 0

        await ann.ledger.pay([(poor.node_id, 500)])
        await wait_until(lambda: poor.ledger.wallet().spendable + poor.ledger.wallet().incoming > 0)
        await poor.requestor.wait_incoming()

        # At a price of 100 for a gigafuel and 1 for the start.
        assert poor.requestor.affordable_fuel(1_000, 100, copies=1) == 4_990_000_000
        job = await a_job(poor, INPUTS[:1], verification=NoVerification())
        result = await poor.requestor.buy(job)
        check_results(result, INPUTS[:1])


async def test_a_run_that_nobody_could_go_on_with_begins_anew(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        ann = await hood.start(1)
        await hood.start(2, sells=Hasher())
        await hood.wait_ready()
        job = await a_job(ann, INPUTS[:1], verification=NoVerification())
        # A job that was kept by an agent that believed whatever a provider had said.
        state = Checkpoint(1, 5, bytes(32), await ann.blobs.put(b"a state"), 7)
        job = replace(job, inputs=[replace(job.inputs[0], start=state)])
        check_results(await ann.requestor.buy(job), INPUTS[:1])


class Faulty(Hasher):
    """A sandbox with a bug that the input of a run brings out."""

    async def execute(
        self, package: Package | bytes, request: RunRequest, *, pace: Pace | None = None
    ) -> RunReport:
        if request.input == INPUTS[0]:
            raise ZeroDivisionError
        return await super().execute(package, request, pace=pace)


async def test_a_bug_of_a_provider_ends_a_run_and_nothing_else(
    tmp_path: Path, contained_bugs: list[str]
) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        ann = await hood.start(1)
        await hood.start(2, sells=Faulty())
        await hood.wait_ready()
        terms: dict[str, Any] = {"verification": NoVerification(), "attempts_max": 1}
        bad = await ann.requestor.buy(await a_job(ann, INPUTS[:1], **terms))
        assert bad.runs[0].reason is Reason.ATTEMPTS_EXHAUSTED
        assert "its machine failed" in "\n".join(ann.journal.why(bad.runs[0].run_id))
        check_results(await ann.requestor.buy(await a_job(ann, INPUTS[1:2], **terms)), INPUTS[1:2])
    assert "ended the work on a lot, and nothing else" in contained_bugs[0]
    contained_bugs.clear()


async def test_a_bug_of_a_requestor_ends_a_job_and_nothing_else(
    tmp_path: Path, contained_bugs: list[str]
) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        ann = await hood.start(1, checks=Faulty())
        await hood.start(2, sells=Hasher())
        await hood.wait_ready()
        audited: dict[str, Any] = {"verification": Audit(1_000_000)}
        with pytest.raises(JobRefused, match="a bug in this agent"):
            await ann.requestor.buy(await a_job(ann, INPUTS[:1], **audited))
        result = await ann.requestor.buy(await a_job(ann, INPUTS[1:2], **audited))
        check_results(result, INPUTS[1:2])
    assert "ended a job, and nothing else" in contained_bugs[0]
    contained_bugs.clear()


def check_results(result: JobResult, inputs: list[bytes]) -> None:
    """Check that every run has the right output."""
    assert [run.reason for run in result.runs] == [None] * len(inputs)
    for run, data in zip(result.runs, inputs, strict=True):
        assert run.output == blob_id(blake2b(data).digest())
        assert run.fuel == len(data) * 1_000_000


async def check_money(hood: Neighbourhood) -> None:
    """Check that what was spent has arrived, and that every provider knows what it was for."""
    for agent in hood.agents:
        await agent.requestor.close_channels()
    for agent in hood.agents:
        await wait_until(lambda: not agent.ledger.wallet().pending_out)  # noqa: B023
    await wait_until(
        lambda: (
            sum(agent.ledger.wallet().balance for agent in hood.agents)
            == BALANCE * len(hood.agents)
        )
    )
    for agent in hood.agents:
        await wait_until(
            lambda: sum(one.unpaid for one in agent.journal.earnings()) == 0  # noqa: B023
        )
        gained = agent.ledger.wallet().balance - BALANCE
        if agent.provider is not None and gained >= 0:
            assert sum(one.paid for one in agent.journal.earnings()) == gained


async def test_a_job_is_done_checked_and_paid(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 3) as hood:
        ann = await hood.start(1, checks=Hasher())
        for number in (2, 3):
            await hood.start(number, sells=Hasher())
        await hood.wait_ready()

        result = await ann.requestor.buy(await a_job(ann, INPUTS))

        check_results(result, INPUTS)
        assert result.lies_caught == 0
        assert result.paid_total == sum(one.paid for one in result.providers)
        assert sum(one.runs for one in result.providers) == len(INPUTS)
        assert len(result.channels) == sum(one.paid > 0 for one in result.providers)
        # One channel may just have been opened for a provider that was not needed then.
        await wait_until(
            lambda: (
                ann.ledger.wallet().balance
                == BALANCE - sum(view.deposit for view in ann.ledger.channels.all())
            )
        )
        await check_money(hood)
        story = "\n".join(ann.journal.why(result.runs[0].run_id))
        for words in ("Order 1 went to", "bid 100 drops", "Agreed", "Accepted", "Paid"):
            assert words in story


async def test_a_liar_is_caught_and_paid_for_honest_results_only(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 3) as hood:
        ann = await hood.start(1, checks=Hasher())
        await hood.start(2, sells=Hasher())
        liar = await hood.start(
            3, sells=Hasher(lies=lambda run: run >= 2), terms=settings(price=10)
        )
        await hood.wait_ready()
        await ann.requestor.buy(await a_job(ann, [b"a run that has the channels opened"]))
        await wait_until(lambda: sum(view.deposit > 0 for view in ann.ledger.channels.all()) == 2)

        job = await a_job(ann, INPUTS, lots_at_once=2, verification=Audit(1_000_000))
        result = await ann.requestor.buy(job)

        check_results(result, INPUTS)
        (caught,) = [one for one in result.providers if one.caught]
        assert caught.provider == liar.node_id
        assert result.lies_caught >= 1
        right = [
            run
            for run in result.runs
            if run.provider == liar.node_id and not any(one.refused for one in run.attempts)
        ]
        assert caught.paid == sum(1 + -(-run.fuel * 10 // 10**9) for run in right)
        await wait_until(lambda: sum(one.refused for one in liar.journal.earnings()) > 0)
        lied = next(run for run in result.runs if any(one.refused for one in run.attempts))
        assert len(ann.journal.evidence(lied.run_id)) >= 1


async def test_a_job_right_after_all_channels_were_closed_opens_new_ones(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        ann = await hood.start(1)
        await hood.start(2, sells=Hasher())
        await hood.wait_ready()
        for _ in range(3):
            job = await a_job(ann, INPUTS[:1], verification=NoVerification())
            result = await ann.requestor.buy(job)
            assert [run.reason for run in result.runs] == [None]
            assert await ann.requestor.close_channels() == 0
        await check_money(hood)
        assert all(view.state is ObjectState.SETTLED for view in ann.ledger.channels.all())


@pytest.mark.parametrize("size", [10, 100_000], ids=["inline", "fetched"])
async def test_an_input_that_goes_bad_on_the_disk_fails_its_run_and_not_the_agent(
    tmp_path: Path, size: int
) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        buyer = await hood.start(1, checks=Hasher())
        await hood.start(2, sells=Hasher())
        await hood.wait_ready()
        job = await a_job(buyer, [bytes(size)], attempts_max=2)
        (tmp_path / buyer.node_id.hex()[:8] / "blobs" / job.inputs[0].blob_id.hex()).unlink()
        result = await buyer.requestor.buy(job)
        assert result.runs[0].reason is Reason.ATTEMPTS_EXHAUSTED
        assert result.paid_total == 0


async def test_the_runs_of_a_killed_provider_go_elsewhere(tmp_path: Path) -> None:
    class Stuck(Hasher):
        async def execute(self, *args: object, **kwargs: object) -> RunReport:
            stuck.set()
            await trio.sleep_forever()
            raise AssertionError

    stuck = trio.Event()
    async with neighbourhood(tmp_path, 4) as hood:
        ann = await hood.start(1, checks=Hasher())
        victim = await hood.start(3, sells=Stuck(), terms=settings(price=1))
        # Three of four seats make payments final when the victim is gone too.
        await hood.start(4)
        await hood.wait_ready()
        job = await a_job(ann, INPUTS)
        results: list[JobResult] = []

        async def buy() -> None:
            results.append(await ann.requestor.buy(job))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(buy)
            await stuck.wait()
            await hood.start(2, sells=Hasher())
            victim.scope.cancel()

        check_results(results[0], INPUTS)
        failures = [one.failure for run in results[0].runs for one in run.attempts if one.failure]
        assert failures
        assert set(failures) <= {Reason.PROVIDER_LOST, Reason.SHUTTING_DOWN}
        assert all(not one.caught for one in results[0].providers)


async def test_a_run_that_takes_long_is_bought_from_another_too_and_its_story_tells_so(
    tmp_path: Path,
) -> None:
    class Slow(Hasher):
        async def execute(self, *args: object, **kwargs: object) -> RunReport:
            begun.set()
            await trio.sleep_forever()
            raise AssertionError

    begun = trio.Event()
    async with neighbourhood(tmp_path, 4) as hood:
        ann = await hood.start(1)
        slow = await hood.start(2, sells=Slow())
        # Three of four seats make payments final when the last one is not there yet.
        await hood.start(4)
        await hood.wait_ready()
        job = await a_job(ann, INPUTS[:1], verification=NoVerification(), hedge_s=0.5)
        results: list[JobResult] = []

        async def buy() -> None:
            results.append(await ann.requestor.buy(job))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(buy)
            await begun.wait()
            await hood.start(3, sells=Hasher())

        (result,) = results
        check_results(result, INPUTS[:1])
        failures = [one.failure for one in result.runs[0].attempts]
        assert failures == [Reason.CANCELLED, None]
        story = "\n".join(ann.journal.why(result.runs[0].run_id))
        whom = short_form(slow.node_id)
        for words in (f"{whom} has had order 1 for 0.5 s", f"Order 1 was taken back from {whom}"):
            assert words in story
        assert slow.provider is not None
        await wait_until(lambda: slow.provider.status().running == 0)  # type: ignore[union-attr]
        await check_money(hood)


async def test_a_quorum_of_two_outvotes_nobody_but_finds_the_liar(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 4) as hood:
        ann = await hood.start(1)
        for number in (2, 3, 4):
            await hood.start(
                number, sells=Hasher(lies=(lambda _: True) if number == 3 else (lambda _: False))
            )
        await hood.wait_ready()

        job = await a_job(ann, INPUTS, verification=Quorum(2), patience_s=20.0)
        result = await ann.requestor.buy(job)

        check_results(result, INPUTS)
        caught = [one.provider for one in result.providers if one.caught]
        assert caught == [hood.agents[2].node_id]
        assert all(one.paid == 0 for one in result.providers if one.caught)
        await check_money(hood)


class Copier(Hasher):
    """Does no work: waits a while for what the others say, and says the same."""

    def __init__(self) -> None:
        super().__init__()
        self.spied: BlobStore | None = None
        """Where results of others come to light: this is a friend's, or a leak."""

    async def execute(
        self, package: Package | bytes, request: RunRequest, **_: object
    ) -> RunReport:
        report = await super().execute(package, request)
        assert self.spied is not None
        with trio.move_on_after(0.5):
            await wait_until(lambda: self.spied.has(blob_id(report.output)))  # type: ignore[union-attr]
            return report
        made_up = bytes(64)
        return replace(report, outcome=Ok(blob_id(made_up), 64), output=made_up)


async def test_who_waits_for_the_others_results_in_a_quorum_sees_none(tmp_path: Path) -> None:
    copier = Copier()
    async with neighbourhood(tmp_path, 4) as hood:
        ann = await hood.start(1, checks=Hasher())
        copier.spied = ann.blobs
        for number, runner in ((2, Hasher()), (3, Hasher()), (4, copier)):
            await hood.start(number, sells=runner)
        await hood.wait_ready()

        result = await ann.requestor.buy(
            await a_job(ann, INPUTS[:1], verification=Quorum(3), patience_s=20.0)
        )

        check_results(result, INPUTS[:1])
        caught = [one.provider for one in result.providers if one.caught]
        assert caught == [hood.agents[3].node_id]
        paid = {one.provider: one.paid for one in result.providers}
        assert paid[hood.agents[3].node_id] == 0
        assert all(paid[agent.node_id] > 0 for agent in hood.agents[1:3])
        assert "is bound to a result" in "\n".join(ann.journal.why(result.runs[0].run_id))
        await check_money(hood)


class LongWinded(Hasher):
    """Gives a long output."""

    async def execute(
        self, package: Package | bytes, request: RunRequest, **_: object
    ) -> RunReport:
        output = blake2b(request.input).digest() * 2_000
        report = await super().execute(package, request)
        return RunReport(
            outcome=Ok(blob_id(output), len(output)),
            output=output,
            fuel=report.fuel,
            peak_memory_bytes=0,
            wall_s=0.01,
            diagnostics=b"",
        )


async def test_long_inputs_and_outputs_travel_as_blobs(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        ann = await hood.start(1, checks=LongWinded())
        await hood.start(2, sells=LongWinded())
        await hood.wait_ready()
        data = bytes(range(256)) * 500
        assert len(data) > INLINE_BYTES_MAX

        result = await ann.requestor.buy(await a_job(ann, [data], fuel_max=10**12))

        (run,) = result.runs
        assert run.output is not None
        assert await ann.blobs.read(run.output) == blake2b(data).digest() * 2_000


async def test_a_job_without_providers_ends_with_a_reason_and_a_story(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 1) as hood:
        ann = await hood.start(1)
        await hood.wait_ready()
        result = await ann.requestor.buy(await a_job(ann, [b"x"], patience_s=0.2))
        assert result.runs[0].reason is Reason.NO_PROVIDER
        assert "Given up" in ann.journal.why(result.runs[0].run_id)[-1]
        (summary,) = ann.journal.find_runs(result.runs[0].run_id.hex()[:8])
        assert (summary.state, summary.reason) == ("failed", Reason.NO_PROVIDER)


async def test_what_the_wallet_cannot_pay_is_not_ordered(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        ann = await hood.start(1, checks=Hasher())
        await hood.start(2, sells=Hasher(), terms=settings(price=10_000))
        await hood.wait_ready()
        job = await a_job(ann, [b"x"], fuel_max=10**12, price_max=10_000)
        result = await ann.requestor.buy(job)
        assert result.runs[0].reason is Reason.NO_FUNDS
        assert result.paid_total == 0


async def test_an_empty_wallet_ends_a_run_at_once(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 1) as hood:
        await hood.start(1, sells=Hasher())
        ann = await hood.start(9, checks=Hasher())
        await wait_until(lambda: len(ann.requestor.offers()) > 0)
        with trio.fail_after(5):
            result = await ann.requestor.buy(await a_job(ann, [b"x"], patience_s=60))
        assert result.runs[0].reason is Reason.NO_FUNDS
        assert "the wallet does not hold" in ann.journal.why(result.runs[0].run_id)[-1]


async def test_a_requestor_in_debt_is_declined(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        ann = await hood.start(1, checks=Hasher())
        ben = await hood.start(2, sells=Hasher(lies=lambda _: True), terms=settings(credit=0))
        await hood.wait_ready()
        first = await ann.requestor.buy(await a_job(ann, [b"x" * 10]))
        assert first.lies_caught == 1
        await wait_until(lambda: sum(one.refused for one in ben.journal.earnings()) > 0)

        second = await ann.requestor.buy(await a_job(ann, [b"y"], patience_s=0.3))

        assert second.runs[0].reason is Reason.NO_PROVIDER
        story = "\n".join(ann.journal.why(second.runs[0].run_id))
        assert "too many earlier bills of this requestor are unpaid" in story


async def test_a_paused_provider_says_so(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        ann = await hood.start(1)
        ben = await hood.start(2, sells=Hasher())
        await hood.wait_ready()
        assert ben.provider is not None
        ben.provider.pause()
        job = await a_job(ann, [b"x"], patience_s=0.3, verification=NoVerification())
        result = await ann.requestor.buy(job)
        assert "it is paused" in "\n".join(ann.journal.why(result.runs[0].run_id))
        ben.provider.resume()
        result = await ann.requestor.buy(job)
        assert result.completed == 1


async def test_an_owners_pricing_reaches_bids_offers_and_the_story(tmp_path: Path) -> None:
    file = tmp_path / "prices.py"
    file.write_text("def ask(readings, price, start_price):\n    return (7, 3)\n")
    pricing = OwnerPricing("prices.py:ask", tmp_path, 100, 1, Sensors(tmp_path))
    pricing.load()
    async with neighbourhood(tmp_path, 2) as hood:
        ben = await hood.start(2, sells=Hasher(), pricing=pricing)
        ann = await hood.start(1)
        await hood.wait_ready()
        [offer] = ann.requestor.offers()
        assert (offer.price, offer.start_price) == (7, 3)
        job = await a_job(ann, [bytes(1_000)], verification=NoVerification(), patience_s=1.0)
        result = await ann.requestor.buy(job)
        assert result.paid_total == 7 + 3

        file.write_text("def ask(*_):\n    return 'on_battery'\n")
        await pricing.look(lambda: None)
        refused = await ann.requestor.buy(replace(job, patience_s=0.3))
        assert refused.runs[0].reason is Reason.NO_PROVIDER
        story = "\n".join(ann.journal.why(refused.runs[0].run_id))
        assert "it runs on its battery, which its owner spares" in story
        assert ben.provider is not None
        assert ben.provider.status().unwilling == (Reason.ON_BATTERY,)


async def test_events_tell_how_the_job_goes(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        ann = await hood.start(1)
        await hood.start(2, sells=Hasher())
        await hood.wait_ready()
        send, receive = trio.open_memory_channel[JobEvent](1_000)
        job = await a_job(ann, INPUTS, verification=NoVerification())
        await ann.requestor.buy(job, send)
        send.close()
        events = [event async for event in receive]
        names = {type(event.what).__name__ for event in events}
        assert names >= {"RunOrdered", "BidSeen", "RunPlaced", "ResultArrived", "RunAccepted"}
        assert events[-1].counts.accepted == len(INPUTS)
        for event in events:
            counts = event.counts
            total = counts.accepted + counts.failed + counts.under_way + counts.waiting
            assert total == len(INPUTS)


async def test_a_watcher_that_does_not_read_slows_nothing(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        ann = await hood.start(1)
        await hood.start(2, sells=Hasher())
        await hood.wait_ready()
        send, _receive = trio.open_memory_channel[JobEvent](1)
        job = await a_job(ann, INPUTS, verification=NoVerification())
        assert (await ann.requestor.buy(job, send)).completed == len(INPUTS)


async def test_a_cancelled_job_ends_its_runs_and_pays_what_was_accepted(tmp_path: Path) -> None:
    class HalfStuck(Hasher):
        async def execute(self, *args: object, **kwargs: object) -> RunReport:
            if self.runs >= 4:
                await trio.sleep_forever()
            return await super().execute(*args, **kwargs)  # type: ignore[arg-type]

    async with neighbourhood(tmp_path, 2) as hood:
        ann = await hood.start(1)
        ben = await hood.start(2, sells=HalfStuck(), terms=settings(slots=1))
        await hood.wait_ready()
        send, receive = trio.open_memory_channel[JobEvent](1_000)
        job = await a_job(ann, INPUTS, verification=NoVerification())
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ann.requestor.buy, job, send)
                async for event in receive:
                    if event.counts.accepted == 4:
                        scope.cancel()

        await wait_until(lambda: ann.ledger.wallet().balance < BALANCE)
        states = [run.state for run in ann.journal.runs()]
        assert sorted(states) == ["accepted"] * 4 + ["failed"] * 4
        assert ben.provider is not None
        await wait_until(lambda: ben.provider.status().running == 0)  # type: ignore[union-attr]


async def test_two_jobs_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 3) as hood:
        ann = await hood.start(1, checks=Hasher())
        for number in (2, 3):
            await hood.start(number, sells=Hasher())
        await hood.wait_ready()
        results: list[JobResult] = []

        async def buy() -> None:
            results.append(await ann.requestor.buy(await a_job(ann, INPUTS)))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(buy)
            nursery.start_soon(buy)
        for result in results:
            check_results(result, INPUTS)
        await check_money(hood)


async def test_agents_that_buy_and_sell_buy_from_each_other(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        for number in (1, 2):
            await hood.start(number, sells=Hasher(), checks=Hasher())
        await hood.wait_ready()
        for buyer, seller in ((0, 1), (1, 0)):
            agent: Agent = hood.agents[buyer]
            result = await agent.requestor.buy(await a_job(agent, INPUTS))
            assert {one.provider for one in result.providers} == {hood.agents[seller].node_id}


async def test_nothing_is_bought_by_who_may_have_lost_what_it_signed(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 1) as hood:
        ann = await hood.start(1)
        job = await a_job(ann, [b"x"])
        with full_disk(1):
            owing = "INSERT OR REPLACE INTO counters VALUES (?, ?)"
            ann.journal.record_rows(owing, [(b"one", 1)] * JOURNAL_BUFFER_MAX)
            ann.journal.record(owing, b"two", 2)
        with pytest.raises(JobPostponed, match="start the agent again"):
            await ann.requestor.buy(job)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"package_id": BlobId(bytes(32))}, "package is not here"),
        ({"inputs": [RunInput("lost.csv", BlobId(bytes(32)))]}, "'lost.csv' is not here"),
        ({"inputs": []}, "a job has 1 to"),
        ({"fuel_max": 0}, "no such order"),
        ({"verification": Quorum(9)}, "no such order"),
        ({"verification": Audit(2_000_000)}, "no such order"),
        ({"lots_at_once": 0}, "at once"),
        ({"attempts_max": 1_000}, "attempts"),
        ({"patience_s": 0.0}, "wait"),
        ({"arguments": ("\0",)}, "no such order"),
    ],
)
async def test_a_job_that_cannot_begin_is_refused_in_words(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    async with neighbourhood(tmp_path, 1) as hood:
        ann = await hood.start(1)
        with pytest.raises(JobRefused, match=words):
            await ann.requestor.buy(await a_job(ann, [b"x"], **change))
        assert ann.journal.runs() == []


async def test_a_real_task_is_run_and_checked_in_real_sandboxes(tmp_path: Path) -> None:
    samples = sorted((EXAMPLES / "sensor_statistics" / "samples").glob("*.csv"))
    inputs = [sample.read_bytes() for sample in samples[:2]]
    async with neighbourhood(tmp_path, 2) as hood, trio.open_nursery() as nursery:
        sandboxes = [Sandbox(tmp_path / f"sandbox{number}", workers=1) for number in range(2)]
        for sandbox in sandboxes:
            await nursery.start(sandbox.run)
        ann = await hood.start(1, checks=sandboxes[0])
        await hood.start(2, sells=sandboxes[1])
        await hood.wait_ready()

        result = await ann.requestor.buy(await a_job(ann, inputs))

        assert [run.outcome for run in result.runs] == ["ok"] * len(inputs)
        assert result.lies_caught == 0
        assert result.runs[0].output is not None
        assert await ann.blobs.read(result.runs[0].output)
        nursery.cancel_scope.cancel()


def verified_task() -> bytes:
    """Return the package of a task with a verifier."""
    module = (EXAMPLES / "matrix_product" / "matrix_product.wasm").read_bytes()
    return pack_module(module, name="matrix-product", version="1", author=AUTHOR)


@pytest.mark.parametrize("way", [Verify(0), Partial(0)], ids=["verify", "partial"])
async def test_a_wrong_result_is_found_by_a_check_of_itself(
    tmp_path: Path, way: Verify | Partial
) -> None:
    async with neighbourhood(tmp_path, 3) as hood:
        ann = await hood.start(1, checks=Hasher())
        await hood.start(2, sells=Hasher())
        liar = await hood.start(3, sells=Hasher(lies=lambda _: True), terms=settings(price=10))
        await hood.wait_ready()
        # Not checked: whoever was found out lately is asked last.
        first = [b"a run that has the channels opened"]
        await ann.requestor.buy(await a_job(ann, first, verification=NoVerification()))
        await wait_until(lambda: sum(view.deposit > 0 for view in ann.ledger.channels.all()) == 2)
        package_id = await ann.blobs.put(verified_task())
        assert await ann.requestor.can_verify(package_id)

        changes = {"verification": way, "package_id": package_id, "lots_at_once": 2}
        job = await a_job(ann, INPUTS, **changes)
        result = await ann.requestor.buy(job)

        check_results(result, INPUTS)
        (caught,) = [one for one in result.providers if one.caught]
        assert (caught.provider, caught.paid, caught.runs) == (liar.node_id, 0, 0)
        who = "The task's verifier" if isinstance(way, Verify) else "Repeating 1 run here"
        stories = [line for run in result.runs for line in ann.journal.why(run.run_id)]
        assert any(f"{who} confirmed the result" in line for line in stories)


async def test_a_task_without_a_verifier_and_a_machine_without_a_sandbox_are_told(
    tmp_path: Path,
) -> None:
    async with neighbourhood(tmp_path, 2) as hood:
        ann = await hood.start(1, checks=Hasher())
        ben = await hood.start(2)
        with pytest.raises(JobRefused, match="has no verifier"):
            await ann.requestor.buy(await a_job(ann, [b"x"], verification=Verify(0)))
        package_id = await ben.blobs.put(verified_task())
        assert not await ben.requestor.can_verify(package_id)
        for way in (Verify(0), Partial(0)):
            job = await a_job(ben, [b"x"], verification=way, package_id=package_id)
            with pytest.raises(JobRefused, match="cannot run tasks"):
                await ben.requestor.buy(job)


async def test_the_verifier_of_a_real_task_tells_a_lie_from_a_product(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "sandbox", workers=1)
    # Two matrices of 4 by 4.
    matrix = b"".join(number.to_bytes(4, "little") for number in (4, *range(32)))
    async with trio.open_nursery() as nursery:
        try:
            await nursery.start(sandbox.run)
        except SandboxUnavailable as error:
            pytest.skip(str(error))
        async with neighbourhood(tmp_path, 2, limit_s=60) as hood:
            ann = await hood.start(1, checks=sandbox)
            await hood.start(2, sells=LyingRunner(sandbox, 1_000_000, Random(1)))
            await hood.wait_ready()
            package_id = await ann.blobs.put(verified_task())
            job = await a_job(
                ann, [matrix], verification=Verify(0), package_id=package_id, patience_s=3.0
            )
            result = await ann.requestor.buy(job)
            story = "\n".join(ann.journal.why(result.runs[0].run_id))
            assert "The task's verifier refuted the result" in story
            assert (result.lies_caught, result.paid_total, result.completed) == (1, 0, 1)
        nursery.cancel_scope.cancel()


async def test_small_runs_are_bought_together(tmp_path: Path) -> None:
    inputs = [bytes([number % 251]) for number in range(500)]
    async with neighbourhood(tmp_path, 2) as hood:
        ann = await hood.start(1, checks=Hasher())
        ben = await hood.start(2, sells=Hasher())
        await hood.wait_ready()
        result = await ann.requestor.buy(await a_job(ann, inputs, lots_at_once=2))
        check_results(result, inputs)
        (line,) = result.providers
        assert (line.runs, line.refused) == (500, 0)
        assert ben.provider is not None
        assert len({attempt.number for run in result.runs for attempt in run.attempts}) == 1
        agreements = ben.journal.earnings()[0].runs
        assert agreements < 50, "as many agreements as lots, not as runs"
        await check_money(hood)
        assert result.paid_total == sum(one.paid for one in ben.journal.earnings())


async def test_a_lie_about_one_run_of_many_is_caught(tmp_path: Path) -> None:
    inputs = [bytes([number % 251]) for number in range(100)]
    async with neighbourhood(tmp_path, 3) as hood:
        ann = await hood.start(1, checks=Hasher())
        await hood.start(2, sells=Hasher(lies=lambda number: number == 30))
        await hood.start(3, sells=Hasher(), terms=settings(start_price=90))
        await hood.wait_ready()
        await ann.requestor.buy(await a_job(ann, [b"x"]))
        await wait_until(lambda: sum(view.deposit > 0 for view in ann.ledger.channels.all()) == 2)
        while True:
            # Until the liar has had thirty runs: who gets how many is chance.
            job = await a_job(ann, inputs, lots_at_once=2, verification=Audit(1_000_000))
            result = await ann.requestor.buy(job)
            check_results(result, inputs)
            if result.lies_caught:
                break
        assert result.lies_caught == 1
        assert [line.caught for line in result.providers].count(True) == 1


async def test_real_sandboxes_run_a_lot_together(tmp_path: Path) -> None:
    inputs = [bytes([number % 251]) for number in range(300)]
    async with neighbourhood(tmp_path, 2) as hood, trio.open_nursery() as nursery:
        sandboxes = [Sandbox(tmp_path / f"sandbox{number}", workers=1) for number in range(2)]
        for sandbox in sandboxes:
            await nursery.start(sandbox.run)
        ann = await hood.start(1, checks=sandboxes[0])
        await hood.start(2, sells=sandboxes[1])
        await hood.wait_ready()
        job = await a_job(
            ann,
            inputs,
            package_id=await ann.blobs.put(ECHO.data),
            lots_at_once=2,
            verification=Audit(1_000_000),
        )
        result = await ann.requestor.buy(job)
        assert [run.output for run in result.runs] == [blob_id(data) for data in inputs]
        assert result.completed == 300
        nursery.cancel_scope.cancel()
