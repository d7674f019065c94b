"""Totals carried along a chain that forks (SPEC.md section 8.3)."""

from random import Random

from fogbank_dag_ledger.accounts import Account, Totals
from fogbank_dag_ledger.chain import Chain
from fogbank_dag_ledger.record import Gain, Record
from fogbank_protocol.identity import NodeId

from .community import Community, account


def random_chain(seed: int) -> tuple[list[Record], Community]:
    """Return records of one account that form a random tree with consistent totals."""
    random, community = Random(seed), Community()
    sender = Chain(account(99), 0, None)
    chain = Chain(community.names[4], 0, None)
    records: list[Record] = []
    for number in range(25):
        prev = random.choice([None, *records]) if number else None
        sent, claimed = totals_by_definition(prev)
        to, amount = account(random.randrange(3)), random.randint(1, 9)
        vertex = community.vertex(4, note=number)
        claims: tuple[Gain, ...] = ()
        if random.random() < 0.5:
            gained = random.randint(1, 9)
            total = claimed.get(sender.issuer, 0) + gained
            paid = ((chain.issuer, 1, total),)
            source = Record(vertex, sender, None, (), balance=0, beat=0, payments=paid, claims=())
            claims = ((source, gained),)
        record = Record(
            vertex,
            chain,
            prev,
            () if prev is None else (prev,),
            balance=number,
            beat=0,
            payments=((to, amount, sent.get(to, 0) + amount),),
            claims=claims,
        )
        record.seq = 0 if prev is None else prev.seq + 1
        records.append(record)
    return records, community


def totals_by_definition(end: Record | None) -> tuple[dict[NodeId, int], dict[NodeId, int]]:
    sent: dict[NodeId, int] = {}
    claimed: dict[NodeId, int] = {}
    while end is not None:
        for recipient, amount, _ in end.payments:
            sent[recipient] = sent.get(recipient, 0) + amount
        for source, gained in end.claims:
            claimed[source.chain.issuer] = claimed.get(source.chain.issuer, 0) + gained
        end = end.prev
    return sent, claimed


def test_totals_are_right_wherever_they_are_carried() -> None:
    for seed in range(10):
        records, _ = random_chain(seed)
        totals, random = Totals(), Random(seed)
        for target in random.choices([None, *records], k=60):
            totals.move(target)
            assert totals.at is target
            assert (totals.sent, totals.claimed) == totals_by_definition(target)


def test_an_account_remembers_the_last_vertex_that_carried_something() -> None:
    community = Community()
    chain = Chain(community.names[4], 1_000, None)
    paying = Record(
        community.vertex(4),
        chain,
        None,
        (),
        balance=990,
        beat=0,
        payments=((account(1), 10, 10),),
        claims=(),
    )
    empty = Record(
        community.vertex(4, note=1),
        chain,
        paying,
        (paying,),
        balance=990,
        beat=0,
        payments=(),
        claims=(),
    )
    final = Account(1_000)
    final.advance(paying)
    final.advance(empty)
    assert (final.balance, final.head, final.at) == (990, paying.id, empty)
