"""How soon a payment is final: ``python -m benchmarks.ledger_latency``, JSON lines.

Four validators, each with its own node, files and TCP channels on loopback, all in one process; one
more account pays at a steady pace.  The time runs from the call of ``pay`` to the moment at which
the payment is final at the payer, and at the payee.
"""

import json
import platform
import statistics
import tempfile
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

import trio

from fogbank_dag_ledger.genesis import new_genesis
from fogbank_dag_ledger.service import LedgerService
from fogbank_protocol.discovery.address import Address
from fogbank_protocol.identity import Identity
from fogbank_protocol.node.node import Node, NodeSettings

VALIDATORS = 4
PAYERS = 4
PAYMENTS_PER_S = 50
SECONDS = 20
WARM_UP_S = 2


def _print(figure: str, times: Sequence[float]) -> None:
    line = {
        "figure": figure,
        "p50_ms": round(1000 * statistics.median(times)),
        "p95_ms": round(1000 * statistics.quantiles(times, n=20)[-1]),
        "payments": len(times),
        "per_s": PAYMENTS_PER_S,
        "validators": VALIDATORS,
        "machine": f"{platform.machine()} {platform.system()}",
        "python": platform.python_version(),
        "trio": version("trio"),
    }
    print(json.dumps(line), flush=True)


async def _measure(folder: Path) -> tuple[list[float], list[float]]:
    identities = [Identity.from_seed(bytes([number]) * 32) for number in range(VALIDATORS + PAYERS)]
    seats = {one.node_id: 1 for one in identities[:VALIDATORS]}
    balances = {one.node_id: 1_000_000 for one in identities}
    genesis = new_genesis("bench", seats, balances, bytes(16))
    at_payer: list[float] = []
    at_payee: list[float] = []
    async with trio.open_nursery() as nursery:
        services: list[LedgerService] = []
        addresses: tuple[Address, ...] = ()
        for number, identity in enumerate(identities):
            settings = NodeSettings(listen_hosts=("127.0.0.1",), mdns=False, static_peers=addresses)
            node = Node(identity, genesis.network, settings, genesis.body)
            service = LedgerService(genesis, identity, folder / str(number), node)
            node.add_services(service.services())
            await nursery.start(service.run)
            await nursery.start(node.run)
            addresses = (*addresses, Address("127.0.0.1", node.port))
            services.append(service)
        for service in services:
            await service.wait_issuing()

        async def pay(number: int, *, counts: bool) -> None:
            payer = services[VALIDATORS + number % PAYERS]
            payee_number = number % VALIDATORS
            start = trio.current_time()
            paid = await payer.pay([(identities[payee_number].node_id, 1)])
            await payer.wait_final(paid)
            elapsed = trio.current_time() - start
            await services[payee_number].wait_final(paid)
            if counts:
                at_payer.append(elapsed)
                at_payee.append(trio.current_time() - start)

        async with trio.open_nursery() as payments:
            begin = trio.current_time()
            for number in range(PAYMENTS_PER_S * (WARM_UP_S + SECONDS)):
                await trio.sleep_until(begin + number / PAYMENTS_PER_S)
                counts = number >= PAYMENTS_PER_S * WARM_UP_S
                payments.start_soon(partial(pay, number, counts=counts))
        nursery.cancel_scope.cancel()
    return at_payer, at_payee


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        at_payer, at_payee = trio.run(_measure, Path(folder))
    _print("payment to final over loopback TCP, at the payer", at_payer)
    _print("payment to final over loopback TCP, at the payee", at_payee)


if __name__ == "__main__":
    main()
