"""Fetches blobs from peers into the store (SPEC.md section 6.2)."""

from collections.abc import Sequence

from ..blobs.naming import BlobId
from ..identity import NodeId
from ..limits import BLOB_BYTES_MAX
from .blob_store import BlobStore
from .node import Node


class FetchFailed(Exception):
    """None of the peers gave the blob, whole and right; the message says why for each."""


async def fetch_blob(
    node: Node,
    store: BlobStore,
    blob_id: BlobId,
    from_peers: Sequence[NodeId],
    *,
    timeout_s: float,
    bytes_max: int = BLOB_BYTES_MAX,
) -> None:
    """Bring the blob into ``store`` from any of ``from_peers``; nothing to do when it is there.

    Chunks are checked as they arrive and go straight to disk.  When a peer fails or sends a wrong
    chunk, the next one goes on from there; what was fetched by a call that failed is kept for a
    later one.

    Raises:
        FetchFailed: every peer failed, the blob is larger than ``bytes_max``, or ``timeout_s``
            passed.
        StoreFull: there is no room for it.
    """
    raise NotImplementedError
