"""Whom to dial and when, by example and against invariants (SPEC.md section 5.3)."""

from collections.abc import Iterator
from itertools import repeat
from math import inf

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fogbank_protocol.discovery.address import Address
from fogbank_protocol.discovery.candidates import Source
from fogbank_protocol.discovery.dialling import (
    AddressLearnt,
    AddressWithdrawn,
    Dial,
    DialFailed,
    Dialling,
    DialReached,
    PeerClosed,
    PeerMisbehaved,
    PeerOpened,
)
from fogbank_protocol.identity import NodeId
from fogbank_protocol.limits import CUT_OFF_PEERS_MAX, CUT_OFF_S, DIALS_MAX, PEERS_MAX
from fogbank_protocol.machine import Tick

OWN = NodeId(b"m" * 32)
SMALLER, LARGER = NodeId(b"a" * 32), NodeId(b"z" * 32)
HERE, THERE = Address("192.0.2.1", 4747), Address("192.0.2.2", 4747)


def dialling(jitter: float = 0.0) -> Dialling:
    return Dialling(OWN, repeat(jitter))


def learn(
    machine: Dialling,
    address: Address = HERE,
    peer: NodeId | None = LARGER,
    source: Source = Source.ANNOUNCED,
    now: float = 0,
) -> list[Dial]:
    return list(machine.handle(AddressLearnt(address, peer, source), now))


def test_an_address_is_dialled_at_once_and_once() -> None:
    machine = dialling()
    assert learn(machine) == [Dial(HERE)]
    assert learn(machine) == []
    assert machine.deadline == inf


def test_the_larger_of_two_that_hear_of_each_other_waits_a_second() -> None:
    machine = dialling()
    assert learn(machine, peer=SMALLER) == []
    assert machine.deadline == 1
    assert machine.handle(Tick(), 1) == [Dial(HERE)]


def test_an_agent_does_not_dial_itself() -> None:
    machine = dialling()
    assert learn(machine, peer=OWN) == []
    assert learn(machine, peer=None, source=Source.CONFIGURED) == [Dial(HERE)]
    machine.handle(DialReached(HERE, OWN), 0)
    assert machine.deadline == inf
    assert learn(machine, peer=None, source=Source.TOLD) == []


def test_a_failed_address_is_tried_after_one_second_doubling_to_sixty() -> None:
    machine = dialling(jitter=0.5)
    learn(machine, source=Source.CONFIGURED)
    delays: list[float] = []
    now = 0.0
    for _ in range(9):
        machine.handle(DialFailed(HERE), now)
        delays.append(machine.deadline - now)
        now = machine.deadline
        assert machine.handle(Tick(), now) == [Dial(HERE)]
    assert delays == [delay * 1.125 for delay in (1, 2, 4, 8, 16, 32, 60, 60, 60)]


def test_a_hint_is_given_up_after_ten_failures_but_not_the_configuration() -> None:
    for source, is_kept in ((Source.TOLD, False), (Source.CONFIGURED, True)):
        machine = dialling()
        learn(machine, source=source)
        for _ in range(10):
            machine.handle(DialFailed(HERE), 0)
            machine.handle(Tick(), machine.deadline if machine.deadline < inf else 0)
        machine.handle(DialFailed(HERE), 0)
        assert (machine.deadline < inf) == is_kept


def test_a_fresh_announcement_of_an_address_that_failed_is_believed() -> None:
    machine = dialling()
    learn(machine)
    for _ in range(5):
        machine.handle(DialFailed(HERE), 0)
    assert learn(machine, now=5) == [Dial(HERE)]


def test_announcements_without_end_do_not_make_dials_without_end() -> None:
    machine = dialling()
    learn(machine)
    machine.handle(DialFailed(HERE), 0.1)
    for tenth in range(2, 10):
        assert learn(machine, now=tenth / 10) == []
    assert learn(machine, now=1) == [Dial(HERE)]


def test_a_peer_with_a_channel_is_not_dialled_until_it_is_gone() -> None:
    machine = dialling()
    machine.handle(PeerOpened(LARGER), 0)
    assert learn(machine) == []
    assert machine.deadline == inf
    machine.handle(PeerClosed(LARGER), 100)
    assert machine.deadline == 101


@pytest.mark.parametrize("source", [Source.CONFIGURED, Source.REMEMBERED, Source.TOLD])
def test_nobody_is_hidden_by_the_lie_that_a_present_peer_is_at_its_address(source: Source) -> None:
    machine = dialling()
    machine.handle(PeerOpened(LARGER), 0)
    learn(machine, THERE, peer=LARGER, source=Source.TOLD)
    assert machine.deadline == inf
    assert learn(machine, THERE, peer=SMALLER, source=source) == [Dial(THERE)]
    machine.handle(DialReached(THERE, SMALLER), 0)
    machine.handle(PeerOpened(SMALLER), 0)
    learn(machine, THERE, peer=LARGER, source=Source.TOLD)
    assert machine.deadline == inf, "what a handshake showed is believed"
    machine.handle(PeerClosed(SMALLER), 20)
    assert learn(machine, THERE, peer=LARGER, now=20) == [Dial(THERE)]


def test_rumours_do_not_keep_others_waiting_and_old_failures_come_last() -> None:
    machine = dialling()
    rumours = [Address("198.51.100.1", port) for port in range(1, 2 * DIALS_MAX)]
    for address in rumours:
        learn(machine, address, peer=None, source=Source.TOLD)
    learn(machine, HERE, source=Source.REMEMBERED)
    learn(machine, THERE, peer=None, source=Source.CONFIGURED)
    assert machine.handle(DialFailed(rumours[0]), 10) == [Dial(THERE)]
    assert machine.handle(DialFailed(rumours[1]), 10) == [Dial(HERE)]
    assert machine.handle(DialFailed(rumours[2]), 11) == [Dial(rumours[DIALS_MAX])]


