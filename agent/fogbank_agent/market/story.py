"""What happened to a run, event by event: for progress meanwhile, for ``fogbank why`` later."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fogbank_protocol.identity import NodeId

from .reasons import Reason


@dataclass(frozen=True, slots=True)
class RunOrdered:
    """An order went out to ``asked`` providers, for attempt number ``attempt``."""

    attempt: int
    asked: int
    providers: Sequence[str] = ()
    """Their short forms, at most ``PROVIDERS_ASKED_MAX``; none in stories of older versions."""


@dataclass(frozen=True, slots=True)
class BidSeen:
    """A provider offered to do it: ``price`` drops a gigafuel, begun after ``start_ms``.

    To move ``moving_bytes`` to it and from it takes about ``moving_ms``.
    """

    attempt: int
    provider: NodeId
    price: int
    start_price: int
    start_ms: int
    moving_bytes: int = 0
    moving_ms: int = 0
    is_measured: bool = False
    """At the rate of earlier transfers, which else is a guess."""


@dataclass(frozen=True, slots=True)
class OrderDeclined:
    """A provider said no, or nothing that could be used."""

    attempt: int
    provider: NodeId
    reasons: Sequence[Reason]


@dataclass(frozen=True, slots=True)
class RunPlaced:
    """Both sides signed an agreement; the provider works."""

    attempt: int
    provider: NodeId
    price: int
    start_price: int


@dataclass(frozen=True, slots=True)
class RunProgressed:
    """The provider says how much fuel is used; a hint, told to watchers and not kept."""

    attempt: int
    provider: NodeId
    fuel: int


@dataclass(frozen=True, slots=True)
class TicksOwed:
    """The attempt is over, and ``drops`` were due for the ``fuel`` stated while it went on."""

    attempt: int
    provider: NodeId
    fuel: int
    drops: int


@dataclass(frozen=True, slots=True)
class AdvanceSpent:
    """``provider`` has ``drops`` for what it has not shown, and gets no more for now."""

    attempt: int
    provider: NodeId
    drops: int


@dataclass(frozen=True, slots=True)
class RunMoved:
    """Order ``attempt`` asks for the rest of a run that ``provider`` brought to ``position``."""

    attempt: int
    provider: NodeId
    position: int
    fuel: int


@dataclass(frozen=True, slots=True)
class StartRefuted:
    """The state that ``provider`` handed out is none of this run: it begins anew."""

    provider: NodeId


@dataclass(frozen=True, slots=True)
class ResultArrived:
    """A signed result is here; ``bill`` drops are due if it is accepted."""

    attempt: int
    provider: NodeId
    outcome: str
    fuel: int
    bill: int


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """An attempt gave no result; the run goes elsewhere when attempts are left."""

    attempt: int
    provider: NodeId
    reason: Reason
    agreed: bool = True
    """Both sides had signed."""


@dataclass(frozen=True, slots=True)
class CheckBegun:
    """The result is run again, here or by another provider; ``rate_ppm`` was the probability."""

    rate_ppm: int
    here: bool


@dataclass(frozen=True, slots=True)
class CheckSpared:
    """The draw with probability ``rate_ppm`` spared this result the audit."""

    rate_ppm: int


@dataclass(frozen=True, slots=True)
class CheckedHere:
    """The own sandbox ran it: this is the right result."""

    outcome: str
    fuel: int


@dataclass(frozen=True, slots=True)
class ResultRefused:
    """A provider's result was found wrong: it is not paid and gets no more runs of this job."""

    attempt: int
    provider: NodeId
    reason: Reason
    kept: int = 0
    """Drops that were paid for it before, or due for what was stated: its provider keeps them."""


@dataclass(frozen=True, slots=True)
class ProviderCaught:
    """A provider lied about a run: its other results of the job are checked again."""

    provider: NodeId


@dataclass(frozen=True, slots=True)
class RunAccepted:
    """The run has its result; ``provider`` was the first to give it; ``voices`` agree.

    None means that every provider was wrong and the own sandbox's result counts.
    """

    provider: NodeId | None
    voices: int
    is_own: bool = False
    """One of the voices is the own sandbox's; False in stories of older versions."""


@dataclass(frozen=True, slots=True)
class RunReopened:
    """An accepted result is checked again, since its provider was caught elsewhere."""

    provider: NodeId


