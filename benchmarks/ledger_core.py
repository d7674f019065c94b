"""How many vertices a second the core takes on one core: ``python -m benchmarks.ledger_core``.

Four validators and fifty accounts that pay each other and claim.  Vertices arrive as bytes; they
are decoded, their signatures are checked (or not), and they are inserted.  One JSON line a figure;
rates are per second of processor time.
"""

import json
import platform
import statistics
import tracemalloc
from collections.abc import Iterator
from importlib.metadata import version
from random import Random
from time import process_time

from fogbank_dag_ledger.events import LedgerEvent
from fogbank_dag_ledger.genesis import Genesis, new_genesis
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.validator import LedgerGrew, Validator
from fogbank_dag_ledger.vertex import Draft, Vertex
from fogbank_dag_ledger.vertex_codec import (
    check_signature,
    decode_vertex,
    encode_vertex,
    sign_vertex,
)
from fogbank_dag_ledger.wallet import PaymentRefused, Wallet
from fogbank_protocol.identity import Identity

VALIDATORS = 4
ACCOUNTS = 50
VERTICES = 10_000
ORDINARY_PER_ROUND = 40
RUNS = 5


def _draws(random: Random) -> Iterator[int]:
    while True:
        yield random.getrandbits(32)


def _written(genesis: Genesis, identities: list[Identity]) -> list[bytes]:
    """Return the vertices of a network at work, in the order in which they were made."""
    random, ledger, wires = Random(1), Ledger(genesis), list[bytes]()
    validators = {
        one: Validator(ledger, one.node_id, 0.0)
        for one in identities
        if one.node_id in genesis.seats
    }
    wallets = {one: Wallet(ledger, one.node_id, _draws(random)) for one in identities}
    accounts = [one for one in identities if one not in validators]
    now, news = 0.0, list[LedgerEvent]()

    def issue(identity: Identity, draft: Draft) -> None:
        vertex = sign_vertex(draft, identity, genesis.network, 1_800_000_000)
        wires.append(encode_vertex(vertex))
        news.extend(ledger.insert(vertex))

    while len(wires) < VERTICES:
        for _ in range(ORDINARY_PER_ROUND):
            payer, payee = random.sample(accounts, 2)
            try:
                draft = wallets[payer].claim() if random.random() < 0.3 else None
                issue(payer, draft or wallets[payer].pay({payee.node_id: random.randint(1, 9)}))
            except PaymentRefused:
                continue
        now += 0.1
        heard, news = news, []
        for identity, validator in validators.items():
            for command in validator.handle(LedgerGrew(heard), now):
                issue(identity, command.draft)
    return wires


def _ingest(genesis: Genesis, wires: list[bytes], *, signatures: bool) -> Ledger:
    ledger = Ledger(genesis)
    for wire in wires:
        vertex: Vertex = decode_vertex(wire, genesis.network)
        if signatures:
            check_signature(vertex, genesis.network)
        ledger.insert(vertex)
    return ledger


def _print(figure: str, value: float, unit: str, **more: object) -> None:
    machine = f"{platform.machine()} {platform.system()}"
    versions = {name: version(name) for name in ("networkx", "msgpack", "pynacl")}
    versions["python"] = platform.python_version()
    line = {"figure": figure, "value": round(value, 1), "unit": unit, **more}
    print(json.dumps({**line, "machine": machine, "versions": versions}))


def main() -> None:
    """Print the figures."""
    identities = [Identity.from_seed(number.to_bytes(32, "big")) for number in range(54)]
    seats = {one.node_id: 1 for one in identities[:VALIDATORS]}
    balances = {one.node_id: 1_000_000 for one in identities}
    genesis = new_genesis("bench", seats, balances, bytes(16))
    wires = _written(genesis, identities)
    ledger = _ingest(genesis, wires, signatures=False)
    assert ledger.supply_held() == genesis.supply
    for signatures in (False, True):
        rates: list[float] = []
        for _ in range(RUNS):
            start = process_time()
            _ingest(genesis, wires, signatures=signatures)
            rates.append(len(wires) / (process_time() - start))
        _print(
            "ledger core, decode to insert" + (", signatures checked" if signatures else ""),
            statistics.median(rates),
            "vertices/s",
            best=round(max(rates)),
            runs=RUNS,
            vertices=len(wires),
            final=ledger.final_count,
            bytes_each=round(sum(map(len, wires)) / len(wires)),
        )
    vertices = [decode_vertex(wire, genesis.network) for wire in wires[:2_000]]
    start = process_time()
    for vertex in vertices:
        check_signature(vertex, genesis.network)
    rate = len(vertices) / (process_time() - start)
    _print("signatures alone", rate, "vertices/s", vertices=len(vertices))
    tracemalloc.start()
    ledger = _ingest(genesis, wires, signatures=False)
    _print("ledger core, memory", tracemalloc.get_traced_memory()[0] / len(ledger), "bytes/vertex")


if __name__ == "__main__":
    main()
