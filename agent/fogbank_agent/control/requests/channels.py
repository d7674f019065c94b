"""The payment channels of an agent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GetChannels:
    """Which payment channels are there?  Answered by ``Channels``."""


@dataclass(frozen=True, slots=True)
class CloseChannels:
    """Have every channel that this agent pays from settled, and the rest paid back.

    With ``earned`` also those that pay this agent, by the last vouchers that it has.

    Answered by ``ChannelsClosed`` when that is done, or when ``wait_s`` seconds have passed.
    """

    wait_s: int
    earned: bool = False


@dataclass(frozen=True, slots=True)
class Channel:
    """One payment channel, in drops."""

    channel: str
    with_whom: str
    """The other side's short form."""

    pays: bool
    """Whether this agent pays over it; else it is paid."""

    state: str
    """"opening", "open", "closing" or "settled"."""

    deposit: int
    """What was put in, as far as that is final."""

    paid: int
    """By vouchers; after the settlement what it gives the provider, with royalties."""


@dataclass(frozen=True, slots=True)
class Channels:
    """All channels from and to this agent, the oldest first."""

    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class ChannelsClosed:
    """What came of it."""

    closed: int
    """Channels that are settled, with everything taken back."""

    waiting: int
    """Others: their providers are away and have some time left to answer, or a run of their payer
    is under way here."""

    paying: int = 0
    """Channels that pay this agent and were not meant: see ``CloseChannels.earned``."""


@dataclass(frozen=True, slots=True)
class GetEarnings:
    """What did this agent earn as an author of tasks?  Answered by ``Earnings``."""


@dataclass(frozen=True, slots=True)
class Royalty:
    """The author's part of one channel that others settled, in drops."""

    channel: str
    payer: str
    """Who bought runs, in short form."""

    provider: str
    """Who ran them, and passes the royalty on with what it takes."""

    drops: int


@dataclass(frozen=True, slots=True)
class Earnings:
    """All royalties that the ledger of this agent still knows, the oldest settlement first."""

    royalties: tuple[Royalty, ...]
    total: int
