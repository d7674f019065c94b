"""What has to move for a lot before and after it is done, by provider (SPEC.md section 9.3)."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.identity import NodeId

from ..limits import INLINE_BYTES_MAX
from .goodput import Goodput
from .offers import Offer
from .orders import OrderInput


@dataclass(frozen=True, slots=True)
class Moving:
    """The bytes on the way for one lot with one provider."""

    size: int
    milliseconds: int
    is_measured: bool
    """The rate is what earlier transfers with the provider took, and not a guess."""


class Locality:
    """Reckons for one job, whose runs have ``inputs`` in this order."""

    def __init__(
        self,
        goodput: Goodput,
        package_id: BlobId,
        package_bytes: int,
        inputs: Sequence[OrderInput] = (),
    ) -> None:
        """Reckon at the rates of ``goodput``."""
        self._goodput = goodput
        self._package_id = package_id
        self._package_bytes = package_bytes
        self._inputs = inputs
        # Small inputs ride with the agreement, whoever has them; sums make that quick to reckon.
        small = [one.size if one.size <= INLINE_BYTES_MAX else 0 for one in inputs]
        self._small_before = [0, *accumulate(small)]
        self._large = [run for run, one in enumerate(inputs) if one.size > INLINE_BYTES_MAX]

    def moving(
        self, provider: NodeId, offer: Offer | None, runs: range, output_bytes: int, now: float
    ) -> Moving:
        """Return what ``runs`` of the job make move to ``provider``, and ``output_bytes`` back."""
        there = self._inputs_of(provider, runs, now)
        if not self._has_package(provider, offer, now):
            there += self._package_bytes
        took = self._goodput.milliseconds(provider, there, output_bytes)
        return Moving(there + output_bytes, took, self._goodput.is_measured(provider))

    def _has_package(self, provider: NodeId, offer: Offer | None, now: float) -> bool:
        if offer is not None and self._package_id in offer.packages:
            return True
        return self._goodput.holds(provider, self._package_id, now)

    def _inputs_of(self, provider: NodeId, runs: range, now: float) -> int:
        end = min(runs.stop, len(self._inputs))
        if runs.start >= end:
            return 0
        size = self._small_before[end] - self._small_before[runs.start]
        counted: set[BlobId] = set()
        for place in range(bisect_left(self._large, runs.start), bisect_left(self._large, end)):
            one = self._inputs[self._large[place]]
            if one.blob_id not in counted and not self._goodput.holds(provider, one.blob_id, now):
                counted.add(one.blob_id)
                size += one.size
        return size
