"""Brings what others contradict before a watch, where nothing can be run (SPEC.md section 9.10)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from logging import getLogger

import trio

from fogbank_dag_ledger.stakes import StakeView
from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId, NodeId
from fogbank_protocol.node.blob_store import BlobStore, StoreFull
from fogbank_protocol.node.containment import run_contained
from fogbank_wasm_tasks.verification.statements import receipt_id_of

from ..market.dispute import DisputeState
from ..market.docket import Charge, Docket
from ..market.offers import StakePlace
from .accusations import Accusation, AccusationBook
from .contradiction import Contradictions
from .dispute_book import DisputeBook, DisputeRecord
from .journal import Journal
from .kept_proof import keep_proof

_log = getLogger(__name__)


class Outvoted:
    """The accusations of a requestor without a sandbox: each waits for its turn."""

    def __init__(
        self,
        network: NetworkId,
        blobs: BlobStore,
        journal: Journal,
        stake_of: Callable[[NodeId], tuple[StakePlace, StakeView] | None],
        stake_at: Callable[[StakePlace, NodeId], StakeView | None],
        pursue: Callable[[DisputeRecord, Callable[[], None]], Awaitable[DisputeState]],
        acquit: Callable[[NodeId, BlobId, int], None],
    ) -> None:
        """``stake_of`` and ``stake_at`` tell what a provider can lose, now and at a place.

        ``pursue`` brings a dispute to its end, and tells when the watch has found the result wrong;
        ``acquit`` is told of a provider whose result was right.
        """
        self._network = network
        self._blobs = blobs
        self._journal = journal
        self._book = DisputeBook(journal)
        self._accusations = AccusationBook(journal)
        self._contradictions = Contradictions(network, blobs)
        self._stake_of = stake_of
        self._stake_at = stake_at
        self._pursue = pursue
        self._acquit = acquit
        self._docket = Docket()
        self._cases: dict[bytes, tuple[Accusation, StakePlace]] = {}
        self._turns: dict[bytes, trio.Event] = {}

    def accuse(
        self,
        nursery: trio.Nursery,
        accusation: Accusation,
        place: StakePlace,
        *,
        is_first: bool = False,
    ) -> None:
        """Bring ``accusation`` before the watch of the stake at ``place`` when its turn comes.

        That is at once when it is on the way there already, as an earlier life has left it.
        """
        receipt = accusation.receipt.signature
        if not accusation.their_stakes:
            # They answer for it, though they may have gone when it is their turn.
            accusation = replace(accusation, their_stakes=self._stakes_of(accusation.confirmed_by))
        # What the watch has found itself needs nobody's word.
        others = () if accusation.number is not None else accusation.confirmed_by
        charge = Charge(receipt, accusation.provider, frozenset(others))
        if not self._docket.add(charge, is_first=is_first):
            _log.error("too many results wait to be proved wrong: a liar may keep its stake")
            return
        self._accusations.keep(accusation, place)
        self._cases[receipt] = (accusation, place)
        if receipt not in self._turns:
            self._turns[receipt] = trio.Event()
            nursery.start_soon(run_contained, "a dispute", self._bring, nursery, receipt)
        self._call()

    def _stakes_of(self, providers: Sequence[NodeId]) -> Sequence[tuple[NodeId, StakePlace]]:
        found = [(provider, self._stake_of(provider)) for provider in providers]
        return [(provider, stake[0]) for provider, stake in found if stake is not None]

    def _call(self) -> None:
        for charge in self._docket.call():
            self._turns[charge.receipt].set()

    async def _bring(self, nursery: trio.Nursery, receipt: bytes) -> None:
        with self._blobs.all_pinned(self._cases[receipt][0].needed):
            await self._turns[receipt].wait()
            try:
                others = await self._judge(*self._cases[receipt])
            except RemoteProtocolError as error:
                # A receipt of an earlier version; those that arrive now were checked.
                _log.error("a wrong result cannot be proved: %s", error)
                others = ()
            except Exception:
                # A bug: what has caused it is not tried again, and keeps no other from its turn.
                self._end(receipt)
                raise
        # On stable storage before this one is forgotten.
        for other, its_place in reversed(others):
            self.accuse(nursery, other, its_place, is_first=True)
        self._end(receipt)

    def _end(self, receipt: bytes) -> None:
        accusation, _ = self._cases.pop(receipt)
        self._accusations.end(accusation)
        del self._turns[receipt]
        self._docket.end(receipt)
        self._call()

    async def _judge(
        self, accusation: Accusation, place: StakePlace
    ) -> Sequence[tuple[Accusation, StakePlace]]:
        """Return whom to accuse in its place, when it was right, and the stakes that answer."""
        receipt = accusation.receipt
        record = self._book.about(receipt_id_of(receipt, self._network))
        if record is None:
            record = await self._open(accusation, place)
        if record is None:
            return ()
        state = record.state
        if not state.is_over:
            state = await self._pursue(record, lambda: self._note_decided(receipt.signature))
        if state is not DisputeState.RIGHT:
            return ()
        self._docket.decide(receipt.signature)
        self._acquit(record.provider, accusation.package_id, record.opened_unix_s)
        receipts = [
            signed
            for signed in self._journal.receipts(record.lot_id)
            if self._book.about(receipt_id_of(signed, self._network)) is None
        ]
        others = self._contradictions.against(accusation, record.number, receipts)
        places = dict(self._stakes_of([other.provider for other in others]))
        places |= accusation.their_stakes
        return [(other, places[other.provider]) for other in others if other.provider in places]

    def _note_decided(self, receipt: bytes) -> None:
        self._docket.decide(receipt)
        self._call()

    async def _open(self, accusation: Accusation, place: StakePlace) -> DisputeRecord | None:
        """Open the dispute; None when the stake is gone, or nothing can be proved."""
        stake = self._stake_at(place, accusation.provider)
        if stake is None:
            return None
        receipts = self._journal.receipts(accusation.lot_id)
        proof = await self._contradictions.prove(accusation, receipts)
        if proof is None:
            return None
        try:
            record = await keep_proof(self._blobs, proof, place, stake, accusation.lot_id)
        except StoreFull as error:
            _log.error("a wrong result cannot be proved: %s", error)
            return None
        self._book.begin(record, stake)
        return record
