"""One attempt of a job's machine, as calls that can be ended together."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import trio

from .purchase_calls import SignedOrder


class Ends:
    """Cancels the calls of one attempt, those to come as well."""

    def __init__(self) -> None:
        self._scopes: set[trio.CancelScope] = set()
        self._cancelled = False

    def cancel(self) -> None:
        """End every call, now and from now on."""
        self._cancelled = True
        for scope in self._scopes:
            scope.cancel()

    @contextmanager
    def open(self) -> Generator[None, None, None]:
        """Make a call inside; it ends silently at ``cancel``."""
        with trio.CancelScope() as scope:
            if self._cancelled:
                scope.cancel()
            self._scopes.add(scope)
            try:
                yield
            finally:
                self._scopes.discard(scope)


@dataclass(slots=True)
class OrderOut:
    """An order that was sent, and what ends its calls."""

    order: SignedOrder
    ends: Ends = field(default_factory=Ends)
