"""Kills either side of a run at each of its ticks: ``make tick-kills``.

Real processes: a bank that keeps the ledger, two providers, and a requestor that buys one run of
some ticks.  When the run has made k statements, seen on the provider's disk, its requestor or its
provider is killed with SIGKILL and never started again.  What the other one lost must be at most
a tick, and all that it had locked must come back to its balance.
"""

import argparse
import io
import json
import signal
import sqlite3
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Thread

from tests.wasm_tasks.packages import counting_steps, translate

from fogbank_agent.control.client import ControlClient
from fogbank_agent.control.requests.channels import (
    Channels,
    ChannelsClosed,
    CloseChannels,
    GetChannels,
)
from fogbank_agent.control.requests.jobs import (
    JobEnded,
    JobProgressed,
    RunInput,
    RunsEnded,
    StartJob,
)
from fogbank_agent.control.requests.money import Paid, Pay
from fogbank_agent.errors import AgentUnreachable
from fogbank_protocol.encoding import decode
from fogbank_wasm_tasks.limits import RECEIPT_BYTES_MAX
from fogbank_wasm_tasks.receipt import receipt_from_value

from .agents import PATIENCE_S, POLL_S, Agent, wait_until

PRICE = 1_000_000
"""Drops for a gigafuel: a tick of any machine is thousands of drops."""

START_PRICE = 1
FUNDS = 10_000_000
"""What each requestor gets, some six times the bill of its run: the bank has it a hundred times."""

CHANNEL_BEATS = 3
FUEL_OF_STEP_MAX = 8_000
STEPS_A_TICK = 20_000
"""Steps of the task below in 10^8 fuel, what a provider takes for a tick before it has measured."""

COUNTING = translate(counting_steps(416))
"""A step task that counts; 1,024 steps, from one checkpoint to the next, are 0.05 ticks or so."""


@dataclass
class Loss:
    """What a kill has cost the side that went on."""

    killed: str
    statements: int
    """How many the run had made when it was looked at last before the kill."""

    drops: int
    """What the survivor lost for good."""

    tick_drops: int
    """The price of a tick."""

    locked: int
    """What the survivor had in channels, of its own or earned, and has back now."""


@dataclass
class Town:
    """Agents of which a killed one is replaced by another."""

    folder: Path
    bank: Agent
    network: str = ""
    supply: int = 0
    providers: list[Agent] = field(default_factory=list[Agent])
    agents: list[Agent] = field(default_factory=list[Agent])
    """All that were ever started, but the bank."""

    left_to_the_dead: int = 0

    def join(self, settings: str) -> Agent:
        """Start one more agent, with money."""
        agent = Agent(self.folder / f"agent{len(self.agents)}")
        self.agents.append(agent)
        assert agent("init", "--join", self.network, "--interface", "127.0.0.1").returncode == 0
        configure(agent, settings)
        agent.start()
        return agent

    def join_provider(self) -> Agent:
        """Start one more provider."""
        agent = self.join(f"[provider]\nprice = {PRICE}\nstart_price = {START_PRICE}\nstake = 0\n")
        self.providers.append(agent)
        return agent

    def join_requestor(self) -> Agent:
        """Start one more requestor, and return when both providers offer it their work."""
        agent = self.join(
            "[provider]\nenabled = false\n"
            f"[requestor]\nprice_max = {10 * PRICE}\ndeposit = {FUNDS // 5}\n"
            f'channel_beats = {CHANNEL_BEATS}\nverify = "none"\n'
        )
        paid = self.bank.ask(Pay(agent.wallet().node_id, FUNDS, PATIENCE_S), Paid)
        assert paid.final
        wait_until("the money is there", lambda: free(agent) == FUNDS)
        agent.wait_peers(len(self.providers))
        return agent

    def living(self) -> list[Agent]:
        """Return all agents that run."""
        return [self.bank, *self.providers]

    def check_supply(self, *others: Agent) -> None:
        """Check that no drop was made or lost, on the ledger of every agent that runs."""
        agents = [*self.living(), *others]

        def agreed() -> bool:
            ledgers = [agent.status().ledger for agent in agents]
            assert all(one.supply == one.supply_held == self.supply for one in ledgers)
            return len({one.state_hash for one in ledgers}) == 1

        wait_until("the ledgers agree", agreed)
        held = sum(free(agent) for agent in agents)
        assert held + self.left_to_the_dead == self.supply


