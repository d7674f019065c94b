"""Who says "I hold L1 for that chain up to seq" (SPEC.md section 8.5)."""

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import NamedTuple

from .chain import Chain
from .home import Home
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


class Tally:
    """How many vertices of the chains with one tag the seats of one home acknowledge."""

    __slots__ = ("_beyond", "_home", "counts", "stable")

    def __init__(self, home: Home) -> None:
        self._home = home
        self.counts: list[int] = []
        """By number of the seat."""

        self.stable = 0
        """Validators of quorum weight acknowledge so many vertices."""

        self._beyond = 0
        self.begin()

    def begin(self) -> None:
        """Count anew; the weights may have changed in place (section 8.19)."""
        self.counts = [0] * len(self._home.weights)
        self.stable = self._beyond = 0

    def raise_to(self, seat: int, count: int) -> bool:
        """Count that ``seat`` acknowledges ``count`` vertices; tell whether ``stable`` rose."""
        counts = self.counts
        if seat >= len(counts):
            # Somebody who got a seat after this home began: it has no weight here.
            return False
        before = counts[seat]
        if count <= before:
            return False
        counts[seat] = count
        if count <= self.stable or before > self.stable:
            return False
        # Only a validator that was not beyond ``stable`` can move it, and only with a quorum.
        self._beyond += self._home.weights[seat]
        if self._beyond < self._home.quorum:
            return False
        self._settle()
        return True

    def _settle(self) -> None:
        # Seats that are newer than the home have no weight in it, and no count.
        ranked = sorted(zip(self.counts, self._home.weights, strict=False), reverse=True)
        weight = 0
        for count, one in ranked:
            weight += one
            if weight >= self._home.quorum:
                self.stable = count
                break
        self._beyond = sum(one for count, one in ranked if count > self.stable)


class Acknowledged:
    """How many vertices of the chains with one tag each validator acknowledges."""

    __slots__ = ("_earlier", "_general", "_others", "_said", "chains")

    def __init__(self, general: Home) -> None:
        """``general`` is the home of the community."""
        self._general = Tally(general)
        self._earlier: dict[int, Tally] = {}
        """By epochs that are over, while something that was carried over from there is not final.
        """

        self._others: dict[Home, Tally] = {}
        self._said = [0] * len(general.weights)
        """By number of the seat, in all epochs together: so the homes of sites count (8.18)."""

        self.chains: list[Chain] = []

    @property
    def counts(self) -> Sequence[int]:
        """By number of the seat, what counts in the present epoch."""
        return self._general.counts

    def end_epoch(self, epoch: int, ended: Home) -> None:
        """Keep what was said in ``epoch``, with the weights of ``ended``: it may be carried over.

        What arrives late is counted there too: when something is final must not depend on what
        arrived first.  Call it before the weights change.
        """
        kept = Tally(ended)
        for seat, count in enumerate(self._general.counts):
            kept.raise_to(seat, count)
        self._earlier[epoch] = kept

    def begin_epoch(self) -> None:
        """Count anew; the weights of the community have changed in place (section 8.19)."""
        waiting = (one.contenders(seq) for one in self.chains for seq in _open(one))
        if self._earlier and not any(
            record.carried for contenders in waiting for record in contenders
        ):
            self._earlier.clear()
        self._general.begin()
        self._said += [0] * (len(self._general.counts) - len(self._said))

    def forget_below(self, epoch: int) -> None:
        """Forget what was said in epochs before ``epoch``, that of the floor.

        Whatever was carried over from them is settled (section 8.21, h).
        """
        for one in [one for one in self._earlier if one < epoch]:
            del self._earlier[one]

    def tally(self, home: Home) -> Tally:
        """Return what the seats of ``home`` acknowledge."""
        if home.is_general:
            return self._general
        tally = self._others.get(home)
        if tally is None:
            tally = self._others[home] = Tally(home)
            for seat, count in enumerate(self._said):
                if home.weight_of(seat):
                    tally.raise_to(seat, count)
        return tally

    def covers(self, record: Record) -> bool:
        """Tell whether a quorum acknowledges ``record``, which is L1."""
        if record.seq < self.tally(record.home).stable:
            return True
        if not record.carried:
            return False
        return any(record.seq < tally.stable for tally in self._earlier.values())

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

    def raise_to(
        self, seat: int, count: int, *, is_in_epoch: bool = True, earlier: int | None = None
    ) -> bool:
        """Count that ``seat`` acknowledges ``count`` vertices; tell whether more are covered.

        ``is_in_epoch``: it says so in the present epoch and before it signed off.  ``earlier`` is
        the epoch in which it said so, when that is over.
        """
        if count > self._said[seat]:
            self._said[seat] = count
        rose = is_in_epoch and self._general.raise_to(seat, count)
        if earlier in self._earlier:
            rose = self._earlier[earlier].raise_to(seat, count)
        if self._others:
            for home, tally in self._others.items():
                if home.weight_of(seat) and tally.raise_to(seat, count):
                    rose = True
        return rose


def _open(chain: Chain) -> range:
    return range(chain.final_count, chain.end)
