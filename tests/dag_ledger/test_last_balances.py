"""Whose the money is when a ledger can go no further (SPEC.md section 8.1)."""

from typing import Any

import pytest

from fogbank_dag_ledger.genesis import decode_genesis, new_genesis
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.operations import EscrowTerms, StakeTerms
from fogbank_dag_ledger.vertex_codec import decode_vertex

from .community import Community
from .vector_files import case_name, vectors


def replayed(case: Any) -> Ledger:
    genesis = decode_genesis(bytes.fromhex(case["genesis"]))
    ledger = Ledger(genesis)
    for data in case["vertices"]:
        ledger.insert(decode_vertex(bytes.fromhex(data), genesis.network))
    return ledger


def unclaimed_seizures(ledger: Ledger) -> int:
    """Return what will be nobody's of stakes that were seized and from which none was taken."""
    return sum(
        held.amount - held.part * len(held.terms.watch)
        for held in ledger.objects()
        if isinstance(held.terms, StakeTerms)
        and held.outcome is not None
        and held.outcome.is_seizure
    )


@pytest.mark.parametrize(
    "case", [*vectors("objects")["stories"], *vectors("ledger")["dags"]], ids=case_name
)
def test_all_that_is_not_burned_is_somebodys(case: Any) -> None:
    ledger = replayed(case)
    balances = ledger.last_balances()
    assert all(drops > 0 for drops in balances.values())
    lost = max(ledger.burned, unclaimed_seizures(ledger))
    assert sum(balances.values()) + lost == ledger.genesis.supply
    # A network can begin so.
    begun = new_genesis("after", dict(ledger.genesis.seats), balances, bytes(16), None)
    assert begun.supply == ledger.genesis.supply - lost


def test_what_was_paid_and_not_claimed_is_the_payees() -> None:
    community = Community()
    names = community.names
    payment = community.vertex(4, pays={6: 100})
    votes = [community.vertex(seat, parents=[payment]) for seat in range(3)]
    said = [community.vertex(seat, votes[seat], votes, acknowledges=[payment]) for seat in range(3)]
    # Only wished for: it is not final.
    more = community.vertex(4, payment, pays={5: 50})
    ledger = Ledger(community.genesis)
    for vertex in (payment, *votes, *said, more):
        ledger.insert(vertex)
    found = ledger.last_balances()
    assert (found[names[4]], found[names[5]], found[names[6]]) == (900, 1_000, 100)


def test_an_award_that_is_decided_goes_to_the_provider_and_those_it_shares_with() -> None:
    seen = 0
    for case in vectors("objects")["stories"]:
        ledger = replayed(case)
        for held in ledger.objects():
            terms = held.terms
            if held.outcome is None or not held.outcome.award or not isinstance(terms, EscrowTerms):
                continue
            chain = ledger.chain(terms.provider)
            took = 0 if chain is None else chain.account.objects.get(held, (0, 0, 0))[1]
            if took:
                continue
            seen += 1
            kept = held.outcome.award - sum(drops for _, drops in held.outcome.shares)
            had = ledger.balance(terms.provider)
            assert ledger.last_balances()[terms.provider] >= had + kept
    assert seen
