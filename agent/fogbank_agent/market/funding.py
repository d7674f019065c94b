"""Which payment channels to open, top up and close, on the buying side (SPEC.md section 9.6).

A channel is opened before it is needed, because that waits for the ledger; once it is open no run
waits for the ledger any more.  What the ledger says counts, not what this side remembers: views of
all own channels come at the start, at every change, and now and then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TypeAlias

from fogbank_dag_ledger.operations import ObjectId
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from ..limits import CHANNEL_RETRY_S, CHANNELS_OPEN_MAX, DEPOSIT_PARTS

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
    spendable: int
    """Drops in the wallet."""


@dataclass(frozen=True, slots=True)
class ProviderWanted:
    """A job means to buy from ``provider``."""

    provider: NodeId


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
class LedgerRefused:
    """What was to be opened or topped up for ``provider`` could not be."""

    provider: NodeId


FundingInput: TypeAlias = (
    ChannelsSeen | ProviderWanted | ChannelsUnwanted | DropsPaid | DropsNeeded | LedgerRefused
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


FundingCommand: TypeAlias = OpenChannel | TopUpChannel


@dataclass(slots=True)
class _Account:
    """Where things stand with one provider."""

    channel: OwnChannel | None = None
    paid: int = 0
    asked: int | None = None
    """The funds that the channel had when more was asked for; None when nothing is under way."""

    asked_drops: int = 0
    """How much more."""

    needed: int = 0
    """Owed, and more than the channel has."""

    wanted: bool = False
    retry_at: float = -inf


@dataclass(slots=True)
class Funding:
    """The machine of all channels that this agent pays from."""

    deposit: int
    """Drops that a channel is opened with, and topped up by."""

    _accounts: dict[NodeId, _Account] = field(default_factory=dict[NodeId, _Account])
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
        return max(0, account.channel.funds - account.paid)

    @property
    def total_left(self) -> int:
        """What is left in all channels."""
        return sum(self.left(provider) for provider in self._accounts)

    def handle(self, event: FundingInput | Tick, now: float) -> list[FundingCommand]:
        """Take one event at time ``now`` and return what to do."""
        match event:
            case ChannelsSeen(channels, spendable):
                self._spendable = spendable
                self._see(channels)
            case ProviderWanted(provider):
                if provider in self._accounts or len(self._accounts) < CHANNELS_OPEN_MAX:
                    self._accounts.setdefault(provider, _Account()).wanted = True
            case ChannelsUnwanted():
                for account in self._accounts.values():
                    account.wanted = False
            case DropsPaid(channel, total):
                for account in self._accounts.values():
                    if account.channel is not None and account.channel.channel == channel:
                        account.paid, account.needed = total, 0
            case DropsNeeded(provider, drops):
                self._accounts.setdefault(provider, _Account()).needed = drops
            case LedgerRefused(provider):
                account = self._accounts.setdefault(provider, _Account())
                account.asked, account.retry_at = None, now + CHANNEL_RETRY_S
            case Tick():
                pass
        return self._proceed(now)

    def _see(self, channels: Sequence[OwnChannel]) -> None:
        # With several to one provider the one with the most in it is used; the rest is for whoever
        # closes them.
        best: dict[NodeId, OwnChannel] = {}
        for one in channels:
            known = best.get(one.provider)
            if not one.is_over and (known is None or one.funds > known.funds):
                best[one.provider] = one
        for provider in {*best, *self._accounts}:
            account = self._accounts.setdefault(provider, _Account())
            seen = best.get(provider)
            if seen is None or account.channel is None or seen.channel != account.channel.channel:
                account.paid = 0
            if seen is not None and account.asked is not None and seen.funds > account.asked:
                account.asked = None
            if seen is None and account.channel is not None:
                account.asked = None
            account.channel = seen

    def _proceed(self, now: float) -> list[FundingCommand]:
        commands: list[FundingCommand] = []
        # Of all that there is, and not of what the channels before have left in the wallet: who has
        # little can buy from several all the same.  What is put into a channel is still there.
        share = min(self.deposit, self._worth // DEPOSIT_PARTS)
        for provider, account in self._accounts.items():
            is_wanted = account.wanted or account.needed > 0
            if not is_wanted or account.asked is not None or now < account.retry_at:
                continue
            account.retry_at = -inf
            command = self._fund(provider, account, share)
            if command is not None:
                account.asked = account.channel.funds if account.channel is not None else 0
                account.asked_drops = command.drops
                self._spendable -= command.drops
                commands.append(command)
        return commands

    @property
    def _worth(self) -> int:
        """What is in the wallet, in channels, and on its way there."""
        under_way = sum(one.asked_drops for one in self._accounts.values() if one.asked is not None)
        return self._spendable + self.total_left + under_way

    def _fund(self, provider: NodeId, account: _Account, share: int) -> FundingCommand | None:
        left = self.left(provider)
        more = max(share if 2 * left <= share else 0, account.needed - left)
        drops = min(more, self._spendable)
        if drops < 1:
            return None
        if account.channel is None:
            return OpenChannel(provider, drops)
        if account.channel.funds == 0:
            return None  # Its opening is on the way.
        return TopUpChannel(account.channel.channel, provider, drops)
