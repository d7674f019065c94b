"""The sentences of a run's story, as far as other tests do not read them."""

from pathlib import Path

from fogbank_agent.limits import CONTROL_FRAME_BYTES_MAX, STORY_LINES_MAX
from fogbank_agent.market.narration import narrate, shorten
from fogbank_agent.market.reasons import Reason, sentence
from fogbank_agent.market.story import (
    AttemptCancelled,
    BidSeen,
    OrderDeclined,
    RunFailed,
    RunHedged,
    RunOrdered,
    StoryEvent,
    TicksOwed,
)
from fogbank_protocol.identity import NodeId, short_form

ANN = NodeId(b"a" * 32)
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
        f"{ann} stated 1,000,000,000 fuel while it worked: 100 drops of the bill, paid then.",
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
    table = SPEC.read_text("utf-8").split("### 9.7 Reason codes")[1].split("\n## ")[0]
    assert [reason for reason in Reason if f"`{reason.value}`" not in table] == []
