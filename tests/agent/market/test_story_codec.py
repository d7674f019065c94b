"""Stories as bytes and as sentences: every kind of event (SPEC.md section 9.7)."""

from typing import get_args

import pytest

from fogbank_agent.market.narration import describe, narrate
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.story import (
    AdvanceSpent,
    AttemptCancelled,
    AttemptFailed,
    BidSeen,
    ChannelShort,
    CheckBegun,
    CheckedHere,
    CheckSpared,
    DisputeEnded,
    DisputeOpened,
    MoneyShort,
    NobodyToAsk,
    OrderDeclined,
    ProviderCaught,
    ProviderPaid,
    ProvidersSilent,
    ResultArrived,
    ResultChecked,
    ResultCommitted,
    ResultRefused,
    ResultReused,
    ResumeRefuted,
    RunAccepted,
    RunBegunAnew,
    RunFailed,
    RunHedged,
    RunMoved,
    RunOrdered,
    RunPlaced,
    RunProgressed,
    RunReopened,
    RunResumed,
    StartRefuted,
    StateKept,
    StoryEvent,
    TicksOwed,
    VoicesShort,
)
from fogbank_agent.market.story_codec import decode_story_event, encode_story_event
from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import short_form

from .town import ANN

EVENTS: list[StoryEvent] = [
    RunOrdered(1, 4),
    RunOrdered(1, 1, (short_form(ANN),)),
    ProvidersSilent(1, (short_form(ANN),)),
    BidSeen(1, ANN, 100, 1, 0, 4_000_000, 400, is_measured=True),
    OrderDeclined(1, ANN, (Reason.BUSY, Reason.PRICE_TOO_LOW)),
    RunPlaced(1, ANN, 100, 1),
    RunProgressed(1, ANN, 10**9),
    RunResumed(1, 40, 10**9),
    ResumeRefuted(),
    TicksOwed(1, ANN, 10**9, 100),
    AdvanceSpent(1, ANN, 100),
    RunMoved(2, ANN, 2_048, 10**9),
    RunBegunAnew(2, ANN, 10**9),
    StartRefuted(ANN),
    StateKept(1, ANN, 1_024, 10**9),
    ResultCommitted(1, ANN),
    ResultReused(1, ANN, 2),
    ResultArrived(1, ANN, "ok", 10**9, 101),
    RunHedged(1, ANN, 5_000),
    AttemptCancelled(1, ANN),
    AttemptFailed(1, ANN, Reason.PROVIDER_LOST),
    AttemptFailed(1, ANN, Reason.PROVIDER_LOST, agreed=False),
    CheckBegun(125_000, here=True),
    CheckSpared(125_000),
    CheckedHere("ok", 10**9),
    DisputeOpened(ANN, 10_000, 3),
    DisputeEnded(ANN, "seized", 10_000),
    DisputeEnded(ANN, "unheard", 10_000),
    DisputeEnded(ANN, "too late", 10_000),
    ResultRefused(1, ANN, Reason.WRONG_RESULT),
    ResultRefused(1, ANN, Reason.WRONG_RESULT, kept=101),
    ProviderCaught(ANN),
    RunAccepted(ANN, 2),
    RunAccepted(None, 1),
    RunAccepted(ANN, 2, is_own=True),
    VoicesShort(1, 3),
    ChannelShort(1, ANN, 20),
    RunReopened(ANN),
    RunFailed(Reason.NO_PROVIDER),
    ProviderPaid(ANN, 101, "ab" * 32),
    ProviderPaid(ANN, 101, "ab" * 32, bills=2),
    NobodyToAsk(0),
    NobodyToAsk(3),
    MoneyShort(1, 1_001, 50),
    ResultChecked(1, ANN, 0, "sound", 10**9),
    ResultChecked(1, ANN, 3, "wrong", 10**9),
    ResultChecked(1, ANN, 1, "open", 0),
]


def test_every_kind_of_event_is_here() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(StoryEvent))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_read_back(event: StoryEvent) -> None:
    assert decode_story_event(encode_story_event(event)) == event


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_a_sentence_that_names_its_provider(event: StoryEvent) -> None:
    sentence = describe(event)
    assert sentence[-1] == "."
    provider = getattr(event, "provider", None)
    assert provider is None or short_form(provider) in sentence


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence_for_a_decline_and_for_a_failed_run(reason: Reason) -> None:
    assert len(describe(OrderDeclined(1, ANN, (reason,)))) > 30
    assert describe(RunFailed(reason)).startswith("Given up: ")


@pytest.mark.parametrize(
    ("values", "event"),
    [
        ([0, 1, 4], RunOrdered(1, 4)),
        ([9, 1, ANN, "provider_lost"], AttemptFailed(1, ANN, Reason.PROVIDER_LOST)),
        ([13, 1, ANN, "wrong_result"], ResultRefused(1, ANN, Reason.WRONG_RESULT)),
        ([18, ANN, 101, "ab" * 32], ProviderPaid(ANN, 101, "ab" * 32)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_an_older_version_wrote_is_still_read(values: list[Value], event: StoryEvent) -> None:
    assert decode_story_event(encode(values)) == event
    assert describe(event).endswith(".")


def test_a_story_is_told_with_its_times() -> None:
    told = narrate([(0, RunOrdered(1, 1)), (1_234, RunFailed(Reason.NO_PROVIDER))])
    assert told == [
        "    0.000 s  Order 1 went to 1 provider.",
        "    1.234 s  Given up: no connected provider took it in the time allowed for waiting.",
    ]


@pytest.mark.parametrize(
    "data", [b"", encode([]), encode([99, 1]), encode([0, 1]), encode([0, 1, 1, [], 0]), encode(1)]
)
def test_a_file_that_somebody_changed_is_noticed(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_story_event(data)
