"""Holds a lot that is under way to what its requestor pays (SPEC.md section 9.5).

The provider states what it has done at every half tick, and goes on when the statement before is
paid: so it never works more than a tick for nothing.
"""

from collections.abc import Awaitable, Callable

import trio

from fogbank_protocol.signed import Signed

from ..limits import (
    CHECKPOINT_BYTES_PER_S,
    CHECKPOINT_INTERVAL_S,
    TICK_INTERVAL_S,
    TICK_WAIT_S,
)
from ..market.agreements import AgreementId
from ..market.checkpoint import Checkpoint
from ..market.tally import Bill
from ..market.ticks import RunningBill


class TickUnpaidError(Exception):
    """The voucher for what was done did not come."""


class LotPausedError(Exception):
    """The owner wants no more work, and somebody else can go on with this run."""


class Ticking:
    """The pace of one lot; a ``LotPace``."""

    def __init__(
        self,
        tick: int,
        bill: RunningBill,
        sign: Callable[[int, Checkpoint | None], tuple[AgreementId, Signed]],
        earn: Callable[[int, Bill, Callable[[], None]], None],
        send: Callable[[Signed], Awaitable[None]],
        keep: Callable[[bytes], Awaitable[Checkpoint]] | None = None,
        is_paused: Callable[[], bool] = lambda: False,
    ) -> None:
        """State what was done after each half of ``tick`` fuel.

        Args:
            tick: the agreement's, in fuel.
            bill: takes note of what was stated.
            sign: returns the statement of so much fuel and the state handed out, with its name.
            earn: records that the fuel since the statement before, and the drops of a bill, are
                due; it calls what it is given once they are paid.
            send: hands a statement to the requestor.
            keep: keeps a snapshot for the requestor; None for a lot that nobody can go on with.
            is_paused: tells whether a lot that somebody else can go on with is to stop.
        """
        self._keep = keep
        self._is_paused = is_paused
        self._hand_out_at = trio.current_time() + CHECKPOINT_INTERVAL_S
        self._tick = tick
        self._bill = bill
        self._sign = sign
        self._earn = earn
        self._send = send
        self._stated_at = trio.current_time()
        self._paid = trio.Event()
        self._paid.set()
        self._state_comes = False
        """A statement waits for the next checkpoint, which is to go with it."""

    @property
    def slice_fuel(self) -> int:
        """Half a tick, less what it takes on average to come to a checkpoint besides."""
        return max(1, self._tick // 2 if self._keep is None else self._tick * 2 // 5)

    def room(self, fuel: int) -> int:
        """Return how much more a lot at ``fuel`` may do before it comes to its next statement."""
        return max(0, self._bill.fuel + self.slice_fuel - fuel)

    async def reach(self, fuel: int, snapshot: bytes) -> bool:
        """State that the lot has used ``fuel``, and return when it may go on.

        A ``snapshot`` that is not empty is handed out with the statement.  Returns whether another
        one is wanted at the next checkpoint.

        Raises:
            TickUnpaidError: what was stated before is not paid within ``TICK_WAIT_S``.
            LotPausedError: this agent is paused, and the state is handed out.
        """
        checkpoint = await self._hand_out(snapshot) if snapshot else None
        more = fuel - self._bill.fuel
        if more >= self.slice_fuel or (checkpoint is not None and more > 0):
            await self._reach_in_time(fuel, checkpoint)
            if checkpoint is not None and self._is_paused():
                raise LotPausedError
        # More than a tick at once is not believed, and states are handed out with what is stated.
        while self._keep is None and fuel - self._bill.fuel >= self.slice_fuel:
            await self._reach_in_time(fuel, None)
        return self._state_comes or self._is_state_due or self._is_wanted_now()

    async def _reach_in_time(self, fuel: int, checkpoint: Checkpoint | None) -> None:
        with trio.move_on_after(TICK_WAIT_S) as scope:
            await self._reach(fuel, checkpoint)
        if scope.cancelled_caught:
            raise TickUnpaidError

    async def _reach(self, fuel: int, checkpoint: Checkpoint | None) -> None:
        more = fuel - self._bill.fuel
        if checkpoint is None and self._is_state_due and not self._state_comes:
            # Told of together with the state: two statements one after the other would cost time,
            # and what is done after a state is lost with its provider.
            self._state_comes = True
            await self._paid.wait()
            return
        self._state_comes = False
        # One that is faster than it was measured waits: else it would work for nothing.
        await trio.sleep_until(self._stated_at + TICK_INTERVAL_S)
        await self._paid.wait()
        # More at once is not believed; what is left is stated by and by.
        await self._state(min(fuel, self._bill.fuel + self._tick), checkpoint)
        if self._keep is not None and more > self._tick // 2:
            # With a slice more it would be above a tick.
            await self._paid.wait()

    @property
    def _is_state_due(self) -> bool:
        return self._keep is not None and trio.current_time() >= self._hand_out_at

    def _is_wanted_now(self) -> bool:
        return self._keep is not None and self._is_paused()

    async def _hand_out(self, snapshot: bytes) -> Checkpoint | None:
        if self._keep is None:
            return None
        wait_s = max(CHECKPOINT_INTERVAL_S, len(snapshot) / CHECKPOINT_BYTES_PER_S)
        self._hand_out_at = trio.current_time() + wait_s
        return await self._keep(snapshot)

    async def _state(self, fuel: int, checkpoint: Checkpoint | None) -> None:
        more = fuel - self._bill.fuel
        named, signed = self._sign(fuel, checkpoint)
        part = self._bill.state(named, fuel)
        self._stated_at = trio.current_time()
        if part.drops:
            self._paid = trio.Event()
        self._earn(more, part, self._paid.set)
        await self._send(signed)
