"""The sentences of ``fogbank why``: a run's story for people."""

from collections.abc import Sequence

from fogbank_protocol.identity import short_form

from ..limits import STORY_LINES_MAX
from .reasons import Reason, sentence, sentences
from .story import (
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

_FAILURES = {
    Reason.NO_PROVIDER: "Given up: no connected provider took it in the time allowed for waiting.",
    Reason.NO_FUNDS: "Given up: the wallet does not hold what the run may cost.  "
    "Get drops from somebody, or order with a lower --fuel-max or --price-max.",
    Reason.ATTEMPTS_EXHAUSTED: "Given up: every attempt that was allowed has failed.",
    Reason.UNVERIFIED: "Given up: there are results, but nobody could confirm one of them.",
    Reason.CANCELLED: "Given up: the job was cancelled.",
}


_WORTH_TELLING_MS = 50
"""What takes less than that on its way has decided nothing."""

_VERDICTS = {"sound": "confirmed", "wrong": "refuted"}


def narrate(story: Sequence[tuple[int, StoryEvent]]) -> Sequence[str]:
    """Return one sentence for each event; each comes with its milliseconds since the job began."""
    return [f"{at_ms / 1_000:9.3f} s  {describe(event)}" for at_ms, event in story]


def shorten(lines: Sequence[str]) -> Sequence[str]:
    """Return ``lines`` without the middle of a story that is longer than anybody reads."""
    left_out = len(lines) - STORY_LINES_MAX
    if left_out <= 0:
        return lines
    head = STORY_LINES_MAX // 3
    return [*lines[:head], f"… {left_out:,} steps more …", *lines[head + left_out :]]


def describe(event: StoryEvent) -> str:
    """Return what happened, as a sentence."""
    match event:
        case RunOrdered(attempt, asked, providers):
            names = f": {', '.join(providers)}" if providers else ""
            return f"Order {attempt} went to {_count(asked, 'provider')}{names}."
        case ProvidersSilent(attempt, providers):
            return (
                f"Nothing had come from {', '.join(providers)} when the bids for order {attempt} "
                "were compared."
            )
        case NobodyToAsk(0):
            return "Nobody could be asked: no connected provider has an offer."
        case NobodyToAsk(offers):
            return f"Nobody could be asked: of {_count(offers, 'offer')}, none fits and has room."
        case MoneyShort(_, needed, free):
            return (
                f"No bid could be taken: the cheapest may cost {_count(needed, 'drop')}, and "
                f"{free:,} are free."
            )
        case BidSeen(_, provider, price, start_price, start_ms):
            begin = "at once" if start_ms == 0 else f"in {start_ms / 1_000:.1f} s"
            terms = _terms(price, start_price)
            return f"{short_form(provider)} bid {terms}, to begin {begin}{_moving(event)}."
        case OrderDeclined(_, provider, reasons):
            return f"{short_form(provider)} did not take it: {sentences(reasons)}."
        case RunPlaced(attempt, provider, price, start_price):
            terms = _terms(price, start_price)
            return f"Agreed on order {attempt} with {short_form(provider)} for {terms}."
        case RunProgressed(_, provider, fuel):
            return f"{short_form(provider)} has used {fuel:,} fuel."
        case TicksOwed(_, provider, fuel, drops):
            whom, cost = short_form(provider), _count(drops, "drop")
            return f"{whom} stated {fuel:,} fuel while it worked: {cost} of the bill, due then."
        case AdvanceSpent(_, provider, drops):
            return (
                f"{short_form(provider)} has {_count(drops, 'drop')} for work that nobody has seen "
                "yet, as much as this agent trusts it with: no more until others have shown theirs."
            )
        case RunMoved(attempt, provider, position, fuel):
            return (
                f"Order {attempt} goes on from step {position:,}, to which {short_form(provider)} "
                f"had brought it with {fuel:,} fuel."
            )
        case StateKept(_, provider, position, fuel):
            return (
                f"The state of {short_form(provider)} at step {position:,}, after {fuel:,} fuel, "
                "is kept: others can go on from it."
            )
        case RunBegunAnew(attempt, provider, fuel):
            return (
                f"Order {attempt} begins anew: what {short_form(provider)} had done with {fuel:,} "
                "fuel is lost, and nothing beyond that is due to it."
            )
        case ResultReused(_, provider, receipts):
            whom, old = short_form(provider), _count(receipts, "receipt")
            return f"{whom} had the result already and served it again, with {old} of earlier runs."
        case RunResumed(attempt, position, fuel):
            return (
                f"Order {attempt} goes on from step {position:,}, after {fuel:,} fuel: that state "
                "was kept here before this agent was started again."
            )
        case ResumeRefuted():
            return "The state that was kept before the restart is wrong: begun anew."
        case StartRefuted(provider):
            return f"The state that {short_form(provider)} handed out is wrong: begun anew."
        case ResultCommitted(_, provider):
            return f"{short_form(provider)} is bound to a result that it has not shown yet."
        case ResultArrived(_, provider, outcome, fuel, bill):
            cost = _count(bill, "drop")
            return f"{short_form(provider)} answered: {outcome}, {fuel:,} fuel, {cost} if accepted."
        case AttemptFailed(_, provider, reason, agreed):
            did = "gave no result" if agreed else "did not sign the agreement"
            return f"{short_form(provider)} {did}: {sentence(reason)}."
        case ChannelShort(_, provider, left):
            return (
                f"This agent's channel to {short_form(provider)} had only {_count(left, 'drop')} "
                "left and could not be topped up in time: that it was not paid is no fault of its."
            )
        case RunHedged(attempt, provider, after_ms):
            return (
                f"{short_form(provider)} has had order {attempt} for {after_ms / 1_000:,.1f} s: "
                "somebody else is to have it too, and the first result counts."
            )
        case AttemptCancelled(attempt, provider):
            return (
                f"Order {attempt} was taken back from {short_form(provider)}: nothing is due for "
                "it but what was stated."
            )
        case RunAccepted() | RunReopened() | RunFailed() | ProviderPaid():
            return _describe_end(event)
        case DisputeOpened() | DisputeEnded():
            return _describe_dispute(event)
        case _:
            return _describe_check(event)


def _describe_check(
    event: CheckBegun
    | CheckSpared
    | CheckedHere
    | ResultChecked
    | ResultRefused
    | ProviderCaught
    | VoicesShort,
) -> str:
    match event:
        case VoicesShort(voices, wanted):
            return f"{voices} of {_count(wanted, 'voice')} came: run again here instead."
        case CheckBegun(rate_ppm, here):
            where = "here" if here else "by another provider"
            return f"To be checked {where}; the probability of that was {_percent(rate_ppm)}."
        case CheckSpared(rate_ppm):
            return f"Not checked; the probability of a check was {_percent(rate_ppm)}."
        case CheckedHere(outcome, fuel):
            return f"Run again here: {outcome}, {fuel:,} fuel."
        case ResultChecked(_, provider, runs, verdict, fuel):
            who = "The task's verifier" if runs == 0 else f"Repeating {_count(runs, 'run')} here"
            did = _VERDICTS.get(verdict, "could not judge")
            return f"{who} {did} the result of {short_form(provider)}, with {fuel:,} fuel."
        case ResultRefused(_, provider, reason, kept):
            whom, why = short_form(provider), _refusal(reason)
            if kept:
                cost = _count(kept, "drop")
                return f"The result of {whom} is refused: {why}; {cost} of before stay paid."
            return f"The result of {whom} is not paid: {why}."
        case ProviderCaught(provider):
            return (
                f"{short_form(provider)} was caught: it gets no more runs of this job, and all its "
                "other results are checked again."
            )


def _describe_end(event: RunAccepted | RunReopened | RunFailed | ProviderPaid) -> str:
    match event:
        case RunAccepted(None):
            return "Accepted: the result of this agent's own sandbox."
        case RunAccepted(provider, voices, is_own):
            others = voices - 1 - is_own
            confirmed = [
                *([_count(others, "other")] if others else []),
                *(["this agent's own sandbox"] if is_own else []),
            ]
            by_whom = f", confirmed by {' and '.join(confirmed)}" if confirmed else ""
            return f"Accepted: the result of {short_form(provider)}{by_whom}."
        case RunReopened(provider):
            return f"Opened again, since {short_form(provider)} was caught with another run."
        case RunFailed(reason):
            return _FAILURES.get(reason, f"Given up: {sentence(reason)}.")
        case ProviderPaid(provider, drops, channel):
            whom, cost = short_form(provider), _count(drops, "drop")
            return f"Paid {cost} to {whom} for {_bills(event)}, over channel {channel[:8]}."


def _describe_dispute(event: DisputeOpened | DisputeEnded) -> str:
    match event:
        case DisputeOpened(provider, drops, watch):
            return (
                f"{short_form(provider)} has {_count(drops, 'drop')} at stake: "
                f"{_count(watch, 'member')} of its watch are asked to look at the proof."
            )
        case DisputeEnded(provider, "seized", drops):
            return f"{short_form(provider)} was found guilty and has lost {_count(drops, 'drop')}."
        case DisputeEnded(provider, "too late", _):
            return f"The stake of {short_form(provider)} was gone before it could be seized."
        case DisputeEnded(provider, "refused", _):
            return (
                f"{short_form(provider)} was found guilty, but the ledger took no proof for an "
                "hour: it keeps its stake."
            )
        case DisputeEnded(provider, "right", _):
            return (
                f"The watch of {short_form(provider)} found its result right: what others said, "
                "and was believed if anything was, is wrong."
            )
        case DisputeEnded(provider):
            return f"The watch would not judge {short_form(provider)}: it keeps its stake."


def _bills(paid: ProviderPaid) -> str:
    match paid.bills:
        case 0:
            return "this and perhaps other bills"
        case 1:
            return "this bill"
        case bills:
            return f"this and {_count(bills - 1, 'other bill')}"


def _refusal(reason: Reason) -> str:
    if reason is Reason.WRONG_RESULT:
        return "it was found wrong"
    return sentence(reason)


def _terms(price: int, start_price: int) -> str:
    return f"{_count(price, 'drop')} a gigafuel plus {_count(start_price, 'drop')} to start"


def _moving(bid: BidSeen) -> str:
    if bid.moving_ms < _WORTH_TELLING_MS:
        return ""
    size, seconds = bid.moving_bytes / 1_000_000, bid.moving_ms / 1_000
    how = "as measured" if bid.is_measured else "at a guess"
    return f"; {size:,.1f} MB have to move for it, which takes {seconds:,.1f} s {how}"


def _percent(rate_ppm: int) -> str:
    return f"{rate_ppm / 10_000:g} %"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
