"""The pace of a lot, on a clock of its own (SPEC.md section 9.5)."""

from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock

from fogbank_agent.limits import TICK_INTERVAL_S, TICK_WAIT_S
from fogbank_agent.market.agreements import Agreement, AgreementId
from fogbank_agent.market.bids import BidId
from fogbank_agent.market.checkpoint import Checkpoint
from fogbank_agent.market.orders import OrderId
from fogbank_agent.market.tally import Bill
from fogbank_agent.market.ticks import RunningBill
from fogbank_agent.trading.ticking import Ticking, TickUnpaidError
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.signed import Signed
from fogbank_wasm_tasks.package import open_package

from ..market.objects import ANN, BEN
from .neighbourhood import example_package

TICK = 2_000
MANIFEST = open_package(example_package()).manifest


class Requestor:
    """Hears statements, and pays when it is told to."""

    def __init__(self, price: int = 10**9) -> None:
        self.stated: list[int] = []
        self.due: list[int] = []
        self.checkpoints: list[Checkpoint | None] = []
        self.unpaid: list[Callable[[], None]] = []
        self.pays = False
        self.agreement = Agreement(
            order_id=OrderId(bytes(32)),
            bid_id=BidId(bytes(32)),
            requestor=ANN.node_id,
            provider=BEN.node_id,
            price=price,
            start_price=1,
            fuel_max=10**10,
            tick=TICK,
        )
        bill = RunningBill(self.agreement, MANIFEST)
        self.ticking = Ticking(TICK, bill, self._sign, self._earn, self._send)

    def _sign(self, fuel: int, checkpoint: Checkpoint | None) -> tuple[AgreementId, Signed]:
        self.checkpoints.append(checkpoint)
        return AgreementId(fuel.to_bytes(32, "big")), Signed(fuel.to_bytes(8, "big"), bytes(64))

    def _earn(self, fuel: int, bill: Bill, on_paid: Callable[[], None]) -> None:
        del fuel
        self.due.append(bill.drops)
        self.unpaid.append(on_paid)

    async def _send(self, statement: Signed) -> None:
        await trio.lowlevel.checkpoint()
        self.stated.append(int.from_bytes(statement.body, "big"))
        if self.pays:
            self.pay()

    def pay(self) -> None:
        """Pay all that is stated."""
        while self.unpaid:
            self.unpaid.pop()()


async def work(ticking: Ticking, *reached: int) -> None:
    """Come to each of ``reached`` after a tenth of a second."""
    for fuel in reached:
        await trio.sleep(0.1)
        await ticking.reach(fuel, b"")


async def test_every_half_tick_is_stated_and_paid(mock_clock: MockClock) -> None:
    mock_clock.autojump_threshold = 0
    requestor = Requestor()
    requestor.pays = True
    await work(requestor.ticking, 400, 1_000, 1_400, 2_050, 3_000, 3_050)
    assert requestor.stated == [1_000, 2_050, 3_050]
    assert requestor.due == [1_000, 1_050, 1_000]


async def test_work_stops_one_tick_after_what_was_paid(mock_clock: MockClock) -> None:
    mock_clock.autojump_threshold = 0
    requestor = Requestor()
    await work(requestor.ticking, 1_000)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(work, requestor.ticking, 2_000)
        await trio.sleep(TICK_WAIT_S / 2)
        assert requestor.stated == [1_000]
        requestor.pay()
    assert requestor.stated == [1_000, 2_000]


async def test_work_that_is_not_paid_ends(mock_clock: MockClock) -> None:
    mock_clock.autojump_threshold = 0
    requestor = Requestor()
    with pytest.raises(TickUnpaidError):
        await work(requestor.ticking, 1_000, 2_000)
    assert trio.current_time() == pytest.approx(0.2 + TICK_WAIT_S)
    assert requestor.stated == [1_000]


async def test_more_than_a_tick_is_stated_by_and_by(mock_clock: MockClock) -> None:
    mock_clock.autojump_threshold = 0
    requestor = Requestor()
    requestor.pays = True
    await work(requestor.ticking, 5_000, 5_001, 5_002)
    assert requestor.stated == [2_000, 4_000, 5_000]


async def test_a_machine_that_is_faster_than_it_was_measured_waits(mock_clock: MockClock) -> None:
    mock_clock.autojump_threshold = 0
    requestor = Requestor()
    requestor.pays = True
    for fuel in range(1_000, 41_000, 1_000):
        await requestor.ticking.reach(fuel, b"")
    assert requestor.stated == list(range(1_000, 41_000, 1_000))
    assert trio.current_time() == pytest.approx(40 * TICK_INTERVAL_S)


async def test_nobody_waits_for_what_costs_nothing(mock_clock: MockClock) -> None:
    mock_clock.autojump_threshold = 0
    requestor = Requestor(price=0)
    await work(requestor.ticking, 1_000, 2_000, 3_000)
    assert requestor.stated == [1_000, 2_000, 3_000]


# With states.


class Mover(Requestor):
    """Gets states with the statements."""

    def __init__(self) -> None:
        super().__init__()
        agreement_bill = RunningBill(self.agreement, MANIFEST)
        self.ticking = Ticking(
            TICK, agreement_bill, self._sign, self._earn, self._send, self._keep_state
        )

    async def _keep_state(self, snapshot: bytes) -> Checkpoint:
        await trio.lowlevel.checkpoint()
        position = int.from_bytes(snapshot, "big")
        return Checkpoint(position, position, bytes(32), blob_id(snapshot), len(snapshot))


async def move(mover: Mover, *slices: tuple[int, int]) -> None:
    """Come to the end of each slice after its tenth of a second, then to a state if one is due."""
    for fuel, state in slices:
        await trio.sleep(0.1)
        if await mover.ticking.reach(fuel, b""):
            await mover.ticking.reach(state, state.to_bytes(4, "big"))


async def test_a_statement_waits_for_the_state_that_goes_with_it(mock_clock: MockClock) -> None:
    mock_clock.autojump_threshold = 0
    mover = Mover()
    mover.pays = True
    await move(mover, (800, 850), (1_650, 1_700), (2_500, 2_550))
    assert mover.stated == [850, 1_700, 2_550]
    assert [one is not None for one in mover.checkpoints] == [True] * 3


async def test_a_state_that_does_not_come_is_not_waited_for(mock_clock: MockClock) -> None:
    mock_clock.autojump_threshold = 0
    mover = Mover()
    mover.pays = True
    wanted: list[bool] = []
    for fuel in (800, 1_600, 2_400):
        await trio.sleep(0.1)
        wanted.append(await mover.ticking.reach(fuel, b""))
    assert wanted == [True] * 3
    assert mover.stated == [1_600]
    assert mover.checkpoints == [None]


async def test_unpaid_work_never_passes_a_tick_while_states_are_waited_for(
    mock_clock: MockClock,
) -> None:
    mock_clock.autojump_threshold = 0
    mover = Mover()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(work, mover.ticking, 800, 1_600, 2_400)
        await trio.sleep(TICK_WAIT_S / 2)
        # More than half a tick was stated at once: with a slice more it would be above a tick.
        assert mover.stated == [1_600]
        nursery.cancel_scope.cancel()
