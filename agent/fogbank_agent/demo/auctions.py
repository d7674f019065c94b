"""Counts what a job's progress shows of its auctions (SPEC.md section 9.3)."""

from ..control.requests.jobs import JobProgressed


class Auctions:
    """Counts the orders on which providers bid against each other."""

    def __init__(self) -> None:
        """Begin with none."""
        self.held = 0
        """Orders for which at least two bids came before one of them was taken."""

        self._bidders: dict[tuple[int, int], set[str]] = {}
        """Of orders that nobody has taken yet, by run and attempt."""

    def progressed(self, progress: JobProgressed) -> None:
        """Take in what happened to a run."""
        order = (progress.run, progress.attempt)
        match progress.event:
            case "BidSeen":
                self._bidders.setdefault(order, set()).add(progress.provider)
            case "RunPlaced":
                self.held += len(self._bidders.pop(order, ())) > 1
            case _:
                pass
