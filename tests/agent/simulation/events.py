"""The made-up time of a market, and the messages that need some of it."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from random import Random


class Events:
    """What happens when; nothing else decides the order, so one seed gives one life."""

    def __init__(self, draw: Random, loss: float) -> None:
        """Lose a message with probability ``loss``."""
        self.now = 0.0
        self.draw = draw
        self._loss = loss
        self._numbers = count()
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self.lost = 0

    def after(self, seconds: float, happen: Callable[[], None]) -> None:
        """Let ``happen`` be called in so many seconds."""
        heappush(self._waiting, (self.now + seconds, next(self._numbers), happen))

    def send(self, arrive: Callable[[], None]) -> bool:
        """Carry a message; False when it is lost on the way."""
        if self.draw.random() < self._loss:
            self.lost += 1
            return False
        self.after(self.draw.uniform(0.001, 0.02), arrive)
        return True

    def run(self, until: float, is_over: Callable[[], bool]) -> None:
        """Let everything happen up to ``until``, or until all is over."""
        while self._waiting and self._waiting[0][0] <= until and not is_over():
            self.now, _, happen = heappop(self._waiting)
            happen()
