"""What happens to a run, in a few words for a progress display."""

from fogbank_protocol.identity import NodeId

from ..market.reasons import sentence, sentences
from ..market.story import (
    AttemptFailed,
    BidSeen,
    CheckBegun,
    CheckedHere,
    CheckSpared,
    OrderDeclined,
    ProviderCaught,
    ProviderPaid,
    ResultArrived,
    ResultRefused,
    RunAccepted,
    RunFailed,
    RunOrdered,
    RunPlaced,
    RunProgressed,
    RunReopened,
    StoryEvent,
)


def provider_of(event: StoryEvent) -> NodeId | None:
    """Return the provider that an event is about."""
    match event:
        case RunOrdered() | CheckBegun() | CheckSpared() | CheckedHere() | RunFailed():
            return None
        case _:
            return event.provider


def words(event: StoryEvent) -> str:
    """Return an event in a few words."""
    match event:
        case RunOrdered(_, asked):
            return f"{asked} providers asked"
        case BidSeen():
            return "a bid"
        case OrderDeclined(_, _, reasons):
            return f"declined: {sentences(reasons)}"
        case RunPlaced():
            return "running"
        case RunProgressed(_, _, fuel):
            return f"running, {fuel:,} fuel"
        case ResultArrived(_, _, outcome):
            return f"result: {outcome}"
        case AttemptFailed(_, _, reason):
            return f"attempt failed: {sentence(reason)}"
        case CheckBegun():
            return "being checked"
        case CheckSpared():
            return "not drawn for an audit"
        case CheckedHere():
            return "checked here"
        case ResultRefused(_, _, reason):
            return f"refused: {sentence(reason)}"
        case ProviderCaught():
            return "caught lying"
        case RunAccepted():
            return "accepted"
        case RunReopened():
            return "checked again"
        case RunFailed(reason):
            return f"failed: {sentence(reason)}"
        case ProviderPaid(_, drops):
            return f"paid {drops:,} drops"
