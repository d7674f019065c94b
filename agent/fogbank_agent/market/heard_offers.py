"""Offers that others passed on: of whom an agent has heard, and what it passes on (9.1)."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from fogbank_protocol.discovery.address import Address
from fogbank_protocol.identity import NodeId

from ..limits import (
    HEARD_OFFERS_A_MINUTE_MAX,
    HEARD_TELLERS_MAX,
    OFFER_HOPS_MAX,
    OFFER_RELAY_S,
    OFFERS_TOLD_TOGETHER_MAX,
)
from .dial_rounds import DialProvider, DialRounds
from .heard_table import Heard, HeardTable, Rumour, Way
from .offers import Offer
from .told_offers import TellOffer


@dataclass(frozen=True, slots=True)
class Passing:
    """What goes to everybody but the provider and ``source``."""

    provider: NodeId
    source: NodeId | None
    """None when it is gone."""

    told: TellOffer


@dataclass(slots=True)
class _Allowance:
    since: float
    entries: int = 0


class HeardOffers:
    """The latest offer of each provider, and who says where it is; inventions keep nobody out."""

    def __init__(self, own_id: NodeId) -> None:
        """Listen for the agent ``own_id``."""
        self._own_id = own_id
        self._table = HeardTable()
        self._rounds = DialRounds(self._table)
        self._allowances: OrderedDict[NodeId, _Allowance] = OrderedDict()

    def may_say(self, source: NodeId, entries: int, now: float) -> bool:
        """Tell whether ``source`` may be listened to: a minute has room for so many entries."""
        allowance = self._allowances.get(source)
        if allowance is None or now >= allowance.since + 60:
            allowance = self._allowances[source] = _Allowance(now)
            self._allowances.move_to_end(source)
            if len(self._allowances) > HEARD_TELLERS_MAX:
                self._allowances.popitem(last=False)
        allowance.entries += entries
        return allowance.entries <= HEARD_OFFERS_A_MINUTE_MAX

    def is_news(self, provider: NodeId, sequence: int) -> bool:
        """Tell whether an offer of ``provider`` with ``sequence`` is later than what is known."""
        known = self._table.find(provider)
        return provider != self._own_id and (known is None or known.offer.sequence < sequence)

    def take(self, offer: Offer, told: TellOffer, source: NodeId, now: float) -> bool:
        """Take in an offer whose signature holds; False when it tells nothing, or finds no room.

        ``told.hops`` is 0 for one that comes from its provider itself.
        """
        provider = offer.provider
        if not self.is_news(provider, offer.sequence):
            return self.note(provider, offer.sequence, told, source, now)
        way, heard = Way(source, told.hops), self._table.find(provider)
        is_known_so = heard is not None and source in heard.rumours
        if not is_known_so and not self._table.make_room(way, now, is_new=heard is None):
            return False
        if heard is None:
            heard = Heard(offer, told.offer, now)
        else:
            heard.offer, heard.signed, heard.heard_at = offer, told.offer, now
            heard.is_passed = False
        self._put(heard, offer.sequence, told, way, now)
        return True

    def note(
        self, provider: NodeId, sequence: int, told: TellOffer, source: NodeId, now: float
    ) -> bool:
        """Take in where ``source`` says that a known ``provider`` is; False when it is no use.

        The offer told, of ``sequence``, is no news and counts for nothing, nor need its signature
        hold.  But had only the first to tell a word, it could hide a provider behind an address
        where nobody is.
        """
        heard = self._table.find(provider)
        if heard is None or now >= heard.heard_at + heard.offer.valid_s:
            return False
        if source != provider and provider in heard.rumours:
            # It is here itself.
            return False
        old, way = heard.rumours.get(source), Way(source, told.hops)
        if old is not None and old.sequence >= sequence:
            return False
        if old is None and not self._table.make_room(way, now, is_new=False):
            return False
        self._put(heard, sequence, told, way, now)
        return True

    def forget(self, peer: NodeId) -> None:
        """Take in that ``peer`` is gone."""
        self._table.forget_source(peer)

    def draw(self, is_connected: Callable[[NodeId], bool], now: float) -> Sequence[DialProvider]:
        """Return whom to dial at ``now``, see ``DialRounds.draw``."""
        return self._rounds.draw(is_connected, now)

    def due(self, now: float) -> Sequence[Passing]:
        """Return what to pass on now, each offer once, and count it as passed on.

        The ways take turns, so that a flood keeps nothing waiting but itself.
        """
        waiting = self._waiting(now)
        passing: list[Passing] = []
        while waiting and len(passing) < OFFERS_TOLD_TOGETHER_MAX:
            way = min(waiting, key=lambda one: self._table.lanes[one].passing_turn)
            self._table.lanes[way].passing_turn = self._table.next_turn()
            heard, rumour = waiting[way].pop()
            if not waiting[way]:
                del waiting[way]
            heard.is_passed, heard.passed_at = True, now
            left_s = int(rumour.ends_at - now)
            told = TellOffer(way.hops + 1, left_s, rumour.address, heard.signed)
            passing.append(Passing(rumour.provider, way.source, told))
        return passing

    def _waiting(self, now: float) -> dict[Way, list[tuple[Heard, Rumour]]]:
        """Return what may be passed on, the latest offers of each way first."""
        waiting: dict[Way, list[tuple[Heard, Rumour]]] = {}
        heard_now = [one for one in self._table if not one.is_passed]
        for heard in sorted(heard_now, key=lambda one: one.heard_at, reverse=True):
            rumour = _passable(heard, now)
            if rumour is not None and now >= heard.passed_at + OFFER_RELAY_S:
                waiting.setdefault(rumour.way, []).append((heard, rumour))
        return waiting

    def _put(self, heard: Heard, sequence: int, told: TellOffer, way: Way, now: float) -> None:
        # What a neighbour says of the rest cannot be more than the provider has said itself.
        ends_at = min(now + told.left_s, heard.heard_at + heard.offer.valid_s)
        rumour = Rumour(heard.offer.provider, way, sequence, told.address, ends_at, now, now)
        old = heard.rumours.get(way.source)
        if old is not None:
            rumour.known_since = old.known_since
        # Whatever it says now: a new address each time must not be dialled each time.
        tried = old or _with_address(heard, told.address)
        if tried is not None:
            rumour.dialled_at = tried.dialled_at
            rumour.in_vain, rumour.again_at = tried.in_vain, tried.again_at
        self._table.put(heard, rumour)
        if way.hops == 0:
            _clear(heard, told.address)


def _passable(heard: Heard, now: float) -> Rumour | None:
    """Return what to pass on of ``heard``: what comes from the nearest to it.

    Nothing that was dialled in vain: others should not dial it in vain as well.
    """
    return min(
        (
            rumour
            for rumour in heard.rumours.values()
            if rumour.ends_at - now >= 1
            and rumour.way.hops < OFFER_HOPS_MAX
            and rumour.in_vain == 0
        ),
        key=lambda rumour: (rumour.way.hops, rumour.known_since),
        default=None,
    )


def _with_address(heard: Heard, address: Address) -> Rumour | None:
    return next((one for one in heard.rumours.values() if one.address == address), None)


def _clear(heard: Heard, address: Address) -> None:
    """Take in that the provider is at ``address``."""
    for rumour in heard.rumours.values():
        if rumour.address == address:
            rumour.in_vain, rumour.again_at = 0, -inf
