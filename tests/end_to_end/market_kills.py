"""Kills agents of a market while they buy and sell: ``make market-kills RUNS=10000``.

One requestor buys short and long runs of three providers, in jobs, all of them real processes; any
of them is killed with SIGKILL at random times and started again.  In the end every run must have
ended exactly once, with its bill paid or a reason; no drop may be made or lost; and every channel
must be settled.
"""

import argparse
import io
import json
import random
import signal
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread

from fogbank_agent.control.client import ControlClient
from fogbank_agent.control.requests.channels import ChannelsClosed, CloseChannels
from fogbank_agent.control.requests.jobs import (
    JobEnded,
    JobProgressed,
    RunInput,
    RunsEnded,
    StartJob,
)
from fogbank_agent.errors import AgentUnreachable
from fogbank_protocol.encoding import decode
from fogbank_wasm_tasks.limits import RECEIPT_BYTES_MAX
from fogbank_wasm_tasks.outcome import OutOfFuel
from fogbank_wasm_tasks.receipt import receipt_from_value

from .agents import Agent, wait_until

LOCAL = ("--interface", "127.0.0.1")
PROVIDERS = 3
LONG_PART = 20
"""One job of so many has a long run, of some ticks."""

SHORT_PART_MAX = 250
"""A job of short runs has at most so many: some lots."""

LONG_FUEL, SHORT_FUEL = 1_500_000_000, 2_000_000
CLOSE_WAIT_S = 120
FOREVER = (
    # (module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))
    bytes.fromhex("0061736d01000000010401600000030201000503010001")
    + bytes.fromhex("071302066d656d6f72790200065f737461727400000a09010700 03400c000b0b")
)


@dataclass
class Outcome:
    """What a test of so many kills has shown."""

    runs: int = 0
    paid_and_valid: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    kills: int = 0
    drops_paid: int = 0
    drops_paid_for_ticks: int = 0
    channels_settled: int = 0
    seconds: float = 0.0


class Market:
    """The agents, of which any may be dead for a moment."""

    def __init__(self, folder: Path, random_source: random.Random, providers: int) -> None:
        self.agents = [Agent(folder / f"agent{number}") for number in range(1 + providers)]
        self.requestor, *self.providers = self.agents
        self._random = random_source
        self._lock = Lock()
        self.kills = 0

    def begin(self) -> int:
        """Start everybody, and return the supply."""
        first = self.requestor
        assert first("init", "--name", "kills", *LOCAL).returncode == 0
        first.start()
        network = first.json("status")["network_id"]
        for provider in self.providers:
            assert provider("init", "--join", network, *LOCAL).returncode == 0
            provider.start()
        first.wait_peers(len(self.providers))
        return first.status().ledger.supply

    def kill_one(self) -> None:
        """Kill an agent, the requestor as often as any other, and start it again."""
        agent = self._random.choice(self.agents)
        with self._lock:
            agent.stop(signal.SIGKILL)
            self.kills += 1
            time.sleep(self._random.uniform(0, 0.5))
            agent.start()


def _buy(requestor: Agent, inputs: list[bytes], fuel_max: int) -> int:
    """Buy a run for each of ``inputs``; return how many the agent took on."""
    with ControlClient(requestor.state / "control.sock") as client:
        task_id = client.put_blob(io.BytesIO(FOREVER), len(FOREVER))
        named = client.put_blobs(inputs)
        wanted = tuple(RunInput(data.hex(), kept) for data, kept in zip(inputs, named, strict=True))
        client.send(
            StartJob(
                task_id=task_id,
                task_name="forever",
                inputs=wanted,
                arguments=(),
                environment=(),
                seed=0,
                verify="none",
                price_max=None,
                start_price_max=None,
                fuel_max=fuel_max,
                deadline_s=20,
                patience_s=5,
            )
        )
        ended = 0
        while True:
            match client.receive_any([JobProgressed, RunsEnded, JobEnded]):
                case RunsEnded(runs):
                    ended += len(runs)
                case JobEnded():
                    return ended
                case _:
                    pass


def _kill_now_and_then(market: Market, every_s: float, over: Event) -> None:
    while not over.wait(random.uniform(0.5, 1.5) * every_s):
        market.kill_one()


def run(
    runs: int,
    *,
    every_s: float,
    seed: int,
    folder: Path,
    providers: int = PROVIDERS,
    kills_min: int = 0,
) -> Outcome:
    """Buy ``runs`` runs while an agent is killed every ``every_s`` seconds; check the books.

    More are bought until ``kills_min`` agents were killed.
    """
    began, source = time.monotonic(), random.Random(seed)
    market = Market(folder, source, providers)
    over, bought = Event(), 0
    try:
        supply = market.begin()
        killer = Thread(target=_kill_now_and_then, args=(market, every_s, over))
        killer.start()
        try:
            while bought < runs or market.kills < kills_min:
                is_long = source.randrange(LONG_PART) == 0
                count = 1 if is_long else source.randint(1, SHORT_PART_MAX)
                inputs = [source.randbytes(16) for _ in range(count)]
                try:
                    _buy(market.requestor, inputs, LONG_FUEL if is_long else SHORT_FUEL)
                except AgentUnreachable:
                    # It was killed: the journal of its next life says what became of the runs.
                    time.sleep(0.2)
                bought = _count(market.requestor)
        finally:
            over.set()
            killer.join()
        return _conclude(market, supply, time.monotonic() - began)
    finally:
        for agent in market.agents:
            while agent.processes:
                agent.stop(signal.SIGKILL)


