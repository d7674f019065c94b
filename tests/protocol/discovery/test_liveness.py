"""Liveness, by example and against a model (SPEC.md section 5.4)."""

from itertools import count
from math import inf

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fogbank_protocol.discovery.liveness import (
    Liveness,
    PeerClosed,
    PeerHeard,
    ReportLost,
    SendPing,
)
from fogbank_protocol.identity import NodeId
from fogbank_protocol.limits import PING_INTERVAL_S, PINGS_UNANSWERED_MAX
from fogbank_protocol.machine import Tick

ANN = NodeId(b"a" * 32)
PEERS = st.sampled_from([NodeId(bytes([i]) * 32) for i in range(3)])


def test_a_silent_peer_is_pinged_then_lost() -> None:
    liveness = Liveness(nonces=count())
    assert liveness.handle(PeerHeard(ANN), now=0) == []

    heard = [liveness.handle(Tick(), now=liveness.deadline) for _ in range(4)]

    assert heard == [[SendPing(ANN, 0)], [SendPing(ANN, 1)], [SendPing(ANN, 2)], [ReportLost(ANN)]]
    assert liveness.deadline == inf


def test_a_peer_that_vanished_is_noticed_after_sixty_seconds() -> None:
    liveness = Liveness(nonces=count())
    liveness.handle(PeerHeard(ANN), now=0)
    while True:
        now = liveness.deadline
        if ReportLost(ANN) in liveness.handle(Tick(), now):
            break
    assert now == 60


class LivenessAgainstModel(RuleBasedStateMachine):
    """Whatever happens, a peer is lost exactly after its allowance of unanswered pings."""

    def __init__(self) -> None:
        super().__init__()
        self.liveness = Liveness(nonces=count())
        self.now = 0.0
        self.pings: dict[NodeId, int] = {}

    @rule(peer=PEERS)
    def hear(self, peer: NodeId) -> None:
        self.liveness.handle(PeerHeard(peer), self.now)
        self.pings[peer] = 0

    @rule(peer=PEERS)
    def close(self, peer: NodeId) -> None:
        self.liveness.handle(PeerClosed(peer), self.now)
        self.pings.pop(peer, None)

    @rule(seconds=st.floats(0, 3 * PING_INTERVAL_S))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        for command in self.liveness.handle(Tick(), self.now):
            if isinstance(command, ReportLost):
                assert self.pings.pop(command.peer) == PINGS_UNANSWERED_MAX
            else:
                self.pings[command.peer] += 1

    @invariant()
    def a_deadline_exists_while_a_peer_does(self) -> None:
        assert (self.liveness.deadline < inf) == bool(self.pings)


LivenessAgainstModel.TestCase.settings = settings(max_examples=30, deadline=None)
TestLivenessAgainstModel = pytest.mark.slow(LivenessAgainstModel.TestCase)
