"""What counts as an auction."""

from fogbank_agent.control.requests.jobs import JobProgressed
from fogbank_agent.demo.auctions import Auctions


def progress(run: int, attempt: int, event: str, provider: str) -> JobProgressed:
    """Return that something happened to an order."""
    return JobProgressed(
        run=run,
        runs=1,
        at_ms=0,
        attempt=attempt,
        event=event,
        provider=provider,
        what="",
        accepted=0,
        failed=0,
        under_way=0,
        waiting=0,
    )


def held(*events: tuple[int, int, str, str]) -> int:
    """Return how many auctions there were."""
    auctions = Auctions()
    for event in events:
        auctions.progressed(progress(*event))
    return auctions.held


def test_two_that_bid_on_an_order_make_an_auction() -> None:
    bids = [(0, 1, "BidSeen", "ann"), (0, 1, "BidSeen", "ben"), (0, 1, "OrderDeclined", "cat")]
    assert held(*bids) == 0
    assert held(*bids, (0, 1, "RunPlaced", "ann")) == 1


def test_nobody_bids_against_itself_or_in_another_auction() -> None:
    assert held((0, 1, "BidSeen", "ann"), (0, 1, "RunPlaced", "ann")) == 0
    twice = [(0, 1, "BidSeen", "ann"), (0, 1, "BidSeen", "ann")]
    assert held(*twice, (0, 1, "RunPlaced", "ann")) == 0
    apart = [(0, 1, "BidSeen", "ann"), (0, 2, "BidSeen", "ben"), (1, 1, "BidSeen", "ben")]
    assert held(*apart, (0, 1, "RunPlaced", "ann"), (0, 2, "RunPlaced", "ben")) == 0
