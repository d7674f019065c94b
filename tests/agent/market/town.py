"""A job and made-up providers, event by event, for tests of the machines."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from math import inf
from typing import Any

from fogbank_agent.limits import RUN_MS_MAX
from fogbank_agent.market.checkpoint import Checkpoint
from fogbank_agent.market.choice import Choice, RunBounds
from fogbank_agent.market.deterrence import Deterrence
from fogbank_agent.market.goodput import Goodput
from fogbank_agent.market.job import Job
from fogbank_agent.market.job_messages import (
    AgreementSigned,
    BidCame,
    CommitmentCame,
    JobCommand,
    LotFormed,
    OwnRunEnded,
    ResultCame,
    SendOrder,
    SignAgreement,
    Tell,
)
from fogbank_agent.market.locality import Locality
from fogbank_agent.market.offer_book import OfferBook
from fogbank_agent.market.offers import Offer
from fogbank_agent.market.orders import NoVerification, OrderInput, Verification
from fogbank_agent.market.purchase import PurchaseTerms
from fogbank_agent.market.purse import Purse
from fogbank_agent.market.reputation import Reputation
from fogbank_agent.market.story import StoryEvent
from fogbank_agent.market.verification import Claim
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick
from fogbank_wasm_tasks.outcome import Ok, Outcome
from fogbank_wasm_tasks.receipt import Result

PACKAGE = blob_id(b"package")
INPUT = blob_id(b"input")
ANN, BEN, CAT, DAN, EVE = (NodeId(letter * 32) for letter in (b"a", b"b", b"c", b"d", b"e"))
GIGAFUEL = 10**9
FUEL_MAX = 10 * GIGAFUEL
RUN_S = 60.0
PATIENCE_S = 30.0


def right(run: int = 0) -> Outcome:
    """Return the outcome of an honest run."""
    output = b"right" + bytes([run])
    return Ok(blob_id(output), len(output))


def wrong(run: int = 0) -> Outcome:
    """Return the outcome that all liars agree upon."""
    output = b"wrong" + bytes([run])
    return Ok(blob_id(output), len(output))


def claim(outcome: Outcome, fuel: int = GIGAFUEL, runs: int = 1) -> Claim:
    """Return what somebody says of a lot whose runs all ended alike, each with ``fuel``."""
    return (Result(INPUT, outcome, fuel),) * runs


def result_came(lot: int, attempt: int, outcome: Outcome, fuel: int) -> ResultCame:
    """Return the event of a receipt for a lot of one run."""
    return ResultCame(lot, attempt, claim(outcome, fuel))


def own_run_ended(lot: int, outcome: Outcome | None, fuel: int) -> OwnRunEnded:
    """Return the event of an own run of a lot of one run."""
    return OwnRunEnded(lot, None if outcome is None else claim(outcome, fuel))


def an_offer(provider: NodeId, **changes: Any) -> Offer:
    """Return an offer of ``provider``, with ``changes``."""
    fields: dict[str, Any] = {
        "provider": provider,
        "sequence": 1,
        "valid_s": 3_600,
        "price": 100,
        "start_price": 1,
        "fuel_per_s": GIGAFUEL,
        "memory_bytes_max": 1 << 28,
        "input_bytes_max": 1 << 26,
        "output_bytes_max": 1 << 26,
        "fuel_max": (1 << 42) - 1,
        "slots": 4,
        "slots_free": 4,
        "credit": 10**9,
        "features": ("command", "reactor"),
        "packages": (),
        **changes,
    }
    return Offer(**fields)


class Trust(Deterrence):
    """Lets the record of results alone count, as if everybody had more to lose than there is."""

    def __init__(self) -> None:
        super().__init__(lambda _: 1, lambda _: 1)

    def lie_ppm(self, provider: NodeId, at_risk: int, paid: int) -> int:
        return 0


class Town:
    """One job among ``providers`` whose words the test writes."""

    def __init__(
        self,
        *providers: NodeId,
        offers: Sequence[Offer] = (),
        runs: int = 1,
        lots_at_once: int = 16,
        input_sizes: Sequence[int] = (),
        verification: Verification | None = None,
        can_run_here: bool = False,
        attempts_max: int = 8,
        hedge_s: float = inf,
        spendable: int = 10**12,
        left: Mapping[NodeId, int] | None = None,
        draws: Iterator[int] | None = None,
        stakes: Mapping[NodeId, int] | None = None,
        can_execute: bool = True,
        goodput: Goodput | None = None,
        inputs: Sequence[OrderInput] = (),
        run_ms_max: int = RUN_MS_MAX,
        starts: Mapping[int, Checkpoint] | None = None,
    ) -> None:
        """Begin with everyone's offer in the book.

        ``left`` is in the channel to each provider; without it all can be paid.  Without ``stakes``
        nobody is taken for a liar, and the record of results alone counts.
        """
        self.now, self.unix_s = 0.0, 1_700_000_000
        self.book = OfferBook()
        for provider in providers:
            self.book.put(an_offer(provider), self.now)
        for offer in offers:
            self.book.put(offer, self.now)
        self.spendable = spendable
        self.left = dict(left or {})
        self.is_coming = False
        self.purse = Purse(
            lambda: self.spendable,
            None if left is None else lambda provider: self.left.get(provider, 0),
            lambda: self.is_coming,
        )
        self.reputation = Reputation(unix_time=lambda: self.unix_s)
        self.verification = verification or NoVerification()
        bounds = RunBounds(
            package_id=PACKAGE,
            package_bytes=100_000,
            shape="reactor",
            input_bytes_max=1_000,
            memory_bytes_max=1 << 24,
            output_bytes_max=1 << 20,
            fuel_max=FUEL_MAX,
            price_max=1_000,
            start_price_max=100,
            verification=self.verification,
            run_ms_max=run_ms_max,
        )
        terms = PurchaseTerms(
            verification=self.verification,
            attempts_max=attempts_max,
            patience_s=PATIENCE_S,
            run_s_max=RUN_S,
            hedge_s=hedge_s,
            can_run_here=can_run_here,
        )
        at_stake = stakes or {}

        def stake_of(provider: NodeId) -> int:
            return at_stake.get(provider, 0)

        deterrence = (
            Trust() if stakes is None else Deterrence(stake_of, stake_of, can_execute=can_execute)
        )

        self.choice = Choice(
            bounds,
            self.book,
            self.purse,
            self.reputation,
            deterrence,
            locality=Locality(goodput or Goodput(), PACKAGE, bounds.package_bytes, inputs),
        )
        sizes = input_sizes or [1] * runs
        self.job = Job(sizes, lots_at_once, terms, self.choice, draws or repeat(0), starts)
        self.story: list[tuple[int, StoryEvent]] = []
        self.lots: list[range] = []

    def begin(self) -> list[JobCommand]:
        """Begin the job; return what it wants, without what it only tells."""
        return self._wanted(self.job.begin(self.now))

    def tell(self, event: Any) -> list[JobCommand]:
        """Let the job handle ``event`` now."""
        return self._wanted(self.job.handle(event, self.now))

    def cancel(self) -> list[JobCommand]:
        """Cancel the job."""
        return self._wanted(self.job.cancel(self.now))

    def wait(self, seconds: float) -> list[JobCommand]:
        """Let time pass, ticking at every deadline on the way."""
        until = self.now + seconds
        commands: list[JobCommand] = []
        for _ in range(10_000):
            if self.job.deadline > until:
                break
            self.now = max(self.now, self.job.deadline)
            commands += self.tell(Tick())
        else:
            raise AssertionError("a deadline that never ends")
        self.now = until
        return commands

    def told(self, kind: type) -> list[StoryEvent]:
        """Return the events of one kind in the story."""
        return [event for _, event in self.story if isinstance(event, kind)]

    def _wanted(self, commands: Sequence[JobCommand]) -> list[JobCommand]:
        wanted: list[JobCommand] = []
        for command in commands:
            if isinstance(command, Tell):
                self.story.append((command.lot, command.what))
            elif isinstance(command, LotFormed):
                self.lots.append(command.runs)
            else:
                wanted.append(command)
        return wanted

    # Whole steps, where a test is about something else.

    def bid(
        self,
        order: JobCommand,
        *providers: NodeId,
        price: int = 100,
        start_ms: int = 0,
    ) -> list[JobCommand]:
        """Let ``providers`` bid on ``order`` in turn."""
        assert isinstance(order, SendOrder)
        commands: list[JobCommand] = []
        for provider in providers:
            bid = BidCame(order.lot, order.attempt, provider, price, 1, start_ms, 5_000)
            commands += self.tell(bid)
        return commands

    def agree(self, order: JobCommand, provider: NodeId) -> SignAgreement:
        """Let ``provider`` alone bid, wait for the window, and sign."""
        commands = [*self.bid(order, provider), *self.wait(0.1)]
        agreement = next(one for one in commands if isinstance(one, SignAgreement))
        assert agreement.provider == provider
        assert self.tell(AgreementSigned(agreement.lot, agreement.attempt)) == []
        return agreement

    def commit(self, lot: int, attempt: int) -> list[JobCommand]:
        """Let a member of a quorum be bound to its result."""
        return self.tell(CommitmentCame(lot, attempt))

    def finish(
        self, agreement: SignAgreement, outcome: Outcome | None = None, fuel: int = GIGAFUEL
    ) -> list[JobCommand]:
        """Let the provider's result come."""
        found = right(agreement.lot) if outcome is None else outcome
        return self.tell(result_came(agreement.lot, agreement.attempt, found, fuel))