def configure(agent: Agent, settings: str) -> None:
    """Write the configuration of ``agent``, which speaks on loopback alone."""
    loopback = 'listen_addresses = ["127.0.0.1"]\ninterfaces = ["127.0.0.1"]\n'
    (agent.state / "config.toml").write_text(f"[network]\n{loopback}{settings}")


def free(agent: Agent) -> int:
    """Return what an agent has in its account, or is about to."""
    wallet = agent.wallet()
    return wallet.balance + wallet.claimable + wallet.incoming


def locked(agent: Agent) -> int:
    """Return what an agent has in channels: what it can have back, or was paid there."""
    channels = agent.ask(GetChannels(), Channels).channels
    return sum(
        one.deposit - one.paid if one.pays else one.paid
        for one in channels
        if one.state != "settled"
    )


@contextmanager
def a_town(folder: Path) -> Generator[Town]:
    """Give a bank and two providers."""
    town = Town(folder, Agent(folder / "bank"))
    try:
        assert town.bank("init", "--name", "ticks", "--interface", "127.0.0.1").returncode == 0
        configure(town.bank, "[provider]\nenabled = false\n")
        town.bank.start()
        status = town.bank.status()
        town.network, town.supply = status.network_id, status.ledger.supply
        town.join_provider()
        town.join_provider()
        yield town
    finally:
        for agent in [town.bank, *town.agents]:
            while agent.processes:
                agent.stop(signal.SIGKILL)


# One run, and the kill.


class Purchase:
    """Buys one run in a thread of its own, and hears of it."""

    def __init__(
        self, requestor: Agent, data: bytes, fuel_max: int, package: bytes = COUNTING
    ) -> None:
        self.events: list[str] = []
        self.is_over = False
        self._requestor = requestor
        self._data, self._fuel_max, self._package = data, fuel_max, package
        self._thread = Thread(target=self._buy)
        self._thread.start()

    def join(self) -> None:
        """Wait for its end, or its requestor's."""
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def _buy(self) -> None:
        try:
            with ControlClient(self._requestor.state / "control.sock") as client:
                self._talk(client)
        except AgentUnreachable:
            pass  # It was killed.
        finally:
            self.is_over = True

    def _talk(self, client: ControlClient) -> None:
        task_id = client.put_blob(io.BytesIO(self._package), len(self._package))
        (named,) = client.put_blobs([self._data])
        client.send(
            StartJob(
                task_id=task_id,
                task_name="a task",
                inputs=(RunInput("input", named),),
                arguments=(),
                environment=(),
                seed=0,
                verify="none",
                price_max=None,
                start_price_max=None,
                fuel_max=self._fuel_max,
                deadline_s=PATIENCE_S,
                patience_s=PATIENCE_S,
            )
        )
        while True:
            match client.receive_any([JobProgressed, RunsEnded, JobEnded]):
                case JobProgressed(event=event):
                    self.events.append(event)
                case JobEnded():
                    return
                case _:
                    pass


def buy_steps(requestor: Agent, steps: int) -> Purchase:
    """Buy a run of so many steps."""
    return Purchase(requestor, steps.to_bytes(4, "little"), steps * FUEL_OF_STEP_MAX)