def _journal(agent: Agent) -> sqlite3.Connection:
    path = agent.state / "journal"
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def _count(agent: Agent) -> int:
    with suppress(sqlite3.OperationalError, ValueError):
        return int(_journal(agent).execute("SELECT count(*) FROM runs").fetchone()[0])
    return 0


def _conclude(market: Market, supply: int, seconds: float) -> Outcome:
    """Settle everything, and check the books."""
    market.requestor.wait_peers(len(market.providers))
    closed = market.requestor.ask(CloseChannels(CLOSE_WAIT_S), ChannelsClosed)
    assert closed.waiting == 0, f"{closed.waiting} channels cannot be settled"
    channels = market.requestor.json("channels")["channels"]
    assert all(one["state"] == "settled" for one in channels)
    assert all(one["paid"] <= one["deposit"] for one in channels)

    def agreed() -> bool:
        ledgers = [agent.status().ledger for agent in market.agents]
        assert all(one.supply == one.supply_held == supply for one in ledgers)
        return len({one.state_hash for one in ledgers}) == 1

    def held() -> int:
        wallets = [agent.wallet() for agent in market.agents]
        return sum(one.balance + one.claimable + one.incoming for one in wallets)

    # What a channel owes its provider is in nobody's wallet until the provider has taken it.
    wait_until(f"{supply} drops are in wallets again", lambda: agreed() and held() == supply)
    for agent in market.agents:
        assert agent.stop() == 0
    outcome = Outcome(kills=market.kills, channels_settled=closed.closed, seconds=seconds)
    _check_runs(market, outcome)
    spent = sum(one["paid"] for one in channels)
    # Whoever was killed has on its disk what it had earned before anybody could pay it.
    paid = "SELECT coalesce(sum(paid), 0) FROM requestors"
    earned = sum(_journal(one).execute(paid).fetchone()[0] for one in market.providers)
    assert earned == spent == outcome.drops_paid, f"{earned}, {spent}, {outcome.drops_paid}"
    return outcome


def _check_runs(market: Market, outcome: Outcome) -> None:
    """Check that each run has ended once, and that whatever has a result is paid."""
    journal = _journal(market.requestor)
    rows = journal.execute("SELECT run_id, state, reason, lot_id FROM bought").fetchall()
    assert len({run_id for run_id, *_ in rows}) == len(rows) > 0
    bills = journal.execute("SELECT agreement_id, lot_id, drops, state FROM bills").fetchall()
    paid_lots = {lot for _, lot, _, state in bills if state in ("paid", "told")}
    receipts = journal.execute("SELECT lot_id, agreement_id, body FROM receipts").fetchall()
    for *_, body in receipts:
        results = receipt_from_value(decode(body, bytes_max=RECEIPT_BYTES_MAX)).results
        # What the task does is known: nothing, until there is no fuel.
        assert all(isinstance(one.outcome, OutOfFuel) for one in results)
        assert {one.fuel for one in results} <= {SHORT_FUEL, LONG_FUEL}
    agreements = {agreement: lot for lot, agreement, _ in receipts}
    paid = Counter(agreements[one] for one, *_ in bills if one in agreements)
    for _, state, reason, lot in rows:
        outcome.runs += 1
        if state == "accepted":
            assert lot in paid_lots
            assert paid[lot] == 1, "paid more than once, or without a receipt"
            outcome.paid_and_valid += 1
        else:
            assert state == "failed", state
            assert reason
            outcome.refused[reason] += 1
    assert all(state != "owed" for *_, state in bills)
    # Of statements that their providers know to be paid there is the sum alone.
    ((told,),) = journal.execute("SELECT coalesce(sum(paid), 0) FROM providers").fetchall()
    untold = sum(drops for *_, drops, state in bills if state != "told")
    outcome.drops_paid = told + untold
    whole = sum(drops for agreement, _, drops, _ in bills if agreement in agreements)
    outcome.drops_paid_for_ticks = outcome.drops_paid - whole


def main() -> None:
    """Kill agents while they trade, and print what came of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two kills")
    parser.add_argument("--kills", type=int, default=0, help="go on until there were so many")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fogbank-kills-") as folder:
        outcome = run(
            arguments.runs,
            every_s=arguments.every,
            seed=arguments.seed,
            folder=Path(folder),
            kills_min=arguments.kills,
        )
    print(json.dumps(outcome.__dict__))


if __name__ == "__main__":
    main()
