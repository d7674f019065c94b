"""Pays providers for verified runs and tells them so: the settler's shell (SPEC.md 9.6)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from logging import getLogger

import trio

from fogbank_dag_ledger.service.failures import NotIssuing, StorageFailure
from fogbank_dag_ledger.service.ledger_service import LedgerService
from fogbank_dag_ledger.wallet import PaymentRefused
from fogbank_protocol.encoding import encode
from fogbank_protocol.identity import NodeId, short_form
from fogbank_protocol.node.database import DatabaseFailure
from fogbank_protocol.node.driver import Driver
from fogbank_protocol.node.node import CallFailure, Node

from ..limits import EVENTS_WAITING_MAX, SETTLEMENT_WAIT_S
from ..market.agreements import AgreementId
from ..market.purse import Purse
from ..market.reasons import Reason
from ..market.settlement import Settler
from ..market.settlement_messages import (
    BillOwed,
    BillRefused,
    BillWithdrawn,
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
from ..market.settlements import Settlement, encode_settlement
from .bill_book import BillBook, StoredBill
from .methods import SETTLE_METHOD

_log = getLogger(__name__)

_TOLD = encode([])


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer that was made, for the stories of the runs that it pays."""

    provider: NodeId
    bills: Sequence[tuple[AgreementId, int]]
    vertex_id: bytes


class Payments:
    """Owes, pays and settles, over restarts too."""

    def __init__(
        self,
        node: Node,
        ledger: LedgerService,
        book: BillBook,
        purse: Purse,
        on_transfer: Callable[[Transfer], None],
    ) -> None:
        """Pay out of ``ledger``; keep ``purse.owed`` right; report transfers to ``on_transfer``."""
        self._node = node
        self._ledger = ledger
        self._book = book
        self._purse = purse
        self._on_transfer = on_transfer
        self._settler = Settler()
        self._driver = Driver(self._settler, self._perform)
        self._nursery: trio.Nursery | None = None
        self._changed = trio.Event()
        self._failures = 0

    # What jobs say.  None of these waits.

    def owe(self, agreement: AgreementId, provider: NodeId, lot_id: bytes, drops: int) -> None:
        """Pay ``drops`` soon; what costs nothing needs no payment."""
        if drops == 0:
            return
        self._book.owe(agreement, provider, lot_id, drops)
        self._feed(BillOwed(provider, agreement, drops))

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
        """Pay, and return when each of ``bills`` is paid or a payment has failed meanwhile."""
        failures = self._failures
        self.want_now()
        while self._settler.is_paying() or (
            self._failures == failures
            and any(self._settler.is_open(agreement, provider) for agreement, provider in bills)
        ):
            await self._changed.wait()
        self._settler.forget([agreement for agreement, _ in bills])

    # The shell.

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Carry out what the settler decides, until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                interrupted = self._load()
                if interrupted:
                    nursery.start_soon(self._resume_interrupted, interrupted)
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
        agreements = [agreement for agreement, _ in pay.bills]
        vertex_id = await self._transfer(agreements, pay)
        self._book.end_payment(agreements, vertex_id)
        if vertex_id is None:
            self._failures += 1
            self._feed(PaymentFailed(pay.provider))
            return
        self._on_transfer(Transfer(pay.provider, pay.bills, vertex_id))
        self._feed(PaymentMade(pay.provider, vertex_id))

    async def _transfer(self, agreements: Sequence[AgreementId], pay: Pay) -> bytes | None:
        """Make the transfer; None when it cannot be made now."""
        vertex_id: bytes | None = None
        try:
            await self._book.begin_payment(agreements)
            # Not cancelled half-way: the vertex would be signed and its bills not known as paid.
            with trio.CancelScope(shield=True):
                vertex_id = await self._ledger.pay([(pay.provider, pay.drops)])
        except (PaymentRefused, NotIssuing, StorageFailure, DatabaseFailure) as error:
            _log.warning("%s is not paid yet: %s", short_form(pay.provider), error)
        return vertex_id

    async def _settle(self, command: SendSettlement) -> None:
        provider, settlement = command.provider, command.settlement
        try:
            answer = await self._node.request(
                provider,
                SETTLE_METHOD,
                encode_settlement(settlement),
                timeout_s=SETTLEMENT_WAIT_S,
            )
        except CallFailure as error:
            _log.debug("%s does not know what was paid yet: %s", short_form(provider), error)
            self._feed(SettlementUnanswered(provider))
            return
        if answer != _TOLD:
            _log.debug("%s answered a settlement with something else", short_form(provider))
        self._book.tell(settlement)
        self._feed(SettlementAnswered(provider))

    # What an earlier life left.

    def _load(self) -> dict[NodeId, list[StoredBill]]:
        """Take in what is unfinished; return the bills whose transfer a crash interrupted."""
        paid: dict[tuple[NodeId, bytes], list[AgreementId]] = {}
        interrupted: dict[NodeId, list[StoredBill]] = {}
        for bill in self._book.unfinished():
            match bill.state, bill.vertex_id:
                case "paid", bytes(vertex_id):
                    paid.setdefault((bill.provider, vertex_id), []).append(bill.agreement)
                case "paying", _:
                    interrupted.setdefault(bill.provider, []).append(bill)
                case _:
                    self._feed(BillOwed(bill.provider, bill.agreement, bill.drops))
        for (provider, vertex_id), agreements in paid.items():
            self._feed(SettlementLeft(provider, Settlement(vertex_id, tuple(agreements), ())))
        for agreement, provider, reason in self._book.refusals():
            self._feed(BillRefused(provider, agreement, reason))
        return interrupted

    async def _resume_interrupted(self, interrupted: dict[NodeId, list[StoredBill]]) -> None:
        # A transfer that was made just before the crash is known when the whole own chain is, and
        # not before: until then it would look as if it had never been made, and be made again.
        try:
            await self._ledger.wait_issuing()
        except NotIssuing as error:
            _log.warning("payments that a crash interrupted are left to the next start: %s", error)
            return
        for provider, bills in interrupted.items():
            self._resume(provider, bills)

    def _resume(self, provider: NodeId, bills: Sequence[StoredBill]) -> None:
        """Find out from the ledger whether a transfer that a crash interrupted was made."""
        agreements = [bill.agreement for bill in bills]
        vertex_id = self._find_transfer(provider, sum(bill.drops for bill in bills))
        self._book.end_payment(agreements, vertex_id)
        if vertex_id is not None:
            settlement = Settlement(vertex_id, tuple(agreements), ())
            self._feed(SettlementLeft(provider, settlement))
            return
        for bill in bills:
            self._feed(BillOwed(provider, bill.agreement, bill.drops))

    def _find_transfer(self, provider: NodeId, drops: int) -> bytes | None:
        used = self._book.vertices_used()
        for payment in self._ledger.payments(EVENTS_WAITING_MAX):
            is_ours = payment.payer == self._node.node_id and payment.recipient == provider
            if is_ours and payment.amount == drops and payment.vertex_id not in used:
                return payment.vertex_id
        return None