def rows(agent: Agent, statement: str, *values: object) -> list[tuple[int, ...]]:
    """Return what the journal on the disk of ``agent``, dead or alive, says."""
    journal = sqlite3.connect(f"file:{agent.state / 'journal'}?mode=ro", uri=True)
    try:
        return journal.execute(statement, values).fetchall()
    finally:
        journal.close()


DUE = "SELECT coalesce(sum(paid + unpaid + refused), 0) FROM requestors WHERE requestor = ?"
"""What a requestor has made due, paid or not, by the journal of a provider."""

_EARNED = "SELECT coalesce(sum(paid), 0) FROM requestors WHERE requestor = ?"
_STATEMENTS = "SELECT coalesce(sum(statements), 0) FROM requestors WHERE requestor = ?"
_UNPAID = "SELECT drops FROM dues WHERE requestor = ? AND is_part"


def statements(provider: Agent, requestor: bytes) -> int:
    """Return how many statements a provider has made for ``requestor``."""
    ((made,),) = rows(provider, _STATEMENTS, requestor)
    return made


def billed(requestor: Agent, provider: bytes | None = None) -> int:
    """Return the drops that ``requestor`` owes and has paid, to one provider or to all."""
    told = "SELECT coalesce(sum(paid), 0) FROM providers WHERE provider = ? OR ? IS NULL"
    others = (
        "SELECT coalesce(sum(drops), 0) FROM bills "
        "WHERE state != 'told' AND (provider = ? OR ? IS NULL)"
    )
    return sum(rows(requestor, one, provider, provider)[0][0] for one in (told, others))


def wait_statement(
    town: Town, requestor: bytes, purchase: Purchase, number: int
) -> tuple[Agent, int] | None:
    """Return who is at work, once it has made statement ``number``, and how many it made.

    None when the run was over before.
    """
    while not purchase.is_over:
        if number == 0 and "RunPlaced" in purchase.events:
            # Whoever has a place less than the others.
            for provider in town.providers:
                status = provider.status().provider
                if status.running or status.waiting:
                    return provider, 0
        for provider in town.providers:
            made = statements(provider, requestor)
            if made >= max(1, number):
                return provider, made
        time.sleep(POLL_S / 10)
    return None


