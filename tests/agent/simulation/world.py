"""One made-up market, from a seed: who is in it, how it lives, and what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import comb, inf, sqrt
from random import Random

from fogbank_agent.limits import AUDITORS_MAX
from fogbank_agent.market.bidding import Prices, credit_of
from fogbank_agent.market.orders import Audit, Partial, Quorum, Verification
from fogbank_agent.market.pricing import bill
from fogbank_agent.market.purchase import PurchaseState
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.stakes import stake_share
from fogbank_agent.market.verification import Claim
from fogbank_protocol.identity import NodeId

from .bank import Bank
from .buyers import Buyer
from .events import Events
from .sellers import CHEATS, Kind, Seller, is_right

PRICE = 10_000
CREDIT = 400_000
"""Of which a newcomer may owe a tenth, some eight bills."""
WALLET = 40_000_000
REWARD_PPM = 100_000
"""What the watch gets of a stake."""
SIGMAS = 4
ENDS = ("paid", Reason.WRONG_RESULT, Reason.PROVIDER_CAUGHT, Reason.UNVERIFIED)
"""Of what was looked at; honest results are refused too, when nobody wants them any more."""
LIFE_S_MAX = 50_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a market is like."""

    verification: Verification = field(default_factory=lambda: Audit(50_000))
    providers: int = 80
    requestors: int = 20
    cheats_percent: int = 20
    kinds: Sequence[Kind] = CHEATS
    debtors_percent: int = 10
    """Requestors that never pay."""
    can_run_here: bool = True
    copiers_see: bool = False
    """Whether a copying cheat sees what others have shown; results travel sealed, so not often."""
    loss: float = 0.01
    up_s: float = 60.0
    down_s: float = 10.0
    jobs: int = 3
    runs: int = 20
    lots_at_once: int = 8
    fuel: int = 500_000_000
    """Of every run."""
    stakes_are_shared: bool = True
    stake: int = 0
    """Drops that each provider has locked."""

    cheats_stake: int | None = None
    """What cheats have locked in its place; None for the same."""

    is_half_bare: bool = False
    """Every other cheat has locked nothing: it lies, and the others confirm that."""

    is_credulous: bool = False
    """Requestors believe in stakes that nobody has: a fault, to see what it does."""

    hedge_s: float = inf
    """How long a provider may have a run before another one gets it too."""

    lie_s: float = 0.01
    """How long cheats that need no work for what they say take to say it."""

    cheats_price_percent: int = 100
    """What cheats ask of what others would: who does no work can do it for less."""

    dispute_s: tuple[float, float] = (0.3, 2.0)
    """From a lie found to the stake seized, the least and the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a market."""

    accepted: int
    failed: int
    """Of requestors that pay; nobody need work for the others."""

    wrong: int
    """Accepted in the end, and not right."""
    wrong_bound: float
    lies: int
    caught: int
    fuel_checks_ppm: int
    """Fuel of checks, the own sandbox's and further voices', in parts per million of the runs'."""
    supply_before: int
    supply_after: int
    earnings: dict[str, float]
    """Mean of each kind of provider, in drops, less what its work cost."""
    debt_most: int
    debt_bound: int
    unpaid_most: int
    """What one requestor that never pays got from one provider for nothing, in drops."""

    unpaid_bound: int
    robbed_most: int
    """What one requestor paid all that gave no result for it, in drops."""

    lost_messages: int
    departures: int
    cheats_earned: int
    """What all cheats have, in drops, less what their work cost and the stakes that they lost."""
    honest_earned: int
    lying_won: dict[str, int]
    """Drops that each kind was paid for lies beyond its work, less the stakes that it lost."""
    lying_expected: dict[str, float]
    """What the lies of each kind were to win in the mean, in drops, as each was audited."""
    lying_gained: dict[str, int]
    """Drops that each kind has more by its lies than by honest work on the same lots."""
    lots: dict[str, int]
    """Lots that cheats and honest providers gave a result of."""
    disputes: int
    slashed: int
    burned: int
    paid: int
    """Drops that providers were paid, royalties included."""
    given: int
    """Drops of the last vouchers of all lanes."""