def test_nobody_is_dialled_while_there_are_as_many_peers_as_can_be_kept() -> None:
    machine = dialling()
    peers = [NodeId(n.to_bytes(32, "big")) for n in range(PEERS_MAX)]
    for peer in peers:
        machine.handle(PeerOpened(peer), 0)
    assert learn(machine) == []
    assert machine.deadline == inf
    assert machine.handle(PeerClosed(peers[0]), 5) == [Dial(HERE)]


def test_two_addresses_of_a_peer_are_not_dialled_at_the_same_time() -> None:
    machine = dialling()
    assert learn(machine, HERE) == [Dial(HERE)]
    assert learn(machine, THERE) == []
    assert machine.handle(DialFailed(HERE), 3) == [Dial(THERE)]


def test_a_peer_that_closes_at_once_is_put_off_ever_longer() -> None:
    machine = dialling()
    learn(machine, source=Source.CONFIGURED)
    waits: list[float] = []
    now = 0.0
    for _ in range(4):
        machine.handle(DialReached(HERE, LARGER), now)
        machine.handle(PeerOpened(LARGER), now)
        machine.handle(PeerClosed(LARGER), now)
        waits.append(machine.deadline - now)
        now = machine.deadline
        machine.handle(Tick(), now)
    assert waits == [1, 2, 4, 8]


def test_a_peer_that_was_there_for_long_is_dialled_soon_after_it_is_lost() -> None:
    machine = dialling()
    learn(machine)
    for _ in range(3):
        machine.handle(DialFailed(HERE), 0)
    machine.handle(DialReached(HERE, LARGER), 10)
    machine.handle(PeerOpened(LARGER), 10)
    machine.handle(PeerClosed(LARGER), 100)
    assert machine.deadline == 101


def test_a_withdrawn_address_is_forgotten_unless_it_was_also_told_otherwise() -> None:
    for source, deadline in ((Source.ANNOUNCED, inf), (Source.REMEMBERED, 1)):
        machine = dialling()
        learn(machine, peer=SMALLER)
        learn(machine, peer=SMALLER, source=source)
        machine.handle(AddressWithdrawn(HERE), 0)
        assert machine.deadline == deadline


def test_a_peer_that_misbehaved_is_left_alone_for_a_while() -> None:
    machine = dialling()
    machine.handle(PeerMisbehaved(LARGER), 5)
    assert learn(machine, now=5) == []
    assert machine.is_cut_off(LARGER, 5)
    assert machine.deadline == 5 + CUT_OFF_S
    assert not machine.is_cut_off(LARGER, 5 + CUT_OFF_S)
    assert machine.handle(Tick(), 5 + CUT_OFF_S) == [Dial(HERE)]


def test_the_list_of_those_who_misbehaved_is_bounded() -> None:
    machine = dialling()
    peers = [NodeId(n.to_bytes(32, "big")) for n in range(CUT_OFF_PEERS_MAX + 1)]
    for peer in peers:
        machine.handle(PeerMisbehaved(peer), 0)
    assert not machine.is_cut_off(peers[0], 1)
    assert machine.is_cut_off(peers[1], 1)


def _jitter() -> Iterator[float]:
    while True:
        yield from (0.0, 0.3, 0.999)


ADDRESSES = st.integers(1, 30).map(lambda port: Address("192.0.2.1", port))
PEERS = st.sampled_from([None, OWN, SMALLER, LARGER, *(NodeId(bytes([n]) * 32) for n in range(8))])


class DiallingInvariants(RuleBasedStateMachine):
    """Whatever happens, nobody is dialled who should not be, and no dial is forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = Dialling(OWN, _jitter())
        self.now = 0.0
        self.under_way: set[Address] = set()
        self.open: set[NodeId] = set()
        self.known: dict[Address, NodeId | None] = {}

    def obey(self, commands: object) -> None:
        assert isinstance(commands, list)
        for command in commands:
            assert isinstance(command, Dial)
            assert command.address not in self.under_way
            self.under_way.add(command.address)

    @rule(address=ADDRESSES, peer=PEERS, source=st.sampled_from(list(Source)))
    def hear(self, address: Address, peer: NodeId | None, source: Source) -> None:
        self.obey(self.machine.handle(AddressLearnt(address, peer, source), self.now))

    @rule(address=ADDRESSES)
    def withdraw(self, address: Address) -> None:
        self.obey(self.machine.handle(AddressWithdrawn(address), self.now))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), peer=PEERS)
    def end_a_dial(self, data: st.DataObject, peer: NodeId | None) -> None:
        address = data.draw(st.sampled_from(sorted(self.under_way)))
        self.under_way.remove(address)
        event = DialFailed(address) if peer is None else DialReached(address, peer)
        self.obey(self.machine.handle(event, self.now))

    @rule(peer=st.sampled_from([SMALLER, LARGER]), is_open=st.booleans())
    def open_or_close(self, peer: NodeId, is_open: bool) -> None:
        self.obey(self.machine.handle(PeerOpened(peer) if is_open else PeerClosed(peer), self.now))

    @rule(seconds=st.floats(0, 100))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.obey(self.machine.handle(Tick(), self.now))

    @invariant()
    def few_are_dialled_at_a_time_and_none_is_overdue(self) -> None:
        assert len(self.under_way) <= DIALS_MAX
        assert self.machine.deadline > self.now


DiallingInvariants.TestCase.settings = settings(max_examples=40, deadline=None)
TestDiallingInvariants = pytest.mark.slow(DiallingInvariants.TestCase)
