"""Makes proofs about results that other providers contradict, where nothing can be run.

SPEC.md section 9.10.  Of two that differ one is wrong; the watch finds out which.
"""

from collections.abc import Sequence
from dataclasses import replace
from logging import getLogger

from fogbank_protocol.identity import NetworkId
from fogbank_protocol.node.blob_store import BlobMissing, BlobStore
from fogbank_protocol.signed import Signed
from fogbank_wasm_tasks.outcome import Outcome
from fogbank_wasm_tasks.receipt import Receipt, Result, open_receipt
from fogbank_wasm_tasks.verification.proof_file import WrongResultProof

from .accusations import Accusation

_log = getLogger(__name__)


class Contradictions:
    """What the receipts of a lot say against each other."""

    def __init__(self, network: NetworkId, blobs: BlobStore) -> None:
        """Read packages and inputs from ``blobs``."""
        self._network = network
        self._blobs = blobs

    async def prove(
        self, accusation: Accusation, receipts: Sequence[Signed]
    ) -> WrongResultProof | None:
        """Return the proof about the first result that others contradict; None without one.

        ``receipts`` are those of the lot.  The proof has the whole run repeated, for nothing of it
        is known here.
        """
        number = self._number(accusation, receipts)
        if number is None:
            return None
        given = accusation.inputs[number] if accusation.snapshot is None else accusation.snapshot
        try:
            data = await self._blobs.read(given)
            package = await self._blobs.read(accusation.package_id)
        except BlobMissing as error:
            _log.error("a wrong result cannot be proved: %s", error)
            return None
        return WrongResultProof(
            network=self._network,
            package=package,
            terms=accusation.terms,
            receipt=accusation.receipt,
            index=number,
            start=None,
            stop=None,
            given=data,
        )

    def _number(self, accusation: Accusation, receipts: Sequence[Signed]) -> int | None:
        receipt, terms_id = self._opened(accusation.receipt), accusation.terms.terms_id()
        if receipt.terms_id != terms_id:
            return None
        if accusation.number is not None:
            return accusation.number
        differing = (
            _first_differing(receipt, other)
            for other in map(self._opened, receipts)
            if other.provider in accusation.confirmed_by and other.terms_id == terms_id
        )
        return next((number for number in differing if number is not None), None)

    def against(
        self, accusation: Accusation, number: int, receipts: Sequence[Signed]
    ) -> Sequence[Accusation]:
        """Return one about each of ``receipts`` in which result ``number`` is another.

        The watch has found that of ``accusation`` right.
        """
        right = _provable(self._opened(accusation.receipt).results[number])
        return [
            replace(
                accusation,
                provider=receipt.provider,
                receipt=signed,
                confirmed_by=(accusation.provider,),
                their_stakes=(),
                number=number,
            )
            for signed, receipt in ((signed, self._opened(signed)) for signed in receipts)
            if receipt.terms_id == accusation.terms.terms_id()
            and _provable(receipt.results[number]) != right
        ]

    def _opened(self, signed: Signed) -> Receipt:
        return open_receipt(signed, self._network)


def _first_differing(receipt: Receipt, other: Receipt) -> int | None:
    pairs = enumerate(zip(receipt.results, other.results, strict=True))
    return next((number for number, (one, two) in pairs if _provable(one) != _provable(two)), None)


def _provable(result: Result) -> tuple[Outcome, int, int | None]:
    """Return what the repetition of a whole run can refute: its trace's root is not in it (7.12).

    Who signs another root and nothing else would have a dispute in vain.
    """
    return result.outcome, result.fuel, None if result.trace is None else result.trace.states
