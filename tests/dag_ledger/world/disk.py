"""A disk that forgets what was not synced, tears the last write, and can be put back.

The own log is real bytes, read by the code that reads real files.  The store stands for SQLite: its
rows are kept in order, and a loss of power takes some of the last ones.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from random import Random

from fogbank_dag_ledger.checkpointing import Certified, KeepCheckpoint, names_of
from fogbank_dag_ledger.committee_proof import committees
from fogbank_dag_ledger.genesis import Genesis
from fogbank_dag_ledger.own_log_format import (
    HEADER_BYTES,
    Damaged,
    Readable,
    Unbegun,
    encode_records,
    first_checksum,
    header,
    inspect,
    read_records,
)
from fogbank_dag_ledger.participation.happenings import FloorRead
from fogbank_dag_ledger.restoring import Names
from fogbank_dag_ledger.service.checkpoint_files import Snapshot
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.identity import NetworkId, NodeId


class LogDamaged(Exception):
    """The own log is not as it was written, which no loss of power can do."""


@dataclass(slots=True)
class Disk:
    """What one node keeps."""

    log: bytearray = field(default_factory=bytearray)
    log_synced: int = 0
    store: list[tuple[VertexId, bytes]] = field(default_factory=list[tuple[VertexId, bytes]])
    store_synced: int = 0
    floor: Certified | None = None
    newest: Certified | None = None
    names: tuple[Names, ...] = ()
    """What the floor and checkpoints before it covered."""

    sealed: dict[NodeId, int] = field(default_factory=dict[NodeId, int])
    committees: dict[int, bytes] = field(default_factory=dict[int, bytes])
    """What shows the seats of each epoch."""

    _checksum: bytes = b""

    def image(self) -> "Disk":
        """Return a copy of what is synced, as a backup of the card would be."""
        return Disk(
            self.log[: self.log_synced],
            self.log_synced,
            self.store[: self.store_synced],
            self.store_synced,
            self.floor,
            self.newest,
            self.names,
            dict(self.sealed),
            dict(self.committees),
        )

    def open(self, network: NetworkId, issuer: NodeId) -> list[bytes]:
        """Return the records of the own log, and cut off what power had cut short."""
        wanted = header(network, issuer)
        match inspect(BytesIO(self.log), len(self.log), wanted):
            case Unbegun():
                self.log[:] = wanted
                self._checksum = first_checksum(wanted)
            case Readable(length, checksum, _):
                del self.log[length:]
                self._checksum = checksum
            case Damaged(offset):
                raise LogDamaged(f"at byte {offset}")
            case foreign:
                raise LogDamaged(str(foreign))
        self.log_synced = len(self.log)
        return list(read_records(BytesIO(self.log), len(self.log)))

    def write_own(self, records: Sequence[bytes]) -> None:
        """Write own vertices; they are not safe before ``sync_own``."""
        data, self._checksum = encode_records(self._checksum, records)
        self.log += data

    def sync_own(self) -> None:
        self.log_synced = len(self.log)

    def shorten_own(self, is_needed: Callable[[bytes], bool]) -> None:
        """Replace the log by one of what is needed, as a file is replaced by renaming."""
        if self.log_synced < len(self.log):
            # The real one waits until what is being written is synced.
            return
        whole = bytes(self.log)
        records = filter(is_needed, read_records(BytesIO(whole), len(whole)))
        data, self._checksum = encode_records(first_checksum(whole[:HEADER_BYTES]), list(records))
        self.log[HEADER_BYTES:] = data
        self.sync_own()

    def keep(self, vertices: Iterable[tuple[VertexId, bytes]]) -> None:
        """Put vertices into the store; they are not safe before ``sync_store``."""
        self.store.extend(vertices)

    def sync_store(self) -> None:
        self.store_synced = len(self.store)

    def keep_checkpoint(self, command: KeepCheckpoint) -> None:
        """Keep the newest checkpoint, and delete what is below the floor, in one transaction."""
        self.sync_store()
        self.newest = command.newest
        if command.floor is not None:
            self.floor = command.floor
            self.names = (*self.names, names_of(command.floor))
            gone = set(command.gone)
            self.store = [row for row in self.store if row[0] not in gone]
            self.store_synced = len(self.store)

    def begin_at(self, snapshot: Snapshot) -> None:
        """Begin with the state at a checkpoint, and what else there is."""
        self.sync_store()
        self.floor = self.newest = snapshot.certified
        self.names = (names_of(snapshot.certified),)
        self.committees.update(enumerate(snapshot.proofs, 1))

    def read_floor(self, genesis: Genesis) -> FloorRead | None:
        """Return where the store begins; None: at genesis."""
        if self.floor is None:
            return None
        epochs = range(1, self.floor.checkpoint.epoch + 1)
        tables = committees(genesis, [self.committees[one] for one in epochs])
        return FloorRead(self.floor, self.names, tables)

    def seal(self, accounts: Iterable[NodeId], epoch: int) -> None:
        """Keep a promise, synced."""
        self.sealed.update(dict.fromkeys(accounts, epoch))

    def lose_store(self) -> None:
        """Be without the store: it was damaged and set aside."""
        self.store.clear()
        self.store_synced = 0
        self.floor = self.newest = None
        self.names = ()
        self.sealed.clear()
        self.committees.clear()

    def lose_log(self) -> None:
        """Be without the log of own vertices: somebody removed it."""
        self.log.clear()
        self.log_synced = 0

    def find(self, vertex_ids: Iterable[VertexId]) -> list[bytes]:
        """Return those of the vertices that are kept."""
        wanted = set(vertex_ids)
        return [wire for vertex_id, wire in self.store if vertex_id in wanted]

    def lose_power(self, random: Random) -> None:
        """Forget a part of what was not synced; the last write may be torn, or be zeros."""
        end = random.randint(self.log_synced, len(self.log))
        torn = len(self.log) - end
        del self.log[end:]
        if torn and random.random() < 0.3:
            self.log += bytes(torn)
        rows = random.randint(self.store_synced, len(self.store))
        del self.store[rows:]
        self.store_synced = len(self.store)
