"""What a service may cost until this or that is over (SPEC.md section 9.8, *Charges*).

Of time nobody can charge more than has passed since the agreement, and ``WARM_SLACK_MS``.
"""

from dataclasses import dataclass
from math import inf

from ..limits import SERVICE_BEAT_S, WARM_SLACK_MS
from .pricing import bill
from .service_bids import ServiceBid
from .service_orders import ServiceOrder

_BEAT_MS = round(SERVICE_BEAT_S * 1_000)


@dataclass(frozen=True, slots=True)
class ServiceBudget:
    """The drops that a service may cost in all, and the prices at which they are spent."""

    drops_max: int
    order: ServiceOrder
    bid: ServiceBid

    def pays(self, drops: int) -> bool:
        """Tell whether the service may cost ``drops`` in all."""
        return drops <= self.drops_max

    @property
    def start(self) -> int:
        """What it may cost until it has begun and answered one call at once."""
        return self.call(self._run, 0, 0)

    def beat(self, drops: int, warm_ms: int, elapsed_ms: int) -> int:
        """Return what it may cost in all until the next beat is here.

        It has cost ``drops``, ``warm_ms`` of time included, and ``elapsed_ms`` have passed since
        the agreement.
        """
        return drops + self._time(warm_ms, elapsed_ms + _BEAT_MS)

    def call(self, drops: int, warm_ms: int, elapsed_ms: int) -> int:
        """Return what it may cost in all until a call that is made now, and a beat, are over."""
        until_ms = elapsed_ms + self.order.call_ms_max + _BEAT_MS
        return drops + self._run + self._time(warm_ms, until_ms)

    def spent_ms(self, drops: int, warm_ms: int, *, is_calling: bool) -> float:
        """Return the milliseconds after the agreement at which it may have cost all of it."""
        if self.bid.warm_price == 0:
            return inf
        left = self.drops_max - drops - (self._run if is_calling else 0)
        return warm_ms + left * 1_000 // self.bid.warm_price - WARM_SLACK_MS

    @property
    def _run(self) -> int:
        """What the beginning, or a call, may cost besides its time."""
        return bill(self.order.fuel_max, self.bid.price, self.bid.start_price)

    def _time(self, warm_ms: int, elapsed_ms: int) -> int:
        """Return the most drops for the time after the first ``warm_ms``."""
        until_ms = min(elapsed_ms, self.order.duration_s_max * 1_000) + WARM_SLACK_MS
        return -(-max(0, until_ms - warm_ms) * self.bid.warm_price // 1_000)
