"""The control server over a real Unix socket, with clients of every temper."""

import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from fogbank_agent.control.client import ControlClient
from fogbank_agent.control.frames import encode_frame
from fogbank_agent.control.requests.blobs import BlobKept, Chunk, Failed, GetBlob, PutBlob
from fogbank_agent.control.requests.money import GetWallet, Paid, Pay, Wallet
from fogbank_agent.control.requests.peers import GetPeers, Peers
from fogbank_agent.control.requests.status import GetStatus
from fogbank_agent.control.server import ClientGone, Conversation, Responder, serve_control
from fogbank_agent.errors import AgentUnreachable, MachineError, Refused
from fogbank_agent.limits import (
    CONTROL_CLIENTS_MAX,
    CONTROL_FRAME_BYTES_MAX,
    CONTROL_IDLE_S,
    CONTROL_REQUEST_S,
)

WALLET = Wallet("ab", "abcd-efgh", 1, 2, 3, 4, 5, 6, 7, "yes", ())


KINDS = [GetWallet, PutBlob, GetBlob, GetPeers, GetStatus, Pay]


class Agent:
    """Answers a few requests, and remembers which."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.cancelled = trio.Event()

    async def respond(self, message: object, conversation: Conversation) -> None:
        self.asked.append(message)
        match message:
            case GetWallet():
                await conversation.send(WALLET)
            case PutBlob(size):
                received = b""
                while len(received) < size:
                    chunk = await conversation.receive([Chunk])
                    assert isinstance(chunk, Chunk)
                    received += chunk.data
                await conversation.send(BlobKept(received[:4], size))
            case GetBlob(blob_id):
                await conversation.send(BlobKept(blob_id, 6))
                await conversation.send(Chunk(b"abc"))
                await conversation.send(Chunk(b"def"))
            case GetPeers():
                try:
                    async with conversation.until_hangup():
                        await trio.sleep_forever()
                finally:
                    self.cancelled.set()
            case GetStatus():
                async with trio.open_nursery():
                    raise Refused("refused inside a nursery")
            case Pay("everybody"):
                await conversation.send(Failed("x" * CONTROL_FRAME_BYTES_MAX))
            case _:
                raise Refused("this one is refused")


@asynccontextmanager
async def serving(path: Path, agent: Agent) -> AsyncGenerator[None]:
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_control, path, "", Responder(KINDS, agent.respond))
        yield
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def raw(path: Path) -> AsyncGenerator[trio.SocketStream]:
    stream = await trio.open_unix_socket(str(path))
    async with stream:
        yield stream


async def read_all(stream: trio.SocketStream) -> bytes:
    data = b""
    async for part in stream:
        data += part
    return data


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


async def test_a_client_asks_again_and_again_on_one_connection(path: Path) -> None:
    def ask() -> list[object]:
        with ControlClient(path) as client:
            return [client.ask(GetWallet(), Wallet), client.ask(GetWallet(), Wallet)]

    async with serving(path, Agent()):
        assert await trio.to_thread.run_sync(ask) == [WALLET, WALLET]


async def test_a_refusal_is_a_sentence_and_the_connection_goes_on(path: Path) -> None:
    def ask() -> None:
        with ControlClient(path) as client:
            with pytest.raises(Refused, match="this one is refused"):
                client.ask(Pay("x", 1, 0), Paid)
            with pytest.raises(Refused, match="refused inside a nursery"):
                client.ask(GetStatus(), Paid)
            assert client.ask(GetWallet(), Wallet) == WALLET

    async with serving(path, Agent()):
        await trio.to_thread.run_sync(ask)


async def test_an_answer_longer_than_a_frame_is_refused_and_the_connection_goes_on(
    path: Path,
) -> None:
    def ask() -> None:
        with ControlClient(path) as client:
            with pytest.raises(Refused, match="the answer is too long"):
                client.ask(Pay("everybody", 1, 0), Paid)
            assert client.ask(GetWallet(), Wallet) == WALLET

    async with serving(path, Agent()):
        await trio.to_thread.run_sync(ask)


async def test_text_that_is_not_utf_8_is_named(path: Path) -> None:
    def ask() -> None:
        with (
            ControlClient(path) as client,
            pytest.raises(Refused, match=r"'bad\?.csv' is not text in UTF-8"),
        ):
            client.ask(Pay("bad\udcff.csv", 1, 0), Paid)

    async with serving(path, Agent()):
        await trio.to_thread.run_sync(ask)


async def test_blobs_go_both_ways_in_chunks(path: Path, tmp_path: Path) -> None:
    data = os.urandom(300_000)
    (tmp_path / "input").write_bytes(data)
    progress: list[int] = []

    def ask() -> None:
        with ControlClient(path) as client:
            with (tmp_path / "input").open("rb") as file:
                assert client.put_blob(file, len(data), progress.append) == data[:4]
            assert b"".join(client.blob(b"id")) == b"abcdef"

    async with serving(path, Agent()):
        await trio.to_thread.run_sync(ask)
    assert sum(progress) == len(data)
    assert len(progress) > 1


async def test_a_file_that_shrinks_while_it_is_read_is_refused(path: Path, tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(b"abc")

    def ask() -> None:
        with (
            ControlClient(path) as client,
            (tmp_path / "input").open("rb") as file,
            pytest.raises(Refused, match="became shorter"),
        ):
            client.put_blob(file, 5)

    async with serving(path, Agent()):
        await trio.to_thread.run_sync(ask)


async def test_only_the_owner_may_open_the_socket(path: Path) -> None:
    async with serving(path, Agent()):
        assert path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()


async def test_a_socket_left_by_a_crash_is_replaced(path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    async with serving(path, Agent()), raw(path) as stream:
        await stream.send_all(encode_frame(GetWallet()))
        assert await stream.receive_some() == encode_frame(WALLET)


async def test_a_path_longer_than_a_socket_address_works(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 30) / ("deeper" * 30)
    folder.mkdir(parents=True)
    path = folder / "control.sock"

    def ask() -> Wallet:
        with ControlClient(path) as client:
            return client.ask(GetWallet(), Wallet)

    async with serving(path, Agent()):
        assert await trio.to_thread.run_sync(ask) == WALLET
        assert path.is_socket()


async def test_a_group_that_does_not_exist_is_one_sentence(path: Path) -> None:
    with pytest.raises(MachineError, match="no group 'no-such-group'"):
        await serve_control(path, "no-such-group", Responder([], Agent().respond))


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        bytes(4),
        (CONTROL_FRAME_BYTES_MAX + 1).to_bytes(4, "big"),
        (3).to_bytes(4, "big") + b"\xc1\xc1\xc1",
    ],
)
async def test_garbage_is_told_so_and_closed(path: Path, data: bytes) -> None:
    async with serving(path, Agent()), raw(path) as stream:
        await stream.send_all(data)
        answer = await read_all(stream)
    assert b"do not understand each other" in answer


async def test_the_client_hears_why_it_was_closed(path: Path) -> None:
    def ask() -> None:
        with ControlClient(path) as client:
            client._socket.sendall(b"\xff" * 8)  # pyright: ignore[reportPrivateUsage]
            with pytest.raises(Refused, match="do not understand"):
                client.receive_any([])

    async with serving(path, Agent()):
        await trio.to_thread.run_sync(ask)


async def test_a_client_too_many_is_told_so_and_a_place_is_free_when_one_leaves(
    path: Path,
) -> None:
    async with serving(path, Agent()):
        streams = [await trio.open_unix_socket(str(path)) for _ in range(CONTROL_CLIENTS_MAX)]
        for stream in streams:
            await stream.send_all(encode_frame(GetWallet()))
            await stream.receive_some()
        async with raw(path) as late:
            assert await read_all(late) == encode_frame(
                Failed("too many commands at once: try again in a moment")
            )
        await streams.pop().aclose()
        await trio.testing.wait_all_tasks_blocked(0.01)
        async with raw(path) as late:
            await late.send_all(encode_frame(GetWallet()))
            assert await late.receive_some() == encode_frame(WALLET)
        for stream in streams:
            await stream.aclose()


async def test_work_is_given_up_when_the_client_hangs_up(path: Path) -> None:
    agent = Agent()
    async with serving(path, agent):
        async with raw(path) as stream:
            await stream.send_all(encode_frame(GetPeers()))
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert agent.asked == [GetPeers()]
        await agent.cancelled.wait()


@pytest.mark.parametrize(
    ("begun", "patience_s"),
    [(b"", CONTROL_IDLE_S), (b"\0\0", CONTROL_IDLE_S), (b"\0\0\0\5a", CONTROL_REQUEST_S)],
)
async def test_a_client_that_does_not_go_on_is_dropped(
    begun: bytes, patience_s: float, autojump_clock: MockClock
) -> None:
    near, far = trio.testing.memory_stream_pair()
    await far.send_all(begun)
    began = trio.current_time()
    with pytest.raises(ClientGone):
        await Conversation(near).receive([], begin_s=CONTROL_IDLE_S)
    assert trio.current_time() - began == pytest.approx(patience_s)


async def test_a_client_that_does_not_read_is_dropped(autojump_clock: MockClock) -> None:
    near, _far = trio.testing.lockstep_stream_pair()
    with pytest.raises(ClientGone):
        await Conversation(near).send(Peers(()))


def test_a_client_without_an_agent_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        AgentUnreachable, match=r"run 'fogbank init --state .*', then 'fogbank up --s"
    ):
        ControlClient(tmp_path / "control.sock")
    (tmp_path / "key").write_text("")
    with pytest.raises(AgentUnreachable, match="start it with 'fogbank up --state "):
        ControlClient(tmp_path / "control.sock")


async def test_a_client_whose_agent_stops_is_told_so(path: Path) -> None:
    def ask() -> None:
        with ControlClient(path) as client:
            client.ask(GetPeers(), Peers)

    agent = Agent()
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_control, path, "", Responder(KINDS, agent.respond))
        async with trio.open_nursery() as waiting:

            async def expect() -> None:
                with pytest.raises(AgentUnreachable, match="stopped before it answered"):
                    await trio.to_thread.run_sync(ask)

            waiting.start_soon(expect)
            while not agent.asked:
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True):
                await agent.cancelled.wait()
