"""A result that was paid once is served again for less, with its old receipt (SPEC.md 9.5)."""

from pathlib import Path

import pytest

from fogbank_agent.market.orders import NoVerification, Quorum
from fogbank_agent.market.pricing import bill

from .neighbourhood import Hasher, a_job, neighbourhood, settings, wait_until

pytestmark = pytest.mark.slow

INPUTS = [b"one" * 10, b"two" * 10]


async def test_the_second_buyer_pays_less_and_nothing_is_run(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 3) as hood:
        hasher = Hasher()
        terms = settings(price=1_000, start_price=10, reuse_ppm=200_000)
        seller = await hood.start(1, sells=hasher, terms=terms)
        ann, ben = await hood.start(2), await hood.start(3)
        await hood.wait_ready()
        fuel = [len(data) * 1_000_000 for data in INPUTS]

        first = await ann.requestor.buy(await a_job(ann, INPUTS, verification=NoVerification()))
        assert first.paid_total == sum(bill(one, 1_000, 10) for one in fuel)
        await wait_until(lambda: _earned(seller.journal.earnings()) == first.paid_total)
        runs = hasher.runs
        again = await ben.requestor.buy(
            await a_job(ben, [*INPUTS, INPUTS[0]], verification=NoVerification())
        )

        assert hasher.runs == runs, "it was run once more"
        assert [run.output for run in again.runs[:2]] == [run.output for run in first.runs]
        assert again.paid_total == sum(bill(one, 200, 2) for one in [*fuel, fuel[0]])
        story = "\n".join(ben.journal.why(again.runs[0].run_id))
        assert "served it again, with 1 receipt of earlier runs" in story


async def test_a_lie_that_is_served_again_is_found_as_any_other(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 4) as hood:
        liar = Hasher(lies=lambda _: True)
        cheap = settings(price=10, reuse_ppm=100_000)
        seller = await hood.start(1, sells=liar, terms=cheap)
        ann, ben = await hood.start(2), await hood.start(3, checks=Hasher())
        await hood.wait_ready()
        first = await ann.requestor.buy(await a_job(ann, INPUTS, verification=NoVerification()))
        await wait_until(lambda: _earned(seller.journal.earnings()) == first.paid_total)
        await hood.start(4, sells=Hasher())
        await wait_until(lambda: len(ben.requestor.offers()) == 2)

        again = await ben.requestor.buy(await a_job(ben, INPUTS, verification=Quorum(2)))

        assert all(run.outcome == "ok" for run in again.runs)
        assert {run.output for run in again.runs}.isdisjoint(run.output for run in first.runs)
        (caught,) = [one for one in again.providers if one.caught]
        assert (caught.provider, caught.paid) == (seller.node_id, 0)


async def test_a_result_that_is_served_again_is_one_voice_of_a_quorum(tmp_path: Path) -> None:
    async with neighbourhood(tmp_path, 4) as hood:
        hasher = Hasher()
        terms = settings(price=1_000, start_price=10, reuse_ppm=200_000)
        seller = await hood.start(1, sells=hasher, terms=terms)
        ann, ben = await hood.start(2), await hood.start(3)
        await hood.wait_ready()
        first = await ann.requestor.buy(await a_job(ann, INPUTS, verification=NoVerification()))
        await wait_until(lambda: _earned(seller.journal.earnings()) == first.paid_total)
        runs, other = hasher.runs, Hasher()
        await hood.start(4, sells=other, terms=settings(price=1_000, start_price=10))
        await wait_until(lambda: len(ben.requestor.offers()) == 2)

        again = await ben.requestor.buy(await a_job(ben, INPUTS, verification=Quorum(2)))

        assert hasher.runs == runs, "it was run once more"
        assert other.runs == len(INPUTS), "the other voice is nobody's but its own"
        assert [run.output for run in again.runs] == [run.output for run in first.runs]
        fuel = [len(data) * 1_000_000 for data in INPUTS]
        ran, served = (sum(bill(one, *at) for one in fuel) for at in ((1_000, 10), (200, 2)))
        assert again.paid_total == ran + served
        story = "\n".join(ben.journal.why(again.runs[0].run_id))
        committed, shown = story.rindex("is bound to a result"), story.index("served it again")
        assert committed < shown, "receipts of earlier runs were shown before all were bound"


def _earned(earnings: object) -> int:
    assert isinstance(earnings, list)
    return sum(one.paid for one in earnings)
