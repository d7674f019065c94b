"""What is known of one neighbour: its frontier, what it was told, how well it behaves (8.7)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from .fair_queue import FairQueue
from .frontier import Head, Range, Tag, lacks, missing_range
from .limits import (
    CHECKED_BEFORE_CUT,
    FED_BY_OTHERS_MIN,
    FRONTIER_ENTRIES_MAX,
    FRONTIER_RESET_EVERY,
    INVALID_PER_THOUSAND_MAX,
    OUTBOUND_COST_MAX,
)
from .messages import FrontierMessage


@dataclass(slots=True)
class _Asked:
    """How often a difference was asked about, and what it was."""

    here: Head | None
    there: Head
    times: int = 0


@dataclass(slots=True)
class Neighbour:
    """One neighbour's side of the exchange."""

    ask_at: float
    """When it is next asked for its frontier, in seconds on the machine's clock."""

    asking: bool = False
    pulling: bool = False
    """A stream of ranges from it is open."""

    reset_due: bool = True
    room: int = FRONTIER_ENTRIES_MAX
    """How many differences may be remembered."""

    _exchanges: int = 0
    _told: dict[Tag, Head] = field(default_factory=dict[Tag, Head])
    _theirs: dict[Tag, Head] = field(default_factory=dict[Tag, Head])
    """What it holds and this side lacks, as far as it has said so."""

    _is_left_out: bool = False
    """Something that it said found no room; it is asked to repeat all once there is room again."""

    _asked: dict[Tag, _Asked] = field(default_factory=dict[Tag, _Asked])
    outbound: FairQueue[bytes] = field(default_factory=lambda: FairQueue(OUTBOUND_COST_MAX))
    """Vertices of others to be sent to it, by issuer."""

    _fed: dict[bytes, int] = field(default_factory=dict[bytes, int])
    """How often in a row it pushed here what was held, by issuer."""

    _checked: int = 0
    _invalid: int = 0

    @property
    def differences(self) -> int:
        """How many issuers are remembered of whom it said that it holds more."""
        return len(self._theirs)

    def ask(self, here: Mapping[Tag, Head]) -> FrontierMessage:
        """Return the next question, counting it as told."""
        self._exchanges += 1
        reset = self.reset_due or self._exchanges % FRONTIER_RESET_EVERY == 0
        if self._is_left_out and not self._theirs:
            self._is_left_out, reset = False, True
        self.reset_due = False
        self.asking = True
        if reset:
            self._told.clear()
        return FrontierMessage(reset, self._tell(here))

    def answer(self, question: FrontierMessage, here: Mapping[Tag, Head]) -> FrontierMessage:
        """Take in the neighbour's question and return the answer, counting it as told."""
        if question.reset:
            self._theirs.clear()
            # A stream that broke off, or a vertex that found no room, left a difference that was
            # asked about in vain; and who invents issuers must not fill the memory with them.
            self._asked.clear()
            self._told.clear()
        self.learn(question, here)
        return FrontierMessage(question.reset, self._tell(here))

    def learn(self, message: FrontierMessage, here: Mapping[Tag, Head]) -> None:
        """Take in what the neighbour says of its frontier, ``here`` being held."""
        for tag, head in message.entries.items():
            known = self._theirs.get(tag)
            # Two messages may be handled in the wrong order; a chain never gets shorter.
            if known is not None and head.seq < known.seq:
                continue
            if not lacks(here.get(tag), head):
                self._forget(tag)
            elif known is not None or len(self._theirs) < self.room:
                self._theirs[tag] = head
            else:
                self._is_left_out = True

    def missing_here(self, here: Mapping[Tag, Head], *, is_retry: bool) -> list[Range]:
        """Return what the neighbour holds and this side lacks.

        Unless ``is_retry``, leave out the issuers for whom it was asked and nothing came.
        """
        ranges: list[Range] = []
        for tag, there in list(self._theirs.items()):
            mine = here.get(tag)
            if not lacks(mine, there):
                self._forget(tag)
                continue
            asked_before = self._asked_before(tag, mine, there)
            wanted = missing_range(tag, mine, there, asked_before)
            if wanted is not None and (is_retry or not asked_before):
                ranges.append(wanted)
        return ranges

    def count_asked(self, tag: Tag, here: Head | None) -> None:
        """Remember that ranges of ``tag`` are asked for now, ``here`` being held."""
        there = self._theirs[tag]
        times = self._asked_before(tag, here, there)
        self._asked[tag] = _Asked(here, there, times + 1)

    def note_fed(self, tags: Iterable[bytes]) -> None:
        """Take note that it pushed here, in vain, vertices of these issuers."""
        for tag in tags:
            if tag in self._fed or len(self._fed) < FRONTIER_ENTRIES_MAX:
                self._fed[tag] = self._fed.get(tag, 0) + 1

    def note_lacking(self, tags: Iterable[bytes]) -> None:
        """Take note that it had to ask for vertices of these issuers."""
        for tag in tags:
            self._fed.pop(tag, None)

    def is_fed(self, tag: bytes) -> bool:
        """Tell whether it gets the vertices of this issuer without this side (section 8.7)."""
        return self._fed.get(tag, 0) >= FED_BY_OTHERS_MIN

    def count_checked(self, checked: int, invalid: int) -> bool:
        """Count vertices it sent; False when too many of them were invalid."""
        self._checked += checked
        self._invalid += invalid
        if self._invalid * 1000 > INVALID_PER_THOUSAND_MAX * CHECKED_BEFORE_CUT:
            return False
        if self._checked >= CHECKED_BEFORE_CUT:
            self._checked = self._invalid = 0
        return True

    def _forget(self, tag: Tag) -> None:
        self._theirs.pop(tag, None)
        self._asked.pop(tag, None)

    def _asked_before(self, tag: Tag, here: Head | None, there: Head) -> int:
        asked = self._asked.get(tag)
        if asked is None or asked.here != here or asked.there != there:
            return 0
        return asked.times

    def _tell(self, here: Mapping[Tag, Head]) -> dict[Tag, Head]:
        told = self._told
        changed = ((tag, head) for tag, head in here.items() if told.get(tag) != head)
        news = dict(islice(changed, FRONTIER_ENTRIES_MAX))
        told.update(news)
        return news
