"""The files of a ledger, opened together (SPEC.md section 8.8)."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from fogbank_protocol.identity import NetworkId, NodeId

from .failures import FolderUnusable
from .own_log import OwnLog
from .share_store import ShareStore
from .store import VertexStore
from .store_writer import StoreWriter
from .voucher_store import VoucherStore

OWN_LOG_NAME = "own.log"
STORE_NAME = "vertices.sqlite"
VOUCHERS_NAME = "vouchers.sqlite"
SHARES_NAME = "shares.sqlite"


@dataclass(frozen=True, slots=True)
class Disk:
    """What is kept of a ledger between two lives."""

    log: OwnLog
    store: VertexStore
    writer: StoreWriter
    vouchers: VoucherStore
    shares: ShareStore
    damaged_tables: Sequence[str] = ()
    """Tables of the file of vertices, that of vertices left out, with damaged rows."""

    damaged_copy: Path | None = None
    """Where a copy of that file was put."""

    gone: Sequence[Path] = ()
    """Files that were not there, or empty, though others of the ledger were."""

    @property
    def notices(self) -> list[str]:
        """What a person should know of damage that was found, one sentence each."""
        notices = [f"{path} was gone. {_WITHOUT[path.name]}" for path in self.gone]
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
        if self.vouchers.set_aside is not None:
            notices.append(
                f"the file of vouchers was damaged; it is kept as {self.vouchers.set_aside}. "
                "Ask those who pay over open channels for their last vouchers"
            )
        if self.vouchers.damaged:
            notices.append(
                f"{self.vouchers.damaged} vouchers in their file are damaged and not used. "
                "Ask those who pay over open channels for their last vouchers"
            )
        if self.shares.set_aside is not None:
            notices.append(
                f"the file of earned shares was damaged; it is kept as {self.shares.set_aside}. "
                "What was earned is in the balance; of older shares it is not told any more"
            )
        if self.damaged_copy is not None:
            notices.append(
                f"the file of vertices had damaged rows ({', '.join(self.damaged_tables)}); a copy "
                f"is kept as {self.damaged_copy}, and those rows are not used"
            )
        return notices

    def close(self) -> None:
        """Close the files; safe to call twice."""
        self.shares.close()
        self.vouchers.close()
        self.store.close()
        self.log.close()


_WITHOUT = {
    OWN_LOG_NAME: "What own vertices there are is asked for from the others before any is issued",
    STORE_NAME: "A new one is filled from the log of own vertices and from the others",
    VOUCHERS_NAME: "Ask those who pay over open channels for their last vouchers",
}
"""What follows when a file is gone."""


def open_disk(folder: Path, network: NetworkId, issuer: NodeId) -> Disk:
    """Open the files in ``folder``, made when absent; blocks.

    Raises:
        StorageFailure, DatabaseFailure: they cannot be used.
    """
    store_path, vouchers_path = folder / STORE_NAME, folder / VOUCHERS_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        had_store, had_vouchers = _has_something(store_path), _has_something(vouchers_path)
    except OSError as error:
        raise FolderUnusable(f"cannot use {folder}: {error.strerror}") from error
    with ExitStack() as opened:
        log = OwnLog(folder / OWN_LOG_NAME, network, issuer)
        opened.callback(log.close)
        store = VertexStore(store_path, network)
        opened.callback(store.close)
        vouchers = VoucherStore(vouchers_path)
        opened.callback(vouchers.close)
        shares = ShareStore(folder / SHARES_NAME)
        opened.callback(shares.close)
        copy = None
        damaged = store.damaged_tables()
        if damaged:
            copy = store.copy_aside()
            store.forget_damaged()
        opened.pop_all()
    gone: list[Path] = []
    if had_store:
        gone += [folder / OWN_LOG_NAME] * log.is_new
        gone += [vouchers_path] * (not had_vouchers)
    elif not log.is_empty:
        gone.append(store_path)
    return Disk(log, store, StoreWriter(store), vouchers, shares, damaged, copy, gone)


def _has_something(path: Path) -> bool:
    # To SQLite an empty file is a new one.
    return path.exists() and path.stat().st_size > 0
