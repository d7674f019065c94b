"""Holds a lot that is under way to what its requestor pays (SPEC.md section 9.5).

The provider states what it has done at every half tick, and goes on when the statement before is
paid: so it never works more than a tick for nothing.
"""

from collections.abc import Awaitable, Callable

import trio

from fogbank_protocol.signed import Signed

from ..limits import TICK_INTERVAL_S, TICK_WAIT_S
from ..market.agreements import AgreementId
from ..market.tally import Bill
from ..market.ticks import RunningBill


class TickUnpaidError(Exception):
    """The voucher for what was done did not come."""


class Ticking:
    """The pace of one lot; a ``LotPace``."""

    def __init__(
        self,
        tick: int,
        bill: RunningBill,
        sign: Callable[[int], tuple[AgreementId, Signed]],
        earn: Callable[[int, Bill, Callable[[], None]], None],
        send: Callable[[Signed], Awaitable[None]],
    ) -> None:
        """State what was done after each half of ``tick`` fuel.

        Args:
            tick: the agreement's, in fuel.
            bill: takes note of what was stated.
            sign: returns the statement of so much fuel, with its name.
            earn: records that the fuel since the statement before, and the drops of a bill, are
                due; it calls what it is given once they are paid.
            send: hands a statement to the requestor.
        """
        self._tick = tick
        self._bill = bill
        self._sign = sign
        self._earn = earn
        self._send = send
        self._stated_at = trio.current_time()
        self._paid = trio.Event()
        self._paid.set()

    @property
    def slice_fuel(self) -> int:
        """Half a tick."""
        return max(1, self._tick // 2)

    async def reach(self, fuel: int, snapshot: bytes) -> bool:
        """State that the lot has used ``fuel``, and return when it may go on.

        Raises:
            TickUnpaidError: what was stated before is not paid within ``TICK_WAIT_S``.
        """
        del snapshot
        due = fuel - self._bill.fuel >= self.slice_fuel
        if due and trio.current_time() - self._stated_at >= TICK_INTERVAL_S:
            with trio.move_on_after(TICK_WAIT_S) as scope:
                await self._paid.wait()
                # More at once is not believed; what is left is stated the next time.
                await self._state(min(fuel, self._bill.fuel + self._tick))
            if scope.cancelled_caught:
                raise TickUnpaidError
        return False

    async def _state(self, fuel: int) -> None:
        more = fuel - self._bill.fuel
        named, signed = self._sign(fuel)
        part = self._bill.state(named, fuel)
        self._stated_at = trio.current_time()
        if part.drops:
            self._paid = trio.Event()
        self._earn(more, part, self._paid.set)
        await self._send(signed)
