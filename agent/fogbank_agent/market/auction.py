"""One order's auction: who was asked, who answered, and when to stop waiting (SPEC.md 9.3)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from fogbank_protocol.identity import NodeId

from ..limits import BID_WAIT_S, BID_WINDOW_S, BIDS_ENOUGH


@dataclass(frozen=True, slots=True)
class Proposal:
    """A bid that could be taken."""

    provider: NodeId
    price: int
    start_price: int
    start_ms: int
    valid_until: float
    """On the requestor's clock, in seconds."""

    reuse: bool = False
    """It serves results that it has: nothing is run."""


class Auction:
    """Collects the answers to one order."""

    def __init__(self, asked: Sequence[NodeId], now: float) -> None:
        """Begin at ``now`` with the order on its way to ``asked``."""
        self.asked = asked
        """Those that the order went to."""

        self._unanswered = set(asked)
        self._proposals: list[Proposal] = []
        self._window_ends_at = now + BID_WINDOW_S
        self._gives_up_at = now + BID_WAIT_S

    @property
    def deadline(self) -> float:
        """When the auction is over even if nobody else answers."""
        return self._window_ends_at if self._proposals else self._gives_up_at

    @property
    def unanswered(self) -> Collection[NodeId]:
        """Those that were asked and have said nothing yet."""
        return self._unanswered

    def is_over(self, now: float) -> bool:
        """Tell whether to choose now."""
        enough = not self._unanswered or len(self._proposals) >= BIDS_ENOUGH
        return enough or now >= self.deadline

    def add(self, proposal: Proposal) -> bool:
        """Count a bid; False when its provider was not asked or has answered before."""
        if proposal.provider not in self._unanswered:
            return False
        self._unanswered.remove(proposal.provider)
        self._proposals.append(proposal)
        return True

    def decline(self, provider: NodeId) -> bool:
        """Count a no; False when the provider was not asked or has answered before."""
        if provider not in self._unanswered:
            return False
        self._unanswered.remove(provider)
        return True

    def drop(self, provider: NodeId) -> None:
        """Take no bid of ``provider`` any more: it did not keep its word, or is gone."""
        self._unanswered.discard(provider)
        self._proposals = [bid for bid in self._proposals if bid.provider != provider]

    def proposals(self, now: float) -> Sequence[Proposal]:
        """Return the bids that still hold at ``now``."""
        return [bid for bid in self._proposals if now < bid.valid_until]
