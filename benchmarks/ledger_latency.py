"""How soon a payment is final: ``python -m benchmarks.ledger_latency``, JSON lines.

Four validators and one payer, five processes, each with its own node, files and TCP channels on
loopback.  The payer pays the validators in turn at a steady pace.  The time runs from the call of
``pay`` to the moment at which the payment is final at the payer, and at the payee.  Beside it the
processor time of each process while nothing is paid, and what a payment costs a validator.
"""

import gc
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from operator import sub
from pathlib import Path
from time import monotonic, process_time, sleep
from typing import cast

import trio

from fogbank_agent.limits import GARBAGE_THRESHOLDS
from fogbank_dag_ledger.genesis import Genesis, new_genesis
from fogbank_dag_ledger.own_account import PaymentReceived
from fogbank_dag_ledger.service import LedgerService
from fogbank_dag_ledger.wallet import WindowFull
from fogbank_protocol.discovery.address import Address
from fogbank_protocol.identity import Identity
from fogbank_protocol.node.node import Node, NodeSettings

VALIDATORS = 4
PAYMENTS_PER_S = 50
SECONDS = 20
WARM_UP_S = 2
IDLE_S = 5

IDENTITIES = [Identity.from_seed(bytes([number]) * 32) for number in range(VALIDATORS + 1)]
PAYER = VALIDATORS


def _genesis() -> Genesis:
    seats = {one.node_id: 1 for one in IDENTITIES[:VALIDATORS]}
    balances = {one.node_id: 1_000_000 for one in IDENTITIES}
    return new_genesis("bench", seats, balances, bytes(16))


def _say(**what: object) -> None:
    print(json.dumps(what), flush=True)


async def _part(number: int, folder: Path, ports: Sequence[int]) -> None:
    """Be one of the five: say the port, then obey lines on standard input."""
    genesis = _genesis()
    settings = NodeSettings(
        listen_hosts=("127.0.0.1",),
        mdns=False,
        static_peers=tuple(Address("127.0.0.1", port) for port in ports),
    )
    node = Node(IDENTITIES[number], genesis.network, settings, genesis.body)
    service = LedgerService(genesis, IDENTITIES[number], folder / str(number), node)
    node.add_services(service.services())
    received: dict[str, float] = {}
    async with trio.open_nursery() as nursery:
        await nursery.start(service.run)
        await nursery.start(node.run)
        nursery.start_soon(_note_received, service, received)
        _say(port=node.port)
        while line := await trio.to_thread.run_sync(sys.stdin.readline):
            match line.strip():
                case "ready":
                    await service.wait_issuing()
                    _say(ready=True)
                case "worked":
                    _say(worked=process_time())
                case "memory":
                    _say(memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
                case "pay":
                    _say(paid=await _pay(service))
                case "received":
                    _say(received=received)
                case _:
                    break
        nursery.cancel_scope.cancel()


async def _note_received(service: LedgerService, received: dict[str, float]) -> None:
    async with service.watch() as news:
        async for item in news:
            if isinstance(item, PaymentReceived):
                received[item.vertex_id.hex()] = monotonic()


async def _pay(service: LedgerService) -> Mapping[str, tuple[float, float]]:
    """Return when each payment was begun and when it was final, by its vertex."""
    times: dict[str, tuple[float, float]] = {}

    async def pay(number: int) -> None:
        start = monotonic()
        payment = [(IDENTITIES[number % VALIDATORS].node_id, 1)]
        while True:
            try:
                paid = await service.pay(payment)
                break
            except WindowFull:
                # Counted as it is: whoever pays too fast has to wait.
                await trio.sleep(0.01)
        await service.wait_final(paid)
        times[paid.hex()] = (start, monotonic())

    begin = monotonic()
    async with trio.open_nursery() as payments:
        for number in range(PAYMENTS_PER_S * (WARM_UP_S + SECONDS)):
            await trio.sleep(max(0, begin + number / PAYMENTS_PER_S - monotonic()))
            payments.start_soon(partial(pay, number))
    return {
        vertex_id: (start, final)
        for vertex_id, (start, final) in times.items()
        if start >= begin + WARM_UP_S
    }


class _Process:
    """One of the five, seen from here."""

    def __init__(self, number: int, folder: str, ports: Sequence[int]) -> None:
        command = [sys.executable, "-m", "benchmarks.ledger_latency", str(number), folder]
        self.process = subprocess.Popen(
            [*command, *map(str, ports)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = cast("int", self._hear()["port"])

    def number(self, question: str) -> float:
        return cast("float", self.ask(question)[question])

    def ask(self, question: str) -> dict[str, object]:
        self.begin(question)
        return self._hear()

    def begin(self, question: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()

    def _hear(self) -> dict[str, object]:
        assert self.process.stdout is not None
        heard: dict[str, object] = json.loads(self.process.stdout.readline())
        return heard

    def end(self) -> None:
        self.begin("end")
        self.process.wait()


def _print(figure: str, **figures: object) -> None:
    machine = {
        "machine": f"{platform.machine()} {platform.system()}",
        "python": platform.python_version(),
        "trio": version("trio"),
    }
    print(
        json.dumps({"figure": figure, **figures, "validators": VALIDATORS, **machine}), flush=True
    )


def _print_times(figure: str, times: Sequence[float]) -> None:
    _print(
        figure,
        p50_ms=round(1000 * statistics.median(times)),
        p95_ms=round(1000 * statistics.quantiles(times, n=20)[-1]),
        payments=len(times),
        per_s=PAYMENTS_PER_S,
    )


def main() -> None:
    """Print the figures."""
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    if len(sys.argv) > 1:
        trio.run(_part, int(sys.argv[1]), Path(sys.argv[2]), [int(port) for port in sys.argv[3:]])
        return
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        parts: list[_Process] = []
        for number in range(VALIDATORS + 1):
            part = _Process(number, folder, [part.port for part in parts])
            stack.callback(part.end)
            parts.append(part)
        _measure(parts)


def _measure(parts: Sequence[_Process]) -> None:
    for part in parts:
        part.ask("ready")
    before = [part.number("worked") for part in parts]
    sleep(IDLE_S)
    idle = [part.number("worked") for part in parts]
    paid = cast("dict[str, tuple[float, float]]", parts[PAYER].ask("pay")["paid"])
    busy = [part.number("worked") for part in parts]
    received: dict[str, float] = {}
    for part in parts[:VALIDATORS]:
        received |= cast("dict[str, float]", part.ask("received")["received"])
    _print_times(
        "payment to final over loopback TCP, at the payer",
        [final - start for start, final in paid.values()],
    )
    _print_times(
        "payment to final over loopback TCP, at the payee",
        [received[one] - start for one, (start, _) in paid.items()],
    )
    payments = PAYMENTS_PER_S * (WARM_UP_S + SECONDS)
    _print(
        "processor time of one agent",
        idle_ms_per_s=round(1000 * statistics.mean(map(sub, idle, before)) / IDLE_S, 1),
        validator_ms_per_payment=round(
            1000 * statistics.mean(map(sub, busy[:PAYER], idle)) / payments, 2
        ),
        payer_ms_per_payment=round(1000 * (busy[PAYER] - idle[PAYER]) / payments, 2),
        memory_mb=round(max(part.number("memory") for part in parts) / 1024),
    )


if __name__ == "__main__":
    main()
