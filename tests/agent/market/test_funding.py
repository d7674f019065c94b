"""Channels are open before they are needed, and never hold more than they should (SPEC.md 9.6)."""

from collections.abc import Collection
from math import inf

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fogbank_agent.limits import (
    CHANNEL_RETRY_S,
    CHANNELS_OPEN_MAX,
    CLOSE_WAIT_S,
    DEPOSIT_PARTS,
    PROVIDER_ABSENT_S,
)
from fogbank_agent.market.funding import (
    ChannelFull,
    ChannelsSeen,
    ChannelsUnwanted,
    CloseChannel,
    DropsNeeded,
    DropsPaid,
    Funding,
    FundingInput,
    LedgerRefused,
    OpenChannel,
    OwnChannel,
    ProvidersWanted,
    ReclaimChannel,
    TopUpChannel,
)
from fogbank_dag_ledger.operations import ObjectId
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from .town import ANN, BEN

DEPOSIT = 1_000
ONE, TWO = ObjectId(b"1" * 32), ObjectId(b"2" * 32)


def seen(
    *channels: OwnChannel, spendable: int = 10**6, absent: Collection[NodeId] = ()
) -> ChannelsSeen:
    return ChannelsSeen(channels, spendable, absent)


def wanted(*providers: NodeId, by: int = 1) -> ProvidersWanted:
    return ProvidersWanted(by, providers)


def somebody(number: int) -> NodeId:
    return NodeId(bytes([number]) * 32)


def ready(funds: int = DEPOSIT, *, provider: NodeId = ANN, channel: ObjectId = ONE) -> OwnChannel:
    return OwnChannel(channel, provider, funds, is_over=False)


def over(channel: ObjectId = ONE, *, provider: NodeId = ANN) -> OwnChannel:
    return OwnChannel(channel, provider, DEPOSIT, is_over=True)


def begin(*channels: OwnChannel, spendable: int = 10**6) -> Funding:
    funding = Funding(DEPOSIT)
    assert funding.handle(seen(*channels, spendable=spendable), 0) == []
    return funding


def test_a_channel_is_opened_once_to_a_provider_that_is_wanted() -> None:
    funding = begin()
    assert funding.handle(wanted(ANN), 1) == [OpenChannel(ANN, DEPOSIT)]
    assert funding.handle(wanted(ANN), 2) == []
    assert funding.handle(seen(ready(0)), 3) == []
    assert funding.channel(ANN) is None
    assert funding.handle(seen(ready()), 4) == []
    assert (funding.channel(ANN), funding.left(ANN)) == (ONE, DEPOSIT)


def test_a_channel_of_an_earlier_life_is_used_again() -> None:
    funding = begin(ready())
    assert funding.handle(wanted(ANN), 1) == []
    assert funding.channel(ANN) == ONE


def test_a_channel_is_topped_up_when_half_of_it_is_spent() -> None:
    funding = begin(ready())
    funding.handle(wanted(ANN), 1)
    assert funding.handle(DropsPaid(ONE, 499), 2) == []
    assert funding.handle(DropsPaid(ONE, 500), 3) == [TopUpChannel(ONE, ANN, DEPOSIT)]
    assert funding.handle(DropsPaid(ONE, 900), 4) == []
    funding.handle(seen(ready(2 * DEPOSIT)), 5)
    assert funding.left(ANN) == 1_100


def test_a_channel_that_is_closed_is_opened_again_when_somebody_wants_it() -> None:
    funding = begin(ready())
    funding.handle(wanted(ANN), 1)
    assert funding.handle(ChannelsUnwanted(), 2) == []
    assert funding.handle(seen(), 3) == []
    assert funding.handle(wanted(ANN), 4) == [OpenChannel(ANN, DEPOSIT)]


def test_a_provider_that_nobody_wants_any_more_gets_no_channel() -> None:
    funding = begin(ready())
    assert funding.handle(DropsPaid(ONE, 900), 1) == []


def test_what_the_ledger_refused_is_tried_again_later() -> None:
    funding = begin()
    funding.handle(wanted(ANN), 1)
    assert funding.handle(LedgerRefused(ANN), 2) == []
    assert funding.deadline == 2 + CHANNEL_RETRY_S
    assert funding.handle(Tick(), funding.deadline) == [OpenChannel(ANN, DEPOSIT)]
    assert funding.deadline == inf


