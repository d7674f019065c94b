"""The bills of this agent in the journal: what must not be forgotten or paid twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import time
from typing import cast

from fogbank_dag_ledger.operations import ObjectId
from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.identity import NodeId

from ..market.agreements import AgreementId
from ..market.reasons import Reason, reason_from_code
from ..market.reputation import Record
from ..market.settlements import Payment, Settlement
from ..market.tally import Bill
from .journal import Journal

_COUNT_PAID = """
    INSERT INTO providers
        SELECT provider, 0, 0, 0, 0, drops, ? FROM bills WHERE agreement_id = ? AND state = 'paid'
        ON CONFLICT (provider) DO UPDATE SET
            paid = paid + excluded.paid, unix_s = excluded.unix_s
"""

_FORGET_PART = """
    DELETE FROM bills WHERE agreement_id = ? AND state = 'paid' AND NOT EXISTS (
        SELECT 1 FROM receipts WHERE receipts.agreement_id = bills.agreement_id)
"""


@dataclass(frozen=True, slots=True)
class StoredBill:
    """A bill that an earlier life of this agent left."""

    provider: NodeId
    bill: Bill
    lane: tuple[ObjectId, int] | None
    """The channel and lane over which it was paid; None while it is owed."""


class BillBook:
    """Records every step of a bill: owed, paid, told; or withdrawn, or refused."""

    def __init__(self, journal: Journal) -> None:
        """Keep the bills in ``journal``."""
        self._journal = journal

    def owe(self, provider: NodeId, lot_id: bytes, bill: Bill) -> None:
        """Record that a result was accepted."""
        self._journal.record(
            "INSERT OR IGNORE INTO bills VALUES (?, ?, ?, ?, ?, ?, 'owed', NULL, NULL)",
            bill.agreement,
            provider,
            lot_id,
            bill.drops,
            bill.author,
            bill.royalty,
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
            "INSERT OR REPLACE INTO refusals VALUES (?, ?, ?, ?)",
            agreement,
            provider,
            reason.value,
            int(time()),
        )

    def pay(self, payment: Payment, agreements: Sequence[AgreementId]) -> None:
        """Record which voucher pays; it must not leave before ``sync``."""
        for agreement in agreements:
            self._journal.record(
                "UPDATE bills SET state = 'paid', channel = ?, lane = ? WHERE agreement_id = ?",
                payment.channel,
                payment.voucher.lane,
                agreement,
            )

    async def sync(self) -> None:
        """Return when all that was recorded is on disk.

        Raises:
            DatabaseFailure: it cannot be written.
        """
        await self._journal.sync()

    def tell(self, settlement: Settlement) -> None:
        """Record that the provider knows of the settlement.

        An agreement is remembered as long as its receipt is: it may be found right once more, and
        is not owed again then.  A statement, or a charge, is counted in the sum alone.
        """
        for agreement in settlement.accepted:
            self._journal.record_together(
                (_COUNT_PAID, (int(time()), agreement)),
                (_FORGET_PART, (agreement,)),
                (
                    "UPDATE bills SET state = 'told' WHERE agreement_id = ? AND state = 'paid'",
                    (agreement,),
                ),
            )
        for agreement, _ in settlement.refused:
            self._journal.record("DELETE FROM refusals WHERE agreement_id = ?", agreement)

    def untold(self, channel: ObjectId) -> Sequence[Bill]:
        """Return the bills that vouchers of ``channel`` pay of which its provider may not know."""
        rows = self._journal.query(
            "SELECT provider, agreement_id, drops, author, royalty, channel, lane FROM bills "
            "WHERE state = 'paid' AND channel = ?",
            channel,
        )
        return [_stored(*row).bill for row in rows]

    def owe_again(self, agreement: AgreementId) -> None:
        """Record that what was to pay it is worth nothing: its channel was settled before."""
        self._journal.record(
            "UPDATE bills SET state = 'owed', channel = NULL, lane = NULL WHERE agreement_id = ?",
            agreement,
        )

    def unfinished(self) -> Sequence[StoredBill]:
        """Return the bills that are not yet paid and told."""
        rows = self._journal.query(
            "SELECT provider, agreement_id, drops, author, royalty, channel, lane FROM bills "
            "WHERE state != 'told' ORDER BY provider, channel, lane, agreement_id"
        )
        return [_stored(*row) for row in rows]

    def refusals(self) -> Sequence[tuple[AgreementId, NodeId, Reason]]:
        """Return the refusals that providers do not know of yet."""
        rows = self._journal.query("SELECT agreement_id, provider, reason FROM refusals")
        return [
            (AgreementId(cast("bytes", agreement)), NodeId(cast("bytes", provider)), _reason(code))
            for agreement, provider, code in rows
        ]

    def reputations(self) -> Sequence[tuple[NodeId, BlobId, Record]]:
        """Return what is known of providers, the oldest first."""
        rows = self._journal.query(
            "SELECT provider, package_id, confirmed, unix_s, caught_unix_s FROM reputation "
            "ORDER BY unix_s"
        )
        return [_reputation(*row) for row in rows]

    def acquit(self, provider: NodeId, package: BlobId, unix_s: int) -> None:
        """Forget that ``provider`` was caught, unless that was after ``unix_s``."""
        self._journal.record(
            "UPDATE reputation SET caught_unix_s = NULL "
            "WHERE provider = ? AND package_id = ? AND caught_unix_s <= ?",
            provider,
            package,
            unix_s,
        )

    def keep_confirmed(self, provider: NodeId, package: BlobId, count: int, unix_s: int) -> None:
        """Remember a count of confirmed results; with 0 the provider was caught at ``unix_s``."""
        self._journal.record(
            "INSERT INTO reputation VALUES (?, ?, ?, ?, ?) ON CONFLICT (provider, package_id) "
            "DO UPDATE SET confirmed = excluded.confirmed, unix_s = excluded.unix_s, "
            "caught_unix_s = coalesce(excluded.caught_unix_s, caught_unix_s)",
            provider,
            package,
            count,
            unix_s,
            None if count else unix_s,
        )


def _stored(
    provider: object,
    agreement: object,
    drops: object,
    author: object,
    royalty: object,
    channel: object,
    lane: object,
) -> StoredBill:
    bill = Bill(
        AgreementId(cast("bytes", agreement)),
        cast("int", drops),
        None if author is None else NodeId(cast("bytes", author)),
        cast("int", royalty),
    )
    paid = None if channel is None else (ObjectId(cast("bytes", channel)), cast("int", lane))
    return StoredBill(NodeId(cast("bytes", provider)), bill, paid)


def _reputation(
    provider: object, package: object, confirmed: object, unix_s: object, caught: object
) -> tuple[NodeId, BlobId, Record]:
    record = Record(cast("int", confirmed), cast("int", unix_s), cast("int | None", caught))
    return NodeId(cast("bytes", provider)), BlobId(cast("bytes", package)), record


def _reason(code: object) -> Reason:
    return reason_from_code(cast("str", code))
