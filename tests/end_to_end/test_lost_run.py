"""A run that cannot move is lost with its provider, and done again by another (SPEC.md 9.5)."""

import signal
from pathlib import Path

import pytest

from fogbank_protocol.identity import short_form

from .agents import Agent
from .market_kills import FOREVER
from .tick_kills import (
    DUE,
    PRICE,
    START_PRICE,
    Purchase,
    a_town,
    billed,
    rows,
    tick_drops,
    wait_statement,
)

FUEL = 1_000_000_000


def why(agent: Agent) -> str:
    """Return what ``fogbank why`` says of its one run."""
    ((run_id,),) = rows(agent, "SELECT hex(run_id) FROM bought")
    told = agent("why", run_id)
    assert told.returncode == 0, told.stderr
    return told.stdout.decode()


@pytest.mark.slow
def test_a_run_whose_provider_is_killed_is_done_by_another_and_the_story_says_so(
    tmp_path: Path,
) -> None:
    with a_town(tmp_path) as town:
        requestor = town.join_requestor()
        node_id = bytes.fromhex(requestor.wallet().node_id)
        tick = max(map(tick_drops, town.providers))
        names = {id(one): bytes.fromhex(one.wallet().node_id) for one in town.providers}
        purchase = Purchase(requestor, b"", FUEL, FOREVER)
        found = wait_statement(town, node_id, purchase, 2)
        assert found is not None
        dead, _ = found
        dead.stop(signal.SIGKILL)
        town.providers.remove(dead)
        (alive,) = town.providers
        purchase.join()

        ended = "SELECT count(*) FROM bought WHERE state = 'accepted' AND outcome = 'out of fuel'"
        assert rows(requestor, ended) == [(1,)]
        # Each is paid what it has stated, and nobody for what is lost.
        bill = FUEL * PRICE // 10**9 + START_PRICE
        to_dead = billed(requestor, names[id(dead)])
        assert billed(requestor, names[id(alive)]) == bill
        ((stated,),) = rows(dead, DUE, node_id)
        assert 0 < to_dead <= stated
        assert stated - to_dead <= tick

        story = why(requestor)
        lost, finder = (short_form(names[id(one)]) for one in (dead, alive))
        assert f"{lost} gave no result: the connection to it was lost." in story
        assert f"Order 2 begins anew: what {lost} had done with" in story
        assert f"Accepted: the result of {finder}." in story