def test_a_channel_that_is_over_is_replaced() -> None:
    funding = begin(ready())
    funding.handle(wanted(ANN), 1)
    assert funding.handle(seen(over()), 2) == [OpenChannel(ANN, DEPOSIT)]
    assert funding.channel(ANN) is None
    funding.handle(seen(over(), ready(channel=TWO)), 3)
    assert (funding.channel(ANN), funding.left(ANN)) == (TWO, DEPOSIT)


def test_a_small_wallet_is_not_put_into_one_channel() -> None:
    funding = begin(spendable=400)
    assert funding.handle(wanted(ANN), 1) == [OpenChannel(ANN, 50)]
    assert funding.handle(wanted(BEN, by=2), 1) == [OpenChannel(BEN, 50)]
    assert begin(spendable=7).handle(wanted(ANN), 1) == []


def test_a_newcomer_with_little_keeps_the_most_of_it_for_others() -> None:
    funding = begin(spendable=400)
    assert funding.handle(wanted(ANN), 1) == [OpenChannel(ANN, 50)]
    # However long nobody else is there.
    for now in range(2, 9):
        assert funding.handle(seen(ready(50), spendable=350), now) == []
    assert funding.handle(wanted(BEN, by=2), 9) == [OpenChannel(BEN, 50)]
    assert funding.handle(DropsPaid(ONE, 20), 10) == []
    assert funding.handle(DropsPaid(ONE, 30), 11) == [TopUpChannel(ONE, ANN, 46)]


def test_a_bill_for_which_the_channel_has_no_room_makes_it_larger() -> None:
    funding = begin(ready())
    # Nobody wants it any more, and half of it is left: but it is owed.
    assert funding.handle(DropsPaid(ONE, 400), 1) == []
    assert funding.handle(DropsNeeded(ANN, 700), 2) == [TopUpChannel(ONE, ANN, 100)]
    assert funding.handle(DropsNeeded(ANN, 700), 3) == []
    assert funding.handle(seen(ready(DEPOSIT + 100)), 4) == []
    assert funding.handle(DropsPaid(ONE, 1_100), 5) == []
    assert funding.left(ANN) == 0


def test_there_is_a_bound_to_the_channels() -> None:
    funding = begin(spendable=10**9)
    for number in range(CHANNELS_OPEN_MAX):
        assert len(funding.handle(wanted(somebody(number), by=number), 1)) == 1
    assert funding.handle(wanted(somebody(99), by=99), 1) == []


def test_the_bound_is_to_channels_and_not_to_a_life() -> None:
    funding = begin(spendable=10**9)
    for number in range(3 * CHANNELS_OPEN_MAX):
        provider, channel = somebody(number), ObjectId(bytes([number]) * 32)
        opened = funding.handle(wanted(provider, by=number), number)
        assert opened == [OpenChannel(provider, DEPOSIT)]
        funding.handle(seen(ready(provider=provider, channel=channel)), number)
        assert funding.handle(wanted(by=number), number) == []
        assert funding.handle(seen(over(channel, provider=provider)), number) == []


def test_who_is_wanted_gets_the_place_of_one_that_is_not() -> None:
    channels = [
        ready(provider=somebody(number), channel=ObjectId(bytes([number]) * 32))
        for number in range(CHANNELS_OPEN_MAX)
    ]
    funding = begin(*channels)
    funding.handle(wanted(somebody(0), by=0), 1)
    first, second = channels[1:3]
    assert funding.handle(wanted(ANN), 2) == [CloseChannel(first.channel, first.provider)]
    assert funding.handle(wanted(ANN, BEN), 2) == [CloseChannel(second.channel, second.provider)]
    gone = over(first.channel, provider=first.provider)
    assert funding.handle(seen(channels[0], gone, *channels[2:]), 3) == [OpenChannel(ANN, DEPOSIT)]


