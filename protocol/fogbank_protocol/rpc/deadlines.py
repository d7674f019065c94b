"""When open calls run out of time."""

from heapq import heapify, heappop, heappush
from math import inf

_STALE_MAX = 64


class Deadlines:
    """The open calls of one direction, ordered by the time each has left."""

    def __init__(self) -> None:
        self._at: dict[int, float] = {}
        # Calls that ended stay in the heap until they come up or are half of it: most calls are
        # answered long before their deadline, and a heap cannot forget one in the middle.
        self._heap: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return len(self._at)

    def __contains__(self, call: int) -> bool:
        return call in self._at

    def add(self, call: int, at: float) -> None:
        """Open ``call`` until ``at``, in seconds on the caller's clock."""
        self._at[call] = at
        heappush(self._heap, (at, call))

    def drop(self, call: int) -> bool:
        """Close ``call``; tell whether it was open."""
        if self._at.pop(call, None) is None:
            return False
        if len(self._heap) > 2 * len(self._at) + _STALE_MAX:
            self._heap = [(at, call) for call, at in self._at.items()]
            heapify(self._heap)
        return True

    @property
    def stale(self) -> int:
        """How many calls that ended are still in memory."""
        return len(self._heap) - len(self._at)

    @property
    def earliest(self) -> float:
        """When the next call runs out of time; inf when none is open."""
        while self._heap and self._at.get(self._heap[0][1]) is None:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else inf

    def take_due(self, now: float) -> int | None:
        """Close one call whose time has come at ``now`` and return it; None when there is none."""
        if self.earliest > now:
            return None
        _, call = heappop(self._heap)
        del self._at[call]
        return call
