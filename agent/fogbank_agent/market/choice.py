"""Whom to ask and whose bid to take: everything a job knows about providers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TypeAlias

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.identity import NodeId

from ..limits import (
    AUDITORS_MAX,
    BEATEN_BY,
    BUSY_RETRY_S,
    PROVIDERS_ASKED_MAX,
    PROVIDERS_WANTED_MAX,
    RUN_MS_MAX,
)
from .auction import Proposal
from .backing import Backing
from .deterrence import Deterrence
from .expectation import Expectation
from .goodput import Goodput
from .locality import Locality, Moving
from .offer_book import OfferBook
from .offers import Offer
from .orders import NoVerification, Quorum, Verification
from .pricing import GIGAFUEL, bill, expected_cost
from .purse import Purse
from .reasons import Reason
from .reputation import Reputation
from .verification import audit_rate_ppm

_ONE_RUN = range(1)

Cost: TypeAlias = tuple[bool, float]
"""Whether a lot is expected to come too late, and the drops that it is expected to cost; of who is
drawn, whether it has no stake, and its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBounds:
    """What every lot of a job needs of its provider."""

    package_id: BlobId
    package_bytes: int
    shape: str
    """The feature that an offer must name."""

    input_bytes_max: int
    """Size of the largest input."""

    memory_bytes_max: int
    output_bytes_max: int
    fuel_max: int
    price_max: int
    start_price_max: int
    verification: Verification
    run_ms_max: int = RUN_MS_MAX
    """Milliseconds that a provider has for a lot."""


@dataclass(slots=True)
class _Record:
    """How one provider did in this job."""

    in_flight: int = 0
    failures: int = 0
    """In a row."""

    busy_until: float = 0.0


