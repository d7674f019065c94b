"""The two ways to run a machine, on trio's virtual clock."""

from itertools import count

import trio
from trio.testing import MockClock

from fogbank_protocol.discovery.liveness import (
    Liveness,
    LivenessCommand,
    LivenessEvent,
    PeerHeard,
    ReportLost,
)
from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.driver import Driver, drive

ANN, BEN = NodeId(b"a" * 32), NodeId(b"b" * 32)


async def test_the_driver_wakes_the_machine_at_its_deadlines(autojump_clock: MockClock) -> None:
    performed: list[tuple[float, LivenessCommand]] = []
    send, receive = trio.open_memory_channel[LivenessEvent](0)
    start = trio.current_time()

    async def perform(command: LivenessCommand) -> None:
        performed.append((trio.current_time() - start, command))
        if isinstance(command, ReportLost):
            send.close()
        await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(drive, Liveness(nonces=count()), receive, perform)
        await send.send(PeerHeard(ANN))

    assert [round(at) for at, _ in performed] == [15, 30, 45, 60]
    assert performed[-1][1] == ReportLost(ANN)


async def test_the_driver_of_synchronous_events_keeps_the_same_times(
    autojump_clock: MockClock,
) -> None:
    performed: list[tuple[int, LivenessCommand]] = []
    start = trio.current_time()
    driver: Driver[LivenessEvent, LivenessCommand] = Driver(
        Liveness(nonces=count()),
        lambda command: performed.append((round(trio.current_time() - start), command)),
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(driver.run)
        await trio.testing.wait_all_tasks_blocked()
        driver.tell(PeerHeard(ANN))
        await trio.sleep(10)
        driver.tell(PeerHeard(ANN))
        await trio.sleep(100)
        nursery.cancel_scope.cancel()

    assert [at for at, _ in performed] == [25, 40, 55, 70]
    assert performed[-1][1] == ReportLost(ANN)


async def test_a_command_may_lead_to_the_next_event(autojump_clock: MockClock) -> None:
    lost: list[NodeId] = []

    def perform(command: LivenessCommand) -> None:
        if isinstance(command, ReportLost):
            lost.append(command.peer)
            if command.peer == ANN:
                driver.tell(PeerHeard(BEN))

    driver: Driver[LivenessEvent, LivenessCommand] = Driver(Liveness(nonces=count()), perform)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(driver.run)
        driver.tell(PeerHeard(ANN))
        await trio.sleep(121)
        nursery.cancel_scope.cancel()
    assert lost == [ANN, BEN]
