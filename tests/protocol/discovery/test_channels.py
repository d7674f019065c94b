"""Which channel is kept, by example and for two ends together (SPEC.md section 5.3)."""

from hypothesis import given
from hypothesis import strategies as st

from fogbank_protocol.discovery.channels import (
    ChannelClosed,
    ChannelOpened,
    Channels,
    RefuseChannel,
    ReportGone,
    RetireChannel,
    UseChannel,
)
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

ANN, BEN = (NodeId(bytes([letter]) * 32) for letter in b"ab")


def test_a_first_channel_is_used_until_it_closes() -> None:
    channels = Channels(ANN)
    assert channels.handle(ChannelOpened(BEN, 1, opened_here=True), 0) == [UseChannel(BEN, 1)]
    assert channels.handle(ChannelClosed(1), 9) == [ReportGone(BEN)]
    assert channels.handle(ChannelClosed(1), 9) == []
    assert channels.handle(Tick(), 9) == []


def test_a_newer_channel_from_the_same_side_replaces_the_older() -> None:
    for opened_here in (True, False):
        channels = Channels(ANN)
        channels.handle(ChannelOpened(BEN, 1, opened_here), 0)
        commands = channels.handle(ChannelOpened(BEN, 2, opened_here), 1)
        assert commands == [UseChannel(BEN, 2), RetireChannel(1)]
        assert channels.handle(ChannelClosed(1), 2) == []
        assert channels.handle(ChannelClosed(2), 2) == [ReportGone(BEN)]


def test_of_crossing_channels_that_of_the_smaller_node_id_is_kept() -> None:
    for first, second in ((1, 2), (2, 1)):
        ann, ben = Channels(ANN), Channels(BEN)
        # Channel 1 was opened by Ann, channel 2 by Ben.
        for number in (first, second):
            ann.handle(ChannelOpened(BEN, number, opened_here=number == 1), 0)
            ben.handle(ChannelOpened(ANN, number, opened_here=number == 2), 0)
        assert ann.handle(ChannelClosed(1), 1) == [ReportGone(BEN)]
        assert ben.handle(ChannelClosed(1), 1) == [ReportGone(ANN)]


def test_a_peer_that_lost_power_is_believed_though_its_node_id_is_larger() -> None:
    channels = Channels(ANN)
    channels.handle(ChannelOpened(BEN, 1, opened_here=True), 0)
    assert channels.handle(ChannelOpened(BEN, 2, opened_here=False), 29.9) == [RetireChannel(2)]
    commands = channels.handle(ChannelOpened(BEN, 3, opened_here=False), 30)
    assert commands == [UseChannel(BEN, 3), RetireChannel(1)]


def test_one_channel_too_many_is_refused_but_not_one_that_replaces() -> None:
    channels = Channels(ANN, peers_max=1, reserved=0)
    channels.handle(ChannelOpened(BEN, 1, opened_here=True), 0)
    other = NodeId(b"c" * 32)
    assert channels.handle(ChannelOpened(other, 2, opened_here=False), 0) == [RefuseChannel(2)]
    assert UseChannel(BEN, 3) in channels.handle(ChannelOpened(BEN, 3, opened_here=True), 0)


def test_strangers_do_not_get_the_places_that_are_kept() -> None:
    channels = Channels(ANN, peers_max=4, reserved=2)
    strangers, friends = (
        [NodeId(bytes([number, kind]) * 16) for number in range(4)] for kind in (0, 1)
    )
    opened = [
        channels.handle(ChannelOpened(peer, number, opened_here=False), 0)
        for number, peer in enumerate(strangers)
    ]
    assert [type(commands[0]) for commands in opened] == [UseChannel] * 2 + [RefuseChannel] * 2
    for number, peer in enumerate(friends[:2], start=10):
        event = ChannelOpened(peer, number, opened_here=False, is_reserved=True)
        assert channels.handle(event, 0) == [UseChannel(peer, number)]
    event = ChannelOpened(friends[2], 20, opened_here=True, is_reserved=True)
    assert channels.handle(event, 0) == [RefuseChannel(20)]


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.data())
def test_both_ends_keep_the_same_of_crossing_channels(
    one: bytes, other: bytes, data: st.DataObject
) -> None:
    """Whoever they are, and in whatever order each of them sees the two complete."""
    if one == other:
        return
    kept: list[int] = []
    for own, peer in ((NodeId(one), NodeId(other)), (NodeId(other), NodeId(one))):
        channels, used = Channels(own), -1
        for opener in data.draw(st.permutations([one, other])):
            number = 1 if opener == one else 2
            event = ChannelOpened(peer, number, opened_here=opener == own)
            for command in channels.handle(event, data.draw(st.floats(0, 29))):
                used = command.channel if isinstance(command, UseChannel) else used
        kept.append(used)
    assert kept[0] == kept[1]