class Choice:
    """Ranks providers and bids for one job."""

    def __init__(
        self,
        bounds: RunBounds,
        book: OfferBook,
        purse: Purse,
        reputation: Reputation,
        deterrence: Deterrence,
        *,
        locality: Locality | None = None,
    ) -> None:
        """Choose among the offers of ``book``, within what ``purse`` has free.

        ``deterrence`` knows what a lie would cost a provider.  ``locality`` tells what has to move;
        without it that is the package alone, at a rate that nobody has measured.
        """
        self._deterrence = deterrence
        self.bounds = bounds
        self._locality = locality or Locality(Goodput(), bounds.package_id, bounds.package_bytes)
        self._book = book
        self.purse = purse
        self._reputation = reputation
        self._records: dict[NodeId, _Record] = {}
        self._caught: set[NodeId] = set()
        self._unwilling: set[NodeId] = set()
        """Those that did not stand by their offers when they were asked last."""

        self.expectation = Expectation(bounds.fuel_max)
        """What a run of the job is expected to take."""

        self._backing = Backing(
            deterrence,
            purse,
            self.expectation,
            id(self),
            self.stated,
            rests_on_others=self.rests_on_others,
        )
        self._running = 0
        self._progress_at = -inf
        self._asking = 0
        """Auctions that are open."""

        self.has_freed = False
        """A place was given back, or an auction has ended, since the job looked last."""

        self.has_judged = False
        """A check has ended since the job looked last."""

        self._checked_lots: dict[NodeId, dict[int, int]] = {}
        """The runs of each lot of which a claim is being checked."""

        self._stated: dict[NodeId, dict[tuple[int, int], int]] = {}

    @property
    def rests_on_others(self) -> bool:
        """Whether results are confirmed by others alone, who answer for it with their stakes."""
        is_audited = not isinstance(self.bounds.verification, NoVerification | Quorum)
        return is_audited and self._deterrence.rests_on_others

    @property
    def can_move(self) -> bool:
        """Whether others may go on from where a provider has come to with a run.

        Only where somebody looks at that too: whoever confirms a result begins where it began.
        """
        return not isinstance(self.bounds.verification, Quorum) and not self.rests_on_others

    def whom_to_ask(
        self,
        runs: range,
        shunned: Collection[NodeId],
        disliked: Collection[NodeId],
        now: float,
        *,
        lot: int | None = None,
    ) -> Sequence[NodeId]:
        """Return the best-looking providers for ``runs`` of the job, none of ``shunned``.

        At most ``PROVIDERS_ASKED_MAX``.  Those of ``disliked``, and those that were caught lately,
        come only after all others.  With a ``lot`` they are drawn by it instead, whatever they
        cost, by the weight of their stakes: a liar's friend would audit its lies for nothing, and
        under a thousand names.  Where others alone can tell what is right, that is the one that was
        drawn, and nobody while it has no room: liars, who do no work, would have more of it.
        """
        if lot is not None and self.rests_on_others:
            drawn = self.drawn_auditor(lot, runs, shunned, disliked, now)
            return [drawn[0]] if drawn is not None and drawn[1] else []
        fit = [
            offer
            for offer in self._fit(shunned, now)
            if self._has_room(offer, now)
            and self._backing.lots_borne(offer, len(runs), _places(offer)) > 0
            and self._backing.may_begin(offer, len(runs), now)
        ]
        fit.sort(
            key=lambda offer: self._rank(
                offer.provider,
                self._cost_of_offer(offer, runs, now)
                if lot is None
                else self._deterrence.drawn(lot, offer.provider),
                disliked,
            )
        )
        return [offer.provider for offer in fit[:PROVIDERS_ASKED_MAX]]

    def drawn_auditor(
        self,
        lot: int,
        runs: range,
        shunned: Collection[NodeId],
        disliked: Collection[NodeId],
        now: float,
    ) -> tuple[NodeId, bool] | None:
        """Return the only one that may be asked, as ``lot`` has drawn it, and if it has room.

        None where anybody may be asked, or there is nobody.
        """
        if not self.rests_on_others:
            return None
        fit = (
            offer
            for offer in self._book.current(now)
            if offer.provider not in shunned
            and self._deterrence.answers(offer.provider)
            and not self._misfits(offer, now)
            and self._can_ever_audit(offer, runs)
        )
        drawn = min(
            fit,
            key=lambda one: self._rank(
                one.provider, self._deterrence.drawn(lot, one.provider), disliked
            ),
            default=None,
        )
        return None if drawn is None else (drawn.provider, self._can_audit(drawn, runs, now))

    def _can_audit(self, offer: Offer, runs: range, now: float) -> bool:
        drops = self.expectation.bill(offer, len(runs))
        return self._has_room(offer, now) and self._backing.bears(
            offer.provider, drops, is_auditor=True
        )

    def _can_ever_audit(self, offer: Offer, runs: range) -> bool:
        drops = self.expectation.bill(offer, len(runs))
        return self._deterrence.auditors(offer.provider, drops, 0) <= AUDITORS_MAX

    def is_asked_enough(
        self, shunned: Collection[NodeId], now: float, *, new: range | None = None
    ) -> bool:
        """Tell whether the job's own runs and open auctions take all places that there are.

        A further order would be in vain.  False when there is nobody to ask at all.  Where others
        alone can tell, and ``new`` is a lot of which nobody has said anything, their stakes bound
        how many such lots there may be.
        """
        fit = self._fit(shunned, now)
        free = sum(
            _places(offer) - self._record(offer.provider).in_flight
            for offer in fit
            if self._backing.may_begin(offer, len(new or _ONE_RUN), now)
        )
        if new is not None and self.rests_on_others:
            places = [(offer, _places(offer)) for offer in fit]
            free = min(free, self._backing.lots_covered(places, len(new)))
        return bool(fit) and free <= self._asking

    def _fit(self, shunned: Collection[NodeId], now: float) -> list[Offer]:
        """Return the offers of those that can take a run, as soon as they have room for it."""
        fit = [
            offer
            for offer in self._book.current(now)
            if offer.provider not in shunned
            and now >= self._record(offer.provider).busy_until
            and not self._misfits(offer, now)
        ]
        return self._backing.first(fit, now)

    def choose(
        self,
        proposals: Sequence[Proposal],
        runs: range,
        shunned: Collection[NodeId],
        disliked: Collection[NodeId],
        now: float,
        *,
        lot: int | None = None,
    ) -> Proposal | Reason:
        """Return the proposal for ``runs`` of the job that costs least, or why none can be taken.

        With a ``lot`` it is drawn by it, as in ``whom_to_ask``.
        """
        wanted = [
            proposal
            for proposal in proposals
            if proposal.provider not in shunned
            and proposal.provider not in self._caught
            and self._has_slot(proposal.provider, now)
            and self._is_backed(proposal, len(runs), now, is_auditor=lot is not None)
        ]
        if not wanted:
            return Reason.BUSY if proposals else Reason.NO_PROVIDER
        free, count = self.purse.free, len(runs)
        affordable = [one for one in wanted if self.expectation.most(one, count) <= free]
        if not affordable:
            return Reason.NO_FUNDS
        return min(
            affordable,
            key=lambda one: self._rank(
                one.provider,
                self._cost_of_proposal(one, runs, now)
                if lot is None
                else self._deterrence.drawn(lot, one.provider),
                disliked,
            ),
        )

    def _is_backed(self, one: Proposal, runs: int, now: float, *, is_auditor: bool) -> bool:
        """Tell whether ``runs`` runs may be given on these terms; who is drawn is not passed by."""
        if not is_auditor and not self._backing.may_begin(one, runs, now):
            return False
        drops = self.expectation.bill(one, runs)
        return self._backing.bears(one.provider, drops, is_auditor=is_auditor)

    def is_cheapest(
        self,
        one: Proposal,
        unanswered: Collection[NodeId],
        runs: range,
        disliked: Collection[NodeId],
        now: float,
    ) -> bool:
        """Tell whether, by their offers, none of ``unanswered`` would do ``runs`` for less.

        False when an offer is gone: what its provider bids is anybody's guess.
        """
        rank = self._rank(one.provider, self._cost_of_proposal(one, runs, now), disliked)
        offers = [self._book.find(provider, now) for provider in unanswered]
        return all(
            offer is not None
            and rank <= self._rank(offer.provider, self._cost_of_offer(offer, runs, now), disliked)
            for offer in offers
        )

    def _rank(
        self, provider: NodeId, cost: Cost, disliked: Collection[NodeId]
    ) -> tuple[bool, Cost]:
        """Return what to sort by: those that were caught, or failed, come after all others."""
        return provider in disliked or self._reputation.is_distrusted(provider), cost

    def rivals(self, one: Proposal, shunned: Collection[NodeId], now: float) -> set[NodeId]:
        """Return those with room that ask ``BEATEN_BY`` times less for the work.

        None whose last answer to the job was a no: an offer binds nobody.
        """
        return {
            offer.provider
            for offer in self._book.current(now)
            if offer.price * BEATEN_BY <= one.price
            and one.price
            and offer.provider != one.provider
            and offer.provider not in shunned
            and offer.provider not in self._unwilling
            and offer.provider not in self._caught
            and offer.slots_free > 0
            and not self._misfits(offer, now)
            and self._has_room(offer, now)
        }

    def note_unwilling(self, provider: NodeId) -> None:
        """Count an order that ``provider`` declined, failed or left unanswered."""
        self._unwilling.add(provider)

    def note_willing(self, provider: NodeId) -> None:
        """Count an order that ``provider`` bid for after all."""
        self._unwilling.discard(provider)

    def moving(self, provider: NodeId, runs: range, now: float) -> Moving:
        """Return what ``runs`` of the job make move to and from ``provider``."""
        offer = self._book.find(provider, now)
        output_bytes = len(runs) * self.expectation.output_bytes
        return self._locality.moving(provider, offer, runs, output_bytes, now)

    def audit_ppm(
        self, provider: NodeId, at_risk: int, paid: int = 0, *, confirmed_more: int = 0
    ) -> int:
        """Return the probability with which a result of ``provider`` is audited now.

        By lying it would win ``at_risk`` drops, of which it keeps the first ``paid`` even when it
        is found out.  ``confirmed_more`` results are counted as if they were confirmed already.
        """
        confirmed = self._reputation.confirmed(provider, self.bounds.package_id) + confirmed_more
        lie_ppm = self._deterrence.lie_ppm(provider, at_risk, paid)
        return audit_rate_ppm(self.bounds.verification, confirmed, lie_ppm)

    def start_ppm(self, provider: NodeId | None, paid: int) -> int:
        """Return the probability with which a result is audited for who handed out its start.

        ``provider`` was ``paid`` for that part, in drops; of None nothing is known.
        """
        if provider is None:
            return audit_rate_ppm(self.bounds.verification, 0, 0)
        return self.audit_ppm(provider, paid, paid)

    def share(self, provider: NodeId) -> int:
        """Return what a lie is seen to cost ``provider`` now, in drops."""
        return self._deterrence.share(provider)

    def auditors(self, provider: NodeId, at_risk: int, paid: int = 0, *, relied_on: int = 0) -> int:
        """Return how many others have to confirm a result of ``provider`` that is audited now.

        ``relied_on`` is its ``share`` when the agreement was made.
        """
        return self._deterrence.auditors(provider, at_risk, paid, relied_on=relied_on)

    def begin_check(self, provider: NodeId, lot: int, runs: int) -> None:
        """Count a claim of ``provider`` of which ``runs`` are checked, until ``end_check``."""
        self._checked_lots.setdefault(provider, {})[lot] = runs

    def end_check(self, lot: int) -> None:
        """Count the check of a lot no longer: it is over, or its result is not wanted any more."""
        for lots in self._checked_lots.values():
            self.has_judged |= lots.pop(lot, None) is not None

    def checks_of(self, provider: NodeId) -> Mapping[int, int]:
        """Return the lots of which a claim of ``provider`` is being checked, and of how many runs.

        Those of a lot whose check has ended are in the reputation, if it confirmed them.
        """
        return self._checked_lots.get(provider, {})

    def note_stated(self, provider: NodeId, key: tuple[int, int], drops: int) -> None:
        """Count what was paid for statements of the attempt ``key``, until ``end_stated``."""
        self._stated.setdefault(provider, {})[key] = drops

    def end_stated(self, provider: NodeId, key: tuple[int, int]) -> None:
        """Count it no longer: its lot is decided, or nothing more comes of it."""
        self._stated.get(provider, {}).pop(key, None)

    def stated(self, provider: NodeId) -> int:
        """Return the drops that ``provider`` was paid for work whose result is undecided."""
        return sum(self._stated.get(provider, {}).values())

    def is_caught(self, provider: NodeId) -> bool:
        """Tell whether the provider was caught in this job."""
        return provider in self._caught

    def catch(self, provider: NodeId) -> bool:
        """Give ``provider`` no further run; False when it was caught before."""
        if provider in self._caught:
            return False
        self._caught.add(provider)
        self._reputation.reset(provider, self.bounds.package_id)
        self.purse.advances.distrust(provider)
        return True

    def count_confirmed(self, provider: NodeId, results: int) -> int:
        """Count confirmed results of an uncaught provider; return how many in a row."""
        return self._reputation.count_confirmed(provider, self.bounds.package_id, results)

    def begin(self, provider: NodeId) -> None:
        """Count a run that is being placed with ``provider``."""
        self._record(provider).in_flight += 1

    def end(self, provider: NodeId) -> None:
        """Count a run that is no longer with ``provider``, however it ended."""
        record = self._record(provider)
        assert record.in_flight > 0
        record.in_flight -= 1
        record.busy_until = 0.0
        self.has_freed = True

    def begin_asking(self) -> None:
        """Count an auction that opens."""
        self._asking += 1

    def end_asking(self) -> None:
        """Count the end of an auction."""
        assert self._asking > 0
        self._asking -= 1
        self.has_freed = True

    def in_flight(self, provider: NodeId) -> int:
        """Return how many runs are placed with ``provider``."""
        return self._record(provider).in_flight

    def begin_work(self, now: float) -> None:
        """Count an agreement that was signed at ``now``."""
        self._running += 1
        self._progress_at = now

    def end_work(self, now: float) -> None:
        """Count the end of a signed agreement at ``now``."""
        assert self._running > 0
        self._running -= 1
        self._progress_at = now

    def idle_since(self, now: float) -> float:
        """Return since when no provider works for the job; ``now`` when some do."""
        return now if self._running else self._progress_at

    def count_results(self, provider: NodeId, fuel: int, runs: int, output_bytes: int = 0) -> None:
        """Learn from ``runs`` results how much fuel a run of this job uses, and what comes back."""
        self._record(provider).failures = 0
        self.expectation.count(fuel, runs, output_bytes)

    def count_failure(self, provider: NodeId) -> None:
        """Learn that an attempt gave no result."""
        self._record(provider).failures += 1

    def note_busy(self, provider: NodeId, now: float) -> None:
        """Leave ``provider`` alone for a moment."""
        self._record(provider).busy_until = now + BUSY_RETRY_S

    def wanted(self, now: float) -> Sequence[NodeId]:
        """Return the providers to keep a channel to, the best-looking first.

        None of those that ask nothing: who has a thousand names would lock all of the wallet.
        """
        fit = [
            offer
            for offer in self._book.current(now)
            if offer.asks_money and set(self._misfits(offer, now)) <= {Reason.NO_CHANNEL_FUNDS}
        ]
        fit.sort(key=lambda offer: self._cost_of_offer(offer, _ONE_RUN, now))
        return [offer.provider for offer in fit[:PROVIDERS_WANTED_MAX]]

    def offers_known(self, now: float) -> int:
        """Return how many offers hold, whether they fit or not."""
        return len(self._book.current(now))

    def is_penniless(self, now: float) -> bool:
        """Tell whether there are offers to take, and not one drop for what all of them ask."""
        if not self.purse.is_empty:
            return False
        fit = [
            offer
            for offer in self._book.current(now)
            if set(self._misfits(offer, now)) <= {Reason.NO_CHANNEL_FUNDS}
        ]
        return bool(fit) and all(offer.asks_money for offer in fit)

    def explain(self, now: float) -> Sequence[tuple[NodeId, Sequence[Reason]]]:
        """Return, for each offer that does not fit, why."""
        pairs = [(offer.provider, self._misfits(offer, now)) for offer in self._book.current(now)]
        return [(provider, reasons) for provider, reasons in pairs if reasons]

    def _misfits(self, offer: Offer, now: float) -> Sequence[Reason]:
        bounds = self.bounds
        checks = (
            (offer.provider in self._caught, Reason.PROVIDER_CAUGHT),
            (bounds.shape not in offer.features, Reason.CANNOT_EXECUTE),
            (offer.price > bounds.price_max, Reason.PRICE_TOO_HIGH),
            (offer.start_price > bounds.start_price_max, Reason.PRICE_TOO_HIGH),
            (offer.memory_bytes_max < bounds.memory_bytes_max, Reason.TOO_SMALL_MEMORY),
            (offer.input_bytes_max < bounds.input_bytes_max, Reason.INPUT_TOO_LARGE),
            (offer.output_bytes_max < bounds.output_bytes_max, Reason.OUTPUT_TOO_LARGE),
            (offer.fuel_max < bounds.fuel_max, Reason.FUEL_TOO_HIGH),
            (self._is_out_of_reach(offer), Reason.NO_CHANNEL_FUNDS),
            (self._is_unanswered(offer), Reason.NO_STAKE),
            (self._is_advance_spent(offer, now), Reason.ADVANCE_SPENT),
        )
        return sorted({reason for is_misfit, reason in checks if is_misfit})

    def _is_out_of_reach(self, offer: Offer) -> bool:
        return offer.asks_money and not self.purse.reaches(offer.provider)

    def _is_advance_spent(self, offer: Offer, now: float) -> bool:
        # Nothing is paid for statements about work that costs nothing.
        return offer.price > 0 and self.purse.advances.is_spent(offer.provider, now)

    def _is_unanswered(self, offer: Offer) -> bool:
        """Whether a lie of ``offer``'s provider could win far more than it would lose."""
        if not offer.asks_money or not self.rests_on_others:
            return False
        if not self._deterrence.answers(offer.provider):
            return True
        # Without a channel there is no share of its stake yet.
        drops = self.expectation.bill(offer, 1) if self.expectation.is_known else 1
        needed = self._deterrence.auditors(offer.provider, drops, 0)
        return needed > AUDITORS_MAX and self.purse.reaches(offer.provider)

    def _has_room(self, offer: Offer, now: float) -> bool:
        record = self._records.get(offer.provider)
        return record is None or (now >= record.busy_until and record.in_flight < _places(offer))

    def _has_slot(self, provider: NodeId, now: float) -> bool:
        offer = self._book.find(provider, now)
        # A provider whose offer has ended since it was asked may still keep its bid.
        return offer is None or self._record(provider).in_flight < _places(offer)

    def _cost_of_offer(self, offer: Offer, runs: range, now: float) -> Cost:
        return self._cost(offer.provider, offer.price, offer.start_price, 0, runs, now)

    def _cost_of_proposal(self, one: Proposal, runs: range, now: float) -> Cost:
        return self._cost(
            one.provider, one.price, one.start_price, one.start_ms, runs, now, is_run=not one.reuse
        )

    def _cost(
        self,
        provider: NodeId,
        price: int,
        start_price: int,
        start_ms: int,
        runs: range,
        now: float,
        *,
        is_run: bool = True,
    ) -> Cost:
        """Return whether the lot is expected to come too late, and what it is expected to cost."""
        offer, count = self._book.find(provider, now), len(runs)
        fuel = count * self.expectation.fuel
        drops = bill(fuel, price, start_price, count)
        fuel_per_s = offer.fuel_per_s if offer is not None else GIGAFUEL
        wait_ms = self._wait_ms(offer, start_ms) if is_run else 0
        wait_ms += self.moving(provider, runs, now).milliseconds
        fuel = fuel if is_run else 0
        cost = expected_cost(
            bill_drops=drops,
            wait_ms=wait_ms,
            fuel=fuel,
            fuel_per_s=fuel_per_s,
            audit_ppm=self.audit_ppm(provider, drops) * self.auditors(provider, drops),
            failures=self._record(provider).failures,
        )
        return wait_ms + fuel * 1_000 // fuel_per_s > self.bounds.run_ms_max, cost

    def _wait_ms(self, offer: Offer | None, start_ms: int) -> int:
        """Estimate when a run would begin: the bid's word, or the own reckoning if later."""
        if offer is None:
            return start_ms
        # Bids that are on their way to us do not know of the runs we have just placed.
        waves = self._record(offer.provider).in_flight // offer.slots
        return max(start_ms, waves * (self.expectation.fuel * 1_000 // offer.fuel_per_s))

    def _record(self, provider: NodeId) -> _Record:
        return self._records.setdefault(provider, _Record())


def _places(offer: Offer) -> int:
    """Return how many runs to leave with a provider: one in each slot and one that waits for it."""
    return 2 * offer.slots
