"""Results that a provider keeps to serve them again for less (SPEC.md section 9.5, *Reuse*)."""

from collections.abc import Sequence

from fogbank_protocol.node.blob_store import BlobStore
from fogbank_wasm_tasks.outcome import Ok

from ..limits import PARTS_PER_MILLION
from ..market.agreements import AgreementId
from ..market.bidding import Prices
from ..market.orders import Order
from ..market.reuse import KeptResults, ProvedLot, Reusable, is_reusable, reuse_prices
from ..market.run_messages import RunEnded
from .work import Work


class Reusing:
    """The kept results, and the blobs that the long ones are."""

    def __init__(self, blobs: BlobStore, ppm: int) -> None:
        """Ask ``ppm`` parts per million of the prices; with a million nothing is kept."""
        self._blobs = blobs
        self._ppm = ppm
        self._results = KeptResults()

    def find(self, order: Order) -> Reusable | None:
        """Return the results of ``order`` when all of them are here to be served again."""
        found = self._results.find(order)
        if found is None:
            return None
        for result, output in zip(found.results, found.outputs, strict=True):
            is_here = output is not None or (
                isinstance(result.outcome, Ok) and self._blobs.has(result.outcome.output_id)
            )
            if not is_here:
                return None
        return found

    def prices(self, prices: Prices) -> Prices:
        """Return what is asked for serving again what costs ``prices`` to run."""
        return reuse_prices(prices, self._ppm)

    def keep(self, work: Work, ended: RunEnded) -> None:
        """Keep what was run, to serve it again when it is paid."""
        order, is_new = work.order, work.reusable is None
        if self._ppm >= PARTS_PER_MILLION or order.plan is not None or not is_new:
            return
        if is_reusable(work.results):
            terms = order.package_id, order.terms().terms_id()
            lot = ProvedLot(terms, ended.receipt, tuple(work.results), ended.outputs)
            self._results.keep(work.agreement_id, lot)

    def prove(self, agreements: Sequence[AgreementId]) -> None:
        """Serve from now on what these came to: they are accepted and paid."""
        self._results.prove(agreements)
