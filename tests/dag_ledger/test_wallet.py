"""Payments and claims that an account makes (SPEC.md sections 8.3 and 8.6)."""

from itertools import count

import pytest

from fogbank_dag_ledger.genesis import new_genesis
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.limits import WINDOW
from fogbank_dag_ledger.operations import Act, Opening, PostVouchers, TopUp
from fogbank_dag_ledger.vertex import Claim, Draft, Payment, Vertex
from fogbank_dag_ledger.wallet import (
    AccountForked,
    ImpossibleAct,
    ImpossiblePayment,
    InsufficientFunds,
    Wallet,
    WindowFull,
)

from .community import Community, account
from .town import ANN, BOB, CAT, DAN, Town


class Paying:
    """A ledger with one validator, and everybody's wallet."""

    def __init__(self, others: int = 3) -> None:
        self.community = Community(seats=1, others=others)
        self.ledger = Ledger(self.community.genesis)
        self.validator_head: Vertex | None = None

    def wallet(self, person: int) -> Wallet:
        return Wallet(self.ledger, self.community.names[person], count())

    def insert(self, draft: Draft | None) -> Vertex:
        assert draft is not None
        vertex = self.community.sign(draft, 2**64 - 1)
        self.ledger.insert(vertex)
        return vertex

    def finish(self, *vertices: Vertex) -> None:
        """Let the validator make ``vertices`` final."""
        for parents, acknowledges in ((vertices, ()), ((), vertices)):
            self.validator_head = self.community.vertex(
                0, self.validator_head, parents, acknowledges=acknowledges
            )
            self.ledger.insert(self.validator_head)


def test_what_is_paid_is_gone_at_once_and_final_later() -> None:
    paying = Paying()
    wallet, names = paying.wallet(1), paying.community.names
    payment = paying.insert(wallet.pay({names[2]: 300, names[3]: 1}))
    assert payment.payments == (Payment(names[2], 300), Payment(names[3], 1))
    assert (wallet.available, wallet.pending) == (699, 301)
    assert paying.ledger.balance(names[1]) == 1_000

    again = paying.insert(wallet.pay({names[2]: 699}))
    assert (again.seq, again.prev) == (1, payment.id)
    assert (wallet.available, wallet.pending) == (0, 1_000)

    paying.finish(again)
    assert (wallet.available, wallet.pending) == (0, 0)
    assert paying.ledger.balance(names[1]) == 0


def test_only_what_is_final_is_claimed_and_then_it_can_be_paid() -> None:
    paying = Paying()
    names = paying.community.names
    stranger = paying.wallet(3)
    payment = paying.insert(paying.wallet(1).pay({names[3]: 300}))
    assert stranger.claim() is None
    with pytest.raises(InsufficientFunds):
        stranger.pay({names[1]: 1})

    paying.finish(payment)
    claim = paying.insert(stranger.claim())
    assert claim.claims == (Claim(payment.id, 300),)
    assert stranger.available == 300
    assert stranger.claim() is None
    paying.insert(stranger.pay({names[1]: 300}))


def test_a_later_payment_is_claimed_as_part_of_the_total() -> None:
    paying = Paying()
    names = paying.community.names
    for amount, total in ((300, 300), (20, 320)):
        payment = paying.insert(paying.wallet(1).pay({names[2]: amount}))
        paying.finish(payment)
        claim = paying.insert(paying.wallet(2).claim())
        assert claim.claims == (Claim(payment.id, total),)
    assert paying.wallet(2).available == 1_320


def test_the_most_that_one_vertex_can_say_fits() -> None:
    paying = Paying(others=20)
    names = paying.community.names
    payments = [paying.insert(paying.wallet(person).pay({names[1]: 7})) for person in range(2, 20)]
    paying.finish(*payments)
    claim = paying.insert(paying.wallet(1).claim())
    assert len(claim.claims) == 16
    rest = paying.insert(paying.wallet(1).claim())
    assert len(rest.claims) == 2
    assert paying.wallet(1).available == 1_000 + 18 * 7

    many = paying.insert(
        paying.wallet(1).pay({account(2**255 + number): 1 for number in range(16)})
    )
    assert len(many.payments) == 16


def test_more_than_there_is_is_refused_and_said() -> None:
    paying = Paying()
    names = paying.community.names
    with pytest.raises(InsufficientFunds) as caught:
        paying.wallet(1).pay({names[2]: 1_000, names[3]: 1})
    assert (caught.value.needed, caught.value.available) == (1_001, 1_000)
    assert str(caught.value) == "1,001 drops are needed and 1,000 are available"


@pytest.mark.parametrize("amounts", [{}, {1: 5}, {2: 0}, {2: -1}, dict.fromkeys(range(2, 19), 1)])
def test_impossible_payments_are_refused(amounts: dict[int, int]) -> None:
    paying = Paying(others=20)
    names = paying.community.names
    with pytest.raises(ImpossiblePayment):
        paying.wallet(1).pay({names[to]: amount for to, amount in amounts.items()})


def test_a_payment_whose_total_no_vertex_can_say_is_refused() -> None:
    paying, huge = Paying(), 1 << 62
    community, names = paying.community, paying.community.names
    community.genesis = new_genesis("rich", {names[0]: 1}, {names[1]: huge}, bytes(16))
    paying.ledger = Ledger(community.genesis)
    for _ in range(3):
        for payer, payee in ((1, 2), (2, 1)):
            paying.finish(paying.insert(paying.wallet(payer).pay({names[payee]: huge})))
            paying.insert(paying.wallet(payee).claim())
    with pytest.raises(ImpossiblePayment, match="add up"):
        paying.wallet(1).pay({names[2]: huge})
    paying.insert(paying.wallet(1).pay({names[2]: huge - 1}))
    assert paying.wallet(1).available == 1


def test_an_account_waits_when_too_much_is_not_final() -> None:
    paying = Paying()
    wallet, names = paying.wallet(1), paying.community.names
    last = paying.insert(wallet.pay({names[2]: 1}))
    for _ in range(WINDOW - 1):
        last = paying.insert(wallet.pay({names[2]: 1}))
    with pytest.raises(WindowFull):
        wallet.pay({names[2]: 1})
    paying.finish(last)
    wallet.pay({names[2]: 1})


def test_an_account_that_forked_pays_no_more() -> None:
    paying = Paying()
    for note in (1, 2):
        paying.ledger.insert(paying.community.vertex(1, note=note))
    with pytest.raises(AccountForked):
        paying.wallet(1).pay({paying.community.names[2]: 1})


def test_no_act_on_an_object_whose_opening_is_not_final_but_on_an_own_one() -> None:
    """Otherwise the account would wait for somebody who may never be final (8.12)."""
    town = Town(present=0)
    opening = town.issue(ANN, Opening(0, 100, town.channel()))
    post = Act(opening.id, 0, PostVouchers((town.voucher(opening, 5),)))
    bob, ann = (Wallet(town.ledger, town.community.names[one], count()) for one in (BOB, ANN))
    with pytest.raises(ImpossibleAct, match="not final"):
        bob.operate([post])
    assert ann.operate([Act(opening.id, 0, TopUp(5))]).operations


def test_who_puts_too_little_into_an_object_is_told_how_much_it_takes() -> None:
    town = Town()
    ann = Wallet(town.ledger, town.community.names[ANN], count())
    terms = town.escrow(arbiters=(CAT, DAN), need=2)
    with pytest.raises(ImpossibleAct, match="put in at least 2 drops") as refused:
        ann.operate([Opening(0, 1, terms)])
    assert refused.value.rule == "8.12.11"
    assert ann.operate([Opening(0, 2, terms)]).operations
