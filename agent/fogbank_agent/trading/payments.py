"""Pays providers for verified lots and tells them so: the settler's shell (SPEC.md 9.6)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from logging import getLogger

import trio

from fogbank_dag_ledger.operations import ObjectId
from fogbank_protocol.encoding import encode
from fogbank_protocol.identity import NodeId, short_form
from fogbank_protocol.node.database import DatabaseFailure
from fogbank_protocol.node.driver import Driver
from fogbank_protocol.node.node import CallFailure, CallRefused, Node

from ..limits import SETTLEMENT_AGREEMENTS_MAX, SETTLEMENT_WAIT_S
from ..market.agreements import AgreementId
from ..market.purse import Purse
from ..market.reasons import Reason
from ..market.settlement import Settler
from ..market.settlement_messages import (
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
from ..market.settlements import Payment, Settlement, encode_settlement
from ..market.tally import Bill
from .bill_book import BillBook
from .methods import SETTLE_METHOD
from .paying_channels import PayingChannels

_log = getLogger(__name__)

_TOLD = encode([])


@dataclass(frozen=True, slots=True)
class VoucherGiven:
    """A voucher that was signed, for the stories of the runs that it pays."""

    provider: NodeId
    bills: Sequence[Bill]
    payment: Payment


class Payments:
    """Owes, pays and settles, over restarts too."""

    def __init__(
        self,
        node: Node,
        channels: PayingChannels,
        book: BillBook,
        purse: Purse,
        on_voucher: Callable[[VoucherGiven], None],
    ) -> None:
        """Pay over ``channels``; keep ``purse.owed`` right; report vouchers to ``on_voucher``."""
        self._node = node
        self._channels = channels
        self._book = book
        self._purse = purse
        self._on_voucher = on_voucher
        self._settler = Settler()
        self._driver = Driver(self._settler, self._perform)
        self._nursery: trio.Nursery | None = None
        self._changed = trio.Event()
        self._failures = 0

    # What jobs say.  None of these waits.

    def owe(self, provider: NodeId, lot_id: bytes, bill: Bill, *, is_urgent: bool = False) -> None:
        """Pay ``bill`` soon, or at once; what costs nothing needs no payment.

        What is paid is not owed again: the book may know of it no more.
        """
        if bill.drops == 0 or self._settler.knows(bill.agreement, provider):
            return
        self._book.owe(provider, lot_id, bill)
        self._feed(BillOwed(provider, bill, is_urgent))

    def withdraw(self, agreement: AgreementId, provider: NodeId) -> None:
        """Do not pay for now."""
        self._book.withdraw(agreement)
        self._feed(BillWithdrawn(provider, agreement))

    def refuse(self, agreement: AgreementId, provider: NodeId, reason: Reason) -> None:
        """Do not pay, and tell the provider."""
        self._book.refuse(agreement, provider, reason)
        self._feed(BillRefused(provider, agreement, reason))

    def know_credit(self, provider: NodeId, credit: int) -> None:
        """Take in how much a provider lets this agent owe."""
        self._feed(CreditKnown(provider, credit))

    def greet(self, provider: NodeId) -> None:
        """Tell a provider that has come what it does not know."""
        self._feed(ProviderCame(provider))

    def want_now(self) -> None:
        """Pay everything that is owed."""
        self._feed(PaymentsWanted())

    async def wait_paid(self, bills: Sequence[tuple[AgreementId, NodeId]]) -> None:
        """Pay, and return when a voucher was signed for each of ``bills``."""
        self.want_now()
        while self._settler.is_paying() or any(
            self._settler.is_open(agreement, provider) for agreement, provider in bills
        ):
            await self._changed.wait()
        self._settler.forget([agreement for agreement, _ in bills])

    async def wait_settled(self) -> None:
        """Pay, and return when nothing is owed and every connected provider knows; may be never."""
        self.want_now()
        while not self._settler.is_settled({peer.node_id for peer in self._node.peers()}):
            await self._changed.wait()

    # The shell.

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Carry out what the settler decides, until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                self._load()
                task_status.started()
                await self._driver.run()
            finally:
                self._nursery = None

    def _feed(self, event: SettlerInput) -> None:
        self._driver.tell(event)
        self._purse.owed = self._settler.owed
        self._changed.set()
        self._changed = trio.Event()

    def _perform(self, command: SettlerCommand) -> None:
        if self._nursery is None:
            return  # The agent is ending; the journal has it, and the next life does it.
        match command:
            case Pay():
                self._nursery.start_soon(self._pay, command)
            case SendSettlement():
                self._nursery.start_soon(self._settle, command)

    async def _pay(self, pay: Pay) -> None:
        provider = pay.provider
        payments = self._channels.sign(provider, pay.bills)
        for payment, agreements in payments:
            self._book.pay(payment, agreements)
        try:
            # Not cancelled half-way: the vouchers would be recorded and not known as given.
            with trio.CancelScope(shield=True):
                await self._book.sync()
        except DatabaseFailure as error:
            # Recorded, and written as soon as it can be; until then nothing of it may leave.
            _log.error("%s is not paid yet: %s", short_form(provider), error)
        if not payments:
            self._feed(PaymentFailed(provider))
            return
        bills = {bill.agreement: bill for bill in pay.bills}
        for payment, agreements in payments:
            paid = [bills[agreement] for agreement in agreements]
            self._on_voucher(VoucherGiven(provider, paid, payment))
        self._feed(PaymentMade(provider, payments))

    async def _settle(self, command: SendSettlement) -> None:
        provider, settlement = command.provider, command.settlement
        try:
            await self._book.sync()
            answer = await self._node.request(
                provider,
                SETTLE_METHOD,
                encode_settlement(settlement),
                timeout_s=SETTLEMENT_WAIT_S,
            )
        except (CallFailure, DatabaseFailure) as error:
            _log.debug("%s does not know what was paid yet: %s", short_form(provider), error)
            over = self._over(command) if _is_bad_voucher(error) else None
            self._feed(over or SettlementUnanswered(provider))
            return
        if answer != _TOLD:
            _log.debug("%s answered a settlement with something else", short_form(provider))
        self._book.tell(settlement)
        self._feed(SettlementAnswered(provider))

    def _over(self, command: SendSettlement) -> ChannelOver | None:
        """Give up on a voucher that came after its channel was settled; None when it was not.

        What the channel has not paid is owed as before.
        """
        payment = command.settlement.payment
        paid = None if payment is None else self._channels.paid_by(payment.channel)
        if payment is None or paid is None:
            return None
        provider, channel = command.provider, payment.channel
        bills = {bill.agreement: bill for bill in self._book.untold(channel)}
        short = sum(voucher.total for voucher in self._channels.given(channel)) - paid
        unpaid: list[Bill] = []
        # They are told in order, so what it did not know when it closed are the last.
        for settlement in reversed(self._settler.untold(provider, channel)):
            for bill in [bills[one] for one in settlement.accepted if one in bills]:
                if bill.drops <= short:
                    short -= bill.drops
                    unpaid.append(bill)
                    # What is owed again is not told.
                    self._book.owe_again(bill.agreement)
            self._book.tell(settlement)
        return ChannelOver(provider, channel, unpaid)

    # What an earlier life left.

    def _load(self) -> None:
        """Take in what is unfinished."""
        untold: dict[tuple[NodeId, ObjectId, int], list[AgreementId]] = {}
        for stored in self._book.unfinished():
            if stored.lane is None:
                self._feed(BillOwed(stored.provider, stored.bill))
            else:
                untold.setdefault((stored.provider, *stored.lane), []).append(stored.bill.agreement)
        for (provider, channel, lane), agreements in untold.items():
            # The last voucher of the lane pays what any before it paid.
            for voucher in self._channels.given(channel):
                if voucher.lane == lane:
                    self._leave(provider, Payment(channel, voucher), agreements)
        for agreement, provider, reason in self._book.refusals():
            self._feed(BillRefused(provider, agreement, reason))

    def _leave(self, provider: NodeId, payment: Payment, agreements: Sequence[AgreementId]) -> None:
        for start in range(0, len(agreements), SETTLEMENT_AGREEMENTS_MAX):
            page = tuple(agreements[start : start + SETTLEMENT_AGREEMENTS_MAX])
            self._feed(SettlementLeft(provider, Settlement(payment, page, ())))


def _is_bad_voucher(error: Exception) -> bool:
    return isinstance(error, CallRefused) and error.message == Reason.BAD_VOUCHER.value
