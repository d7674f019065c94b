"""Which payment channels to open, top up and close, on the buying side (SPEC.md section 9.6).

A channel is opened before it is needed, because that waits for the ledger; once it is open no run
waits for the ledger any more.  What the ledger says counts, not what this side remembers: views of
all own channels come at the start, at every change, and now and then.
"""

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TypeAlias

from fogbank_dag_ledger.operations import ObjectId
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from ..limits import (
    CHANNEL_RETRY_S,
    CHANNELS_OPEN_MAX,
    CLOSE_WAIT_S,
    DEPOSIT_PARTS,
    PROVIDER_ABSENT_S,
)

# Events.


@dataclass(frozen=True, slots=True)
class OwnChannel:
    """A channel that this agent has opened, as the ledger shows it."""

    channel: ObjectId
    provider: NodeId
    funds: int
    """Drops put in, as far as that is final; 0 while the opening is not."""

    is_over: bool
    """It was settled, or is being reclaimed: nothing more is paid over it."""


@dataclass(frozen=True, slots=True)
class ChannelsSeen:
    """These are all channels that this agent has opened and not taken everything back from."""

    channels: Sequence[OwnChannel]
    """The oldest first."""

    spendable: int
    """Drops in the wallet."""

    absent: Collection[NodeId] = ()
    """Which of their providers are not connected."""


@dataclass(frozen=True, slots=True)
class ProvidersWanted:
    """A job, or a service, means to buy from ``providers`` now, and from nobody else."""

    by: Hashable
    """Which."""

    providers: Collection[NodeId]
    """Empty when it has ended."""


@dataclass(frozen=True, slots=True)
class ChannelsUnwanted:
    """All channels are to be closed: none is opened again before somebody wants it."""


@dataclass(frozen=True, slots=True)
class DropsPaid:
    """Vouchers of the channel add up to ``total`` drops now."""

    channel: ObjectId
    total: int


@dataclass(frozen=True, slots=True)
class DropsNeeded:
    """``drops`` are owed to ``provider`` for which its channel has no room."""

    provider: NodeId
    drops: int


@dataclass(frozen=True, slots=True)
class ChannelFull:
    """``drops`` are owed to ``provider`` for work whose authors find no room in ``channel``."""

    provider: NodeId
    channel: ObjectId
    drops: int


@dataclass(frozen=True, slots=True)
class LedgerRefused:
    """What was to be opened or topped up for ``provider`` could not be."""

    provider: NodeId


FundingInput: TypeAlias = (
    ChannelsSeen
    | ProvidersWanted
    | ChannelsUnwanted
    | DropsPaid
    | DropsNeeded
    | ChannelFull
    | LedgerRefused
)

# Commands.


@dataclass(frozen=True, slots=True)
class OpenChannel:
    """Open a channel to ``provider`` with ``drops``."""

    provider: NodeId
    drops: int


@dataclass(frozen=True, slots=True)
class TopUpChannel:
    """Put ``drops`` more into the channel."""

    channel: ObjectId
    provider: NodeId
    drops: int


@dataclass(frozen=True, slots=True)
class CloseChannel:
    """Ask ``provider`` to close the channel: it is not used any more."""

    channel: ObjectId
    provider: NodeId


@dataclass(frozen=True, slots=True)
class ReclaimChannel:
    """Begin to reclaim the channel: ``provider`` is gone."""

    channel: ObjectId
    provider: NodeId


FundingCommand: TypeAlias = OpenChannel | TopUpChannel | CloseChannel | ReclaimChannel


@dataclass(slots=True)
class _Account:
    """Where things stand with one provider."""

    open: Sequence[OwnChannel] = ()
    """The channels that are not over, the oldest first."""

    channel: OwnChannel | None = None
    """The one of them that pays."""

    asked: OpenChannel | TopUpChannel | None = None
    """What is under way."""

    asked_beside: OwnChannel | None = None
    """What paid when that was asked for."""

    needed: int = 0
    """Owed, and more than the channel has."""

    wanted: bool = False
    retry_at: float = -inf

    @property
    def is_opening(self) -> bool:
        return any(one.funds == 0 for one in self.open)

    @property
    def is_idle(self) -> bool:
        return not (self.open or self.asked or self.wanted or self.needed)

    def see(self, channels: Sequence[OwnChannel], paying: OwnChannel | None) -> None:
        """Take in which channels are not over, and which of them pays."""
        if self._has_ended(paying):
            self.asked = None
        self.open, self.channel = channels, paying

    def _has_ended(self, paying: OwnChannel | None) -> bool:
        """Tell whether what was asked for is there, or cannot come any more."""
        before = self.asked_beside
        match self.asked:
            case OpenChannel():
                if paying is None:
                    return self.is_opening  # It was on its way, and is lost.
                return paying.funds > 0 and (before is None or paying.channel != before.channel)
            case TopUpChannel(channel):
                assert before is not None
                return paying is None or paying.channel != channel or paying.funds > before.funds
            case None:
                return False


