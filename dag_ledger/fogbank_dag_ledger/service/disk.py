"""The two files of a ledger, opened together (SPEC.md section 8.8)."""

from dataclasses import dataclass
from pathlib import Path

from fogbank_protocol.identity import NetworkId, NodeId

from .failures import FolderUnusable
from .own_log import OwnLog
from .store import VertexStore
from .store_writer import StoreWriter

OWN_LOG_NAME = "own.log"
STORE_NAME = "vertices.sqlite"


@dataclass(frozen=True, slots=True)
class Disk:
    """What is kept of a ledger between two lives."""

    log: OwnLog
    store: VertexStore
    writer: StoreWriter

    @property
    def notices(self) -> list[str]:
        """What a person should know of damage that was found, one sentence each."""
        notices: list[str] = []
        if self.log.damage is not None:
            notices.append(
                f"the log of own vertices was damaged at byte {self.log.damage.offset}; it is kept "
                f"as {self.log.damage.set_aside}, and its good part is used. What is missing is "
                "asked for from the others before anything is issued"
            )
        if self.store.set_aside is not None:
            notices.append(
                f"the file of vertices was damaged; it is kept as {self.store.set_aside}. "
                "A new one is filled from the log of own vertices and from the others"
            )
        return notices

    def close(self) -> None:
        """Close both files; safe to call twice."""
        self.store.close()
        self.log.close()


def open_disk(folder: Path, network: NetworkId, issuer: NodeId) -> Disk:
    """Open the files in ``folder``, made when absent; blocks.

    Raises:
        StorageFailure, DatabaseFailure: they cannot be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderUnusable(f"cannot use {folder}: {error.strerror}") from error
    log = OwnLog(folder / OWN_LOG_NAME, network, issuer)
    try:
        store = VertexStore(folder / STORE_NAME, network)
    except BaseException:
        log.close()
        raise
    return Disk(log, store, StoreWriter(store))
