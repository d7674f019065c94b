"""What providers hold for work that they have not shown yet (SPEC.md section 9.6, *Advances*)."""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable

from fogbank_protocol.identity import NodeId

from ..limits import (
    ADVANCE_HOURS,
    ADVANCE_LOST_PARTS,
    ADVANCE_PARTS,
    ADVANCE_TRUST_PARTS,
    ADVANCES_KNOWN_MAX,
)

_HOUR_S = 3_600


class Advances:
    """Bounds what is paid for statements before a result is seen.

    A statement is a provider's word alone.  Each may hold a part of what it has earned by results;
    what is beyond that comes out of one pool for all, a part of what this agent owns: a name costs
    nothing, so who steals under a new one each time takes no more than the pool.  And as soon as
    strangers have kept more than a small part of what was earned, they are tried one by one.
    """

    def __init__(self, spendable: Callable[[], int]) -> None:
        """Ask ``spendable`` for the drops in wallet and channels together."""
        self._spendable = spendable
        self._held: dict[Hashable, tuple[NodeId, int]] = {}
        """By agreement: who has it, and the drops that are set aside or were paid for it."""

        self._earned: OrderedDict[NodeId, int] = OrderedDict()
        """By results, less twice what was lost to that provider; the latest last."""

        self._lost = _Day()
        """What strangers kept for nothing."""

        self._bought = _Day()
        """What results that were accepted have cost."""

    def hold(self, provider: NodeId, agreement: Hashable, drops: int) -> None:
        """Count ``drops`` that ``provider`` holds, or will, for the work of ``agreement``."""
        self._held[agreement] = (provider, drops)

    def end(self, agreement: Hashable) -> None:
        """Count them no longer: there is a result, or the work is not wanted any more."""
        self._held.pop(agreement, None)

    def forget(self, is_ended: Callable[[Hashable], bool]) -> None:
        """Count those no longer that have ended without a word, by a bug."""
        for agreement in [one for one in self._held if is_ended(one)]:
            self.end(agreement)

    def earn(self, provider: NodeId, drops: int) -> None:
        """Trust ``provider`` more: its results were accepted, for ``drops``; or less, below 0."""
        self._note(provider, drops)
        self._bought.add(drops)

    def distrust(self, provider: NodeId) -> None:
        """Forget what ``provider`` has earned: it was caught."""
        self._earned[provider] = min(0, self._earned.get(provider, 0))

    def lose(self, provider: NodeId, drops: int, now: float) -> None:
        """Count ``drops`` that ``provider`` keeps, and shows nothing for."""
        if drops <= 0:
            return
        self._look(now)
        self._lost.add(max(0, drops - self._trust(provider)))
        self._note(provider, -2 * drops)

    def has_earned(self, provider: NodeId) -> bool:
        """Tell whether ``provider`` has shown more than it has kept for nothing."""
        return self._earned.get(provider, 0) > 0

    def is_robbed(self, now: float) -> bool:
        """Tell whether strangers have kept so much that those who have earned come first."""
        self._look(now)
        return self._lost.total * ADVANCE_LOST_PARTS > self._bought.total

    def is_spent(self, provider: NodeId, now: float) -> bool:
        """Tell whether strangers have kept so much for nothing that ``provider`` gets no more."""
        return self._trust(provider) == 0 and self._is_lost(now)

    def may_begin(self, provider: NodeId, drops: int, now: float) -> bool:
        """Tell whether ``provider`` may be given work for which it will want ``drops``.

        When strangers hold nothing, one may: what a run takes may be more than there is a part of.
        """
        trust = self._trust(provider)
        if 0 < trust >= self._held_by(provider) + drops:
            return True
        if self._is_lost(now):
            return False
        beyond = self._beyond()
        if not any(beyond.values()):
            return True
        return not self.is_robbed(now) and sum(beyond.values()) + drops <= self._pool

    def may_pay(self, provider: NodeId, agreement: Hashable, drops: int, now: float) -> bool:
        """Tell whether ``provider`` may hold ``drops`` in all for the work of ``agreement``.

        When there is not enough for all strangers, whoever holds most for one agreement is paid
        further, so that there is a result by which the others can be.
        """
        before = self._held.get(agreement, (provider, 0))
        self._held[agreement] = (provider, drops)
        beyond = self._beyond()
        excess, is_most = beyond[provider], self._is_most(agreement, beyond)
        self._held[agreement] = before
        if excess <= 0:
            return True
        return not self._is_lost(now) and (sum(beyond.values()) <= self._pool or is_most)

    def _is_most(self, agreement: Hashable, beyond: dict[NodeId, int]) -> bool:
        strangers = [
            (drops, repr(one)) for one, (who, drops) in self._held.items() if beyond[who] > 0
        ]
        return bool(strangers) and max(strangers)[1] == repr(agreement)

    @property
    def _pool(self) -> int:
        return self._spendable() // ADVANCE_PARTS - self._lost.total

    def _is_lost(self, now: float) -> bool:
        """Tell whether strangers have kept all of the pool."""
        self._look(now)
        return self._lost.total > 0 and self._pool <= 0

    def _look(self, now: float) -> None:
        hour = int(now // _HOUR_S)
        self._lost.look(hour)
        self._bought.look(hour)

    def _trust(self, provider: NodeId) -> int:
        return max(0, self._earned.get(provider, 0)) // ADVANCE_TRUST_PARTS

    def _held_by(self, provider: NodeId) -> int:
        return sum(drops for who, drops in self._held.values() if who == provider)

    def _beyond(self) -> dict[NodeId, int]:
        """Return what each holds beyond what it is trusted with."""
        held: dict[NodeId, int] = {}
        for who, drops in self._held.values():
            held[who] = held.get(who, 0) + drops
        return {who: max(0, drops - self._trust(who)) for who, drops in held.items()}

    def _note(self, provider: NodeId, drops: int) -> None:
        self._earned[provider] = self._earned.pop(provider, 0) + drops
        if len(self._earned) > ADVANCES_KNOWN_MAX:
            self._earned.popitem(last=False)


class _Day:
    """A sum over the last ``ADVANCE_HOURS``, hour by hour."""

    def __init__(self) -> None:
        self.total = 0
        self._hours: deque[tuple[int, int]] = deque()
        self._hour = 0

    def look(self, hour: int) -> None:
        """Forget what is too long ago in ``hour``."""
        self._hour = hour
        while self._hours and self._hours[0][0] <= hour - ADVANCE_HOURS:
            self.total -= self._hours.popleft()[1]

    def add(self, drops: int) -> None:
        """Count ``drops`` of the hour that was looked at last."""
        before = self._hours.pop()[1] if self._hours and self._hours[-1][0] == self._hour else 0
        self._hours.append((self._hour, before + drops))
        self.total += drops