@dataclass(slots=True)
class Funding:
    """The machine of all channels that this agent pays from."""

    deposit: int
    """Drops that a channel is opened with, and topped up by."""

    _accounts: dict[NodeId, _Account] = field(default_factory=dict[NodeId, _Account])
    _wants: dict[Hashable, Collection[NodeId]] = field(
        default_factory=dict[Hashable, Collection[NodeId]]
    )
    _paid: dict[ObjectId, int] = field(default_factory=dict[ObjectId, int])
    """What vouchers of each open channel add up to."""

    _full: set[ObjectId] = field(default_factory=set[ObjectId])
    """Open channels in which an author found no room."""

    _absent_since: dict[ObjectId, float] = field(default_factory=dict[ObjectId, float])
    """Open channels whose providers are not here."""

    _asked_back: dict[ObjectId, float] = field(default_factory=dict[ObjectId, float])
    """Open channels that are to end, and when to say so again."""

    _spendable: int = 0

    @property
    def deadline(self) -> float:
        """When something that the ledger refused is tried again; inf when nothing is."""
        return min(
            (one.retry_at for one in self._accounts.values() if one.retry_at > -inf), default=inf
        )

    def channel(self, provider: NodeId) -> ObjectId | None:
        """Return the channel that pays ``provider`` now; None while there is none."""
        account = self._accounts.get(provider)
        if account is None or account.channel is None or account.channel.funds == 0:
            return None
        return account.channel.channel

    def left(self, provider: NodeId) -> int:
        """Return the drops that ``provider`` can still be paid without waiting for the ledger."""
        account = self._accounts.get(provider)
        if account is None or account.channel is None:
            return 0
        return max(0, account.channel.funds - self._paid.get(account.channel.channel, 0))

    @property
    def is_moving(self) -> bool:
        """Whether drops are being put into some channel."""
        return any(one.asked is not None or one.is_opening for one in self._accounts.values())

    @property
    def total_left(self) -> int:
        """What is left in all channels that pay."""
        return sum(self.left(provider) for provider in self._accounts)

    def handle(self, event: FundingInput | Tick, now: float) -> list[FundingCommand]:
        """Take one event at time ``now`` and return what to do."""
        match event:
            case ChannelsSeen(channels, spendable, absent):
                self._spendable = spendable
                self._see(channels, absent, now)
                self._admit()
                commands = self._proceed(now)
                # Whoever is owed something still says so again.
                for account in self._accounts.values():
                    account.needed = 0
                return commands
            case ProvidersWanted(by, providers):
                self._wants[by] = providers
                if not providers:
                    del self._wants[by]
                self._admit()
            case ChannelsUnwanted():
                self._wants.clear()
                self._admit()
            case DropsPaid(channel, total):
                self._pay(channel, total)
            case DropsNeeded(provider, drops):
                self._accounts.setdefault(provider, _Account()).needed = drops
            case ChannelFull(provider, channel, drops):
                self._full.add(channel)
                account = self._accounts.setdefault(provider, _Account())
                account.needed = drops
                account.see(account.open, self._paying(account.open))
            case LedgerRefused(provider):
                refused = self._accounts.get(provider)
                # Nobody may want it any more by now.
                if refused is not None:
                    refused.asked, refused.retry_at = None, now + CHANNEL_RETRY_S
            case Tick():
                pass
        return self._proceed(now)

    def _see(self, channels: Sequence[OwnChannel], absent: Collection[NodeId], now: float) -> None:
        open_to: dict[NodeId, list[OwnChannel]] = {}
        for one in channels:
            if not one.is_over:
                open_to.setdefault(one.provider, []).append(one)
        known = {one.channel for seen in open_to.values() for one in seen}
        self._paid = {one: drops for one, drops in self._paid.items() if one in known}
        self._full &= known
        self._asked_back = {one: at for one, at in self._asked_back.items() if one in known}
        # Each channel for itself: one that was opened to pay somebody who is not here, what was
        # owed already, has its time too.
        self._absent_since = {
            one.channel: self._absent_since.get(one.channel, now)
            for seen in open_to.values()
            for one in seen
            if one.provider in absent
        }
        for provider in open_to:
            self._accounts.setdefault(provider, _Account())
        for provider, account in self._accounts.items():
            seen = open_to.get(provider, [])
            account.see(seen, self._paying(seen))

    def _paying(self, channels: Sequence[OwnChannel]) -> OwnChannel | None:
        """Return which of a provider's channels pays: the newest that is final and has room."""
        return max(
            reversed(channels),
            key=lambda one: (one.funds > 0, one.channel not in self._full),
            default=None,
        )

    def _pay(self, channel: ObjectId, total: int) -> None:
        for account in self._accounts.values():
            if any(one.channel == channel for one in account.open):
                self._paid[channel] = total
            if account.channel is not None and account.channel.channel == channel:
                account.needed = 0

    def _admit(self) -> None:
        """Have an account with everybody who is wanted, as far as there is room, and no others."""
        wanted = self._wanted
        for provider, account in list(self._accounts.items()):
            account.wanted = provider in wanted
            if account.is_idle:
                del self._accounts[provider]
        for provider in wanted:
            if provider in self._accounts or len(self._accounts) < CHANNELS_OPEN_MAX:
                self._accounts.setdefault(provider, _Account()).wanted = True

    @property
    def _wanted(self) -> dict[NodeId, None]:
        return dict.fromkeys(one for providers in self._wants.values() for one in providers)

    def _proceed(self, now: float) -> list[FundingCommand]:
        commands: list[FundingCommand] = []
        # Of all that there is, and not of what the channels before have left in the wallet: who has
        # little can buy from several all the same.  What is put into a channel is still there.
        share = min(self.deposit, self._worth // DEPOSIT_PARTS)
        for provider, account in self._accounts.items():
            if now < account.retry_at:
                continue
            account.retry_at = -inf
            is_wanted = account.wanted or account.needed > 0
            if not is_wanted or account.asked is not None:
                continue
            command = self._fund(provider, account, share)
            if command is not None:
                account.asked, account.asked_beside = command, account.channel
                self._spendable -= command.drops
                commands.append(command)
        commands += self._give_back(now)
        return commands

    @property
    def _worth(self) -> int:
        """What is in the wallet, in channels, and on its way there."""
        under_way = [one.asked.drops for one in self._accounts.values() if one.asked is not None]
        return self._spendable + self.total_left + sum(under_way)

    def _fund(
        self, provider: NodeId, account: _Account, share: int
    ) -> OpenChannel | TopUpChannel | None:
        is_full = self._is_full(account)
        left = 0 if is_full else self.left(provider)
        more = max(share if 2 * left <= share else 0, account.needed - left)
        drops = min(more, self._spendable)
        if drops < 1 or account.is_opening:
            return None
        if account.channel is None or is_full:
            return OpenChannel(provider, drops)
        return TopUpChannel(account.channel.channel, provider, drops)

    def _is_full(self, account: _Account) -> bool:
        return account.channel is not None and account.channel.channel in self._full

    # What is locked comes back.

    def _give_back(self, now: float) -> list[FundingCommand]:
        """Return what ends channels that pay nobody any more, and were not asked to just now."""
        commands: list[FundingCommand] = []
        endings: list[CloseChannel | ReclaimChannel] = [*self._reclaims(now), *self._closes()]
        for command in endings:
            if now >= self._asked_back.get(command.channel, -inf):
                self._asked_back[command.channel] = now + CLOSE_WAIT_S
                commands.append(command)
        return commands

    def _reclaims(self, now: float) -> Iterable[ReclaimChannel]:
        for provider, account in self._accounts.items():
            for one in account.open:
                since = self._absent_since.get(one.channel, inf)
                if one.funds > 0 and not account.wanted and now - since >= PROVIDER_ABSENT_S:
                    yield ReclaimChannel(one.channel, provider)

    def _closes(self) -> Iterable[CloseChannel]:
        missing = sum(provider not in self._accounts for provider in self._wanted)
        for provider, account in self._accounts.items():
            spare = [one for one in account.open if one is not account.channel]
            if account.channel is not None and account.asked is None:
                if self._is_full(account) and account.needed and not account.is_opening:
                    # The wallet has nothing for another: what is left in this one is needed.
                    spare.append(account.channel)
                elif missing and not account.wanted and not account.needed:
                    missing -= 1
                    spare.append(account.channel)
            for one in spare:
                if one.funds > 0 and one.channel not in self._absent_since:
                    yield CloseChannel(one.channel, provider)
