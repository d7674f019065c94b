"""What the machine of a job is told, and what it wants done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fogbank_protocol.identity import NodeId

from .agreements import AgreementId
from .checkpoint import Checkpoint
from .reasons import Reason
from .story import StoryEvent
from .verification import Claim, Verdict

# Events.  ``lot`` is the lot's number in its job, ``attempt`` the number of the order for it.


@dataclass(frozen=True, slots=True)
class BidCame:
    """A valid bid within the order's caps arrived."""

    lot: int
    attempt: int
    provider: NodeId
    price: int
    start_price: int
    start_ms: int
    valid_ms: int
    reuse: bool = False


@dataclass(frozen=True, slots=True)
class OrderRefused:
    """A provider declined, failed to answer, or answered with something that is no bid."""

    lot: int
    attempt: int
    provider: NodeId
    reasons: Sequence[Reason]


@dataclass(frozen=True, slots=True)
class AgreementSigned:
    """The provider has signed: it works."""

    lot: int
    attempt: int


@dataclass(frozen=True, slots=True)
class AgreementRefused:
    """The provider did not keep its bid."""

    lot: int
    attempt: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class TickStated:
    """The provider has signed that so much fuel is used; ``statement`` names what it signed."""

    lot: int
    attempt: int
    statement: AgreementId
    fuel: int


@dataclass(frozen=True, slots=True)
class CheckpointKept:
    """A state of the run under way is here, and is the one that its provider has signed."""

    lot: int
    attempt: int
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class CommitmentCame:
    """A member of a quorum has its result, is bound to it, and waits to be asked for it."""

    lot: int
    attempt: int


@dataclass(frozen=True, slots=True)
class ResultCame:
    """A valid receipt is here, and so are the outputs it names; never a host fault."""

    lot: int
    attempt: int
    claim: Claim
    evidence: int = 0
    """Old receipts that prove it, when it was served again."""


@dataclass(frozen=True, slots=True)
class AttemptBroke:
    """The attempt ended without a result; only ``BROKEN_RULE`` is held against the provider."""

    lot: int
    attempt: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class OwnRunEnded:
    """The own sandbox did the lot; ``claim`` is None when it could not."""

    lot: int
    claim: Claim | None
    is_start_wrong: bool = False
    """The state that the lot went on from is none of this run."""


@dataclass(frozen=True, slots=True)
class CheckEnded:
    """A check of the attempt's claim in the own sandbox has ended, after ``fuel`` of its own."""

    lot: int
    attempt: int
    verdict: Verdict
    fuel: int


@dataclass(frozen=True, slots=True)
class OffersChanged:
    """The offer book or the wallet has changed: what could not be placed may be tried again."""


JobInput: TypeAlias = (
    BidCame
    | OrderRefused
    | AgreementSigned
    | AgreementRefused
    | TickStated
    | CheckpointKept
    | CommitmentCame
    | ResultCame
    | AttemptBroke
    | OwnRunEnded
    | CheckEnded
    | OffersChanged
)

# Commands.


@dataclass(frozen=True, slots=True)
class LotFormed:
    """The lot was made of these runs of the job."""

    lot: int
    runs: range


@dataclass(frozen=True, slots=True)
class SendOrder:
    """Sign an order for the lot and send it to all ``providers`` at once."""

    lot: int
    attempt: int
    providers: Sequence[NodeId]
    start: Checkpoint | None = None
    """Where the run goes on; None for its beginning."""


@dataclass(frozen=True, slots=True)
class SignAgreement:
    """Sign the agreement on this provider's bid and open the lot's stream."""

    lot: int
    attempt: int
    provider: NodeId


@dataclass(frozen=True, slots=True)
class EndAttempt:
    """Stop whatever is under way for the attempt and forget it."""

    lot: int
    attempt: int


@dataclass(frozen=True, slots=True)
class RunHere:
    """Do the lot in the own sandbox and report ``OwnRunEnded``."""

    lot: int


@dataclass(frozen=True, slots=True)
class CheckHere:
    """Check the attempt's claim in the own sandbox and report ``CheckEnded``.

    Ask the package's verifier about every run, or repeat those at ``places`` of the lot.
    """

    lot: int
    attempt: int
    claim: Claim
    places: Sequence[int] | None
    """None for the verifier."""


@dataclass(frozen=True, slots=True)
class Owe:
    """The attempt's result is right: its provider is owed ``bill`` drops."""

    lot: int
    attempt: int
    provider: NodeId
    bill: int


@dataclass(frozen=True, slots=True)
class PayTick:
    """Pay now what a ``statement`` of ``fuel`` makes due: the provider waits for it."""

    lot: int
    attempt: int
    provider: NodeId
    statement: AgreementId
    fuel: int


@dataclass(frozen=True, slots=True)
class AskReveal:
    """Ask the provider for the result that it has committed to."""

    lot: int
    attempt: int
    provider: NodeId


@dataclass(frozen=True, slots=True)
class Withdraw:
    """What was said to be owed for the attempt is in doubt again: pay nothing for it now."""

    lot: int
    attempt: int
    provider: NodeId


@dataclass(frozen=True, slots=True)
class Refuse:
    """The attempt's result will not be paid."""

    lot: int
    attempt: int
    provider: NodeId
    reason: Reason


@dataclass(frozen=True, slots=True)
class Accuse:
    """Have the watch look at the attempt's result: another contradicts it, and nothing decides."""

    lot: int
    attempt: int
    provider: NodeId


@dataclass(frozen=True, slots=True)
class KeepReputation:
    """Remember how many results in a row of ``provider`` were confirmed."""

    provider: NodeId
    confirmed: int
    newly: int = 0
    """How many of them the lot has added."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Add ``what`` to the story of the lot's runs."""

    lot: int
    what: StoryEvent


@dataclass(frozen=True, slots=True)
class EndJob:
    """Every run has ended: pay what is owed, and say how it went."""


JobCommand: TypeAlias = (
    LotFormed
    | SendOrder
    | SignAgreement
    | EndAttempt
    | RunHere
    | CheckHere
    | Owe
    | PayTick
    | AskReveal
    | Withdraw
    | Refuse
    | Accuse
    | KeepReputation
    | Tell
    | EndJob
)
