"""The bills of this agent in the journal: what must not be forgotten or paid twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.identity import NodeId

from ..market.agreements import AgreementId
from ..market.reasons import Reason, reason_from_code
from ..market.settlements import Settlement
from .journal import Journal


@dataclass(frozen=True, slots=True)
class StoredBill:
    """A bill that an earlier life of this agent left."""

    agreement: AgreementId
    provider: NodeId
    drops: int
    state: str
    """"owed", "paying" or "paid"."""

    vertex_id: bytes | None


class BillBook:
    """Records every step of a bill: owed, paying, paid, told; or withdrawn, or refused."""

    def __init__(self, journal: Journal) -> None:
        """Keep the bills in ``journal``."""
        self._journal = journal

    def owe(self, agreement: AgreementId, provider: NodeId, lot_id: bytes, drops: int) -> None:
        """Record that a result was accepted."""
        self._journal.record(
            "INSERT OR IGNORE INTO bills VALUES (?, ?, ?, ?, 'owed', NULL)",
            agreement,
            provider,
            lot_id,
            drops,
        )

    def withdraw(self, agreement: AgreementId) -> None:
        """Record that a result is in doubt again."""
        self._journal.record(
            "DELETE FROM bills WHERE agreement_id = ? AND state = 'owed'", agreement
        )

    def refuse(self, agreement: AgreementId, provider: NodeId, reason: Reason) -> None:
        """Record that a result will not be paid."""
        self.withdraw(agreement)
        self._journal.record(
            "INSERT OR REPLACE INTO refusals VALUES (?, ?, ?)", agreement, provider, reason.value
        )

    async def begin_payment(self, agreements: Sequence[AgreementId]) -> None:
        """Write down that a transfer is about to be made, before it is.

        Raises:
            DatabaseFailure: it cannot be written, so the transfer must not be made.
        """
        self._set_state(agreements, "paying", None)
        await self._journal.sync()

    def end_payment(self, agreements: Sequence[AgreementId], vertex_id: bytes | None) -> None:
        """Record that the transfer is ``vertex_id``, or could not be made."""
        self._set_state(agreements, "owed" if vertex_id is None else "paid", vertex_id)

    def tell(self, settlement: Settlement) -> None:
        """Record that the provider knows of the settlement."""
        self._set_state(settlement.accepted, "told", settlement.vertex_id)
        for agreement, _ in settlement.refused:
            self._journal.record("DELETE FROM refusals WHERE agreement_id = ?", agreement)

    def unfinished(self) -> Sequence[StoredBill]:
        """Return the bills that are not yet paid and told."""
        rows = self._journal.query(
            "SELECT agreement_id, provider, drops, state, vertex_id FROM bills "
            "WHERE state != 'told' ORDER BY provider, agreement_id"
        )
        return [
            StoredBill(*cast("tuple[AgreementId, NodeId, int, str, bytes | None]", row))
            for row in rows
        ]

    def refusals(self) -> Sequence[tuple[AgreementId, NodeId, Reason]]:
        """Return the refusals that providers do not know of yet."""
        rows = self._journal.query("SELECT agreement_id, provider, reason FROM refusals")
        return [
            (AgreementId(cast("bytes", agreement)), NodeId(cast("bytes", provider)), _reason(code))
            for agreement, provider, code in rows
        ]

    def vertices_used(self) -> set[bytes]:
        """Return every vertex that pays for bills known here."""
        rows = self._journal.query("SELECT DISTINCT vertex_id FROM bills")
        return {cast("bytes", vertex_id) for (vertex_id,) in rows if vertex_id is not None}

    def confirmed(self) -> dict[tuple[NodeId, BlobId], int]:
        """Return the counts of confirmed results by (provider, package)."""
        rows = self._journal.query("SELECT provider, package_id, confirmed FROM reputation")
        return {
            (NodeId(cast("bytes", provider)), BlobId(cast("bytes", package))): cast("int", count)
            for provider, package, count in rows
        }

    def keep_confirmed(self, provider: NodeId, package: BlobId, count: int) -> None:
        """Remember one of those counts."""
        self._journal.record(
            "INSERT OR REPLACE INTO reputation VALUES (?, ?, ?)", provider, package, count
        )

    def _set_state(
        self, agreements: Sequence[AgreementId], state: str, vertex_id: bytes | None
    ) -> None:
        for agreement in agreements:
            self._journal.record(
                "UPDATE bills SET state = ?, vertex_id = ? WHERE agreement_id = ?",
                state,
                vertex_id,
                agreement,
            )


def _reason(code: object) -> Reason:
    return reason_from_code(cast("str", code))
