"""Who waits for which vertex to be final (SPEC.md section 8.5)."""

from collections.abc import Sequence

import trio

from ..events import Equivocated, Final, LedgerEvent
from ..ledger import Ledger
from ..vertex import VertexId
from .failures import NeverFinal


class Finals:
    """Wakes those who wait, also when what they wait for cannot be final any more."""

    def __init__(self) -> None:
        """Follow no ledger yet: see ``follow``."""
        self._ledger: Ledger | None = None
        self._awaited: dict[VertexId, trio.Event] = {}

    def follow(self, ledger: Ledger) -> None:
        """Go by ``ledger`` from now on; what is awaited may be final there already."""
        self._ledger = ledger
        for vertex_id in list(self._awaited):
            self._awaited.pop(vertex_id).set()

    async def wait(self, vertex_id: VertexId) -> None:
        """Return when the vertex is final; it need not be held yet.

        Raises:
            NeverFinal: another one of its slot won, or none of them can.
        """
        while not self._held.is_final(vertex_id):
            if not self._held.can_be_final(vertex_id):
                raise NeverFinal(
                    "this can never be final: its account's key signed two different vertices in "
                    "one place, as after the restore of an old disk; the seats can free the account"
                )
            await self._awaited.setdefault(vertex_id, trio.Event()).wait()

    def note(self, events: Sequence[LedgerEvent]) -> None:
        """Take what happened in the ledger."""
        for event in events:
            if isinstance(event, Final) and event.id in self._awaited:
                self._awaited.pop(event.id).set()
        if any(isinstance(event, Final | Equivocated) for event in events):
            for vertex_id in list(self._awaited):
                if not self._held.can_be_final(vertex_id):
                    self._awaited.pop(vertex_id).set()

    @property
    def _held(self) -> Ledger:
        assert self._ledger is not None
        return self._ledger
