"""The ledger in numbers, for people and for the layers above."""

from collections.abc import Collection
from itertools import islice

from fogbank_protocol.identity import NodeId

from ..ledger import Ledger
from ..limits import FORKED_LISTED_MAX
from ..own_account import OwnAccount
from .views import Statistics


class Summary:
    """Counts a ledger; what is dear to count is counted when it may have changed."""

    def __init__(self, ledger: Ledger, account: OwnAccount) -> None:
        """Count ``ledger`` and the payments of ``account``."""
        self._ledger = ledger
        self._account = account
        self._summed_up: tuple[int, tuple[bytes, int]] | None = None

    def statistics(self, *, parked: int, present: Collection[NodeId]) -> Statistics:
        """Return the numbers of now; ``present`` are the own node and those it is connected to.

        Takes time when something became final since the last.
        """
        ledger, genesis = self._ledger, self._ledger.genesis
        state_hash, supply_held = self._final_state()
        return Statistics(
            vertices=len(ledger),
            final=ledger.final_count,
            tips=len(ledger.dag.tips),
            parked=parked,
            accounts=sum(1 for _ in ledger.chains()),
            state_hash=state_hash,
            supply=genesis.supply,
            supply_held=supply_held,
            burned=ledger.burned,
            payments_made=self._account.made,
            payments_final=self._account.final,
            payments_pending=self._account.pending,
            forked=tuple(islice(ledger.proofs(), FORKED_LISTED_MAX)),
            weight_connected=sum(map(ledger.epochs.weight_of, present)),
            quorum=ledger.epochs.quorum,
        )

    def _final_state(self) -> tuple[bytes, int]:
        """Return state hash and supply, which change only when something becomes final."""
        if self._summed_up is None or self._summed_up[0] != self._ledger.final_count:
            sums = (self._ledger.state_hash(), self._ledger.supply_held())
            self._summed_up = (self._ledger.final_count, sums)
        return self._summed_up[1]
