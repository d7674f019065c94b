"""Results that are served again with the receipts of their runs (SPEC.md section 9.5, *Reuse*)."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId, NodeId
from fogbank_protocol.signed import Signed
from fogbank_wasm_tasks.outcome import Ok
from fogbank_wasm_tasks.receipt import Receipt, Result, open_receipt

from ..limits import (
    EVIDENCE_RECEIPTS_MAX,
    KEPT_RESULTS_BYTES_MAX,
    KEPT_RESULTS_MAX,
    PARTS_PER_MILLION,
)
from .agreements import AgreementId
from .bidding import Prices
from .orders import Order

_RULE = "9.5"
_Terms: TypeAlias = tuple[bytes, bytes]
"""Package id and terms id."""


@dataclass(frozen=True, slots=True)
class ProvedLot:
    """A lot that this provider ran, with the receipt that it signed."""

    terms: _Terms
    receipt: Signed
    results: Sequence[Result]
    outputs: Sequence[bytes | None]
    """Those that rode with the receipt; the others are blobs."""

    @property
    def size(self) -> int:
        """The bytes that it takes."""
        return len(self.receipt.body) + sum(len(one) for one in self.outputs if one is not None)


@dataclass(frozen=True, slots=True)
class Reusable:
    """The results of a whole order, and what proves them."""

    results: Sequence[Result]
    outputs: Sequence[bytes | None]
    receipts: Sequence[Signed]


class KeptResults:
    """What a provider can serve again: at most ``KEPT_RESULTS_MAX`` results, the oldest go first.

    A lot waits until its requestor has accepted and paid it: before that nothing is proved.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[AgreementId, ProvedLot] = OrderedDict()
        self._proved: OrderedDict[AgreementId, ProvedLot] = OrderedDict()
        self._places: dict[_Terms, dict[bytes, tuple[AgreementId, int]]] = {}
        """Where the result of an input is, by the terms of its run."""

        self.results = 0
        """Of all lots that are here."""

        self._bytes = 0

    def keep(self, agreement: AgreementId, lot: ProvedLot) -> None:
        """Keep a lot that was run, until it is paid."""
        if len(lot.results) > KEPT_RESULTS_MAX or lot.size > KEPT_RESULTS_BYTES_MAX:
            return
        self._waiting[agreement] = lot
        self.results += len(lot.results)
        self._bytes += lot.size
        while self.results > KEPT_RESULTS_MAX or self._bytes > KEPT_RESULTS_BYTES_MAX:
            self._drop_oldest()

    def prove(self, agreements: Sequence[AgreementId]) -> None:
        """Serve from now on what these agreements came to: they are accepted and paid."""
        for agreement in agreements:
            lot = self._waiting.pop(agreement, None)
            if lot is None:
                continue
            self._proved[agreement] = lot
            places = self._places.setdefault(lot.terms, {})
            for place, result in enumerate(lot.results):
                places[result.input_id] = (agreement, place)

    def find(self, order: Order) -> Reusable | None:
        """Return the results of all runs of ``order``; None when one is not here."""
        # Looked at first: the terms are hashed for few orders then.
        if order.plan is not None or not self._places:
            return None
        places = self._places.get((order.package_id, order.terms().terms_id()), {})
        found = [places.get(one.blob_id) for one in order.inputs]
        here = [one for one in found if one is not None]
        agreements = list(dict.fromkeys(agreement for agreement, _ in here))
        if len(here) != len(found) or len(agreements) > EVIDENCE_RECEIPTS_MAX:
            return None
        lots = [self._proved[agreement] for agreement, _ in here]
        return Reusable(
            results=[lot.results[place] for lot, (_, place) in zip(lots, here, strict=True)],
            outputs=[lot.outputs[place] for lot, (_, place) in zip(lots, here, strict=True)],
            receipts=[self._proved[agreement].receipt for agreement in agreements],
        )

    def _drop_oldest(self) -> None:
        # What is not paid yet may never be, so it goes first.
        shelf = self._waiting if len(self._waiting) > 1 or not self._proved else self._proved
        agreement, lot = shelf.popitem(last=False)
        self.results -= len(lot.results)
        self._bytes -= lot.size
        places = self._places.get(lot.terms, {})
        for result in lot.results:
            if places.get(result.input_id, (b"", 0))[0] == agreement:
                del places[result.input_id]
        if not places:
            self._places.pop(lot.terms, None)


def reuse_prices(prices: Prices, ppm: int) -> Prices:
    """Return what is asked for serving a result again: ``ppm`` parts per million of ``prices``."""
    return replace(
        prices,
        price=prices.price * ppm // PARTS_PER_MILLION,
        start_price=prices.start_price * ppm // PARTS_PER_MILLION,
    )


def check_evidence(
    receipts: Sequence[Signed], provider: NodeId, network: NetworkId, receipt: Receipt
) -> None:
    """Check that old ``receipts`` of ``provider`` prove what its new ``receipt`` says.

    Raises:
        RemoteProtocolError: they do not (section 9.5).
    """
    proved: set[tuple[bytes, object]] = set()
    for signed in receipts:
        old = open_receipt(signed, network)
        if old.provider != provider or old.agreement_id == receipt.agreement_id:
            raise RemoteProtocolError("no old receipt of the provider", rule=_RULE)
        if (old.package_id, old.terms_id) != (receipt.package_id, receipt.terms_id):
            raise RemoteProtocolError("evidence of another package or other terms", rule=_RULE)
        proved.update((result.input_id, result) for result in old.results)
    if any((result.input_id, result) not in proved for result in receipt.results):
        raise RemoteProtocolError("a result that the evidence does not hold", rule=_RULE)


def is_reusable(results: Sequence[Result]) -> bool:
    """Tell whether all of ``results`` are outputs; nobody wants another end twice."""
    return all(isinstance(result.outcome, Ok) for result in results)
