"""Who is owed what, when to pay it, and what to tell whom (SPEC.md section 9.6).

Bills gather per provider for a moment and go out with one voucher, which says what it covers.  A
bill leaves ``open`` exactly once, so that nothing is paid twice.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import inf

from fogbank_dag_ledger.operations import ObjectId
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from ..limits import CREDIT_PARTS, PAYMENT_AGE_S, SETTLEMENT_AGREEMENTS_MAX, SETTLEMENT_RETRY_S
from .agreements import AgreementId
from .reasons import Reason
from .settlement_messages import (
    BillOwed,
    BillRefused,
    BillWithdrawn,
    ChannelOver,
    CreditKnown,
    Pay,
    PaymentFailed,
    PaymentMade,
    PaymentsWanted,
    ProviderCame,
    SendSettlement,
    SettlementAnswered,
    SettlementLeft,
    SettlementUnanswered,
    SettlerCommand,
    SettlerInput,
)
from .settlements import Settlement
from .tally import Bill


@dataclass(slots=True)
class _Account:
    """Where things stand with one provider."""

    open: dict[AgreementId, Bill] = field(default_factory=dict[AgreementId, Bill])
    paying: Sequence[Bill] = ()
    refusals: list[tuple[AgreementId, Reason]] = field(
        default_factory=list[tuple[AgreementId, Reason]]
    )
    untold: list[Settlement] = field(default_factory=list[Settlement])
    telling: bool = False
    tell_at: float = -inf
    pay_at: float = inf
    credit: int | None = None

    @property
    def open_total(self) -> int:
        return sum(bill.drops for bill in self.open.values())


class Settler:
    """The machine of all payments for runs."""

    def __init__(self) -> None:
        self._accounts: dict[NodeId, _Account] = {}
        self._settled: set[AgreementId] = set()
        """Agreements that are being paid, or were; see ``forget``."""

    @property
    def deadline(self) -> float:
        """When the next payment or repetition is due; inf when nothing is owed or untold."""
        return min((_due_at(account) for account in self._accounts.values()), default=inf)

    @property
    def owed(self) -> int:
        """Drops that are due and not yet transferred."""
        return sum(
            account.open_total + sum(bill.drops for bill in account.paying)
            for account in self._accounts.values()
        )

    def is_open(self, agreement: AgreementId, provider: NodeId) -> bool:
        """Tell whether the bill is owed and its payment is not under way."""
        return agreement in self._account(provider).open

    def knows(self, agreement: AgreementId, provider: NodeId) -> bool:
        """Tell whether the bill is owed, or was paid: it is not owed a second time."""
        return agreement in self._settled or agreement in self._account(provider).open

    def untold(self, provider: NodeId, channel: ObjectId) -> Sequence[Settlement]:
        """Return what ``provider`` does not know yet of payments over ``channel``, in order."""
        return [one for one in self._account(provider).untold if one.is_over(channel)]

    def is_paying(self) -> bool:
        """Tell whether a transfer is under way."""
        return any(account.paying for account in self._accounts.values())

    def is_settled(self, present: Collection[NodeId] | None = None) -> bool:
        """Tell whether nothing is owed and every provider knows what was paid.

        With ``present`` only these need to know: others are told when they come back.
        """
        return not any(
            account.open
            or account.paying
            or ((present is None or provider in present) and (account.untold or account.refusals))
            for provider, account in self._accounts.items()
        )

    def forget(self, agreements: Sequence[AgreementId]) -> None:
        """Drop the memory of paid agreements whose job has ended: no event names them again."""
        self._settled.difference_update(agreements)

    def handle(self, event: SettlerInput | Tick, now: float) -> list[SettlerCommand]:
        """Take one event at time ``now`` and return what to do."""
        match event:
            case Tick():
                return self._all_due(now)
            case PaymentsWanted():
                for account in self._accounts.values():
                    account.pay_at = now if account.open else inf
                return self._all_due(now)
            case _:
                account = self._account(event.provider)
                self._take(account, event, now)
                return self._due(event.provider, account, now)

    def _take(
        self,
        account: _Account,
        event: BillOwed
        | BillWithdrawn
        | BillRefused
        | CreditKnown
        | PaymentMade
        | PaymentFailed
        | SettlementAnswered
        | SettlementUnanswered
        | ProviderCame
        | SettlementLeft
        | ChannelOver,
        now: float,
    ) -> None:
        match event:
            case BillOwed(_, bill, is_urgent):
                self._owe(account, bill, now, is_urgent=is_urgent)
            case BillWithdrawn(_, agreement):
                account.open.pop(agreement, None)
            case BillRefused(_, agreement, reason):
                account.open.pop(agreement, None)
                if agreement not in self._settled:
                    account.refusals.append((agreement, reason))
            case CreditKnown(_, credit):
                account.credit = credit
            case PaymentMade(_, payments):
                for payment, agreements in payments:
                    account.untold.append(Settlement(payment, tuple(agreements), ()))
                paid = {agreement for _, agreements in payments for agreement in agreements}
                account.paying = [bill for bill in account.paying if bill.agreement not in paid]
                self._reopen(account, now)
            case PaymentFailed():
                self._reopen(account, now)
            case SettlementAnswered():
                account.telling = False
                del account.untold[0]
            case SettlementUnanswered():
                account.telling = False
                account.tell_at = now + SETTLEMENT_RETRY_S
            case ProviderCame():
                account.tell_at = -inf
            case SettlementLeft(_, settlement):
                account.untold.append(settlement)
            case ChannelOver(_, channel, unpaid):
                account.telling = False
                account.untold = [one for one in account.untold if not one.is_over(channel)]
                for bill in unpaid:
                    self._settled.discard(bill.agreement)
                    self._owe(account, bill, now, is_urgent=False)

    def _owe(self, account: _Account, bill: Bill, now: float, *, is_urgent: bool) -> None:
        if bill.agreement in self._settled or bill.agreement in account.open:
            return
        account.open[bill.agreement] = bill
        account.pay_at = min(account.pay_at, now + PAYMENT_AGE_S)
        if is_urgent or (
            account.credit is not None and 2 * CREDIT_PARTS * account.open_total > account.credit
        ):
            account.pay_at = now

    def _reopen(self, account: _Account, now: float) -> None:
        """Leave what is still being paid for later."""
        if account.paying:
            account.pay_at = now + SETTLEMENT_RETRY_S
        for bill in account.paying:
            self._settled.discard(bill.agreement)
            account.open[bill.agreement] = bill
        account.paying = ()

    def _all_due(self, now: float) -> list[SettlerCommand]:
        commands: list[SettlerCommand] = []
        for provider, account in self._accounts.items():
            commands += self._due(provider, account, now)
        return commands

    def _due(self, provider: NodeId, account: _Account, now: float) -> list[SettlerCommand]:
        commands: list[SettlerCommand] = []
        if account.open and not account.paying and now >= account.pay_at:
            commands.append(self._pay(provider, account))
        if account.refusals:
            _queue_refusals(account)
        if account.untold and not account.telling and now >= account.tell_at:
            account.telling = True
            commands.append(SendSettlement(provider, account.untold[0]))
        return commands

    def _pay(self, provider: NodeId, account: _Account) -> Pay:
        agreements = list(account.open)[:SETTLEMENT_AGREEMENTS_MAX]
        account.paying = [account.open.pop(agreement) for agreement in agreements]
        self._settled.update(agreements)
        if not account.open:
            account.pay_at = inf
        return Pay(provider, account.paying)

    def _account(self, provider: NodeId) -> _Account:
        return self._accounts.setdefault(provider, _Account())


def _queue_refusals(account: _Account) -> None:
    for start in range(0, len(account.refusals), SETTLEMENT_AGREEMENTS_MAX):
        page = account.refusals[start : start + SETTLEMENT_AGREEMENTS_MAX]
        account.untold.append(Settlement(None, (), tuple(page)))
    account.refusals = []


def _due_at(account: _Account) -> float:
    pay_at = account.pay_at if account.open and not account.paying else inf
    tell_at = account.tell_at if account.untold and not account.telling else inf
    return min(pay_at, tell_at)