@dataclass(frozen=True, slots=True)
class RunFailed:
    """The run ends without a result."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class ProviderPaid:
    """A voucher gives ``provider`` ``drops`` more, for this run's bill, or among others for it."""

    provider: NodeId
    drops: int
    channel: str
    bills: int = 0
    """How many it pays together; 0 in stories of older versions, which do not say."""


@dataclass(frozen=True, slots=True)
class ResultChecked:
    """A result was checked in the own sandbox, by the package's verifier or by repeating ``runs``.

    ``runs`` is 0 for the verifier; ``verdict`` is "sound", "wrong" or "open".
    """

    attempt: int
    provider: NodeId
    runs: int
    verdict: str
    fuel: int


@dataclass(frozen=True, slots=True)
class NobodyToAsk:
    """An order was due, and none of the ``offers`` that are known fits and has room."""

    offers: int


@dataclass(frozen=True, slots=True)
class MoneyShort:
    """The cheapest bid may cost ``needed`` drops, and ``free`` are not set aside for others."""

    attempt: int
    needed: int
    free: int


@dataclass(frozen=True, slots=True)
class ResultCommitted:
    """A member of a quorum is bound to its result, and shows it when all are."""

    attempt: int
    provider: NodeId


@dataclass(frozen=True, slots=True)
class StateKept:
    """What ``provider`` has reached is kept here; a hint, told to watchers and not kept."""

    attempt: int
    provider: NodeId
    position: int
    fuel: int


@dataclass(frozen=True, slots=True)
class DisputeOpened:
    """The ``watch`` of the provider's stake of ``drops`` are asked to find its result wrong."""

    provider: NodeId
    drops: int
    watch: int


@dataclass(frozen=True, slots=True)
class DisputeEnded:
    """How it ended: ``state`` is "seized", "right", "unheard", "refused" or "too late"."""

    provider: NodeId
    state: str
    drops: int


@dataclass(frozen=True, slots=True)
class ResultReused:
    """What comes now was not run: ``provider`` proves it by so many old ``receipts``."""

    attempt: int
    provider: NodeId
    receipts: int


@dataclass(frozen=True, slots=True)
class RunResumed:
    """Order ``attempt`` asks for the rest from a state that was kept before a restart."""

    attempt: int
    position: int
    fuel: int


@dataclass(frozen=True, slots=True)
class ResumeRefuted:
    """That state is none of this run: it begins anew."""


@dataclass(frozen=True, slots=True)
class RunBegunAnew:
    """Order ``attempt`` asks for all of it: what ``provider`` did with ``fuel`` gave no result."""

    attempt: int
    provider: NodeId
    fuel: int


@dataclass(frozen=True, slots=True)
class RunHedged:
    """``provider`` has worked for ``after_ms`` on order ``attempt``: another is to have it too."""

    attempt: int
    provider: NodeId
    after_ms: int


@dataclass(frozen=True, slots=True)
class AttemptCancelled:
    """``provider`` was told to stop: what it would say of order ``attempt`` counts no more."""

    attempt: int
    provider: NodeId


@dataclass(frozen=True, slots=True)
class ProvidersSilent:
    """Those had not answered order ``attempt`` when the bids for it were compared."""

    attempt: int
    providers: Sequence[str]
    """Their short forms, at most ``PROVIDERS_ASKED_MAX``."""


@dataclass(frozen=True, slots=True)
class VoicesShort:
    """Of the voices ``wanted`` of a quorum no more than ``voices`` came: the own one stands in."""

    voices: int
    wanted: int


@dataclass(frozen=True, slots=True)
class ChannelShort:
    """``provider`` was not paid: its channel had ``left`` drops, which is less than is due."""

    attempt: int
    provider: NodeId
    left: int


StoryEvent: TypeAlias = (
    RunOrdered
    | BidSeen
    | OrderDeclined
    | RunPlaced
    | RunProgressed
    | TicksOwed
    | RunMoved
    | StartRefuted
    | ResultArrived
    | AttemptFailed
    | CheckBegun
    | CheckSpared
    | CheckedHere
    | ResultRefused
    | ProviderCaught
    | RunAccepted
    | RunReopened
    | RunFailed
    | ProviderPaid
    | ResultChecked
    | NobodyToAsk
    | MoneyShort
    | StateKept
    | ResultCommitted
    | DisputeOpened
    | DisputeEnded
    | ResultReused
    | RunResumed
    | ResumeRefuted
    | RunBegunAnew
    | RunHedged
    | AttemptCancelled
    | ProvidersSilent
    | AdvanceSpent
    | VoicesShort
    | ChannelShort
)
