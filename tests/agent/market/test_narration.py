"""The sentences of a run's story, as far as other tests do not read them."""

from pathlib import Path

import pytest

from fogbank_agent.limits import CONTROL_FRAME_BYTES_MAX, STORY_LINES_MAX
from fogbank_agent.market.narration import narrate, shorten
from fogbank_agent.market.reasons import SAID_BY_PROVIDERS, Reason, sentence
from fogbank_agent.market.story import (
    AttemptCancelled,
    AttemptFailed,
    BidSeen,
    OrderDeclined,
    ProviderPaid,
    ProvidersSilent,
    ResultRefused,
    RunAccepted,
    RunFailed,
    RunHedged,
    RunOrdered,
    StoryEvent,
    TicksOwed,
    VoicesShort,
)
from fogbank_protocol.identity import NodeId, short_form

ANN = NodeId(b"a" * 32)
WHO = short_form(ANN)
SPEC = Path(__file__).parents[3] / "SPEC.md"


def test_a_short_story_is_told_whole() -> None:
    lines = narrate([(0, RunOrdered(1, 2)), (5, RunFailed(Reason.NO_PROVIDER))])
    assert shorten(lines) == lines


def test_a_story_of_an_hour_of_refusals_fits_into_a_frame() -> None:
    declined = OrderDeclined(1, ANN, sorted(Reason)[:8])
    lines = narrate([(at_ms, declined) for at_ms in range(20_000)])
    told = shorten(lines)
    assert sum(len(line.encode()) for line in told) < CONTROL_FRAME_BYTES_MAX - 65_536
    assert (told[0], told[-1]) == (lines[0], lines[-1])
    assert f"… {20_000 - STORY_LINES_MAX:,} steps more …" in told


def test_a_bid_tells_what_has_to_move_where_that_takes_long() -> None:
    quick = BidSeen(1, ANN, 100, 1, 0, 40_000, 4, is_measured=True)
    slow = BidSeen(1, ANN, 100, 1, 0, 4_000_000, 400, is_measured=True)
    guessed = BidSeen(1, ANN, 100, 1, 0, 4_000_000, 400)
    lines = narrate([(0, quick), (0, slow), (0, guessed)])
    assert lines[0].endswith("to begin at once.")
    assert lines[1].endswith("; 4.0 MB have to move for it, which takes 0.4 s as measured.")
    assert lines[2].endswith("at a guess.")


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (VoicesShort(1, 3), "1 of 3 voices came: run again here instead."),
        (
            RunAccepted(ANN, 2, is_own=True),
            f"Accepted: the result of {WHO}, confirmed by this agent's own sandbox.",
        ),
        (
            RunAccepted(ANN, 4, is_own=True),
            f"Accepted: the result of {WHO}, confirmed by 2 others and this agent's own sandbox.",
        ),
        (RunAccepted(ANN, 2), f"Accepted: the result of {WHO}, confirmed by 1 other."),
        (RunOrdered(1, 2, (WHO, "b")), f"Order 1 went to 2 providers: {WHO}, b."),
        (
            ProvidersSilent(1, (WHO, "b")),
            f"Nothing had come from {WHO}, b when the bids for order 1 were compared.",
        ),
        (
            AttemptFailed(1, ANN, Reason.NO_ANSWER, agreed=False),
            f"{WHO} did not sign the agreement: it did not answer in time.",
        ),
        (
            TicksOwed(1, ANN, 10**8, 10),
            f"{WHO} stated 100,000,000 fuel while it worked: 10 drops of the bill, due then.",
        ),
        (
            ResultRefused(1, ANN, Reason.WRONG_RESULT),
            f"The result of {WHO} is not paid: it was found wrong.",
        ),
        (
            ResultRefused(1, ANN, Reason.WRONG_RESULT, kept=101),
            f"The result of {WHO} is refused: it was found wrong; 101 drops of before stay paid.",
        ),
        (
            ProviderPaid(ANN, 101, "ab" * 32, bills=1),
            f"Paid 101 drops to {WHO} for this bill, over channel abababab.",
        ),
        (
            ProviderPaid(ANN, 101, "ab" * 32, bills=3),
            f"Paid 101 drops to {WHO} for this and 2 other bills, over channel abababab.",
        ),
        (
            ProviderPaid(ANN, 101, "ab" * 32),
            f"Paid 101 drops to {WHO} for this and perhaps other bills, over channel abababab.",
        ),
    ],
)
def test_a_sentence_says_what_is_so_and_no_more(event: StoryEvent, sentence: str) -> None:
    assert narrate([(0, event)]) == [f"    0.000 s  {sentence}"]


def test_a_hedge_tells_why_it_went_out_and_what_the_slow_one_was_paid() -> None:
    ann = short_form(ANN)
    told: list[tuple[int, StoryEvent]] = [
        (5_000, RunHedged(1, ANN, 5_000)),
        (6_000, TicksOwed(1, ANN, 10**9, 100)),
        (6_000, AttemptCancelled(1, ANN)),
    ]
    assert [line.partition(" s  ")[2] for line in narrate(told)] == [
        f"{ann} has had order 1 for 5.0 s: somebody else is to have it too, and the first result "
        "counts.",
        f"{ann} stated 1,000,000,000 fuel while it worked: 100 drops of the bill, due then.",
        f"Order 1 was taken back from {ann}: nothing is due for it but what was stated.",
    ]


def test_every_reason_has_a_sentence_of_its_own_and_the_story_can_tell_it() -> None:
    told = [sentence(reason) for reason in Reason]
    assert len(set(told)) == len(told)
    for reason in Reason:
        for event in (OrderDeclined(1, ANN, [reason]), RunFailed(reason)):
            [line] = narrate([(0, event)])
            assert line.endswith(".")
            assert reason.value not in line or "_" not in reason.value


def test_every_reason_is_in_the_specification() -> None:
    table = "".join(reason_rows())
    assert [reason for reason in Reason if f"`{reason.value}`" not in table] == []


def test_what_providers_may_say_of_orders_and_runs_is_what_the_specification_says() -> None:
    said: set[str] = set()
    for row in reason_rows():
        _, codes, places, *_ = row.split("|")
        if {"bid", "run"} & {place.strip() for place in places.split(",")}:
            said.update(code.strip(" `") for code in codes.split(","))
    assert said == SAID_BY_PROVIDERS


def reason_rows() -> list[str]:
    """Return the rows of the table of section 9.7."""
    section = SPEC.read_text("utf-8").split("### 9.7 Reason codes")[1].split("\n### ")[0]
    return [line for line in section.splitlines() if line.startswith("| `")]
