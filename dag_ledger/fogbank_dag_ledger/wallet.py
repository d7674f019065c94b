"""One account's own vertices: payments and claims (SPEC.md sections 8.3 and 8.6).

A draft stands on the account's head, so the caller signs and inserts it before asking for the next.
"""

from collections.abc import Iterator, Mapping, Sequence

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId

from .chain import Chain
from .home_operations import MoveHome
from .ledger import Ledger
from .limits import AMOUNT_LIMIT, CLAIMS_MAX, OPERATIONS_MAX, SEAT_WINDOW, WINDOW
from .operations import Act, Opening, Operation
from .tips import draw_tips
from .vertex import NO_VERTEX, ORDINARY, Claim, Draft, Payment
from .vertex_codec import unsigned_vertex

_CLAIMS_PER_TAKE = 2
"""A take is not longer than so many claims, and 16 claims fit into a body for certain."""


class PaymentRefused(Exception):
    """The wallet did not make the vertex; the message says why and what to do."""


class InsufficientFunds(PaymentRefused):
    """More was to be paid than the account has claimed and not yet sent."""

    def __init__(self, needed: int, available: int) -> None:
        """Both in drops."""
        super().__init__(f"{needed:,} drops are needed and {available:,} are available")
        self.needed = needed
        self.available = available


class WindowFull(PaymentRefused):
    """Too many vertices of the account are not final yet: wait for some to be."""


class AccountForked(PaymentRefused):
    """The account's key signed two vertices of one slot; nothing it signs now will be final."""


class ImpossiblePayment(PaymentRefused):
    """A payment to oneself, of nothing, to too many recipients, or of more than can be counted."""


class ImpossibleAct(PaymentRefused):
    """The vertex would break a rule of objects; the message says which, and ``rule`` is it."""

    def __init__(self, message: str, rule: str = "") -> None:
        super().__init__(message)
        self.rule = rule


class Wallet:
    """What an account can pay and claim, and the vertices that do it."""

    def __init__(self, ledger: Ledger, account: NodeId, draws: Iterator[int]) -> None:
        """``draws`` yields random integers of at least 32 bits, with which tips are chosen."""
        self._ledger = ledger
        self._account = account
        self._draws = draws

    @property
    def available(self) -> int:
        """What can be paid now, in drops: claimed, and not sent, whether final yet or not."""
        chain = self._chain
        head = None if chain is None else chain.head
        if chain is None or head is None:
            return self._ledger.genesis.balances.get(self._account, 0)
        return head.balance

    @property
    def pending(self) -> int:
        """What was sent and is not final yet, in drops."""
        chain = self._chain
        record = None if chain is None else chain.head
        total = 0
        while record is not None and not record.final:
            total += sum(amount for _, amount, _ in record.payments)
            record = record.prev
        return total

    def pay(self, amounts: Mapping[NodeId, int]) -> Draft:
        """Return a vertex that pays each recipient its drops.

        Raises:
            PaymentRefused: one of its subclasses says why; nothing was changed.
        """
        self._check_window()
        if not 1 <= len(amounts) <= OPERATIONS_MAX or self._account in amounts:
            raise ImpossiblePayment(
                f"one payment names 1 to {OPERATIONS_MAX} recipients other than the payer"
            )
        if not all(0 < amount < AMOUNT_LIMIT for amount in amounts.values()):
            raise ImpossiblePayment("a payment has at least one drop")
        needed = sum(amounts.values())
        if needed > self.available:
            raise InsufficientFunds(needed, self.available)
        self._check_totals(amounts)
        return self._draft(
            payments=tuple(Payment(recipient, amount) for recipient, amount in amounts.items())
        )

    def claim(self, takes: Sequence[Act] = ()) -> Draft | None:
        """Return a vertex that claims final payments, as many as fit; None when there are none.

        It also takes from settled objects by ``takes``, the first of them first.

        Raises:
            PaymentRefused: the account has forked, or too much of it is not final.
        """
        claimable = self._ledger.claimable(self._account)
        if not claimable and not takes:
            return None
        self._check_window()
        taken = takes[: CLAIMS_MAX // _CLAIMS_PER_TAKE]
        count = CLAIMS_MAX - _CLAIMS_PER_TAKE * len(taken)
        chain = self._chain
        claimed = {} if chain is None else chain.totals.claimed
        claims = [
            Claim(source, claimed.get(sender, 0) + gain)
            for sender, (source, gain) in claimable.items()
        ]
        claims.sort(key=lambda claim: claim.source)
        return self._draft(claims=tuple(claims[:count]), operations=taken)

    def operate(self, operations: Sequence[Operation]) -> Draft:
        """Return a vertex that opens objects or acts on them.

        Raises:
            PaymentRefused: ``ImpossibleAct`` says which rule it would break;
                ``InsufficientFunds``, ``WindowFull`` and ``AccountForked`` as for ``pay``.
        """
        self._check_window()
        needed = sum(one.amount for one in operations if isinstance(one, Opening))
        if needed > self.available:
            raise InsufficientFunds(needed, self.available)
        draft = self._draft(operations=operations)
        draft = self._ledger.place(draft)
        try:
            vertex = unsigned_vertex(draft, self._ledger.genesis.network)
            if self._ledger.missing(vertex):
                raise ImpossibleAct("the object, or a vertex that is named, is not known here")
            if not all(map(self._is_safe, operations)):
                raise ImpossibleAct("the opening of the object, or of the home, is not final yet")
            self._ledger.check(vertex)
        except RemoteProtocolError as error:
            if error.rule == "8.3.17":
                raise InsufficientFunds(self.available + 1, self.available) from None
            raise ImpossibleAct(str(error), error.rule) from None
        return draft

    def _is_safe(self, operation: Operation) -> bool:
        """Tell whether the vertex can be final: never before what it goes by is (8.12, 8.18)."""
        match operation:
            case Act(begun) | MoveHome(begun) if begun:
                pass
            case _:
                return True
        opening = self._ledger.dag.get(begun)
        if opening is None:
            return self._ledger.is_settled(begun)
        return opening.final or opening.chain is self._chain

    @property
    def _chain(self) -> Chain | None:
        return self._ledger.chain(self._account)

    def _check_window(self) -> None:
        chain = self._chain
        if self._ledger.is_barred(self._account):
            raise AccountForked(
                "this account's key was used twice; it can pay no more until the seats begin an "
                "epoch: see 'fogbank network unfreeze'"
            )
        if chain is None:
            return
        window = WINDOW if chain.seat is None else SEAT_WINDOW
        if chain.end >= chain.final_count + window:
            raise WindowFull(
                f"{window} vertices of this account are not final yet: try again later"
            )

    def _check_totals(self, amounts: Mapping[NodeId, int]) -> None:
        chain = self._chain
        if chain is None:
            return
        chain.totals.move(chain.head)
        for recipient, amount in amounts.items():
            if chain.totals.sent.get(recipient, 0) + amount >= AMOUNT_LIMIT:
                raise ImpossiblePayment(
                    "all payments to one recipient would add up to more than a vertex can say"
                )

    def _draft(
        self,
        *,
        payments: tuple[Payment, ...] = (),
        claims: tuple[Claim, ...] = (),
        operations: Sequence[Operation] = (),
    ) -> Draft:
        chain = self._chain
        head = None if chain is None else chain.head
        return Draft(
            kind=ORDINARY,
            issuer=self._account,
            seq=0 if head is None else head.seq + 1,
            prev=NO_VERTEX if head is None else head.id,
            parents=draw_tips(self._ledger.dag, chain, self._draws),
            claims=claims,
            payments=payments,
            operations=operations,
        )