def test_a_channel_that_its_provider_closes_after_the_job_is_not_opened_again() -> None:
    funding = begin()
    funding.handle(wanted(ANN), 1)
    funding.handle(wanted(ANN, by=2), 1)
    funding.handle(seen(ready()), 2)
    # Two jobs had the same provider; one is left.
    assert funding.handle(wanted(), 3) == []
    assert funding.handle(DropsPaid(ONE, 600), 4) == [TopUpChannel(ONE, ANN, DEPOSIT)]
    funding.handle(seen(ready(2 * DEPOSIT)), 5)
    assert funding.handle(wanted(by=2), 6) == []
    assert funding.handle(DropsPaid(ONE, 2 * DEPOSIT), 7) == []
    assert funding.handle(seen(over()), 3_700) == []


def test_what_is_owed_after_the_job_gets_a_channel_and_is_not_remembered_for_ever() -> None:
    funding = begin()
    assert funding.handle(DropsNeeded(ANN, 5), 1) == [OpenChannel(ANN, DEPOSIT)]
    assert funding.handle(LedgerRefused(ANN), 2) == []
    # It was withdrawn meanwhile: nobody says any more that it is owed.
    assert funding.handle(seen(), 3) == []
    assert funding.handle(Tick(), funding.deadline) == []
    assert funding.deadline == inf


def test_a_channel_without_room_for_an_author_is_replaced_and_then_closed() -> None:
    funding = begin(ready())
    funding.handle(wanted(ANN), 1)
    funding.handle(DropsPaid(ONE, 100), 2)
    assert funding.handle(ChannelFull(ANN, ONE, 30), 3) == [OpenChannel(ANN, DEPOSIT)]
    assert funding.handle(ChannelFull(ANN, ONE, 30), 4) == []
    # Until the new one is final the old one pays what it can.
    assert funding.handle(seen(ready(), ready(0, channel=TWO)), 5) == []
    assert (funding.channel(ANN), funding.left(ANN)) == (ONE, DEPOSIT - 100)
    both = seen(ready(), ready(channel=TWO))
    assert funding.handle(both, 6) == [CloseChannel(ONE, ANN)]
    assert (funding.channel(ANN), funding.left(ANN)) == (TWO, DEPOSIT)
    # Its provider may be working for this agent, and refuse for now.
    assert funding.handle(both, 7) == []
    assert funding.handle(both, 6 + CLOSE_WAIT_S) == [CloseChannel(ONE, ANN)]
    assert funding.handle(seen(over(), ready(channel=TWO)), 99) == []
    assert funding.channel(ANN) == TWO


def test_what_is_owed_to_an_author_without_room_gets_a_channel_though_nobody_wants_it() -> None:
    funding = begin(ready())
    needed = 3 * DEPOSIT
    assert funding.handle(ChannelFull(ANN, ONE, needed), 1) == [OpenChannel(ANN, needed)]


def test_an_empty_wallet_gets_the_rest_of_a_full_channel_back_first() -> None:
    funding = begin(ready(), spendable=0)
    assert funding.handle(ChannelFull(ANN, ONE, 30), 1) == [CloseChannel(ONE, ANN)]
    assert funding.handle(ChannelFull(ANN, ONE, 30), 2) == []
    assert funding.handle(seen(over(), spendable=900), 3) == [OpenChannel(ANN, 112)]


def test_after_a_start_it_is_the_newest_channel_that_pays() -> None:
    funding = Funding(DEPOSIT)
    both = seen(ready(5 * DEPOSIT), ready(channel=TWO))
    assert funding.handle(both, 0) == [CloseChannel(ONE, ANN)]
    assert funding.channel(ANN) == TWO


def test_a_channel_whose_provider_is_gone_is_reclaimed() -> None:
    funding = begin(ready(), ready(channel=TWO, provider=BEN))
    gone = seen(ready(), ready(channel=TWO, provider=BEN), absent=[ANN])
    assert funding.handle(gone, 100) == []
    assert funding.handle(gone, 99 + PROVIDER_ABSENT_S) == []
    reclaim = [ReclaimChannel(ONE, ANN)]
    assert funding.handle(gone, 100 + PROVIDER_ABSENT_S) == reclaim
    # The ledger refused: it is tried again at a later look.
    assert funding.handle(gone, 101 + PROVIDER_ABSENT_S) == []
    assert funding.handle(gone, 160 + PROVIDER_ABSENT_S) == reclaim


