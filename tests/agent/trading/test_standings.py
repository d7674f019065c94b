"""How others have dealt with this agent, counted (SPEC.md section 9.6)."""

from pathlib import Path

from fogbank_agent.market.job_messages import KeepReputation
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.reputation import Record
from fogbank_agent.market.story import AttemptFailed, OrderDeclined, ResultRefused, RunOrdered
from fogbank_agent.trading.bill_book import BillBook
from fogbank_agent.trading.journal import Journal
from fogbank_agent.trading.standings import ProviderStanding, Standings
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.identity import NodeId

ANN, BEN = NodeId(b"a" * 32), NodeId(b"b" * 32)


def test_what_providers_did_is_counted_and_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    standings = Standings(journal)
    for event in (
        RunOrdered(1, 2),
        KeepReputation(ANN, 1),
        KeepReputation(ANN, 2),
        OrderDeclined(1, BEN, (Reason.BUSY,)),
        OrderDeclined(0, BEN, (Reason.PRICE_TOO_HIGH,)),
        AttemptFailed(2, BEN, Reason.PROVIDER_LOST),
        ResultRefused(3, BEN, Reason.WRONG_RESULT),
        ResultRefused(4, BEN, Reason.UNVERIFIED),
        KeepReputation(BEN, 0),
    ):
        standings.note(event)
    book = BillBook(journal)
    book.keep_confirmed(ANN, blob_id(b"package"), 2, 1_000)
    book.keep_confirmed(BEN, blob_id(b"package"), 0, 1_001)
    book.keep_confirmed(BEN, blob_id(b"package"), 1, 1_002)
    journal.close()
    again = Journal(tmp_path / "journal")
    assert Standings(again).providers() == [
        ProviderStanding(ANN, confirmed=2, wrong=0, lost=0, refused=0),
        ProviderStanding(BEN, confirmed=0, wrong=1, lost=1, refused=1),
    ]
    # That it was caught is kept whatever it did well since.
    assert BillBook(again).reputations() == [
        (ANN, blob_id(b"package"), Record(2, 1_000)),
        (BEN, blob_id(b"package"), Record(1, 1_002, caught_unix_s=1_001)),
    ]
