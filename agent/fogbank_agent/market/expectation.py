"""What a run of a job is expected to take, as far as its results have shown."""

from typing import Protocol

from fogbank_protocol.identity import NodeId

from .pricing import bill


class Terms(Protocol):
    """What an offer, or a proposal, asks."""

    @property
    def provider(self) -> NodeId:
        """Who asks it."""
        ...

    @property
    def price(self) -> int:
        """Drops for a gigafuel."""
        ...

    @property
    def start_price(self) -> int:
        """Drops for a run besides."""
        ...


class Expectation:
    """The means of the results so far, and the bills that follow from them, in drops."""

    def __init__(self, fuel_max: int) -> None:
        """Know nothing yet but that a run takes at most ``fuel_max``."""
        self._fuel_max = fuel_max
        self._fuel_sum = 0
        self._output_sum = 0
        self._results = 0

    def count(self, fuel: int, runs: int, output_bytes: int = 0) -> None:
        """Learn from ``runs`` results that took ``fuel`` and gave ``output_bytes`` together."""
        self._fuel_sum += fuel
        self._output_sum += output_bytes
        self._results += runs

    @property
    def is_known(self) -> bool:
        """Whether there is a result."""
        return self._results > 0

    @property
    def fuel(self) -> int:
        """The mean fuel of the results so far; before the first, all that is allowed."""
        return self._fuel_sum // self._results if self._results else self._fuel_max

    @property
    def output_bytes(self) -> int:
        """The mean size of an output so far; 0 before the first."""
        return self._output_sum // self._results if self._results else 0

    def bill(self, terms: Terms, runs: int) -> int:
        """Return the bill that ``runs`` runs on these terms are expected to make."""
        return bill(runs * self.fuel, terms.price, terms.start_price, runs)

    def advance(self, terms: Terms, runs: int) -> int:
        """Return the drops that ``runs`` runs are expected to hold unseen; 0 while unknown."""
        return self.bill(terms, runs) if self.is_known else 0

    def most(self, terms: Terms, runs: int) -> int:
        """Return the drops to set aside for ``runs`` runs on these terms.

        For one run that is what it may cost; for more, which are only bought together when earlier
        ones were small, twice what they would cost if they were like those.
        """
        fuel = self._fuel_max
        if runs > 1:
            fuel = min(runs * fuel, max(fuel, 2 * runs * self.fuel))
        return bill(fuel, terms.price, terms.start_price, runs)
