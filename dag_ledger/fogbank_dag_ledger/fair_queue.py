"""Whose turn it is when there is more to do than can be done (SPEC.md section 8.23).

Deficit round robin: each key in turn may spend its quantum, scaled by its share; what it overspends
with the last item is owed to the next turn.  When there is no room the newest of whoever has the
most waiting for its share is dropped, so that a flood drops itself.  Queues may stand in one
another: a path of several keys takes turns at each of them.

While little waits nobody waits long, whoever is first; then order is worth more than turns.
"""

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from .limits import FAIR_QUANTUM

Item = TypeVar("Item")

Path = tuple[Hashable, ...]


@dataclass(slots=True)
class _Waiting(Generic[Item]):
    """One item, and what it costs."""

    number: int
    item: Item
    cost: int


class _Leaf(Generic[Item]):
    """The items of one path, in the order of their arrival."""

    __slots__ = ("cost", "items")

    def __init__(self) -> None:
        self.items: deque[_Waiting[Item]] = deque()
        self.cost = 0

    def put(self, waiting: _Waiting[Item]) -> None:
        self.items.append(waiting)
        self.cost += waiting.cost

    def take(self) -> _Waiting[Item]:
        waiting = self.items.popleft()
        self.cost -= waiting.cost
        return waiting

    def drop(self) -> _Waiting[Item]:
        waiting = self.items.pop()
        self.cost -= waiting.cost
        return waiting


class _Branch(Generic[Item]):
    """Keys that take turns."""

    __slots__ = ("_children", "_deficits", "_level", "_rules", "_turns", "cost")

    def __init__(self, rules: "_Rules", level: int) -> None:
        self._rules = rules
        self._level = level
        self._children: dict[Hashable, _Branch[Item] | _Leaf[Item]] = {}
        self._deficits: dict[Hashable, int] = {}
        self._turns: deque[Hashable] = deque()
        self.cost = 0

    def put(self, path: Path, waiting: _Waiting[Item]) -> None:
        key = path[0]
        child = self._children.get(key)
        if child is None:
            child = _Leaf() if len(path) == 1 else _Branch(self._rules, self._level + 1)
            self._children[key] = child
            self._deficits[key] = 0
        match child:
            case _Leaf():
                child.put(waiting)
            case _Branch():
                child.put(path[1:], waiting)
        self.cost += waiting.cost

    def take(self) -> _Waiting[Item]:
        """Return the next item; there is one."""
        while True:
            if not self._turns:
                # Whoever came meanwhile joins the next round; among equals the rank decides.
                level, rank = self._level, self._rules.rank
                self._turns.extend(sorted(self._children, key=lambda key: rank(level, key)))
            key = self._turns[0]
            child = self._children.get(key)
            if child is None:
                self._turns.popleft()
            elif self._deficits[key] > 0:
                waiting = child.take()
                self._spend(key, child, waiting.cost)
                return waiting
            else:
                self._turns.popleft()
                self._deficits[key] += FAIR_QUANTUM * self._rules.share(self._level, key)
                if self._deficits[key] > 0:
                    self._turns.appendleft(key)

    def drop(self) -> _Waiting[Item]:
        """Drop the newest of the key with the most waiting for its share; there is one."""
        level, share = self._level, self._rules.share
        key = max(self._children, key=lambda key: self._children[key].cost // share(level, key))
        child = self._children[key]
        waiting = child.drop()
        self.cost -= waiting.cost
        if not child.cost:
            self._forget(key)
        return waiting

    def _spend(self, key: Hashable, child: "_Branch[Item] | _Leaf[Item]", cost: int) -> None:
        self.cost -= cost
        self._deficits[key] -= cost
        if not child.cost:
            self._forget(key)
        elif self._deficits[key] <= 0:
            self._turns.popleft()

    def _forget(self, key: Hashable) -> None:
        del self._children[key]
        del self._deficits[key]


@dataclass(frozen=True, slots=True)
class _Rules:
    share: Callable[[int, Hashable], int]
    rank: Callable[[int, Hashable], int]


def _equal(_level: int, _key: Hashable) -> int:
    return 1


class FairQueue(Generic[Item]):
    """Items that wait under paths of keys, all of one length; bounded by what they cost."""

    def __init__(
        self,
        cost_max: int,
        *,
        in_order: int = 0,
        share: Callable[[int, Hashable], int] = _equal,
        rank: Callable[[int, Hashable], int] = _equal,
    ) -> None:
        """Hold items of ``cost_max`` in all.

        While no more than ``in_order`` of that waits it is served in the order in which it came;
        once more does turns decide, until nothing waits.  ``share`` says of the key at a level of
        the path, from 0 on, how large its part is, 1 or more; ``rank`` who is served first in a
        round, the lowest.
        """
        self._cost_max = cost_max
        self._in_order = in_order
        self._first: deque[tuple[Path, _Waiting[Item]]] = deque()
        """What waits, in its order, while turns are not needed; empty while they are."""

        self._first_cost = 0
        self._root: _Branch[Item] = _Branch(_Rules(share, rank), 0)
        self._count = 0
        self._number = 0

    def __len__(self) -> int:
        """Return how many items wait."""
        return self._count

    def put(self, path: Path, item: Item, cost: int) -> list[Item]:
        """Add ``item``, which costs ``cost``, 1 or more; return what had to go, maybe itself."""
        self._number += 1
        self._count += 1
        waiting = _Waiting(self._number, item, cost)
        if not self._root.cost and self._first_cost + cost <= self._in_order:
            self._first.append((path, waiting))
            self._first_cost += cost
            return []
        self._begin_turns()
        self._root.put(path, waiting)
        dropped: list[Item] = []
        while self._root.cost > self._cost_max:
            dropped.append(self._root.drop().item)
            self._count -= 1
        return dropped

    def take(self, count: int) -> Sequence[Item]:
        """Remove and return up to ``count`` items, each in its turn.

        All of them, when they are not more, come in the order in which they were put: with room for
        everyone nobody needs to wait, and what stands on others comes after them.
        """
        taken = [self._take() for _ in range(min(count, self._count))]
        self._count -= len(taken)
        if not self._count:
            taken.sort(key=lambda waiting: waiting.number)
        return [waiting.item for waiting in taken]

    def _take(self) -> _Waiting[Item]:
        if not self._first:
            return self._root.take()
        _, waiting = self._first.popleft()
        self._first_cost -= waiting.cost
        return waiting

    def _begin_turns(self) -> None:
        while self._first:
            path, waiting = self._first.popleft()
            self._root.put(path, waiting)
        self._first_cost = 0
