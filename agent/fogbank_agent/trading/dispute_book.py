"""The disputes of this agent, in its journal (SPEC.md section 9.10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import time
from typing import cast

from fogbank_dag_ledger.stakes import StakeView
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.identity import NodeId

from ..limits import DISPUTES_AT_ONCE_MAX
from ..market.dispute import DisputeState
from ..market.dispute_messages import DisputeOpening
from ..market.offers import StakePlace
from ..market.story import DisputeEnded, DisputeOpened
from .journal import Journal

_COLUMNS = """receipt_id, number, lot_id, provider, opening, op, proof_id, proof_bytes,
    opened_unix_s, drops, state"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeRecord:
    """One dispute of this agent, as the journal has it."""

    receipt_id: bytes
    number: int
    lot_id: bytes
    provider: NodeId
    opening: DisputeOpening
    opened_unix_s: int
    drops: int
    """The stake."""

    state: DisputeState = DisputeState.OPEN


class DisputeBook:
    """What the journal has of disputes."""

    def __init__(self, journal: Journal) -> None:
        """Read and write ``journal``."""
        self._journal = journal

    def latest(self) -> Sequence[DisputeRecord]:
        """Return the latest disputes, the newest first."""
        rows = self._journal.query(
            f"SELECT {_COLUMNS} FROM disputes ORDER BY place DESC LIMIT ?", DISPUTES_AT_ONCE_MAX
        )
        return [_record(cast("_Row", row)) for row in rows]

    def under_way(self) -> Sequence[DisputeRecord]:
        """Return those that are not over, the oldest first, however many came after them."""
        rows = self._journal.query(
            f"SELECT {_COLUMNS} FROM disputes WHERE state IN (?, ?) ORDER BY place",
            DisputeState.OPEN.value,
            DisputeState.PROVED.value,
        )
        return [_record(cast("_Row", row)) for row in rows]

    def about(self, receipt_id: bytes) -> DisputeRecord | None:
        """Return the dispute about a receipt; None when there was none."""
        rows = self._journal.query(
            f"SELECT {_COLUMNS} FROM disputes WHERE receipt_id = ?", receipt_id
        )
        return _record(cast("_Row", rows[0])) if rows else None

    def keep(self, record: DisputeRecord) -> None:
        """Write down how far ``record`` is."""
        place = record.opening.stake
        self._journal.record(
            """
            INSERT INTO disputes (receipt_id, number, lot_id, provider, opening, op, proof_id,
                proof_bytes, opened_unix_s, drops, state)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (receipt_id) DO UPDATE SET state = excluded.state
            """,
            record.receipt_id,
            record.number,
            record.lot_id,
            record.provider,
            place.opening,
            place.index,
            record.opening.proof_id,
            record.opening.proof_bytes,
            record.opened_unix_s,
            record.drops,
            record.state.value,
        )

    def begin(self, record: DisputeRecord, stake: StakeView) -> None:
        """Write down that ``record``, about ``stake``, was opened, and tell it."""
        self.keep(record)
        opened = DisputeOpened(record.provider, record.drops, len(stake.terms.watch))
        self.tell(record, opened)

    def tell(self, record: DisputeRecord, event: DisputeOpened | DisputeEnded) -> None:
        """Add ``event`` to the story of the lot that it came from."""
        rows = self._journal.query(
            "SELECT began_unix_s FROM jobs JOIN lots ON lots.job_id = jobs.job_id "
            "WHERE lots.lot_id = ?",
            record.lot_id,
        )
        began = cast("int", rows[0][0]) if rows else record.opened_unix_s
        at_ms = max(0, round((time() - began) * 1_000))
        self._journal.record_event(record.lot_id, at_ms, event)


_Row = tuple[bytes, int, bytes, NodeId, VertexId, int, BlobId, int, int, int, str]


def _record(row: _Row) -> DisputeRecord:
    receipt_id, number, lot_id, provider, opening, op, proof_id, size, opened, drops, state = row
    return DisputeRecord(
        receipt_id=receipt_id,
        number=number,
        lot_id=lot_id,
        provider=provider,
        opening=DisputeOpening(StakePlace(opening, op), proof_id, size),
        opened_unix_s=opened,
        drops=drops,
        state=DisputeState(state),
    )
