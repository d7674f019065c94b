"""Whether pruning keeps a ledger small and quick: ``python -m benchmarks.ledger_memory``.

Four validators and fifty accounts that pay each other and claim, in one ledger, without signatures.
After every 5,000 vertices a cut is taken and what the one before covers is forgotten.  One JSON
line at 10,000 vertices and at every 50,000: processor time of an insertion, vertices held.  Before
them the memory of a live vertex and the bytes that a store writes for each.
``LEDGER_MEMORY_VERTICES`` sets how many.
"""

import json
import os
import platform
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import process_time

from fogbank_dag_ledger.cut import Cut
from fogbank_dag_ledger.events import LedgerEvent
from fogbank_dag_ledger.genesis import Genesis, new_genesis
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.limits import CHECKPOINT_VERTICES, STORE_BATCH_VERTICES
from fogbank_dag_ledger.service.store import VertexStore
from fogbank_dag_ledger.validator import LedgerGrew, Validator
from fogbank_dag_ledger.vertex import Draft, Vertex
from fogbank_dag_ledger.vertex_codec import encode_vertex, unsigned_vertex
from fogbank_dag_ledger.wallet import PaymentRefused, Wallet
from fogbank_protocol.identity import NodeId

VALIDATORS = 4
ACCOUNTS = 50
VERTICES = 500_000
FIRST = 10_000
STEP = 50_000
ORDINARY_PER_ROUND = 40
LIVE = 10_000


class Town:
    """A network at work in one ledger."""

    def __init__(self) -> None:
        names = [NodeId(number.to_bytes(32, "big")) for number in range(VALIDATORS + ACCOUNTS)]
        self.genesis: Genesis = new_genesis(
            "bench", dict.fromkeys(names[:VALIDATORS], 1), dict.fromkeys(names, 1 << 40), bytes(16)
        )
        self.ledger = Ledger(self.genesis)
        self.vertices = 0
        self.insertion_s = 0.0
        self._random = Random(1)
        self._names = names
        self._validators = [Validator(self.ledger, name, 0.0) for name in names[:VALIDATORS]]
        self._wallets = [Wallet(self.ledger, name, self._draws()) for name in names]
        self._news: list[LedgerEvent] = []
        self._now = 0.0
        self._before = Cut()

    def _draws(self) -> Iterator[int]:
        while True:
            yield self._random.getrandbits(32)

    def _issue(self, draft: Draft) -> Vertex:
        vertex = unsigned_vertex(draft, self.genesis.network)
        began = process_time()
        self._news.extend(self.ledger.insert(vertex))
        self.insertion_s += process_time() - began
        self.vertices += 1
        return vertex

    def round(self) -> Iterator[Vertex]:
        """Let some accounts pay or claim, and all seats vote."""
        for _ in range(ORDINARY_PER_ROUND):
            payer, payee = self._random.sample(range(VALIDATORS, len(self._names)), 2)
            try:
                draft = self._wallets[payer].claim() if self._random.random() < 0.3 else None
                amounts = {self._names[payee]: self._random.randint(1, 9)}
                yield self._issue(draft or self._wallets[payer].pay(amounts))
            except PaymentRefused:
                continue
        self._now += 0.1
        heard, self._news = self._news, []
        for validator in self._validators:
            for command in validator.handle(LedgerGrew(heard), self._now):
                yield self._issue(command.draft)

    def prune(self) -> float:
        """Take the next cut and forget what the last one covers; return the processor time."""
        began = process_time()
        may_die = self.ledger.may_die
        cut = self.ledger.choose_cut(self._before, lambda record, _count: may_die(record))
        self.ledger.settle(self._before, {})
        self._before = Cut(cut.counts, cut.dead)
        return process_time() - began


def say(**figures: object) -> None:
    """Print one line of figures."""
    print(json.dumps({"benchmark": "ledger_memory", **figures}), flush=True)


def curve(vertices: int) -> None:
    """Print what an insertion costs as the ledger grows older."""
    town, first = Town(), 0.0
    pruning_s, pruned_at, said_at, said_s = 0.0, 0, 0, 0.0
    marks = [FIRST, *range(STEP, vertices + 1, STEP)]
    while town.vertices < vertices:
        for _ in town.round():
            pass
        if town.vertices - pruned_at >= CHECKPOINT_VERTICES:
            pruned_at = town.vertices
            pruning_s += town.prune()
        if marks and town.vertices >= marks[0]:
            marks.pop(0)
            spent = town.insertion_s + pruning_s - said_s
            cost = 1e6 * spent / (town.vertices - said_at)
            first = first or cost
            say(
                vertices=town.vertices,
                held=len(town.ledger),
                microseconds_a_vertex=round(cost, 1),
                of_the_first=round(cost / first, 2),
            )
            said_at, said_s = town.vertices, town.insertion_s + pruning_s


def memory() -> None:
    """Print the bytes of a live vertex, the one decoded excluded."""
    tracemalloc.start()
    town = Town()
    before = tracemalloc.get_traced_memory()[0]
    while town.vertices < LIVE:
        for _ in town.round():
            pass
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    say(live=len(town.ledger), bytes_a_live_vertex=round((after - before) / len(town.ledger)))


def disk() -> None:
    """Print the bytes that a store holds for each vertex, and writes in batches."""
    town = Town()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vertices.sqlite"
        store = VertexStore(path, town.genesis.network)
        written, batch = 0, list[Vertex]()
        while town.vertices < LIVE:
            batch += town.round()
            if len(batch) >= STORE_BATCH_VERTICES:
                log = path.with_name(path.name + "-wal")
                start = log.stat().st_size
                store.append([(one.id, encode_vertex(one)) for one in batch])
                # The log is written, and its pages once more into the file at some time.
                written += 2 * max(0, log.stat().st_size - start)
                batch = []
        store.close()
        say(
            stored=town.vertices,
            bytes_a_stored_vertex=round(path.stat().st_size / town.vertices),
            bytes_written_a_vertex_at_most=round(written / town.vertices),
        )


def main() -> None:
    """Print all figures."""
    say(machine=platform.machine(), python=platform.python_version())
    memory()
    disk()
    curve(int(os.environ.get("LEDGER_MEMORY_VERTICES", VERTICES)))


if __name__ == "__main__":
    main()
