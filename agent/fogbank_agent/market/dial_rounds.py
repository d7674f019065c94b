"""Which providers only heard of are dialled, and when (SPEC.md section 9.1).

The ways on which offers came take turns, so that no neighbour's inventions take the places of
what others say.  On one way the cheapest and the longest not dialled alternate: prices cost an
inventor nothing, and whoever waits is dialled some time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from fogbank_protocol.discovery.address import Address
from fogbank_protocol.identity import NodeId

from ..limits import HEARD_AGAIN_S_MAX, HEARD_AGAIN_S_MIN, HEARD_DIALLED_MAX, HEARD_ROUND_S
from .heard_table import HeardTable, Lane, Rumour


@dataclass(frozen=True, slots=True)
class DialProvider:
    """Dial ``provider``, which is said to be at ``address``."""

    provider: NodeId
    address: Address


class DialRounds:
    """Draws from a table, ``HEARD_DIALLED_MAX`` in each ``HEARD_ROUND_S`` at most."""

    def __init__(self, table: HeardTable) -> None:
        """Draw from ``table``."""
        self._table = table
        self._began_at = -inf
        self._places = 0

    def draw(self, is_connected: Callable[[NodeId], bool], now: float) -> Sequence[DialProvider]:
        """Return whom to dial at ``now``; each counts as dialled in vain until it is here.

        Places of a round that find nobody are left for what is heard until its end.
        """
        if now >= self._began_at + HEARD_ROUND_S:
            self._began_at, self._places = now, HEARD_DIALLED_MAX
        dials: list[DialProvider] = []
        while self._places > 0 and (rumour := self._next(is_connected, now)) is not None:
            self._places -= 1
            self._note_dialled(rumour, now)
            dials.append(DialProvider(rumour.provider, rumour.address))
        return dials

    def _next(self, is_connected: Callable[[NodeId], bool], now: float) -> Rumour | None:
        for lane in sorted(self._table.lanes.values(), key=lambda one: one.dial_turn):
            ready = [
                rumour
                for rumour in lane.rumours.values()
                if rumour.again_at <= now < rumour.ends_at and not is_connected(rumour.provider)
            ]
            if ready:
                lane.dial_turn = self._table.next_turn()
                return self._pick(lane, ready)
        return None

    def _pick(self, lane: Lane, ready: Sequence[Rumour]) -> Rumour:
        is_cheapest, lane.is_cheapest_next = lane.is_cheapest_next, not lane.is_cheapest_next
        if is_cheapest:
            return min(ready, key=self._price)
        return min(ready, key=lambda rumour: (rumour.dialled_at, rumour.known_since))

    def _price(self, rumour: Rumour) -> tuple[int, int]:
        heard = self._table.find(rumour.provider)
        assert heard is not None, "a rumour is about a provider in the table"
        return heard.offer.price, heard.offer.start_price

    def _note_dialled(self, dialled: Rumour, now: float) -> None:
        heard = self._table.find(dialled.provider)
        assert heard is not None, "a rumour is about a provider in the table"
        dialled.in_vain += 1
        # The exponent is bounded so that no number of failures overflows a float.
        doubled = HEARD_AGAIN_S_MIN * 2.0 ** min(dialled.in_vain - 1, 16)
        dialled.again_at = now + min(doubled, HEARD_AGAIN_S_MAX)
        for rumour in heard.rumours.values():
            # Those who say the same need not be tried as well.  Another address is another story:
            # a liar who tells a wrong one must not keep this agent from the right one.
            if rumour.address == dialled.address:
                rumour.dialled_at = now
                rumour.in_vain = max(rumour.in_vain, dialled.in_vain)
                rumour.again_at = max(rumour.again_at, dialled.again_at)
