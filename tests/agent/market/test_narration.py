"""The sentences of a run's story, as far as other tests do not read them."""

from fogbank_agent.limits import CONTROL_FRAME_BYTES_MAX, STORY_LINES_MAX
from fogbank_agent.market.narration import narrate, shorten
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.story import OrderDeclined, RunFailed, RunOrdered
from fogbank_protocol.identity import NodeId

ANN = NodeId(b"a" * 32)


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
