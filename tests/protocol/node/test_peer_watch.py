"""Who comes and goes, told to listeners that are as slow as they like."""

import tracemalloc

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.peer_watch import PeerWatch, PeerWatches
from fogbank_protocol.node.peers import PeerConnected, PeerEvent, PeerLost

ANN, BEN = NodeId(b"a" * 32), NodeId(b"b" * 32)


async def test_a_listener_begins_with_who_is_here() -> None:
    watches = PeerWatches()
    watches.connected(ANN)
    async with watches.watch() as events:
        assert await events.receive() == PeerConnected(ANN)
        watches.lost(ANN)
        watches.connected(BEN)
        assert await events.receive() == PeerLost(ANN)
        assert await events.receive() == PeerConnected(BEN)


async def test_a_peer_that_left_and_came_back_unseen_is_told_as_both() -> None:
    watches = PeerWatches()
    async with watches.watch() as events:
        watches.connected(ANN)
        assert await events.receive() == PeerConnected(ANN)
        watches.lost(ANN)
        watches.connected(ANN)
        assert await events.receive() == PeerLost(ANN)
        assert await events.receive() == PeerConnected(ANN)


def test_strangers_that_come_and_go_unseen_are_forgotten() -> None:
    watch = PeerWatch()
    tracemalloc.start()
    try:
        for number in range(10_000):
            stranger = NodeId(number.to_bytes(32, "big"))
            watch.connected(stranger)
            watch.lost(stranger)
        remembered, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert remembered < 10_000


async def test_a_listener_that_waits_is_woken() -> None:
    watches = PeerWatches()
    async with watches.watch() as events, trio.open_nursery() as nursery:
        nursery.start_soon(trio.lowlevel.checkpoint)

        @nursery.start_soon
        async def listen() -> None:
            assert await events.receive() == PeerConnected(ANN)

        await trio.testing.wait_all_tasks_blocked()
        watches.connected(ANN)


async def test_a_closed_listener_says_so() -> None:
    watch = PeerWatch()
    await watch.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await watch.receive()


@pytest.mark.slow
@given(st.lists(st.sampled_from(["come ann", "come ben", "go ann", "go ben", "hear"]), max_size=60))
def test_a_listener_hears_a_true_story(steps: list[str]) -> None:
    """Come and go alternate for each peer, end with the truth, and few wait."""

    async def scenario() -> None:
        watch, present, told = PeerWatch(), set[NodeId](), set[NodeId]()

        async def hear() -> PeerEvent | None:
            with trio.move_on_after(1):
                return await watch.receive()
            return None

        def believe(event: PeerEvent) -> None:
            if isinstance(event, PeerConnected):
                assert event.peer not in told
                told.add(event.peer)
            else:
                told.remove(event.peer)

        for step in [*steps, "hear", "hear", "hear", "hear"]:
            verb, _, name = step.partition(" ")
            peer = ANN if name == "ann" else BEN
            if verb == "come" and peer not in present:
                present.add(peer)
                watch.connected(peer)
            elif verb == "go" and peer in present:
                present.remove(peer)
                watch.lost(peer)
            elif verb == "hear" and (event := await hear()):
                believe(event)
        assert told == present

    trio.run(scenario, clock=MockClock(autojump_threshold=0))
