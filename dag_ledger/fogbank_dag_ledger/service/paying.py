"""The own account's vertices: payments when asked for, claims by themselves (SPEC.md 8.3)."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace

import trio

from fogbank_protocol.identity import NodeId

from ..ledger import Ledger
from ..limits import CLAIM_RETRY_S, CLAIM_WAIT_S, OPERATIONS_MAX
from ..vertex import Draft, Vertex
from ..wallet import PaymentRefused, Wallet
from .failures import NotIssuing
from .issuer import Issuer

_log = logging.getLogger(__name__)


class Paying:
    """Pays and claims for one account."""

    def __init__(
        self, ledger: Ledger, account: NodeId, issuer: Issuer, draws: Iterator[int]
    ) -> None:
        """Issue by ``issuer``; ``draws`` are random integers of 32 bits."""
        self._ledger = ledger
        self._account = account
        self._issuer = issuer
        self.wallet = Wallet(ledger, account, draws)
        self._claimable = trio.Event()

    def note_received(self) -> None:
        """Claim soon: a payment to the account became final."""
        self._claimable.set()

    async def pay(self, amounts: Mapping[NodeId, int]) -> Vertex:
        """Pay, with what can be claimed when the balance alone is too small.

        Raises:
            PaymentRefused: the wallet refused; its subclass says why.
            NotIssuing: nothing was paid.
        """
        async with self._issuer.turn():
            needed = sum(amounts.values())
            while self.wallet.available < needed:
                claim = self.wallet.claim()
                if claim is None:
                    break
                await self._issuer.issue(claim)
            return await self._issuer.issue(self._payment(amounts))

    async def run(self) -> None:
        """Claim what is paid to the account, until cancelled."""
        self._claimable.set()
        while True:
            await self._claimable.wait()
            # More payments may come, and the next payment out carries claims along.
            await trio.sleep(CLAIM_WAIT_S)
            self._claimable = trio.Event()
            try:
                await self._claim_all()
            except (PaymentRefused, NotIssuing) as error:
                _log.debug("no claim now: %s", error)
                await trio.sleep(CLAIM_RETRY_S)
                self._claimable.set()

    def _payment(self, amounts: Mapping[NodeId, int]) -> Draft:
        draft = self.wallet.pay(amounts)
        claim = self.wallet.claim()
        if claim is None:
            return draft
        # Claims ride along as far as the body's bound allows for certain.
        return replace(draft, claims=claim.claims[: OPERATIONS_MAX - len(amounts)])

    async def _claim_all(self) -> None:
        async with self._issuer.turn():
            while (claim := self.wallet.claim()) is not None:
                await self._issuer.issue(claim)
