"""Every object has a way out that each honest party can trigger alone (SPEC.md 8.13 to 8.17).

The other party does whatever it likes at any time, or nothing; then the honest one goes its way.
"""

from random import Random

import pytest

from fogbank_dag_ledger.operations import (
    Action,
    Close,
    Deliver,
    Dispute,
    Halve,
    PostVouchers,
    Reclaim,
    ReclaimFinal,
    Refund,
    RefundLate,
    Release,
    ReleaseLate,
    Terms,
    TopUp,
    Unstake,
    Withdraw,
)
from fogbank_dag_ledger.vertex import NO_VERTEX, Vertex
from fogbank_protocol.errors import RemoteProtocolError

from .town import ANN, BOB, CAT, DAN, ROOT, Town

DEPOSIT = 400


class Quarrel:
    """An object between Ann and Bob, of whom one is honest and ``other`` is not."""

    def __init__(self, random: Random, terms: str, honest: int) -> None:
        self.town = Town(present=random.choice((3, 4)))
        self.random = random
        self.honest, self.other = honest, BOB if honest == ANN else ANN
        chosen: dict[str, Terms] = {
            "channel": self.town.channel(),
            "escrow": random.choice(
                (self.town.escrow(), self.town.escrow(arbiters=(CAT, DAN), need=2))
            ),
            "stake": self.town.stake(),
        }
        self.opening = self.town.open(ANN, DEPOSIT, chosen[terms])
        self.terms = terms
        self.posted: dict[int, Vertex] = {}
        self.seen: set[type] = set()
        self.settled_by: list[Vertex] = []

    def annoy(self) -> None:
        """Let the other party do something, if the rules allow it."""
        random = self.random
        own: dict[tuple[str, int], list[Action]] = {
            ("channel", ANN): [TopUp(random.randint(1, 90)), Reclaim()],
            ("channel", BOB): [],
            ("escrow", ANN): [Dispute(), RefundLate(), Halve()],
            ("escrow", BOB): [Deliver(ROOT), ReleaseLate(), Halve()],
            ("stake", BOB): [],
        }
        choices = own[self.terms, self.other]
        if self.terms == "channel":
            total = random.randint(1, 80)
            choices.append(PostVouchers((self.town.voucher(self.opening, total, count=total),)))
        if choices and random.random() < 0.8:
            action = random.choice(choices)
            try:
                vertex = self.act(self.other, action)
            except RemoteProtocolError:
                return
            if isinstance(action, PostVouchers):
                self.posted[action.vouchers[0].total] = vertex
        self.town.wait(random.choice((1, 30, 90)))

    def act(self, person: int, action: Action) -> Vertex:
        vertex = self.town.act(person, self.opening, action)
        self.seen.add(type(action))
        if isinstance(action, Close | ReclaimFinal | RefundLate | ReleaseLate | Halve | Withdraw):
            self.settled_by.append(vertex)
        return vertex

    def leave(self) -> None:
        """Go the honest party's way out."""
        if self.terms == "stake":
            self.act(ANN, Unstake())
            self.town.wait(120)
            self.act(ANN, Withdraw())
        elif self.terms == "channel":
            self._leave_channel()
        elif self.honest == ANN:
            self._leave_escrow()
        else:
            self._earn_escrow()
        self.town.wait(10)

    def _leave_channel(self) -> None:
        best = tuple(self.posted[total].id for total in sorted(self.posted)[-1:])
        if self.honest == BOB:
            self.act(BOB, Close(NO_VERTEX, best, ()))
            return
        self.act(ANN, Reclaim())
        self.town.wait(80)
        self.act(ANN, ReclaimFinal(best, ()))

    def _leave_escrow(self) -> None:
        self.town.wait(110)
        if Deliver not in self.seen:
            self.act(ANN, RefundLate())
            return
        self.act(ANN, Dispute())
        self.town.wait(140)
        self.act(ANN, Halve())

    def _earn_escrow(self) -> None:
        if Dispute not in self.seen:
            self.town.wait(70)
            self.act(BOB, ReleaseLate())
        else:
            self.town.wait(70)
            self.act(BOB, Halve())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("terms", "honest"),
    [("channel", ANN), ("channel", BOB), ("escrow", ANN), ("escrow", BOB), ("stake", ANN)],
)
def test_an_honest_party_gets_out_whatever_the_other_does(terms: str, honest: int) -> None:
    for seed in range(10):
        random = Random(seed)
        quarrel = Quarrel(random, terms, honest)
        if (terms, honest) == ("escrow", BOB):
            # In time, as an honest provider does.
            quarrel.act(BOB, Deliver(ROOT))
        for _ in range(random.randint(0, 4)):
            quarrel.annoy()
        quarrel.leave()
        assert quarrel.town.award(quarrel.opening) is not None, f"seed {seed}"
        outcome = quarrel.town.held(quarrel.opening).outcome
        assert outcome is not None
        by, _ = outcome.settling[0]
        settling = next(one for one in quarrel.settled_by if one.id == by.id)
        for person in (ANN, BOB):
            try:
                quarrel.town.take(person, quarrel.opening, settling)
            except RemoteProtocolError as error:
                assert error.rule == "8.12.9", f"seed {seed}"  # noqa: PT017
        held = quarrel.town.held(quarrel.opening)
        left = sum(
            put - taken
            for chain in quarrel.town.ledger.chains()
            for other, (put, taken, _) in chain.account.objects.items()
            if other is held
        )
        assert left == 0, f"seed {seed}"


def test_the_only_ways_out_that_need_nobody_are_always_open() -> None:
    for person, action, award in ((ANN, Release(), DEPOSIT), (BOB, Refund(), 0)):
        town = Town()
        opening = town.open(ANN, DEPOSIT, town.escrow(arbiters=(CAT,), need=1))
        town.act(BOB, opening, Deliver(ROOT))
        town.act(ANN, opening, Dispute())
        settling = town.act(person, opening, action)
        assert town.award(opening) == award
        taker = BOB if award else ANN
        assert town.ledger.is_final(town.act(taker, opening, town.taking(opening, settling)).id)