def test_who_comes_back_or_is_wanted_is_not_gone() -> None:
    funding = begin(ready())
    gone = seen(ready(), absent=[ANN])
    funding.handle(gone, 0)
    funding.handle(seen(ready()), 500)
    assert funding.handle(gone, 501) == []
    assert funding.handle(gone, 500 + PROVIDER_ABSENT_S) == []
    funding.handle(wanted(ANN), 700)
    assert funding.handle(gone, 600 + PROVIDER_ABSENT_S) == []
    assert funding.handle(wanted(), 601 + PROVIDER_ABSENT_S) == [ReclaimChannel(ONE, ANN)]


class FundingAgainstLedger(RuleBasedStateMachine):
    """Whatever the ledger does, no more is put in than the wallet has, nor asked for twice."""

    def __init__(self) -> None:
        super().__init__()
        self.funding = Funding(DEPOSIT)
        self.now = 0.0
        self.wallet = 10_000
        self.channels: dict[NodeId, int] = {}
        self.under_way: dict[NodeId, OpenChannel | TopUpChannel] = {}
        self.paid: dict[NodeId, int] = {}
        self.needed: dict[NodeId, int] = {}
        self._look()

    providers = st.sampled_from([ANN, BEN])

    @rule(wants=st.lists(providers), by=st.integers(0, 1))
    def want(self, wants: list[NodeId], by: int) -> None:
        self._tell(wanted(*wants, by=by))

    @rule(provider=providers, works=st.booleans())
    def end(self, provider: NodeId, works: bool) -> None:
        command = self.under_way.pop(provider, None)
        if command is None:
            return
        if not works:
            self._tell(LedgerRefused(provider))
            return
        self.wallet -= command.drops
        self.channels[provider] = self.channels.get(provider, 0) + command.drops
        self._look()

    @rule(provider=providers, part=st.integers(0, 100))
    def spend(self, provider: NodeId, part: int) -> None:
        left = self.channels.get(provider, 0) - self.paid.get(provider, 0)
        if left <= 0:
            return
        self.paid[provider] = self.paid.get(provider, 0) + left * part // 100
        self.needed.pop(provider, None)
        self._tell(DropsPaid(_name(provider), self.paid[provider]))

    @rule(provider=providers, drops=st.integers(1, 3 * DEPOSIT))
    def need(self, provider: NodeId, drops: int) -> None:
        self.needed[provider] = drops
        self._tell(DropsNeeded(provider, drops))

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self._tell(Tick())

    @rule()
    def look_again(self) -> None:
        self._look()

    @invariant()
    def what_is_left_is_what_the_ledger_and_the_vouchers_say(self) -> None:
        for provider in (ANN, BEN):
            assert self.funding.left(provider) == self._left(provider)

    def _left(self, provider: NodeId) -> int:
        return self.channels.get(provider, 0) - self.paid.get(provider, 0)

    def _look(self) -> None:
        pending = sum(command.drops for command in self.under_way.values())
        channels = [
            OwnChannel(_name(provider), provider, funds, is_over=False)
            for provider, funds in self.channels.items()
        ]
        self._tell(ChannelsSeen(channels, self.wallet - pending))

    def _tell(self, event: FundingInput | Tick) -> None:
        for command in self.funding.handle(event, self.now):
            assert isinstance(command, OpenChannel | TopUpChannel), "nothing is to end"
            assert command.provider not in self.under_way, "asked for twice"
            lefts = {one: self._left(one) for one in (ANN, BEN)}
            share = min(DEPOSIT, (self.wallet + sum(lefts.values())) // DEPOSIT_PARTS)
            missing = self.needed.get(command.provider, 0) - lefts[command.provider]
            assert 0 < command.drops <= max(share, missing)
            pending = sum(one.drops for one in self.under_way.values())
            assert pending + command.drops <= self.wallet
            assert isinstance(command, OpenChannel) == (command.provider not in self.channels)
            self.under_way[command.provider] = command


def _name(provider: NodeId) -> ObjectId:
    return ObjectId(bytes(provider))


TestFundingAgainstLedger = FundingAgainstLedger.TestCase
TestFundingAgainstLedger.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)


def test_a_refusal_about_somebody_that_nobody_wants_any_more_changes_nothing() -> None:
    funding = Funding(DEPOSIT)
    assert funding.handle(LedgerRefused(ANN), 0) == []
