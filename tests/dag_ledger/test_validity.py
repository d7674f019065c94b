"""The rules that need the past cone (SPEC.md section 8.3)."""

from typing import Any

import pytest

from fogbank_dag_ledger.chain import Chain
from fogbank_dag_ledger.dag import Dag
from fogbank_dag_ledger.footing import Footing, Ground
from fogbank_dag_ledger.genesis import decode_genesis
from fogbank_dag_ledger.home import NOWHERE
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.record import Record
from fogbank_dag_ledger.validity import check_cone, may_hold_above_later_floor
from fogbank_dag_ledger.vertex_codec import check_signature, decode_vertex
from fogbank_protocol.errors import RemoteProtocolError

from .community import Community
from .vector_files import case_name, vectors

VECTORS = vectors("ledger")


@pytest.mark.parametrize("case", VECTORS["reject"], ids=case_name)
def test_a_rejected_vector_breaks_its_rule_and_changes_nothing(case: Any) -> None:
    ledger = Ledger(decode_genesis(bytes.fromhex(case.get("genesis", VECTORS["genesis"]))))
    for held in case["held"]:
        ledger.insert(decode_vertex(bytes.fromhex(held), ledger.genesis.network))
    before = (len(ledger), ledger.state_hash(), set(ledger.heads()), set(ledger.tips()))
    vertex = decode_vertex(bytes.fromhex(case["hex"]), ledger.genesis.network)
    check_signature(vertex, ledger.genesis.network)
    assert ledger.missing(vertex) == ()

    with pytest.raises(RemoteProtocolError) as caught:
        ledger.insert(vertex)

    assert caught.value.rule == case["rule"]
    assert (len(ledger), ledger.state_hash(), set(ledger.heads()), set(ledger.tips())) == before


def test_every_rule_of_the_cone_but_the_one_of_tags_has_a_rejected_vector() -> None:
    rules = {case["rule"] for case in VECTORS["reject"]}
    committee = {f"8.19.{number}" for number in range(2, 6)}
    homes = {f"8.18.{number}" for number in range(2, 7)} | {"8.12.10"}
    assert rules == {f"8.3.{number}" for number in (7, *range(14, 19))} | committee | homes


def test_a_prev_of_another_key_with_the_same_tag_is_refused() -> None:
    """Two such keys are years of work; here one chain is simply said to be another's."""
    community = Community()
    first = community.vertex(4)
    second = community.vertex(4, first)
    mine, theirs = (Chain(community.names[person], 0, None) for person in (4, 5))
    dag = Dag()
    dag.add(Record(first, theirs, None, (), balance=0, beat=0, payments=(), claims=()))
    with pytest.raises(RemoteProtocolError) as caught:
        Ground(dag, {}).footing(second, mine, [dag.get(first.id)])
    assert caught.value.rule == "8.3.13"


def test_balances_and_totals_stay_below_2_to_the_64() -> None:
    """Forks can make money that is never final; even that does not overflow."""
    community = Community(seats=1, others=3)
    ledger = Ledger(community.genesis)
    chain = Chain(community.names[1], 0, None)
    payer = community.vertex(2, pays={1: 5})
    source = Record(
        payer,
        Chain(community.names[2], 0, None),
        None,
        (),
        balance=0,
        beat=0,
        payments=((community.names[1], 5, 2**64 - 1),),
        claims=(),
    )
    prev = Record(community.vertex(1), chain, None, (), balance=1, beat=0, payments=(), claims=())
    chain.totals.advance(prev)
    claiming = community.vertex(1, community.vertex(1), claims=[(payer, 2**64 - 1)])
    footing = Footing((prev, source), prev, (source,), lost=False)
    with pytest.raises(RemoteProtocolError) as caught:
        check_cone(claiming, chain, footing, {}, Ground(Dag(), {}), community.network, NOWHERE)
    assert caught.value.rule == "8.3.17"
    assert len(ledger) == 0


def test_a_claim_draws_its_source_into_the_cone() -> None:
    community = Community()
    ledger = Ledger(community.genesis)
    payment = community.vertex(4, pays={5: 10})
    claim = community.vertex(5, claims=[(payment, 10)])
    for vertex in (payment, claim, *(community.vertex(seat, parents=[claim]) for seat in range(3))):
        ledger.insert(vertex)
    assert ledger.is_confirmed(payment.id)


def test_a_forked_validator_acknowledges_what_its_own_line_has_seen() -> None:
    community = Community()
    ledger = Ledger(community.genesis)
    payment = community.vertex(4, pays={5: 10})
    seeing, blind = community.vertex(0, parents=[payment]), community.vertex(0)
    for vertex in (payment, blind, seeing):
        ledger.insert(vertex)
    ledger.insert(community.vertex(0, seeing, acknowledges=[payment]))
    with pytest.raises(RemoteProtocolError) as caught:
        ledger.insert(community.vertex(0, blind, acknowledges=[payment]))
    assert caught.value.rule == "8.3.18"


def test_a_newer_floor_may_allow_what_breaks_a_rule_that_it_replaces_and_nothing_else() -> None:
    replaced = {"8.3.7", "8.3.15", "8.3.16", "8.3.17", "8.3.18", "8.19.4", "8.19.5"}
    replaced |= {f"8.18.{number}" for number in range(2, 7)}
    of_objects = {"8.12.3", "8.12.10", "8.13.1", "8.14.2", "8.15.2"}
    stay = {f"8.3.{number}" for number in range(1, 19)} - replaced
    stay |= {"8.12.1", "8.12.2", "8.18.1", "8.19.1", "8.19.2", "8.19.3", ""}
    assert all(map(may_hold_above_later_floor, replaced | of_objects))
    assert not any(map(may_hold_above_later_floor, stay))
