"""What keeps the providers of a job from lying: what they have at stake (SPEC.md section 9.6)."""

from collections.abc import Callable
from hashlib import blake2b
from math import log
from typing import TypeAlias

from fogbank_protocol.identity import NodeId

from ..limits import AUDITORS_MAX
from .verification import deterrent_ppm

DrawnPlace: TypeAlias = tuple[bool, float]
"""Whether a provider has nothing at stake, and its place among the others: the least is first."""


class Deterrence:
    """What one requestor knows of the stakes behind the words of providers."""

    def __init__(
        self,
        share_of: Callable[[NodeId], int],
        worth_of: Callable[[NodeId], int],
        *,
        can_execute: bool = True,
    ) -> None:
        """Ask ``share_of`` what a lie costs its provider, in drops, as far as that counts here.

        That is the part of a stake on which this requestor may count (section 9.9); ``worth_of``
        tells what the whole is worth.  ``can_execute`` says whether this requestor could repeat a
        run itself.
        """
        self._share_of = share_of
        self._worth_of = worth_of
        self._can_execute = can_execute

    @property
    def rests_on_others(self) -> bool:
        """Whether only others, who have a stake, can tell what is right."""
        return not self._can_execute

    def lie_ppm(self, provider: NodeId, at_risk: int, paid: int) -> int:
        """Return the probability of a check, in parts per million, at which a lie wins nothing.

        By lying ``provider`` would win ``at_risk`` drops, of which it keeps the first ``paid`` even
        when it is found out.  Certain where others check: some may be its friends.
        """
        stake = self._share_of(provider) if self._can_execute else 0
        return deterrent_ppm(at_risk, stake - paid)

    def share(self, provider: NodeId) -> int:
        """Return what a lie costs ``provider``, in drops, as far as this requestor counts on it."""
        return self._share_of(provider)

    def auditors(self, provider: NodeId, at_risk: int, paid: int, *, relied_on: int = 0) -> int:
        """Return how many others have to confirm what ``provider`` says; 1 or more.

        One for each time that its stake goes into what a lie would win, where they alone can tell;
        more than ``AUDITORS_MAX`` when it has none.  ``relied_on`` drops of it were this
        requestor's share when the work was given: others that came since take nothing of that.
        """
        if not self.rests_on_others or at_risk <= 0:
            return 1
        stake = max(relied_on, self.share(provider)) if self._worth_of(provider) > 0 else 0
        return -(-at_risk // (stake - paid)) if stake > paid else AUDITORS_MAX + 1

    def answers(self, provider: NodeId) -> bool:
        """Tell whether ``provider`` may speak: nothing is believed for which nobody can lose."""
        return not self.rests_on_others or self._worth_of(provider) > 0

    def drawn(self, lot: int, provider: NodeId) -> DrawnPlace:
        """Return the provider's place in the order that ``lot`` gives to all providers.

        Who has more at stake is as much likelier to come first; who has nothing comes last.
        """
        worth = self._worth_of(provider)
        # The first of clocks that go off at random, each as often as its stake is worth.
        return worth <= 0, -log(_random_share(lot, provider)) / max(1, worth)


def _random_share(lot: int, provider: NodeId) -> float:
    """Return a number above 0, at most 1, that ``lot`` and ``provider`` give."""
    digest = blake2b(lot.to_bytes(4, "big") + provider, digest_size=8).digest()
    return (int.from_bytes(digest, "big") + 1) / (1 << 64)
