"""What answers for a lot before its results are believed: stakes, and what was earned here."""

from collections.abc import Callable, Hashable, Sequence

from fogbank_protocol.identity import NodeId

from ..limits import AUDITORS_MAX
from .deterrence import Deterrence
from .expectation import Expectation, Terms
from .offers import Offer
from .purse import Purse


class Backing:
    """Bounds what one job gives to a provider, and to all together (SPEC.md section 9.6)."""

    def __init__(
        self,
        deterrence: Deterrence,
        purse: Purse,
        expectation: Expectation,
        owner: Hashable,
        stated: Callable[[NodeId], int],
        *,
        rests_on_others: bool,
    ) -> None:
        """Bound the lots of ``owner``, under whose name ``purse`` counts what is undecided.

        ``stated`` tells the drops that a provider was paid for work whose result is undecided.
        Stakes bound only what ``rests_on_others``; what is paid ahead is bounded always.
        """
        self._deterrence = deterrence
        self._purse = purse
        self._expectation = expectation
        self._owner = owner
        self._stated = stated
        self._rests_on_others = rests_on_others

    def may_begin(self, terms: Terms, runs: int, now: float) -> bool:
        """Tell whether who asks ``terms`` may be paid for ``runs`` runs before they are seen."""
        if terms.price == 0:
            return True
        drops = self._expectation.advance(terms, runs)
        return self._purse.advances.may_begin(terms.provider, drops, now)

    def first(self, fit: list[Offer], now: float) -> list[Offer]:
        """Return those of ``fit`` that come first: after a theft who has earned something here."""
        advances = self._purse.advances
        if not advances.is_robbed(now):
            return fit
        known = [one for one in fit if one.price == 0 or advances.has_earned(one.provider)]
        return known or fit

    def bears(self, provider: NodeId, drops: int, *, is_auditor: bool = False) -> bool:
        """Tell whether ``provider`` may be given a lot with a bill of ``drops`` now.

        Where others alone can tell, its stake covers all that it has undecided, or there is nothing
        else; an auditor, who is drawn, may have so much that ``AUDITORS_MAX`` have to confirm it,
        and so may whoever makes the first result of a job.
        """
        if not self._rests_on_others or drops <= 0:
            return True
        at_risk = self._purse.at_risk(provider)
        needed = self._deterrence.auditors(provider, at_risk + drops, self._stated(provider))
        is_known = self._expectation.is_known
        if not at_risk and not is_auditor:
            # Nobody knows what the first run takes: the claim is judged by its true bill.
            return needed <= AUDITORS_MAX or not is_known
        elsewhere = self._purse.at_risk(provider, apart_from=self._owner)
        is_new = not is_known and at_risk == elsewhere
        return needed <= (AUDITORS_MAX if is_auditor or is_new else 1)

    def lots_borne(self, offer: Offer, runs: int, places: int) -> int:
        """Return how many lots of ``runs`` runs ``offer``'s provider answers for now.

        At most the ``places`` that it has.
        """
        drops = self._expectation.bill(offer, runs)
        if not self.bears(offer.provider, drops):
            return 0
        if not self._rests_on_others or drops <= 0:
            return places
        if not self._expectation.is_known:
            return 1
        left = self._deterrence.share(offer.provider) - self._purse.at_risk(offer.provider)
        return min(places, max(1, left // drops))

    def lots_covered(self, fit: Sequence[tuple[Offer, int]], runs: int) -> int:
        """Return how many lots of ``runs`` runs may be begun before others are decided.

        ``fit`` are the offers, each with its places.  All stakes together cover twice what is
        undecided, so that what auditors are to be paid finds room beside it: else each would audit
        so much that ever more had to confirm it.  One lot of the job always may.
        """
        borne = sum(self.lots_borne(offer, runs, places) for offer, places in fit)
        bills = [self._expectation.bill(offer, runs) for offer, _ in fit]
        drops = sum(bills) // max(1, len(fit))
        if drops <= 0:
            return borne
        stakes = sum(self._deterrence.share(offer.provider) for offer, _ in fit)
        undecided = self._purse.at_risk_in_all()
        is_first = undecided == self._purse.at_risk_in_all(apart_from=self._owner)
        return min(borne, max((stakes // 2 - undecided) // drops, 1 if is_first else 0))
