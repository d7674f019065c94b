"""Which channels are open and which are used (SPEC.md section 5.3)."""

import trio.testing

from fogbank_protocol.node.open_channels import OpenChannel, OpenChannels
from fogbank_protocol.node.peers import PeerInfo
from fogbank_protocol.node.session import Session

from .network import ANN, BEN, session_pair


def channel(session: Session) -> OpenChannel:
    info = PeerInfo(session.peer, "127.0.0.1", 0, True, 0.0, None)
    return OpenChannel(session, info)


async def test_a_channel_is_used_only_once_it_is_chosen() -> None:
    async with session_pair() as (to_ben, to_ann):
        opened = OpenChannels()
        opened.add(1, channel(to_ben))
        opened.add(2, channel(to_ann))
        assert len(opened) == 2
        assert opened.session(BEN.node_id) is None
        assert opened.infos() == []
        assert opened.use(BEN.node_id, 1)
        assert opened.session(BEN.node_id) is to_ben
        assert opened.session(ANN.node_id) is None
        assert opened.is_used(1)
        assert not opened.is_used(2)


async def test_another_channel_takes_the_place_of_the_one_in_use() -> None:
    async with session_pair() as (first, _), session_pair() as (second, _):
        opened = OpenChannels()
        opened.add(1, channel(first))
        opened.add(2, channel(second))
        assert opened.use(BEN.node_id, 1)
        assert not opened.use(BEN.node_id, 2)
        assert opened.session(BEN.node_id) is second
        assert list(opened.sessions(BEN.node_id)) == [first, second]
        assert not opened.is_used(1)
        opened.remove(1)
        assert list(opened.sessions(BEN.node_id)) == [second]
        opened.lose(BEN.node_id)
        assert opened.session(BEN.node_id) is None
        assert len(opened) == 1


async def test_what_is_told_of_a_peer_has_the_round_trip_of_now() -> None:
    async with session_pair() as (session, _):
        opened = OpenChannels()
        opened.add(1, channel(session))
        opened.use(BEN.node_id, 1)
        assert [info.round_trip_s for info in opened.infos()] == [None]
        session.ping(7)
        await trio.testing.wait_all_tasks_blocked()
        assert [info.round_trip_s for info in opened.infos()] == [session.round_trip_s]
        assert session.round_trip_s is not None
