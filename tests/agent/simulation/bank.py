"""Money in a made-up market: wallets and channels, and nothing that makes any (SPEC.md 8.13)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from fogbank_agent.market.funding import OwnChannel
from fogbank_agent.market.tally import LaneTally
from fogbank_dag_ledger.operations import ObjectId
from fogbank_protocol.identity import NodeId


@dataclass(slots=True)
class Channel:
    """A channel as the ledger knows it."""

    id: ObjectId
    payer: NodeId
    provider: NodeId
    funds: int
    is_over: bool = False


class Bank:
    """Stands for the ledger, which has a simulation of its own."""

    def __init__(self) -> None:
        self.wallets: dict[NodeId, int] = {}
        self.channels: dict[ObjectId, Channel] = {}
        self.stakes: dict[NodeId, int] = {}
        self._to: dict[NodeId, list[Channel]] = {}
        self._funds: dict[NodeId, Counter[NodeId]] = {}
        self.burned = 0

    @property
    def supply(self) -> int:
        """All drops that there are or were."""
        open_funds = sum(one.funds for one in self.channels.values() if not one.is_over)
        locked = sum(self.stakes.values())
        return sum(self.wallets.values()) + open_funds + locked + self.burned

    def funds_of(self, provider: NodeId) -> Counter[NodeId]:
        """Return who has how much in open channels to a provider."""
        if provider not in self._funds:
            funds: Counter[NodeId] = Counter()
            for one in self._to.get(provider, ()):
                if not one.is_over:
                    funds[one.payer] += one.funds
            self._funds[provider] = funds
        return self._funds[provider]

    def stake(self, owner: NodeId, drops: int) -> None:
        """Lock a stake."""
        assert owner not in self.stakes
        self.wallets[owner] -= drops
        self.stakes[owner] = drops

    def slash(self, owner: NodeId, watch: NodeId, reward_ppm: int) -> int:
        """Seize a stake, burn it less the watch's reward; return the drops, 0 without one."""
        drops = self.stakes.pop(owner, 0)
        reward = drops * reward_ppm // 1_000_000
        self.wallets[watch] += reward
        self.burned += drops - reward
        return drops

    def open(self, payer: NodeId, provider: NodeId, drops: int) -> None:
        """Open a channel."""
        channel = ObjectId(len(self.channels).to_bytes(32, "big"))
        one = self.channels[channel] = Channel(channel, payer, provider, 0)
        self._to.setdefault(provider, []).append(one)
        self.top_up(channel, drops)

    def top_up(self, channel: ObjectId, drops: int) -> None:
        """Put more into a channel."""
        payer = self.channels[channel].payer
        assert 0 < drops <= self.wallets[payer], "more than there is"
        self.wallets[payer] -= drops
        self.channels[channel].funds += drops
        self._funds.clear()

    def settle(self, channel: ObjectId, lanes: Sequence[LaneTally]) -> None:
        """Close a channel by the last voucher of each lane; the rest goes back to its payer."""
        one = self.channels[channel]
        assert not one.is_over, "settled twice"
        one.is_over = True
        self._funds.clear()
        paid = sum(lane.total for lane in lanes)
        assert paid <= one.funds, "vouchers for more than the channel holds"
        passed_on = 0
        for lane in lanes:
            for author, drops in lane.split.items():
                self.wallets[author] = self.wallets.get(author, 0) + drops
                passed_on += drops
        self.wallets[one.provider] += paid - passed_on
        self.wallets[one.payer] += one.funds - paid

    def own_channels(self, payer: NodeId) -> list[OwnChannel]:
        """Return what ``payer`` sees of its channels."""
        return [
            OwnChannel(one.id, one.provider, one.funds, one.is_over)
            for one in self.channels.values()
            if one.payer == payer
        ]
