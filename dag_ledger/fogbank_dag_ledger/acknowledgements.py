"""Who says "I hold L1 for that chain up to seq" (SPEC.md section 8.5)."""

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import NamedTuple

from .chain import Chain
from .record import Record
from .vertex import position

_ENTRY = Struct(">8sI")


class Entry(NamedTuple):
    """One acknowledgement: every chain with this tag, up to ``seq``.

    A tuple and not a dataclass, because certs are most of what validators say.
    """

    tag: bytes
    seq: int


def encode_cert(entries: Sequence[Entry]) -> bytes:
    """Return ``tag(8) | seq(4)`` for each, ascending by tag."""
    ordered = sorted(entries, key=lambda entry: entry.tag)
    return b"".join(position(entry.tag, entry.seq) for entry in ordered)


def decode_cert(cert: bytes) -> Iterator[Entry]:
    """Iterate over the entries of a cert whose form was checked (8.3.10)."""
    return map(Entry._make, _ENTRY.iter_unpack(cert))


class Acknowledged:
    """How many vertices of the chains with one tag each validator acknowledges."""

    __slots__ = ("_beyond", "_quorum", "_weights", "chains", "counts", "stable")

    def __init__(self, weights: Sequence[int], quorum: int) -> None:
        """``weights`` by number of the seat."""
        self._weights = weights
        self._quorum = quorum
        self.counts = [0] * len(weights)
        self.stable = 0
        """Validators of quorum weight acknowledge so many vertices."""

        self._beyond = 0
        self.chains: list[Chain] = []

    def begin_epoch(self, quorum: int) -> None:
        """Count anew with ``quorum``; the weights have changed in place (section 8.19)."""
        self._quorum = quorum
        self.counts = [0] * len(self._weights)
        self.stable = self._beyond = 0

    def contenders(self, seq: int) -> Iterator[Record]:
        """Iterate over all vertices held whose id begins with the tag and ``seq``."""
        for chain in self.chains:
            yield from chain.contenders(seq)

    def is_settled(self, seq: int) -> bool:
        """Tell whether a chain with the tag is settled at ``seq``, or closed."""
        # By hand, for it is asked of each entry of each cert, and there is one chain as a rule.
        for chain in self.chains:  # noqa: SIM110
            if seq < chain.floor or chain.closed:
                return True
        return False

    def is_observed(self, seq: int, bit: int) -> bool:
        """Tell whether the validator with this ``bit`` has observed one of ``contenders``."""
        for chain in self.chains:
            if chain.floor <= seq < chain.end and chain.slots[seq - chain.floor].seen & bit:
                return True
        return any(record.seen & bit for record in self.contenders(seq))

    def raise_to(self, seat: int, count: int) -> bool:
        """Count that ``seat`` acknowledges ``count`` vertices; tell whether ``stable`` rose."""
        before = self.counts[seat]
        if count <= before:
            return False
        self.counts[seat] = count
        if count <= self.stable or before > self.stable:
            return False
        # Only a validator that was not beyond ``stable`` can move it, and only with a quorum.
        self._beyond += self._weights[seat]
        if self._beyond < self._quorum:
            return False
        self._settle()
        return True

    def _settle(self) -> None:
        ranked = sorted(zip(self.counts, self._weights, strict=True), reverse=True)
        weight = 0
        for count, one in ranked:
            weight += one
            if weight >= self._quorum:
                self.stable = count
                break
        self._beyond = sum(one for count, one in ranked if count > self.stable)
