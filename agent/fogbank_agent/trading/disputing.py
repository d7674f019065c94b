"""Has the stakes of providers seized whose results were wrong (SPEC.md section 9.10)."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from logging import getLogger

import trio

from fogbank_dag_ledger.operations import ObjectId
from fogbank_dag_ledger.service.ledger_service import LedgerService
from fogbank_dag_ledger.stakes import StakeView
from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.identity import Identity, NodeId, short_form
from fogbank_protocol.node.blob_store import BlobStore
from fogbank_protocol.node.containment import run_contained
from fogbank_protocol.node.node import Node
from fogbank_wasm_tasks.verification.statements import receipt_id_of

from ..limits import DISPUTES_AT_ONCE_MAX, STAKES_RELIED_ON_MAX
from ..market.dispute import DisputeState
from ..market.offers import StakePlace
from ..market.story import DisputeEnded
from .accusations import Accusation, AccusationBook
from .dispute_book import DisputeBook, DisputeRecord
from .journal import Journal
from .outvoted import Outvoted
from .own_runs import OwnRuns
from .proving import Proving
from .pursuit import Court, Pursuit
from .watch import Watch

_log = getLogger(__name__)


class Disputing:
    """Opens disputes, gathers findings, and puts the proofs on the ledger."""

    def __init__(
        self,
        node: Node,
        identity: Identity,
        ledger: LedgerService,
        blobs: BlobStore,
        journal: Journal,
        own_runs: OwnRuns,
        watch: Watch,
        place_of: Callable[[NodeId], StakePlace | None],
        acquit: Callable[[NodeId, BlobId, int], None],
    ) -> None:
        """``place_of`` says where the stake was opened that a provider's offer names.

        ``acquit`` is told of a provider whose results of a package were found right, and until
        what second that speaks for it.
        """
        self._ledger = ledger
        self._blobs = blobs
        self._network = node.network
        self._own_runs = own_runs
        self._book = DisputeBook(journal)
        self._accusations = AccusationBook(journal)
        self._proving = Proving(node, identity, blobs, own_runs, watch)
        self._court = Court(node, identity, ledger, watch)
        self._place_of = place_of
        self._outvoted = Outvoted(
            node.network, blobs, journal, self._stake_of, self._stake_at, self._pursue, acquit
        )
        self._nursery: trio.Nursery | None = None
        self._disputed: set[ObjectId] = set()
        """The stakes of disputes under way: one wrong result is enough to lose one."""

        self._relied_on: OrderedDict[NodeId, StakePlace] = OrderedDict()
        """The stake that a provider named when there was an agreement with it."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Pursue disputes, first those of earlier lives, until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            left = self._accusations.left()
            waiting = {self._receipt_id(one) for one, _ in left}
            under_way = self._book.under_way()
            begun = {record.receipt_id for record in under_way}
            # What was on its way goes on before what had waited for it.
            left = sorted(left, key=lambda one: self._receipt_id(one[0]) not in begun)
            for record in under_way:
                if not self._own_runs.is_able and record.receipt_id in waiting:
                    continue  # Those who contradict it may have to be accused yet.
                self._disputed.add(record.opening.stake.object_id)
                nursery.start_soon(run_contained, "a dispute", self._pursue, record, lambda: None)
            for accusation, place in left:
                self._open_left(nursery, accusation, place)
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None

    def _receipt_id(self, accusation: Accusation) -> bytes:
        return receipt_id_of(accusation.receipt, self._network)

    def _open_left(self, nursery: trio.Nursery, accusation: Accusation, place: StakePlace) -> None:
        """Go on with what an earlier life was still to prove."""
        if not self._own_runs.is_able:
            self._outvoted.accuse(nursery, accusation, place)
            return
        stake = self._stake_at(place, accusation.provider)
        receipt_id = self._receipt_id(accusation)
        if stake is None or stake.id in self._disputed or self._book.about(receipt_id):
            self._accusations.end(accusation)
            return
        self._disputed.add(stake.id)
        nursery.start_soon(run_contained, "a dispute", self._open, accusation, place, stake)

    def rely_on(self, provider: NodeId) -> None:
        """Remember the stake of ``provider``, with whom there will be an agreement.

        It answers for what comes of that, though the provider may vanish or name another later.
        """
        place = self._place_of(provider)
        if place is None or self._relied_on.get(provider) == place:
            return
        named, known = self._stake_at(place, provider), self._stake_of(provider)
        # None that is smaller takes the place of one that can still be lost.
        if named is None or (known is not None and known[1].amount > named.amount):
            return
        self._relied_on.pop(provider, None)
        self._relied_on[provider] = place
        if len(self._relied_on) > STAKES_RELIED_ON_MAX:
            self._relied_on.popitem(last=False)

    def _stake_of(self, provider: NodeId) -> tuple[StakePlace, StakeView] | None:
        """Return what ``provider`` can still lose."""
        for place in (self._relied_on.get(provider), self._place_of(provider)):
            stake = None if place is None else self._stake_at(place, provider)
            if place is not None and stake is not None:
                return place, stake
        return None

    def _stake_at(self, place: StakePlace, provider: NodeId) -> StakeView | None:
        stake = self._ledger.stake(place.object_id)
        if stake is None or stake.owner != provider or stake.is_settled:
            return None
        return stake

    def accuse(self, accusation: Accusation) -> None:
        """Open a dispute when the provider has something at stake, and the wrong can be proved."""
        found = self._stake_of(accusation.provider)
        if found is None or self._nursery is None:
            return
        place, stake = found
        if not self._own_runs.is_able:
            self._outvoted.accuse(self._nursery, accusation, place)
        elif stake.id not in self._disputed and self._has_room():
            self._disputed.add(stake.id)
            self._accusations.keep(accusation, place)
            dispute = self._open, accusation, place, stake
            self._nursery.start_soon(run_contained, "a dispute", *dispute)

    def _has_room(self) -> bool:
        if len(self._disputed) < DISPUTES_AT_ONCE_MAX:
            return True
        _log.error("too many disputes are under way: a liar keeps its stake")
        return False

    def records(self) -> Sequence[DisputeRecord]:
        """Return the latest disputes, the newest first."""
        return self._book.latest()

    # One dispute.

    async def _open(self, accusation: Accusation, place: StakePlace, stake: StakeView) -> None:
        with self._blobs.all_pinned(accusation.needed):
            try:
                record = await self._proving.prove(accusation, place, stake)
                if record is not None:
                    self._book.begin(record, stake)
            except Exception:
                # A bug: what has caused it is not tried again, and keeps no other from its turn.
                self._disputed.discard(stake.id)
                self._accusations.end(accusation)
                raise
            if record is None:
                self._disputed.discard(stake.id)
            self._accusations.end(accusation)
        if record is not None:
            await self._pursue(record)

    async def _pursue(
        self, record: DisputeRecord, proved: Callable[[], None] = lambda: None
    ) -> DisputeState:
        """Gather findings until the stake is seized, or there is no hope of it.

        ``proved`` is told when the watch has found the result wrong.
        """
        proof_id = record.opening.proof_id
        self._blobs.pin(proof_id)
        self._disputed.add(record.opening.stake.object_id)
        state = DisputeState.TOO_LATE
        try:
            stake = self._ledger.stake(record.opening.stake.object_id)
            if stake is not None:
                state = await Pursuit(self._court, record, stake, proved).run()
        finally:
            self._blobs.unpin(proof_id)
            self._disputed.discard(record.opening.stake.object_id)
        self._book.keep(replace(record, state=state))
        self._book.tell(record, DisputeEnded(record.provider, state.value, record.drops))
        _log.warning("a dispute with %s is over: %s", short_form(record.provider), state.value)
        return state
