"""What goes into the machine of payments for runs, and what comes out (SPEC.md section 9.6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fogbank_dag_ledger.operations import ObjectId
from fogbank_protocol.identity import NodeId

from .agreements import AgreementId
from .reasons import Reason
from .settlements import Payment, Settlement
from .tally import Bill

# Events.


@dataclass(frozen=True, slots=True)
class BillOwed:
    """The results of an agreement are right.  Repetitions are ignored."""

    provider: NodeId
    bill: Bill
    is_urgent: bool = False
    """Somebody waits for it with his work."""


@dataclass(frozen=True, slots=True)
class BillWithdrawn:
    """The result is in doubt again: do not pay, unless that has happened already."""

    provider: NodeId
    agreement: AgreementId


@dataclass(frozen=True, slots=True)
class BillRefused:
    """The result will not be paid, and the provider is to hear why."""

    provider: NodeId
    agreement: AgreementId
    reason: Reason


@dataclass(frozen=True, slots=True)
class CreditKnown:
    """The provider's offer says how much it lets one requestor owe."""

    provider: NodeId
    credit: int


@dataclass(frozen=True, slots=True)
class PaymentsWanted:
    """A job has ended: pay all that is owed."""


@dataclass(frozen=True, slots=True)
class PaymentMade:
    """Vouchers are signed and on disk, each for these agreements; other bills stay open."""

    provider: NodeId
    payments: Sequence[tuple[Payment, Sequence[AgreementId]]]


@dataclass(frozen=True, slots=True)
class PaymentFailed:
    """No voucher can be signed now: the bills are open again."""

    provider: NodeId


@dataclass(frozen=True, slots=True)
class SettlementAnswered:
    """The provider knows."""

    provider: NodeId


@dataclass(frozen=True, slots=True)
class SettlementUnanswered:
    """The provider could not be told now."""

    provider: NodeId


@dataclass(frozen=True, slots=True)
class ProviderCame:
    """The provider is connected."""

    provider: NodeId


@dataclass(frozen=True, slots=True)
class SettlementLeft:
    """An earlier life of this agent could not tell the provider this."""

    provider: NodeId
    settlement: Settlement


@dataclass(frozen=True, slots=True)
class ChannelOver:
    """The settlement being told is refused, for its channel is settled: no more is told of it."""

    provider: NodeId
    channel: ObjectId
    unpaid: Sequence[Bill]
    """Bills for which the channel's vouchers came too late: they are owed as before."""


SettlerInput: TypeAlias = (
    BillOwed
    | BillWithdrawn
    | BillRefused
    | CreditKnown
    | PaymentsWanted
    | PaymentMade
    | PaymentFailed
    | SettlementAnswered
    | SettlementUnanswered
    | ProviderCame
    | SettlementLeft
    | ChannelOver
)

# Commands.


@dataclass(frozen=True, slots=True)
class Pay:
    """Sign vouchers for ``bills`` to ``provider``, and report how it went."""

    provider: NodeId
    bills: Sequence[Bill]

    @property
    def drops(self) -> int:
        """What they add up to."""
        return sum(bill.drops for bill in self.bills)


@dataclass(frozen=True, slots=True)
class SendSettlement:
    """Tell ``provider``, and report whether it answered."""

    provider: NodeId
    settlement: Settlement


SettlerCommand: TypeAlias = Pay | SendSettlement
