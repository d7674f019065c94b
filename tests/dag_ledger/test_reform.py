"""A committee changes while payments go on, in a made-up world (SPEC.md section 8.19)."""

from dataclasses import replace

import pytest

from fogbank_dag_ledger.committee_operations import CommitteeVote, Proposal, SignOff, Table, Want
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.reform import Reform
from fogbank_dag_ledger.vertex import NO_VERTEX, VALIDATOR, Draft, Vertex

from .community import Community
from .electorate import Electorate


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_network_of_one_grows_to_four_seats_while_payments_go_on(seed: int) -> None:
    town = Electorate(seed, seats=1, others=4)
    town.run(5, pays=True)
    for count in (2, 3, 4):
        town.wish(list(range(count)), by=list(range(count - 1)))
        town.run(25, pays=True)
    town.run(25)
    town.check(epochs=3)
    town.ask_oracle()
    assert len(town.members[0].ledger.epochs.table.seats) == 4
    # The four decide now: without two of them nothing does, without one all goes on.
    payer = town.members[1]
    payer.issue(payer.wallet.pay({town.members[0].name: 1}))
    paid = payer.ledger.head(payer.name)
    assert paid is not None
    town.run(15, silent=frozenset({2, 3}))
    assert not town.members[0].ledger.is_final(paid)
    town.run(15, silent=frozenset({3}))
    assert town.members[0].ledger.is_final(paid)


@pytest.mark.slow
def test_a_seat_is_removed_by_the_others_and_an_absent_leader_only_delays() -> None:
    town = Electorate(7, seats=4, others=3)
    town.run(5, pays=True)
    # The first leader is silent: its attempt has to time out.
    leader = 1
    town.wish([0, 2, 3], by=[0, 2])
    town.run(60, pays=True, silent=frozenset({leader}))
    town.run(30)
    town.check(epochs=1)
    assert len(town.members[0].ledger.epochs.table.seats) == 3


def test_what_was_not_kept_is_said_again() -> None:
    community = Community(seats=1, others=1)
    ledger = Ledger(community.genesis)
    chain = ledger.chain(community.names[0])
    assert chain is not None
    reform = Reform(ledger.epochs, chain)
    reform.wish(Table(((community.names[0], 1), (community.names[1], 1)), 2))
    head: Vertex | None = None
    for expected in (Want, SignOff, Proposal, CommitteeVote):
        said = reform.next(0)
        assert isinstance(said[0], expected)
        # The disk was full, and nobody has heard of it.
        reform.look_again()
        assert reform.next(0) == said
        draft = Draft(
            kind=VALIDATOR,
            issuer=chain.issuer,
            seq=0 if head is None else head.seq + 1,
            prev=NO_VERTEX if head is None else head.id,
            committee=said,
        )
        head = community.sign(replace(draft, epoch=ledger.epoch_for(draft)))
        ledger.insert(head)


def test_who_has_no_seat_in_the_community_wants_nothing_of_it() -> None:
    """It may have one in the home of a site, and would sign what breaks 8.19.2."""
    community = Community(seats=2)
    ledger = Ledger(community.genesis)
    chain = ledger.chain(community.names[3])
    assert chain is not None
    reform = Reform(ledger.epochs, chain)
    reform.wish(Table(((community.names[3], 1),), 1))
    assert reform.next(0) == []


@pytest.mark.slow
def test_one_member_alone_changes_nothing() -> None:
    town = Electorate(3, seats=4)
    town.run(3)
    town.wish([0], by=[0])
    town.run(40)
    town.check(epochs=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_change_of_epoch_frees_a_frozen_account(seed: int) -> None:
    town = Electorate(seed, seats=4)
    town.run(3)
    spender = 4
    name = town.members[spender].name
    head = town.members[spender].ledger.head(name)
    assert head is None
    ways = [town.community.vertex(spender, pays={to: 600}) for to in (0, 1)]
    # Each side of two sees one of the two payments first.
    town.members[0].take(ways[0])
    town.members[1].take(ways[0])
    town.members[2].take(ways[1])
    town.members[3].take(ways[1])
    for member in town.members[:4]:
        member.tick(town.now + 1)
    town.now += 1
    town.run(20)
    ledgers = [member.ledger for member in town.members]
    assert not any(ledger.is_final(way.id) for ledger in ledgers for way in ways)

    # The seats stay as they are.
    town.wish([0, 1, 2, 3], by=[0, 1, 2, 3])
    town.run(40)

    assert {ledger.epochs.number for ledger in ledgers} == {1}
    final = {way.id for ledger in ledgers for way in ways if ledger.is_final(way.id)}
    assert final == {min(way.id for way in ways)}
    town.ask_oracle()

    # It is an account like any other again.
    assert not any(ledger.is_barred(name) for ledger in ledgers)
    owner = town.members[spender]
    assert owner.ledger.head(name) in final
    paid: list[Vertex] = []
    for _ in range(2):
        owner.issue(owner.wallet.pay({town.members[5].name: 5}))
        paid.append(owner.told[-1])
        wanted = [ledger.unwanted(paid[-1]) for ledger in ledgers if ledger is not owner.ledger]
        assert wanted == [None] * len(wanted)
        town.run(8)
    assert all(ledger.is_final(one.id) for ledger in ledgers for one in paid)
    town.ask_oracle()

    # The old fork is nothing new to anybody; another one is.
    proof = town.members[0].ledger.proofs()[name]
    assert town.members[0].ledger.learn_proof(proof) is None
    last = paid[-1]
    again = [town.community.vertex(spender, last, pays={to: 1}, epoch=1, note=to) for to in (0, 1)]
    for ledger in ledgers[:4]:
        for one in again:
            ledger.insert(one)
        assert ledger.is_barred(name)
        assert ledger.proofs()[name] != proof
