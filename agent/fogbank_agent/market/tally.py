"""What vouchers say next, and whether one covers what it should (SPEC.md section 9.6).

Both sides of a payment channel keep a tally of each of its lanes: what was paid over it in all,
and how much of that the provider passes on to authors.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from fogbank_protocol.identity import NodeId
from fogbank_wasm_tasks.package import Manifest

from ..limits import (
    CHANNEL_LANES,
    CHANNEL_SHARES_MAX,
    LANE_SHARES_MAX,
    PARTS_PER_MILLION,
)
from .agreements import AgreementId

NOTHING_PAID = bytes(32)
"""The root of a lane over which no voucher went yet."""

_ROOT_DOMAIN = b"fog-paid-1\0"


@dataclass(frozen=True, slots=True)
class Bill:
    """What an agreement costs, in drops, and what its package's author gets of that."""

    agreement: AgreementId
    drops: int
    author: NodeId | None = None
    """None when the package has no royalty, or the provider would pay itself."""

    royalty: int = 0


@dataclass(frozen=True, slots=True)
class LaneTally:
    """A lane after ``count`` vouchers."""

    total: int = 0
    """Drops, of all bills paid over it."""

    count: int = 0
    root: bytes = NOTHING_PAID
    split: dict[NodeId, int] = field(default_factory=dict[NodeId, int])
    """Drops of ``total`` for authors."""

    @property
    def leaves(self) -> int:
        """Drops of ``total`` that are left to the provider."""
        return self.total - sum(self.split.values())

    def pay(self, bills: Sequence[Bill]) -> "LaneTally":
        """Return the lane after a voucher for ``bills`` too."""
        # A share of nothing is none: no channel could be closed by a voucher with one (8.13.3).
        split = {who: drops for who, drops in self.split.items() if drops}
        for bill in bills:
            if bill.author is not None and bill.royalty:
                split[bill.author] = split.get(bill.author, 0) + bill.royalty
        return LaneTally(
            total=self.total + sum([bill.drops for bill in bills]),
            count=self.count + 1,
            root=next_root(self.root, [bill.agreement for bill in bills]),
            split=split,
        )


def next_root(root: bytes, agreements: Iterable[AgreementId]) -> bytes:
    """Return the root of a lane over which ``agreements`` are paid after those of ``root``."""
    digest = blake2b(_ROOT_DOMAIN + root, digest_size=32)
    for agreement in sorted(agreements):
        digest.update(agreement)
    return digest.digest()


def royalty_for(
    manifest: Manifest, drops: int, requestor: NodeId, provider: NodeId
) -> tuple[NodeId | None, int]:
    """Return the author of a package and its royalty of a bill; None when nothing is passed on."""
    royalty = royalty_of(drops, manifest.royalty_ppm)
    if royalty == 0 or manifest.author in (requestor, provider):
        return None, 0
    return manifest.author, royalty


def royalty_of(drops: int, royalty_ppm: int) -> int:
    """Return what the author gets of a bill of ``drops``, rounded down."""
    return drops * royalty_ppm // PARTS_PER_MILLION


@dataclass(frozen=True, slots=True)
class LanePayment:
    """The bills that one voucher pays for, and its lane afterwards."""

    lane: int
    after: LaneTally
    bills: Sequence[Bill]


class ChannelTally:
    """The requestor's tally of one channel."""

    def __init__(self, lanes: Sequence[LaneTally] = ()) -> None:
        """Go on from what the journal kept of ``lanes``, by number."""
        self._lanes = [*lanes, *[LaneTally()] * (CHANNEL_LANES - len(lanes))]

    @property
    def total(self) -> int:
        """Drops paid over all lanes."""
        return sum(lane.total for lane in self._lanes)

    def pay(self, bills: Sequence[Bill]) -> Sequence[LanePayment]:
        """Return the vouchers that pay ``bills``, and count them.

        A bill whose author finds room in no lane any more is left out: it takes another channel.
        """
        by_lane: dict[int, list[Bill]] = {}
        planned = [set(lane.split) for lane in self._lanes]
        for bill in bills:
            lane = self._lane_for(bill, planned)
            if lane is not None:
                by_lane.setdefault(lane, []).append(bill)
        payments: list[LanePayment] = []
        for number, paid in by_lane.items():
            self._lanes[number] = self._lanes[number].pay(paid)
            payments.append(LanePayment(number, self._lanes[number], paid))
        return payments

    def _lane_for(self, bill: Bill, planned: list[set[NodeId]]) -> int | None:
        if bill.author is None or not bill.royalty:
            return 0
        for number, authors in enumerate(planned):
            if bill.author in authors:
                return number
        if len(set[NodeId]().union(*planned)) >= CHANNEL_SHARES_MAX:
            return None
        for number, authors in enumerate(planned):
            if len(authors) < LANE_SHARES_MAX:
                authors.add(bill.author)
                return number
        return None


@dataclass(frozen=True, slots=True)
class ReceivedLane:
    """The provider's tally of one lane."""

    said: LaneTally = LaneTally()
    """What the last voucher says."""

    used: int = 0
    """Drops of it that bills were paid with; never more than ``said.total``."""

    used_split: dict[NodeId, int] = field(default_factory=dict[NodeId, int])

    def is_newer(self, said: LaneTally) -> bool:
        """Tell whether a voucher that says ``said`` goes on from this one.

        Nobody is ever taken anything back: the total, each author's part and what is left to the
        provider may only rise.
        """
        return (
            said.count > self.said.count
            and said.total >= self.said.total
            and said.leaves >= self.said.leaves
            and all(said.split.get(who, 0) >= drops for who, drops in self.said.split.items())
        )

    def hear(self, said: LaneTally) -> "ReceivedLane":
        """Return the tally after a newer voucher."""
        return replace(self, said=said)

    def cover(self, bills: Sequence[Bill]) -> "ReceivedLane | None":
        """Return the tally after ``bills`` were paid out of what is not used yet.

        None when that does not suffice, or does not leave the provider its part after royalties.
        """
        used = self.used + sum([bill.drops for bill in bills])
        split = dict(self.used_split)
        for bill in bills:
            if bill.author is not None:
                split[bill.author] = split.get(bill.author, 0) + bill.royalty
        own = used - sum(split.values())
        if used > self.said.total or self.said.leaves < own:
            return None
        return replace(self, used=used, used_split=split)
