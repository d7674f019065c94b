"""How much money is still free for new agreements, and whom it reaches."""

from collections.abc import Callable, Hashable

from fogbank_protocol.identity import NodeId

from .advances import Advances


class Purse:
    """What can be spent, less what agreements under way may cost and what is already owed."""

    def __init__(
        self,
        spendable: Callable[[], int],
        left: Callable[[NodeId], int] | None = None,
        is_coming: Callable[[], bool] = lambda: False,
    ) -> None:
        """Ask ``spendable`` for the drops in wallet and channels together.

        ``left`` tells what is left in the channel to a provider; without it all are paid.
        ``is_coming`` tells whether the ledger still has to decide about drops that may be spent.
        """
        self._spendable = spendable
        self._left = left
        self._is_coming = is_coming
        self.owed = 0
        """Drops that are due and not yet transferred, kept up by the shell."""

        self.advances = Advances(spendable)
        """What is paid before results are seen."""

        self._reserved: dict[Hashable, int] = {}
        self._reserved_total = 0
        self._risks: dict[NodeId, dict[Hashable, int]] = {}

    @property
    def free(self) -> int:
        """Drops that a new agreement may still promise; never below 0."""
        return max(0, self._spendable() - self.owed - self._reserved_total)

    def reaches(self, provider: NodeId) -> bool:
        """Tell whether ``provider`` can be paid without waiting for the ledger."""
        return self._left is None or self._left(provider) > 0

    def short_of(self, provider: NodeId) -> int | None:
        """Return what is left in the channel to ``provider``, in drops, if that is too little.

        None when it pays for all that is owed.
        """
        left = self.owed if self._left is None else self._left(provider)
        return left if left < self.owed else None

    @property
    def is_lending(self) -> bool:
        """Whether some agreement holds a reservation that will come back."""
        return bool(self._reserved)

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be spent, and nothing is known that would change that."""
        return self.free == 0 and not self.is_lending and not self.is_coming

    @property
    def is_coming(self) -> bool:
        """Whether drops are on their way into a channel, and for now in none."""
        return self._is_coming()

    def reserve(self, agreement: Hashable, drops: int) -> None:
        """Set ``drops`` aside: what the agreement costs at most."""
        assert agreement not in self._reserved
        self._reserved[agreement] = drops
        self._reserved_total += drops

    def release(self, agreement: Hashable) -> None:
        """Give back what was set aside; nothing happens when it was given back before."""
        self._reserved_total -= self._reserved.pop(agreement, 0)

    def risk(self, provider: NodeId, agreement: Hashable, drops: int) -> None:
        """Count ``drops`` that ``provider`` is expected to bill, until ``end_risk``."""
        self._risks.setdefault(provider, {})[agreement] = drops

    def end_risk(self, provider: NodeId, agreement: Hashable) -> None:
        """Count a bill no longer: it is decided, or will not come."""
        risks = self._risks.get(provider, {})
        risks.pop(agreement, None)
        if not risks:
            self._risks.pop(provider, None)

    def forget(self, owner: Hashable) -> None:
        """Give back and count no longer whatever ``owner`` has left: it has ended."""
        for agreement in [one for one in self._reserved if _belongs(one, owner)]:
            self.release(agreement)
        for provider, risks in list(self._risks.items()):
            for agreement in [one for one in risks if _belongs(one, owner)]:
                self.end_risk(provider, agreement)
        self.advances.forget(lambda agreement: _belongs(agreement, owner))

    def at_risk(self, provider: NodeId, *, apart_from: Hashable = None) -> int:
        """Return what ``provider`` would win, in drops, by lying about all that is undecided.

        What ``apart_from`` owns is left out; an agreement's name begins with its owner.
        """
        return sum(
            drops
            for agreement, drops in self._risks.get(provider, {}).items()
            if apart_from is None or not _belongs(agreement, apart_from)
        )

    def at_risk_in_all(self, *, apart_from: Hashable = None) -> int:
        """Return what all providers together would win so, in drops."""
        return sum(self.at_risk(provider, apart_from=apart_from) for provider in self._risks)


def _belongs(agreement: Hashable, owner: Hashable) -> bool:
    return isinstance(agreement, tuple) and agreement[:1] == (owner,)
