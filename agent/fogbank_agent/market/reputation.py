"""Whom to trust how far, from results that somebody checked and nothing else (SPEC.md 9.6)."""

from collections.abc import Mapping

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.identity import NodeId


class Reputation:
    """How many results in a row were confirmed, for each (provider, package)."""

    def __init__(self, confirmed: Mapping[tuple[NodeId, BlobId], int]) -> None:
        """Begin with the counts that the journal kept."""
        self._confirmed = dict(confirmed)

    def confirmed(self, provider: NodeId, package: BlobId) -> int:
        """Return the count: 0 for a stranger and for one that was caught since."""
        return self._confirmed.get((provider, package), 0)

    def count_confirmed(self, provider: NodeId, package: BlobId) -> int:
        """Count a result that another voice confirmed; return the new count."""
        count = self.confirmed(provider, package) + 1
        self._confirmed[provider, package] = count
        return count

    def reset(self, provider: NodeId, package: BlobId) -> None:
        """Forget every confirmed result: the provider was caught."""
        self._confirmed.pop((provider, package), None)
