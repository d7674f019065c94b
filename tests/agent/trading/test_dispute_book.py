"""The disputes in the journal (SPEC.md section 9.10)."""

from pathlib import Path

import pytest

from fogbank_agent.limits import DISPUTES_AT_ONCE_MAX
from fogbank_agent.market.dispute import DisputeState
from fogbank_agent.market.dispute_messages import DisputeOpening
from fogbank_agent.market.offers import StakePlace
from fogbank_agent.trading.dispute_book import DisputeBook, DisputeRecord
from fogbank_agent.trading.journal import Journal
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.blobs.naming import blob_id

from ..market.objects import BEN


def a_dispute(number: int, state: DisputeState) -> DisputeRecord:
    """Return a dispute over a receipt of its own."""
    return DisputeRecord(
        receipt_id=number.to_bytes(32, "big"),
        number=0,
        lot_id=b"lot",
        provider=BEN.node_id,
        opening=DisputeOpening(StakePlace(VertexId(bytes(32)), 0), blob_id(b"proof"), 5),
        opened_unix_s=number,
        drops=1,
        state=state,
    )


@pytest.fixture
def book(tmp_path: Path) -> DisputeBook:
    """Give an empty one."""
    return DisputeBook(Journal(tmp_path / "journal"))


async def test_a_dispute_under_way_is_found_however_many_came_after_it(book: DisputeBook) -> None:
    first = a_dispute(0, DisputeState.OPEN)
    book.keep(first)
    for number in range(1, DISPUTES_AT_ONCE_MAX + 2):
        book.keep(a_dispute(number, DisputeState.SEIZED))
    assert first not in book.latest()
    assert book.under_way() == [first]
    book.keep(a_dispute(0, DisputeState.REFUSED))
    assert book.under_way() == []
