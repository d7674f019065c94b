"""The stake that a provider has locked on the ledger, as its offers name it (SPEC.md 9.9)."""

from collections.abc import Callable, Sequence
from logging import getLogger

import trio

from fogbank_dag_ledger.operations import StakeTerms, Unstake
from fogbank_dag_ledger.service.failures import NotIssuing, StorageFailure
from fogbank_dag_ledger.service.ledger_service import LedgerService
from fogbank_dag_ledger.stakes import StakeView
from fogbank_dag_ledger.wallet import PaymentRefused
from fogbank_protocol.identity import NodeId

from ..limits import STAKE_LOOK_S, STAKE_MIN
from ..market.offers import StakePlace
from ..market.stakes import stake_terms

_log = getLogger(__name__)


class StakeRefused(Exception):
    """A stake cannot be opened or taken back; the message says why and what to do."""


class Staking:
    """Opens the stake that the owner wants, and tells which one stands."""

    def __init__(self, ledger: LedgerService, own_id: NodeId, wanted: int) -> None:
        """Have ``wanted`` drops at stake as soon as twice as many are there; 0 for none.

        One that is there already, whatever its amount, is left as it is.
        """
        self._ledger = ledger
        self._own_id = own_id
        self._wanted = wanted

    async def run(self, on_change: Callable[[], None]) -> None:
        """Open what is wanted; ``on_change`` is called when another stake stands, or none."""
        place = self.place()
        async with self._ledger.watch() as news:
            while True:
                if self._wanted:
                    await self._try_open()
                if self.place() != place:
                    place = self.place()
                    on_change()
                with trio.move_on_after(STAKE_LOOK_S):
                    await news.receive()

    def place(self) -> StakePlace | None:
        """Return where the largest stake that stands was opened; None when none does."""
        standing = [
            view
            for view in self._own()
            if view.is_final and not (view.is_leaving or view.is_slashed or view.is_settled)
        ]
        if not standing:
            return None
        best = max(standing, key=lambda view: view.amount)
        return StakePlace(best.opening, best.index)

    def stakes(self) -> Sequence[StakeView]:
        """Return all stakes of this agent that the ledger knows."""
        return self._own()

    async def open(self, drops: int) -> StakeView:
        """Lock ``drops``; return when that is final.

        Raises:
            StakeRefused: it cannot be, and why.
        """
        if drops < STAKE_MIN:
            raise StakeRefused(f"a stake has at least {STAKE_MIN:,} drops")
        terms = self._terms(drops)
        if terms is None:
            raise StakeRefused(
                "nobody could watch over a stake: no other account has a seat in this network"
            )
        try:
            name, vertex = await self._ledger.channels.open(drops, terms)
            await self._ledger.wait_final(vertex)
        except (PaymentRefused, NotIssuing, StorageFailure) as error:
            raise StakeRefused(f"the stake cannot be opened: {error}") from None
        view = self._ledger.stake(name)
        assert view is not None
        return view

    async def withdraw(self) -> int:
        """Ask for everything at stake back; return how many stakes that are.

        They come back when their beats are over, without asking again.

        Raises:
            StakeRefused: it cannot be asked for now, and why.
        """
        self._wanted = 0
        leaving = 0
        for view in self._own():
            if view.is_leaving or view.is_settled or not view.is_final:
                continue
            try:
                vertex = await self._ledger.channels.act(view.id, Unstake())
                await self._ledger.wait_final(vertex)
            except (PaymentRefused, NotIssuing, StorageFailure) as error:
                raise StakeRefused(f"the stake cannot be asked back: {error}") from None
            leaving += 1
        return leaving

    async def _try_open(self) -> None:
        """Open what is wanted if it can be now."""
        if any(not view.is_settled for view in self._own()):
            self._wanted = 0
            return
        # As much again stays free: who earns wants to spend some of it.
        if self._ledger.wallet().balance < 2 * self._wanted or self._terms(self._wanted) is None:
            return
        try:
            await self.open(self._wanted)
        except StakeRefused as refused:
            _log.info("%s", refused)
        else:
            _log.info(
                "%s drops are at stake now, as [provider] stake says: 'fogbank stake withdraw' "
                "asks for them back",
                f"{self._wanted:,}",
            )
            self._wanted = 0

    def _terms(self, drops: int) -> StakeTerms | None:
        return stake_terms(self._ledger.committee().table.seats, self._own_id, drops)

    def _own(self) -> Sequence[StakeView]:
        views = [
            self._ledger.stake(one.id)
            for one in self._ledger.channels.others()
            if isinstance(one.terms, StakeTerms) and one.opener == self._own_id
        ]
        return [view for view in views if view is not None]
