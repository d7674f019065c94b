"""What requestors owe, and what they have paid in all, in the journal (SPEC.md section 9.6).

A bill has a row for as long as it is neither paid nor refused; then it is counted in the account
of its requestor alone.  So a late word about it finds nothing, and changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from fogbank_protocol.identity import NodeId

from ..market.agreements import AgreementId
from ..market.tally import Bill
from .journal import OTHERS, Journal


@dataclass(frozen=True, slots=True)
class StoredDue:
    """A bill that is neither paid nor refused."""

    requestor: NodeId
    bill: Bill
    unix_s: int
    """When it was earned."""


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """Where things stand with a requestor, in drops."""

    requestor: NodeId
    paid: int
    unpaid: int
    grudge: int
    """Of refused work, what later payments had not made up for at ``grudge_unix_s``."""

    grudge_unix_s: int


class DueBook:
    """Records every step of what is due: earned, then paid, refused or forgone."""

    def __init__(self, journal: Journal) -> None:
        """Keep it in ``journal``."""
        self._journal = journal

    def earn(self, requestor: NodeId, fuel: int, bill: Bill, unix_s: int, *, is_part: bool) -> None:
        """Record a bill, and the ``fuel`` that it is for; once, whatever is repeated."""
        drops = bill.drops
        counted = _ADD.format(
            "SELECT ?, ?, ?, ?, 0, ?, 0, 0, ?, ? "
            "WHERE NOT EXISTS (SELECT 1 FROM dues WHERE agreement_id = ?)"
        )
        self._journal.record_together(
            (
                counted,
                (requestor, not is_part, is_part, fuel, drops, unix_s, unix_s, bill.agreement),
            ),
            *(() if drops == 0 else (_due(requestor, bill, unix_s, is_part=is_part),)),
        )

    def pay(self, requestor: NodeId, bill: Bill, unix_s: int) -> None:
        """Record that a voucher pays ``bill``."""
        self._end(requestor, bill, unix_s, paid=bill.drops)

    def refuse(self, requestor: NodeId, bill: Bill, unix_s: int) -> None:
        """Record that ``bill`` will not be paid."""
        self._end(requestor, bill, unix_s, refused=bill.drops)

    def forgo(self, requestor: NodeId, bill: Bill, unix_s: int) -> None:
        """Record that ``bill`` is not due after all."""
        self._end(requestor, bill, unix_s)

    def _end(
        self, requestor: NodeId, bill: Bill, unix_s: int, *, paid: int = 0, refused: int = 0
    ) -> None:
        counted = _ADD.format(
            "SELECT requestor, 0, 0, 0, ?, -drops, ?, 0, ?, ? FROM dues WHERE agreement_id = ?"
        )
        self._journal.record_together(
            (counted, (paid, refused, unix_s, unix_s, bill.agreement)),
            ("DELETE FROM dues WHERE agreement_id = ?", (bill.agreement,)),
        )

    def keep_grudge(self, requestor: NodeId, drops: int, unix_s: int) -> None:
        """Record what later payments have not made up for at ``unix_s``."""
        self._journal.record(
            "UPDATE requestors SET grudge = ?, grudge_unix_s = ? WHERE requestor = ?",
            drops,
            unix_s,
            requestor,
        )

    def dues(self) -> Sequence[StoredDue]:
        """Return what is due, the oldest first."""
        rows = self._journal.query(
            "SELECT requestor, unix_s, agreement_id, drops, author, royalty FROM dues "
            "ORDER BY unix_s"
        )
        return [
            StoredDue(NodeId(cast("bytes", requestor)), _bill(*bill), cast("int", unix_s))
            for requestor, unix_s, *bill in rows
        ]

    def accounts(self) -> Sequence[StoredAccount]:
        """Return the accounts of all requestors, the longest unused first."""
        rows = self._journal.query(
            "SELECT requestor, paid, unpaid, grudge, grudge_unix_s FROM requestors "
            "WHERE requestor != ? ORDER BY unix_s",
            OTHERS,
        )
        return [StoredAccount(*cast("tuple[NodeId, int, int, int, int]", row)) for row in rows]

    def forget(self, requestor: NodeId) -> None:
        """Count a requestor that owes nothing with all others that are forgotten."""
        self._journal.record_together(
            (
                _ADD.format(
                    "SELECT ?, runs, statements, fuel, paid, unpaid, refused, 0, 0, unix_s "
                    "FROM requestors WHERE requestor = ?"
                ),
                (OTHERS, requestor),
            ),
            ("DELETE FROM requestors WHERE requestor = ?", (requestor,)),
        )


_ADD = """
    INSERT INTO requestors {} ON CONFLICT (requestor) DO UPDATE SET
        runs = runs + excluded.runs, statements = statements + excluded.statements,
        fuel = fuel + excluded.fuel, paid = paid + excluded.paid,
        unpaid = unpaid + excluded.unpaid, refused = refused + excluded.refused,
        unix_s = excluded.unix_s
"""


def _due(
    requestor: NodeId, bill: Bill, unix_s: int, *, is_part: bool
) -> tuple[str, Sequence[bytes | int | None]]:
    values = (
        bill.agreement,
        requestor,
        bill.drops,
        bill.author,
        bill.royalty,
        is_part,
        unix_s,
    )
    return "INSERT OR IGNORE INTO dues VALUES (?, ?, ?, ?, ?, ?, ?)", values


def _bill(agreement: object, drops: object, author: object, royalty: object) -> Bill:
    return Bill(
        AgreementId(cast("bytes", agreement)),
        cast("int", drops),
        None if author is None else NodeId(cast("bytes", author)),
        cast("int", royalty),
    )
