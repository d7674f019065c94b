"""Whom to trust how far, from results that somebody checked and nothing else (SPEC.md 9.6)."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.identity import NodeId

from ..limits import CONFIRMED_MAX, DISTRUST_S, REPUTATION_HALF_LIFE_S, REPUTATIONS_MAX


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a provider with one package, as of ``unix_s``."""

    confirmed: int
    """Results in a row that another voice or a check confirmed: runs, not lots."""

    unix_s: int
    caught_unix_s: int | None = None
    """When it was caught last; None when it never was."""


class Reputation:
    """A record for each (provider, package); of too many those of long ago are forgotten.

    Own checks, and voices that agree, are all that counts here: peers have no way to write.
    """

    def __init__(
        self,
        records: Iterable[tuple[NodeId, BlobId, Record]] = (),
        unix_time: Callable[[], int] = lambda: 0,
        convicted: Callable[[], Collection[NodeId]] = frozenset,
    ) -> None:
        """Begin with the records that the journal kept, the oldest first.

        ``unix_time`` tells the time in seconds, by which records fade; ``convicted`` who has lost
        a stake, whoever proved it.
        """
        self._unix_time = unix_time
        self._convicted = convicted
        self._records: OrderedDict[tuple[NodeId, BlobId], Record] = OrderedDict()
        self._caught: OrderedDict[NodeId, int] = OrderedDict()
        for provider, package, record in records:
            self._put(provider, package, record)
            if record.caught_unix_s is not None:
                self._note_caught(provider, record.caught_unix_s)

    def confirmed(self, provider: NodeId, package: BlobId) -> int:
        """Return the count: 0 for a stranger and for one that was caught since.

        Half of it is left after ``REPUTATION_HALF_LIFE_S`` without a further one.
        """
        record = self._records.get((provider, package))
        if record is None:
            return 0
        halvings = max(0, self._unix_time() - record.unix_s) // REPUTATION_HALF_LIFE_S
        return record.confirmed >> min(halvings, CONFIRMED_MAX.bit_length())

    def confirmed_most(self, provider: NodeId) -> int:
        """Return the count of the package that ``provider`` is best known for."""
        packages = [package for known, package in self._records if known == provider]
        return max((self.confirmed(provider, package) for package in packages), default=0)

    def is_distrusted(self, provider: NodeId) -> bool:
        """Tell whether ``provider`` was caught lately, with whatever package, or lost a stake."""
        if provider in self._convicted():
            return True
        caught_unix_s = self._caught.get(provider)
        if caught_unix_s is None:
            return False
        # A clock that was set back must not make it last longer.
        return 0 <= self._unix_time() - caught_unix_s < DISTRUST_S

    def count_confirmed(self, provider: NodeId, package: BlobId, results: int = 1) -> int:
        """Count results that another voice or a check confirmed; return the new count."""
        count = min(CONFIRMED_MAX, self.confirmed(provider, package) + results)
        self._put(provider, package, Record(count, self._unix_time()))
        return count

    def reset(self, provider: NodeId, package: BlobId) -> None:
        """Forget every confirmed result: the provider was caught."""
        now = self._unix_time()
        self._put(provider, package, Record(0, now, now))
        self._note_caught(provider, now)

    def acquit(self, provider: NodeId, package: BlobId, unix_s: int) -> None:
        """Forget that ``provider`` was caught, unless that was after ``unix_s``: it was right."""
        if self._caught.get(provider, unix_s + 1) > unix_s:
            return
        del self._caught[provider]
        record = self._records.get((provider, package))
        if record is not None:
            self._records[provider, package] = Record(record.confirmed, record.unix_s)
        for (known, _), other in self._records.items():
            if known == provider and other.caught_unix_s is not None:
                self._note_caught(provider, other.caught_unix_s)

    def _put(self, provider: NodeId, package: BlobId, record: Record) -> None:
        self._records[provider, package] = record
        self._records.move_to_end((provider, package))
        if len(self._records) > REPUTATIONS_MAX:
            self._records.popitem(last=False)

    def _note_caught(self, provider: NodeId, unix_s: int) -> None:
        self._caught[provider] = max(unix_s, self._caught.get(provider, unix_s))
        self._caught.move_to_end(provider)
        if len(self._caught) > REPUTATIONS_MAX:
            self._caught.popitem(last=False)
