"""How much of the wallet is still free for new agreements."""

from collections.abc import Callable, Hashable


class Purse:
    """What can be spent, less what agreements under way may cost and what is already owed."""

    def __init__(self, spendable: Callable[[], int]) -> None:
        """Ask ``spendable`` for the drops in the wallet."""
        self._spendable = spendable
        self.owed = 0
        """Drops that are due and not yet transferred, kept up by the shell."""

        self._reserved: dict[Hashable, int] = {}
        self._reserved_total = 0

    @property
    def free(self) -> int:
        """Drops that a new agreement may still promise; never below 0."""
        return max(0, self._spendable() - self.owed - self._reserved_total)

    @property
    def is_lending(self) -> bool:
        """Whether some agreement holds a reservation that will come back."""
        return bool(self._reserved)

    def reserve(self, agreement: Hashable, drops: int) -> None:
        """Set ``drops`` aside: what the agreement costs at most."""
        assert agreement not in self._reserved
        self._reserved[agreement] = drops
        self._reserved_total += drops

    def release(self, agreement: Hashable) -> None:
        """Give back what was set aside; nothing happens when it was given back before."""
        self._reserved_total -= self._reserved.pop(agreement, 0)
