"""The vertices of a made-up network at work, for the benchmarks of the ledger."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from fogbank_dag_ledger.events import LedgerEvent
from fogbank_dag_ledger.genesis import Genesis, new_genesis
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.validator import LedgerGrew, Validator
from fogbank_dag_ledger.vertex import Draft
from fogbank_dag_ledger.vertex_codec import encode_vertex, sign_vertex
from fogbank_dag_ledger.wallet import PaymentRefused, Wallet
from fogbank_protocol.identity import Identity

ORDINARY_PER_ROUND = 40


@dataclass(frozen=True, slots=True)
class WrittenNetwork:
    """A genesis, who has seats and money in it, and what they issued, in order."""

    genesis: Genesis
    identities: tuple[Identity, ...]
    wires: tuple[bytes, ...]


def write_network(validators: int, accounts: int, vertices: int) -> WrittenNetwork:
    """Return a network of which ``accounts`` besides ``validators`` pay each other and claim."""
    identities = tuple(
        Identity.from_seed(number.to_bytes(32, "big")) for number in range(validators + accounts)
    )
    seats = {one.node_id: 1 for one in identities[:validators]}
    balances = {one.node_id: 1_000_000 for one in identities}
    genesis = new_genesis("bench", seats, balances, bytes(16))
    return WrittenNetwork(genesis, identities, tuple(_wires(genesis, identities, vertices)))


def _wires(genesis: Genesis, identities: tuple[Identity, ...], vertices: int) -> list[bytes]:
    random, ledger, wires = Random(1), Ledger(genesis), list[bytes]()
    seats = len(genesis.seats)
    validators = [Validator(ledger, one.node_id, 0.0) for one in identities[:seats]]
    wallets = [Wallet(ledger, one.node_id, _draws(random)) for one in identities]
    now, news = 0.0, list[LedgerEvent]()

    def issue(identity: Identity, draft: Draft) -> None:
        vertex = sign_vertex(draft, identity, genesis.network, 1_800_000_000)
        wires.append(encode_vertex(vertex))
        news.extend(ledger.insert(vertex))

    while len(wires) < vertices:
        for _ in range(ORDINARY_PER_ROUND):
            payer, payee = random.sample(range(seats, len(identities)), 2)
            try:
                draft = wallets[payer].claim() if random.random() < 0.3 else None
                amounts = {identities[payee].node_id: random.randint(1, 9)}
                issue(identities[payer], draft or wallets[payer].pay(amounts))
            except PaymentRefused:
                continue
        now += 0.1
        heard, news = news, []
        for identity, validator in zip(identities, validators, strict=False):
            for command in validator.handle(LedgerGrew(heard), now):
                issue(identity, command.draft)
    return wires


def _draws(random: Random) -> Iterator[int]:
    while True:
        yield random.getrandbits(32)
