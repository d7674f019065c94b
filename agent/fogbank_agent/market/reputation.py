"""Whom to trust how far, from results that somebody checked and nothing else (SPEC.md 9.6)."""

from collections.abc import Mapping

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.identity import NodeId


class Reputation:
    """How many results in a row were confirmed, for each (provider, package): runs, not lots."""

    def __init__(self, confirmed: Mapping[tuple[NodeId, BlobId], int]) -> None:
        """Begin with the counts that the journal kept."""
        self._confirmed = dict(confirmed)

    def confirmed(self, provider: NodeId, package: BlobId) -> int:
        """Return the count: 0 for a stranger and for one that was caught since."""
        return self._confirmed.get((provider, package), 0)

    def count_confirmed(self, provider: NodeId, package: BlobId, results: int = 1) -> int:
        """Count results that another voice or a check confirmed; return the new count."""
        count = self.confirmed(provider, package) + results
        self._confirmed[provider, package] = count
        return count

    def reset(self, provider: NodeId, package: BlobId) -> None:
        """Forget every confirmed result: the provider was caught."""
        self._confirmed.pop((provider, package), None)
