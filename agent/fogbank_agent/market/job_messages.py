"""What the machine of a job is told, and what it wants done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fogbank_protocol.identity import NodeId
from fogbank_wasm_tasks.outcome import Outcome

from .reasons import Reason
from .story import StoryEvent

# Events.  ``run`` is the run's number in its job, ``attempt`` the number of the order for it.


@dataclass(frozen=True, slots=True)
class BidCame:
    """A valid bid within the order's caps arrived."""

    run: int
    attempt: int
    provider: NodeId
    price: int
    start_price: int
    start_ms: int
    valid_ms: int


@dataclass(frozen=True, slots=True)
class OrderRefused:
    """A provider declined, failed to answer, or answered with something that is no bid."""

    run: int
    attempt: int
    provider: NodeId
    reasons: Sequence[Reason]


@dataclass(frozen=True, slots=True)
class AgreementSigned:
    """The provider has signed: it works."""

    run: int
    attempt: int


@dataclass(frozen=True, slots=True)
class AgreementRefused:
    """The provider did not keep its bid."""

    run: int
    attempt: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class ProgressTold:
    """The provider says how much fuel is used."""

    run: int
    attempt: int
    fuel: int


@dataclass(frozen=True, slots=True)
class ResultCame:
    """A valid receipt is here, and so is the output it names; never a host fault."""

    run: int
    attempt: int
    outcome: Outcome
    fuel: int


@dataclass(frozen=True, slots=True)
class AttemptBroke:
    """The attempt ended without a result; only ``BROKEN_RULE`` is held against the provider."""

    run: int
    attempt: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class OwnRunEnded:
    """The own sandbox ran the run; ``outcome`` is None when it could not."""

    run: int
    outcome: Outcome | None
    fuel: int


@dataclass(frozen=True, slots=True)
class OffersChanged:
    """The offer book or the wallet has changed: what could not be placed may be tried again."""


JobInput: TypeAlias = (
    BidCame
    | OrderRefused
    | AgreementSigned
    | AgreementRefused
    | ProgressTold
    | ResultCame
    | AttemptBroke
    | OwnRunEnded
    | OffersChanged
)

# Commands.


@dataclass(frozen=True, slots=True)
class SendOrder:
    """Sign an order for the run and send it to all ``providers`` at once."""

    run: int
    attempt: int
    providers: Sequence[NodeId]


@dataclass(frozen=True, slots=True)
class SignAgreement:
    """Sign the agreement on this provider's bid and open the run's stream."""

    run: int
    attempt: int
    provider: NodeId


@dataclass(frozen=True, slots=True)
class EndAttempt:
    """Stop whatever is under way for the attempt and forget it."""

    run: int
    attempt: int


@dataclass(frozen=True, slots=True)
class RunHere:
    """Run it in the own sandbox and report ``OwnRunEnded``."""

    run: int


@dataclass(frozen=True, slots=True)
class Owe:
    """The attempt's result is right: its provider is owed ``bill`` drops."""

    run: int
    attempt: int
    provider: NodeId
    bill: int


@dataclass(frozen=True, slots=True)
class Withdraw:
    """What was said to be owed for the attempt is in doubt again: pay nothing for it now."""

    run: int
    attempt: int
    provider: NodeId


@dataclass(frozen=True, slots=True)
class Refuse:
    """The attempt's result will not be paid."""

    run: int
    attempt: int
    provider: NodeId
    reason: Reason


@dataclass(frozen=True, slots=True)
class KeepReputation:
    """Remember how many results in a row of ``provider`` were confirmed."""

    provider: NodeId
    confirmed: int


@dataclass(frozen=True, slots=True)
class Tell:
    """Add ``what`` to the run's story."""

    run: int
    what: StoryEvent


@dataclass(frozen=True, slots=True)
class EndJob:
    """Every run has ended: pay what is owed, and say how it went."""


JobCommand: TypeAlias = (
    SendOrder
    | SignAgreement
    | EndAttempt
    | RunHere
    | Owe
    | Withdraw
    | Refuse
    | KeepReputation
    | Tell
    | EndJob
)
