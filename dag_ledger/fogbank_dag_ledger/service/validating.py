"""Runs the validator of a node with a seat: the machine decides, the issuer issues (8.6)."""

import logging
from collections.abc import Sequence

import trio

from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from ..events import LedgerEvent
from ..ledger import Ledger
from ..validator import LedgerGrew, Validator
from .failures import NotIssuing
from .issuer import Issuer

_log = logging.getLogger(__name__)


class Validating:
    """Votes for as long as it runs."""

    def __init__(self, ledger: Ledger, validator: NodeId, issuer: Issuer) -> None:
        """Issue for ``validator``, which has a seat, by ``issuer``."""
        self._ledger = ledger
        self._validator = validator
        self._issuer = issuer
        self._grown: list[LedgerEvent] = []
        self._has_grown = trio.Event()
        self._is_running = False

    def note(self, events: Sequence[LedgerEvent]) -> None:
        """Take what happened in the ledger."""
        # Before it runs they would only pile up: the machine begins with what the ledger holds.
        if self._is_running:
            self._grown.extend(events)
            self._has_grown.set()

    async def run(self) -> None:
        """Vote until cancelled."""
        machine = Validator(self._ledger, self._validator, trio.current_time())
        self._is_running = True
        while True:
            with trio.move_on_at(machine.deadline):
                await self._has_grown.wait()
            # A draft stands on the own head, so deciding and issuing are one turn.
            async with self._issuer.turn():
                await self._take_turn(machine)

    async def _take_turn(self, machine: Validator) -> None:
        grown, self._grown = self._grown, []
        self._has_grown = trio.Event()
        event = LedgerGrew(grown) if grown else Tick()
        for command in machine.handle(event, trio.current_time()):
            try:
                await self._issuer.issue(command.draft)
            except NotIssuing as error:
                # The duty stays, and the machine comes back to it.
                _log.debug("no vote: %s", error)