def tick_drops(provider: Agent) -> int:
    """Return the price of a tick of the next run at ``provider``, rounded up."""
    return -(-provider.status().provider.tick * PRICE // 10**9)


def kill_requestor(town: Town, number: int, steps: int) -> Loss | None:
    """Kill a requestor at statement ``number``; its provider has no help of it any more."""
    ticks = {id(provider): tick_drops(provider) for provider in town.providers}
    before = [free(provider) for provider in town.providers]
    requestor = town.join_requestor()
    node_id = bytes.fromhex(requestor.wallet().node_id)
    purchase = buy_steps(requestor, steps)
    found = wait_statement(town, node_id, purchase, number)
    requestor.stop(signal.SIGKILL)
    purchase.join()
    drops, paid, held = 0, 0, 0
    for provider, had in zip(town.providers, before, strict=True):
        idle(provider)
        held += locked(provider)
        unpaid, earned = settle(provider, node_id, had)
        assert unpaid <= ticks[id(provider)]
        drops, paid = drops + unpaid, paid + earned
    town.left_to_the_dead += FUNDS - paid
    town.check_supply()
    if found is None:
        return None
    return Loss("requestor", found[1], drops, ticks[id(found[0])], held)


def settle(provider: Agent, requestor: bytes, had: int) -> tuple[int, int]:
    """Have a provider that ``had`` so much paid out; return what stays unpaid, and what it got."""
    closed = provider.ask(CloseChannels(PATIENCE_S, earned=True), ChannelsClosed)
    assert closed.waiting == 0
    unpaid = [drops for (drops,) in rows(provider, _UNPAID, requestor)]
    # It did not go on with its work after a statement that was not paid.
    assert len(unpaid) <= 1
    ((earned,),) = rows(provider, _EARNED, requestor)
    wait_until("all is back", lambda: free(provider) >= had + earned)
    assert free(provider) == had + earned
    return sum(unpaid), earned


def kill_provider(town: Town, number: int, steps: int) -> Loss | None:
    """Kill a provider at statement ``number``; the other one goes on with the run."""
    ticks = max(map(tick_drops, town.providers))
    requestor = town.join_requestor()
    node_id = bytes.fromhex(requestor.wallet().node_id)
    before = {id(provider): free(provider) for provider in town.providers}
    purchase = buy_steps(requestor, steps)
    found = wait_statement(town, node_id, purchase, number)
    if found is not None:
        found[0].stop(signal.SIGKILL)
        town.providers.remove(found[0])
    purchase.join()
    held = locked(requestor)
    closed = requestor.ask(CloseChannels(PATIENCE_S), ChannelsClosed)
    assert closed.waiting == 0
    ((state,),) = rows(requestor, "SELECT state = 'accepted' FROM bought")
    assert state == 1, "the run has no result"
    bills = billed(requestor)
    assert free(requestor) == FUNDS - bills, "not all came back"
    fuel = fuel_of_run(requestor)
    lost = bills - (-(-fuel * PRICE // 10**9) + START_PRICE)
    if found is not None:
        dead, _ = found
        ((due,),) = rows(dead, DUE, node_id)
        paid = [one.paid for one in requestor.ask(GetChannels(), Channels).channels]
        alive = sum(free(one) - before[id(one)] for one in town.providers)
        # Never more than was stated, in the receipt too if it was that far.
        assert sum(paid) - alive <= due
        town.left_to_the_dead += before[id(dead)] + sum(paid) - alive
    town.check_supply(requestor)
    town.left_to_the_dead += free(requestor)
    assert requestor.stop() == 0
    if found is None:
        return None
    town.join_provider()
    return Loss("provider", found[1], lost, ticks, held)


def idle(provider: Agent) -> None:
    """Return when nothing is under way at ``provider``."""

    def is_idle() -> bool:
        status = provider.status().provider
        return not status.running and not status.waiting

    wait_until(f"{provider.state} is idle", is_idle)


def fuel_of_run(requestor: Agent) -> int:
    """Return the fuel of the one run of ``requestor``, counted since its beginning."""
    journal = sqlite3.connect(f"file:{requestor.state / 'journal'}?mode=ro", uri=True)
    try:
        ((body,),) = journal.execute("SELECT body FROM receipts").fetchall()
    finally:
        journal.close()
    return receipt_from_value(decode(body, bytes_max=RECEIPT_BYTES_MAX)).results[0].fuel


Kill = Callable[[Town, int, int], Loss | None]


def run(
    folder: Path, steps: int, kill: Kill, first: int = 0, last: int = 10_000
) -> Generator[Loss]:
    """Kill at statement ``first`` of a run of ``steps``, then at the next, … up to its end."""
    with a_town(folder) as town:
        for number in range(first, last + 1):
            loss = kill(town, number, steps)
            if loss is None:
                break
            assert loss.drops <= loss.tick_drops + 2 * START_PRICE, loss
            yield loss


_KILLS: Mapping[str, Kill] = {"requestor": kill_requestor, "provider": kill_provider}


def main() -> None:
    """Kill at every tick, and print what it cost as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=10, help="about so many has a run")
    parser.add_argument("--first", type=int, default=0, help="the first statement to kill at")
    parser.add_argument("--side", choices=[*_KILLS], help="kill this side alone")
    arguments = parser.parse_args()
    for side, kill in _KILLS.items():
        if arguments.side not in (None, side):
            continue
        with tempfile.TemporaryDirectory(prefix="fogbank-ticks-") as folder:
            steps = arguments.ticks * STEPS_A_TICK
            for loss in run(Path(folder), steps, kill, arguments.first):
                print(json.dumps(asdict(loss)), flush=True)


if __name__ == "__main__":
    main()
