"""Whom to dial: turns, places and back-off (SPEC.md section 9.1)."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from fogbank_agent.limits import (
    HEARD_AGAIN_S_MAX,
    HEARD_AGAIN_S_MIN,
    HEARD_DIALLED_MAX,
    HEARD_ROUND_S,
)
from fogbank_agent.market.dial_rounds import DialRounds
from fogbank_agent.market.heard_table import Heard, HeardTable, Rumour, Way
from fogbank_protocol.discovery.address import Address
from fogbank_protocol.identity import NodeId

from .heard import ADDRESS, AN_OFFER, LIAR, TOLD, provider
from .objects import CAT


def nobody(_: NodeId) -> bool:
    return False


def tell(
    table: HeardTable, number: int, source: NodeId, price: int = 0, address: Address = ADDRESS
) -> None:
    """Have ``source`` tell of a provider for a long time; of a later one later."""
    known = table.find(provider(number))
    heard = known or Heard(replace(AN_OFFER, price=price), TOLD.offer, 0)
    table.put(heard, Rumour(provider(number), Way(source, 1), 5, address, 1e9, number, number))


def drawn(rounds: DialRounds, now: float) -> Sequence[int]:
    return [int.from_bytes(one.provider, "big") for one in rounds.draw(nobody, now)]


def test_neighbours_take_turns() -> None:
    table = HeardTable()
    for number in range(20):
        tell(table, number, LIAR)
    tell(table, 100, CAT.node_id, price=9)
    tell(table, 101, CAT.node_id, price=8)
    assert drawn(DialRounds(table), 0) == [0, 101, 1, 100, 2, 3, 4, 5]


def test_with_more_neighbours_than_places_each_has_its_turn_in_a_later_round() -> None:
    table = HeardTable()
    rounds = DialRounds(table)
    for number in range(100):
        for liar in range(HEARD_DIALLED_MAX * 3):
            tell(table, 1_000 * liar + number, NodeId(bytes([liar]) * 32))
    tell(table, 100_000, CAT.node_id, price=9)
    found = [100_000 in drawn(rounds, HEARD_ROUND_S * number) for number in range(4)]
    assert found == [False, False, False, True]


def test_ever_new_neighbours_do_not_come_before_those_that_wait() -> None:
    table = HeardTable()
    rounds = DialRounds(table)
    tell(table, 100_000, CAT.node_id)
    tell(table, 100_001, CAT.node_id, price=9)
    assert drawn(rounds, 0) == [100_000, 100_001]
    tell(table, 100_002, CAT.node_id)
    found: list[bool] = []
    for number in range(1, 4):
        for liar in range(HEARD_DIALLED_MAX):
            source = number * HEARD_DIALLED_MAX + liar
            tell(table, source, NodeId(bytes([source]) * 32))
        found.append(100_002 in drawn(rounds, HEARD_ROUND_S * number))
    assert any(found)


def test_on_one_way_the_cheapest_and_the_longest_waiting_alternate() -> None:
    table = HeardTable()
    for number in range(6):
        tell(table, number, CAT.node_id, price=10 - number)
    assert drawn(DialRounds(table), 0) == [5, 0, 4, 1, 3, 2]


def test_a_round_has_so_many_places_whoever_comes_in_it() -> None:
    table = HeardTable()
    rounds = DialRounds(table)
    tell(table, 0, CAT.node_id)
    assert drawn(rounds, 0) == [0]
    for number in range(1, 20):
        tell(table, number, LIAR)
    assert len(drawn(rounds, 1)) == HEARD_DIALLED_MAX - 1
    assert drawn(rounds, HEARD_ROUND_S - 1) == []
    assert len(drawn(rounds, HEARD_ROUND_S)) == HEARD_DIALLED_MAX


def test_who_does_not_come_is_dialled_ever_less_often_but_again_and_again() -> None:
    table = HeardTable()
    rounds = DialRounds(table)
    tell(table, 0, CAT.node_id)
    dialled = [now for now in range(4_000) if drawn(rounds, now)]
    waits = [later - now for now, later in pairwise(dialled)]
    assert waits[:5] == [HEARD_AGAIN_S_MIN * 2**number for number in range(5)]
    assert set(waits[5:]) == {HEARD_AGAIN_S_MAX}


def test_years_of_failures_do_not_overflow() -> None:
    table = HeardTable()
    rounds = DialRounds(table)
    tell(table, 0, CAT.node_id)
    table.lanes[Way(CAT.node_id, 1)].rumours[provider(0)].in_vain = 10_000
    assert drawn(rounds, 0) == [0]
    assert drawn(rounds, HEARD_AGAIN_S_MAX) == [0]


def test_connected_and_ended_ones_are_not_dialled() -> None:
    table = HeardTable()
    tell(table, 0, CAT.node_id)
    tell(table, 1, CAT.node_id)
    rounds = DialRounds(table)
    dials = rounds.draw(lambda peer: peer == provider(0), 0)
    assert [one.provider for one in dials] == [provider(1)]
    assert DialRounds(table).draw(nobody, 1e9) == []


def test_one_address_is_dialled_once_however_many_tell_it() -> None:
    table = HeardTable()
    rounds = DialRounds(table)
    for number in range(1, 30):
        tell(table, 0, NodeId(bytes([number]) * 32))
    elsewhere = Address("192.0.2.1", 9)
    tell(table, 0, LIAR, address=elsewhere)
    assert [one.address for one in rounds.draw(nobody, 0)] == [ADDRESS, elsewhere]
