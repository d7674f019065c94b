"""Who says what of which provider, within bounds whoever invents it (SPEC.md section 9.1).

Room is shared among **ways**: a neighbour that tells, and the hops that it tells.  A liar cannot
crowd out other neighbours; nor what an honest neighbour says of those next to it, since that one
passes inventions on with more hops.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf

from fogbank_protocol.discovery.address import Address
from fogbank_protocol.identity import NodeId
from fogbank_protocol.signed import Signed

from ..limits import HEARD_FRESH_S, HEARD_OFFERS_MAX, HEARD_RUMOURS_MAX, HEARD_WAYS_MAX
from .offers import Offer


@dataclass(frozen=True, slots=True)
class Way:
    """How an offer came here."""

    source: NodeId | None
    """The neighbour that told it; None stands for all that are gone."""

    hops: int
    """As that one told; 0 when it is the provider itself."""


@dataclass(slots=True)
class Rumour:
    """What one neighbour says of one provider: only a dial can tell whether it is so."""

    provider: NodeId
    way: Way
    sequence: int
    """Of the offer with which the neighbour said it."""

    address: Address
    ends_at: float
    known_since: float
    """When the neighbour first spoke of the provider."""

    told_at: float
    """When it did last."""

    dialled_at: float = -inf
    in_vain: int = 0
    """How often in a row it was dialled and the provider has not come, or not yet."""

    again_at: float = -inf
    """When it may be dialled again."""


@dataclass(slots=True)
class Heard:
    """A provider that was heard of, with its latest offer."""

    offer: Offer
    signed: Signed
    heard_at: float
    """When this offer came first."""

    rumours: dict[NodeId | None, Rumour] = field(default_factory=dict[NodeId | None, Rumour])
    """By who says it; never empty in the table."""

    passed_at: float = -inf
    is_passed: bool = False
    """This offer has been passed on."""


@dataclass(slots=True)
class Lane:
    """What has come on one way."""

    dial_turn: int
    """Those with the smallest are drawn from next; likewise ``passing_turn``."""

    passing_turn: int
    rumours: dict[NodeId, Rumour] = field(default_factory=dict[NodeId, Rumour])
    is_cheapest_next: bool = True


class HeardTable:
    """Providers and rumours; when it is full, the way that has the most gives way."""

    def __init__(self) -> None:
        self._providers: dict[NodeId, Heard] = {}
        self._lanes: dict[Way, Lane] = {}
        self._rumours = 0
        self._turns = 0

    def __iter__(self) -> Iterator[Heard]:
        return iter(self._providers.values())

    def find(self, provider: NodeId) -> Heard | None:
        """Return what was heard of ``provider``."""
        return self._providers.get(provider)

    @property
    def lanes(self) -> Mapping[Way, Lane]:
        """What has come, by its way; some are empty."""
        return self._lanes

    def next_turn(self) -> int:
        """Return a turn behind all that were given out."""
        self._turns += 1
        return self._turns

    def make_room(self, way: Way, now: float, *, is_new: bool) -> bool:
        """Have room for another rumour on ``way``, ``is_new`` for another provider as well.

        False when the way has its fair share, and all on it is fresh, and not dialled in vain.
        """
        if not self._has_lane(way):
            return False
        while (is_new and len(self._providers) >= HEARD_OFFERS_MAX) or (
            self._rumours >= HEARD_RUMOURS_MAX
        ):
            worst = self._worst_for(way, now)
            if worst is None:
                return False
            self._drop(worst)
        return True

    def put(self, heard: Heard, rumour: Rumour) -> None:
        """Keep ``rumour`` in the place of what its source said of the provider before.

        It needs room, unless there is such a one.
        """
        old = heard.rumours.get(rumour.way.source)
        if old is not None:
            self._drop(old)
        self._providers[rumour.provider] = heard
        heard.rumours[rumour.way.source] = rumour
        self._lane(rumour.way).rumours[rumour.provider] = rumour
        self._rumours += 1

    def forget_source(self, source: NodeId) -> None:
        """Count what ``source`` has said among what was said by those that are gone.

        Else whoever comes under ever new names would have the share of many neighbours.
        """
        for way in [way for way in self._lanes if way.source == source]:
            for rumour in list(self._lanes[way].rumours.values()):
                heard = self._providers[rumour.provider]
                self._drop(rumour)
                kept = heard.rumours.get(None)
                if kept is None or kept.sequence < rumour.sequence:
                    rumour.way = Way(None, way.hops)
                    self.put(heard, rumour)
            del self._lanes[way]

    def _has_lane(self, way: Way) -> bool:
        if way not in self._lanes and len(self._lanes) >= HEARD_WAYS_MAX:
            for other in [other for other, lane in self._lanes.items() if not lane.rumours]:
                del self._lanes[other]
        return way in self._lanes or len(self._lanes) < HEARD_WAYS_MAX

    def _lane(self, way: Way) -> Lane:
        lane = self._lanes.get(way)
        if lane is None:
            # Behind all others: who makes up new ways must not come first by it.  And an empty one
            # is kept, so that nobody loses its turn because it has nothing to say for a moment.
            lane = self._lanes[way] = Lane(self.next_turn(), self.next_turn())
        return lane

    def _worst_for(self, way: Way, now: float) -> Rumour | None:
        """Return what should go for a newcomer on ``way``."""
        own = list(self._lanes[way].rumours.values()) if way in self._lanes else []
        fullest = max((lane.rumours for lane in self._lanes.values()), key=len)
        # With one more each of two ways would push out what the other has said, and inventions
        # would be passed on without end.
        if len(fullest) > len(own) + 1:
            return max(fullest.values(), key=lambda one: _demerit(one, now))
        spent = [one for one in own if one.in_vain > 0 or _is_over(one, now)]
        return max(spent, key=lambda one: _demerit(one, now), default=None)

    def _drop(self, rumour: Rumour) -> None:
        heard = self._providers[rumour.provider]
        del heard.rumours[rumour.way.source]
        del self._lanes[rumour.way].rumours[rumour.provider]
        self._rumours -= 1
        if not heard.rumours:
            del self._providers[rumour.provider]


def _demerit(rumour: Rumour, now: float) -> tuple[bool, int, bool, float]:
    """Order rumours by how little is lost without them; of equal ones the latest goes first."""
    has_ended = rumour.ends_at <= now
    return (has_ended, rumour.in_vain, _is_over(rumour, now), rumour.known_since)


def _is_over(rumour: Rumour, now: float) -> bool:
    return rumour.ends_at <= now or rumour.told_at + HEARD_FRESH_S <= now