class World:
    """One market."""

    def __init__(self, seed: int, setting: Setting) -> None:
        self.setting = setting
        self.draw = Random(seed)
        self.events = Events(self.draw, setting.loss)
        self.bank = Bank()
        self.departures = 0
        seen: dict[bytes, Claim] = {}
        self._staked: dict[NodeId, int] = {}
        """What each provider had locked in the beginning."""

        kinds = self._kinds()
        self.sellers = {
            one.id: one for one in (self._seller(at, kind, seen) for at, kind in enumerate(kinds))
        }
        author = NodeId(b"author".ljust(32, b"."))
        self.watch = NodeId(b"watch".ljust(32, b"."))
        self.disputes: set[NodeId] = set()
        self.bank.wallets[author] = self.bank.wallets[self.watch] = 0
        debtors = setting.requestors * setting.debtors_percent // 100
        self.buyers = [self._buyer(at, at >= debtors, author) for at in range(setting.requestors)]

    def live(self) -> Report:
        """Live until every job has ended and everything is paid; then close all channels."""
        before = self.bank.supply
        for buyer in self.buyers:
            buyer.look()
            for seller in self.sellers.values():
                buyer.meet(seller)
            self.events.after(self.draw.uniform(0, 2), buyer.begin)
        for seller in self.sellers.values():
            self._plan_departure(seller)
        self.events.run(LIFE_S_MAX, lambda: all(buyer.is_done for buyer in self.buyers))
        assert all(buyer.is_done for buyer in self.buyers), "a market that does not end"
        assert self.bank.supply == before, "money was made or lost"
        self._close_channels()
        return self._report(before)

    def _kinds(self) -> list[Kind]:
        cheats = self.setting.providers * self.setting.cheats_percent // 100
        kinds = [self.setting.kinds[at % len(self.setting.kinds)] for at in range(cheats)]
        return kinds + [Kind.HONEST] * (self.setting.providers - cheats)

    def _seller(self, at: int, kind: Kind, seen: dict[bytes, Claim]) -> Seller:
        seller_id = NodeId(b"seller" + at.to_bytes(26, "big"))
        stake = self.setting.stake
        if kind is not Kind.HONEST and self.setting.cheats_stake is not None:
            stake = self.setting.cheats_stake
        if kind is not Kind.HONEST and self.setting.is_half_bare and at % 2:
            stake = 0
        self._staked[seller_id] = stake
        self.bank.wallets[seller_id] = stake
        if stake:
            self.bank.stake(seller_id, stake)
        price = self.draw.randint(PRICE * 9 // 10, PRICE * 11 // 10)
        if kind is not Kind.HONEST:
            price = price * self.setting.cheats_price_percent // 100
        return Seller(
            id=seller_id,
            kind=kind,
            prices=Prices(
                price=price,
                start_price=1,
                memory_bytes_max=1 << 28,
                input_bytes_max=1 << 26,
                output_bytes_max=1 << 26,
                fuel_max=1 << 40,
                credit=CREDIT,
            ),
            fuel_per_s=self.draw.randint(500_000_000, 1_500_000_000),
            slots=2,
            lie_s=self.setting.lie_s,
            events=self.events,
            bank=self.bank,
            seen=seen if self.setting.copiers_see else {},
        )

    def _buyer(self, at: int, pays: bool, author: NodeId) -> Buyer:
        buyer_id = NodeId(at.to_bytes(4, "big") + b"buyer".ljust(28, b"."))
        self.bank.wallets[buyer_id] = WALLET
        return Buyer(
            id=buyer_id,
            sellers=self.sellers,
            events=self.events,
            bank=self.bank,
            verification=self.setting.verification,
            jobs=self.setting.jobs,
            runs=self.setting.runs,
            fuel=self.setting.fuel,
            stake_of=partial(self._at_stake, buyer_id),
            worth_of=self._worth,
            accuse=self._accuse,
            contradict=self._contradict,
            pays=pays,
            is_credulous=self.setting.is_credulous,
            can_run_here=self.setting.can_run_here,
            lots_at_once=self.setting.lots_at_once,
            hedge_s=self.setting.hedge_s,
            author=author,
        )

    # Disputes.

    def _at_stake(self, buyer: NodeId, provider: NodeId) -> int:
        """Return what ``buyer`` counts on: the watch may be the provider's friends."""
        worth = self._worth(provider)
        if not self.setting.stakes_are_shared:
            return worth
        return stake_share(worth, self.bank.funds_of(provider), buyer)

    def _worth(self, provider: NodeId) -> int:
        stake = self.bank.stakes.get(provider, 0)
        return stake - stake * REWARD_PPM // 1_000_000

    def _accuse(self, provider: NodeId) -> None:
        """Let the watch look, which takes a while; it is never wrong."""
        if provider in self.disputes or provider not in self.bank.stakes:
            return
        seller = self.sellers[provider]
        assert seller.kind is not Kind.HONEST, "an honest provider is accused"
        self.disputes.add(provider)
        self.events.after(self.draw.uniform(*self.setting.dispute_s), partial(self._slash, seller))

    def _contradict(self, provider: NodeId, is_right: bool, others: Sequence[NodeId]) -> None:
        """Let the watch find out who is right; when that is ``provider``, look at the others."""
        if not is_right:
            self._accuse(provider)
            return

        def turn() -> None:
            for other in others:
                self._accuse(other)

        self.events.after(self.draw.uniform(*self.setting.dispute_s), turn)

    def _slash(self, seller: Seller) -> None:
        seller.stake_lost = self.bank.slash(seller.id, self.watch, REWARD_PPM)

    # Providers vanish and return.

    def _plan_departure(self, seller: Seller) -> None:
        self.events.after(
            self.draw.expovariate(1 / self.setting.up_s), lambda: self._depart(seller)
        )

    def _depart(self, seller: Seller) -> None:
        self.departures += 1
        seller.vanish()
        for buyer in self.buyers:
            self.events.after(0.5, partial(buyer.miss, seller.id))
        away_s = 1 + self.draw.expovariate(1 / self.setting.down_s)
        self.events.after(away_s, lambda: self._return(seller))

    def _return(self, seller: Seller) -> None:
        seller.is_up = True
        for buyer in self.buyers:
            buyer.meet(seller)
        self._plan_departure(seller)

    # The end.

    def _close_channels(self) -> None:
        """Settle what is open: the provider by what it was given, or the payer without it."""
        buyers = {buyer.id: buyer for buyer in self.buyers}
        for channel in list(self.bank.channels.values()):
            if channel.is_over:
                continue
            if self.sellers[channel.provider].is_up:
                self.sellers[channel.provider].close(channel.id)
            else:
                lanes = buyers[channel.payer].given.get(channel.id, {})
                self.bank.settle(channel.id, list(lanes.values()))

    def _report(self, before: int) -> Report:
        results = [
            (buyer, number, purchase)
            for buyer in self.buyers
            for number, job in enumerate(buyer.finished)
            for purchase in job.purchases
        ]
        accepted = [one for one in results if one[2].state is PurchaseState.ACCEPTED]
        wrong = sum(two.claim != buyer.truth(job, two.number) for buyer, job, two in accepted)
        voices = [one for buyer in self.buyers for one in buyer.said]
        checks = sum(buyer.fuel_checked for buyer in self.buyers)
        fuel, runs = self.setting.fuel, sum(len(two.runs) for _, _, two in accepted)
        checks += fuel * max(0, sum(len(one.claim) for one in voices) - runs)
        lies, bound = self._wrong_bound(len(accepted))
        price_most = max(seller.prices.price for seller in self.sellers.values())
        return Report(
            accepted=len(accepted),
            failed=sum(
                two.state is not PurchaseState.ACCEPTED for buyer, _, two in results if buyer.pays
            ),
            wrong=wrong,
            wrong_bound=round(bound, 1),
            lies=lies,
            caught=sum(sum(buyer.caught.values()) for buyer in self.buyers),
            fuel_checks_ppm=checks * 1_000_000 // max(1, fuel * runs),
            supply_before=before,
            supply_after=self.bank.supply,
            earnings=self._earnings(),
            debt_most=max(seller.debt_most for seller in self.sellers.values()),
            # What was let through at the limit: a full queue, and the slots.
            debt_bound=CREDIT + 4 * self._bill_most(price_most),
            unpaid_most=max(
                (
                    seller.debt(buyer.id)
                    for buyer in self.buyers
                    for seller in self.sellers.values()
                    if not buyer.pays
                ),
                default=0,
            ),
            robbed_most=max(self._robbed(buyer) for buyer in self.buyers),
            unpaid_bound=credit_of(CREDIT, 0) + 4 * self._bill_most(price_most),
            cheats_earned=sum(
                self._earned(one) for one in self.sellers.values() if one.kind is not Kind.HONEST
            ),
            honest_earned=sum(
                self._earned(one) for one in self.sellers.values() if one.kind is Kind.HONEST
            ),
            lying_won=self._sum_by_kind(self._lying_won),
            lying_expected=self._lying_expected(),
            lying_gained=self._sum_by_kind(self._lying_gained),
            lots=self._lots(),
            disputes=len(self.disputes),
            slashed=sum(seller.stake_lost > 0 for seller in self.sellers.values()),
            burned=self.bank.burned,
            lost_messages=self.events.lost,
            departures=self.departures,
            paid=sum(
                one.bill.drops
                for seller in self.sellers.values()
                for one in seller.earned.values()
                if one.state == "paid"
            ),
            given=sum(
                lane.total
                for buyer in self.buyers
                for lanes in buyer.given.values()
                for lane in lanes.values()
            ),
        )

    def _wrong_bound(self, accepted: int) -> tuple[int, float]:
        """Return how many lies were told, and how many the model lets pass.

        Audits: a lie passes when it is not audited, so at most Σ (1 - p) of those told, with
        p = max(audit rate, 1 / CV) for CV results confirmed in a row.  A quorum of k: when all of
        the first k voices collude, or k of the first 2k - 1 when nobody settles a dispute; audits
        by others are quorums of 2.
        """
        lies, audits, colluded, voices = 0, list[float](), 0, 0
        for buyer in self.buyers:
            for one in buyer.said:
                voices += 1
                if one.claim != buyer.truth(one.job, one.lot):
                    lies += 1
                    audits.append(one.audit)
                    colluded += self.sellers[one.provider].kind in (Kind.COLLUDING, Kind.COPYING)
        match self.setting.verification:
            case Quorum() | Audit() if self._rests_on_others:
                share = colluded / max(1, voices)
                agreed = share**2 * (1 if self.setting.can_run_here else 3 - 2 * share)
                mean, variance = accepted * agreed, accepted * agreed * (1 - agreed)
            case _:
                mean = sum(1 - rate for rate in audits)
                variance = sum(rate * (1 - rate) for rate in audits)
        return lies, mean + SIGMAS * sqrt(variance)

    @property
    def _rests_on_others(self) -> bool:
        return isinstance(self.setting.verification, Quorum) or not self.setting.can_run_here

    def _bill_most(self, price_most: int) -> int:
        """Return what the dearest lot costs."""
        lots = [
            two.runs for buyer in self.buyers for job in buyer.finished for two in job.purchases
        ]
        runs = max(map(len, lots), default=1)
        # Whoever adds to its fuel says at most all that it may use.
        return bill(runs * 2 * self.setting.fuel, price_most, 1, runs)

    def _sum_by_kind(self, drops_of: Callable[[Seller], int]) -> dict[str, int]:
        sums = dict.fromkeys(map(str, self.setting.kinds), 0)
        for seller in self.sellers.values():
            if seller.kind is not Kind.HONEST:
                sums[str(seller.kind)] += drops_of(seller)
        return sums

    def _robbed(self, buyer: Buyer) -> int:
        return sum(
            earned.bill.drops
            for seller in self.sellers.values()
            if seller.kind is Kind.ABSCONDING
            for name, earned in seller.earned.items()
            if earned.requestor == buyer.id and earned.state == "paid" and name in seller.lies
        )

    def _lying_won(self, seller: Seller) -> int:
        """Return what lies brought; being refused what was honest is not counted as a loss."""
        paid = [
            seller.earned[one].bill.drops - lie.owed
            for one, lie in seller.lies.items()
            if one in seller.earned and seller.earned[one].state == "paid"
        ]
        return sum(paid) - seller.stake_lost

    def _lying_expected(self) -> dict[str, float]:
        """Return Σ (1 - p) · G - p · S over the lies; of what nobody audits nothing is known."""
        expected = dict.fromkeys(map(str, self.setting.kinds), 0.0)
        if isinstance(self.setting.verification, Quorum):
            return expected
        for buyer in self.buyers:
            for one in buyer.said:
                truth = buyer.truth(one.job, one.lot)
                lies = sum(said != right for said, right in zip(one.claim, truth, strict=True))
                if not lies:
                    continue
                seller = self.sellers[one.provider]
                won = seller.bill(one.claim) * lies // len(truth)
                if is_right(one.claim, truth):
                    won -= seller.bill(truth)
                passes = (1 - one.audit) ** (
                    lies if isinstance(self.setting.verification, Partial) else 1
                )
                loses = 1 - passes
                if not self.setting.can_run_here:
                    friends = self._friends_share(seller)
                    passes += loses * believed_by_vote(friends, one.auditors)
                    loses *= 1 - friends**one.auditors
                expected[str(seller.kind)] += passes * won - loses * one.stake
        return {kind: round(drops, 1) for kind, drops in expected.items()}

    def _friends_share(self, seller: Seller) -> float:
        """Return the share that those who tell the same lies have of the others' stakes."""
        if seller.kind is not Kind.COLLUDING:
            return 0.0
        others = [one for one in self.sellers.values() if one is not seller]
        friends = sum(self._staked[one.id] for one in others if one.kind is Kind.COLLUDING)
        return friends / max(1, sum(self._staked[one.id] for one in others))

    def _lying_gained(self, seller: Seller) -> int:
        """Return what lies brought more than honest work on the same lots would have."""
        gained = -seller.stake_lost
        for one, lie in seller.lies.items():
            earned = seller.earned.get(one)
            if earned is not None and earned.state in ENDS:
                paid = earned.bill.drops if earned.state == "paid" else 0
                gained += paid - lie.would_earn + lie.spared
        return gained

    def _lots(self) -> dict[str, int]:
        lots = {"cheats": 0, "honest": 0}
        for seller in self.sellers.values():
            lots["honest" if seller.kind is Kind.HONEST else "cheats"] += len(seller.earned)
        return lots

    def _earned(self, seller: Seller) -> int:
        return self.bank.wallets[seller.id] - seller.spent - seller.stake_lost

    def _earnings(self) -> dict[str, float]:
        sums: dict[str, list[int]] = {}
        for seller in self.sellers.values():
            sums.setdefault(seller.kind.value, []).append(self._earned(seller))
        return {kind: round(sum(all_) / len(all_), 1) for kind, all_ in sums.items()}


def believed_by_vote(friends: float, auditors: int) -> float:
    """Return the probability that a lie is believed which ``auditors`` have to confirm.

    Each voice is a friend's with probability ``friends``; whoever has one voice more than there are
    auditors first is believed, and the liar has one.
    """
    if auditors > AUDITORS_MAX:
        return 0.0
    return friends**auditors * sum(
        comb(auditors - 1 + honest, honest) * (1 - friends) ** honest
        for honest in range(auditors + 1)
    )
