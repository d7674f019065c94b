"""How others have dealt with this agent, counted (SPEC.md section 9.6)."""

from pathlib import Path

import pytest

from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.reputation import Record
from fogbank_agent.market.story import (
    AttemptFailed,
    OrderDeclined,
    ProvidersSilent,
    ResultRefused,
    RunOrdered,
    StoryEvent,
)
from fogbank_agent.trading.bill_book import BillBook
from fogbank_agent.trading.journal import Journal
from fogbank_agent.trading.standings import ProviderStanding, Standings
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.identity import NodeId, short_form

ANN, BEN = NodeId(b"a" * 32), NodeId(b"b" * 32)


def test_what_providers_did_is_counted_in_runs_and_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    standings = Standings(journal)
    for provider, runs in ((ANN, 3), (ANN, 2), (BEN, 0)):
        standings.note_confirmed(provider, runs)
    for event in (
        RunOrdered(1, 2),
        OrderDeclined(1, BEN, (Reason.BUSY,)),
        OrderDeclined(2, BEN, (Reason.OTHER,)),
        AttemptFailed(2, BEN, Reason.PROVIDER_LOST),
        ResultRefused(3, BEN, Reason.WRONG_RESULT),
    ):
        standings.note(event, 4)
    book = BillBook(journal)
    book.keep_confirmed(ANN, blob_id(b"package"), 2, 1_000)
    book.keep_confirmed(BEN, blob_id(b"package"), 0, 1_001)
    book.keep_confirmed(BEN, blob_id(b"package"), 1, 1_002)
    journal.close()
    again = Journal(tmp_path / "journal")
    assert Standings(again).providers() == [
        ProviderStanding(ANN, confirmed=5, wrong=0, lost=0, refused=0),
        ProviderStanding(BEN, confirmed=0, wrong=4, lost=4, refused=8),
    ]
    # That it was caught is kept whatever it did well since.
    assert BillBook(again).reputations() == [
        (ANN, blob_id(b"package"), Record(2, 1_000)),
        (BEN, blob_id(b"package"), Record(1, 1_002, caught_unix_s=1_001)),
    ]


@pytest.mark.parametrize(
    "event",
    [
        ResultRefused(1, ANN, Reason.UNVERIFIED),
        AttemptFailed(1, ANN, Reason.BEATEN_ON_PRICE),
        AttemptFailed(1, ANN, Reason.DISK_FULL),
        AttemptFailed(1, ANN, Reason.TICK_UNPAID),
        AttemptFailed(1, ANN, Reason.PROVIDER_LOST, agreed=False),
        OrderDeclined(0, ANN, (Reason.PRICE_TOO_HIGH,)),
        OrderDeclined(1, ANN, (Reason.NO_ANSWER,)),
        OrderDeclined(1, ANN, (Reason.PROVIDER_LOST,)),
        ProvidersSilent(1, (short_form(ANN),)),
    ],
    ids=str,
)
def test_what_the_requestor_did_or_did_not_hear_is_held_against_nobody(
    tmp_path: Path, event: StoryEvent
) -> None:
    standings = Standings(Journal(tmp_path / "journal"))
    standings.note(event, 1)
    assert standings.providers() == []
