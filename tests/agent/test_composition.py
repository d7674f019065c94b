"""A whole agent made of its real parts, in this process and on loopback."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest
import trio

from fogbank_agent.composition import Foundation, run_agent
from fogbank_agent.config import Config, FaultConfig, NetworkConfig, ProviderConfig
from fogbank_agent.control.client import ControlClient
from fogbank_agent.control.requests.blobs import BlobKept, Chunk, PutBlob
from fogbank_agent.control.requests.history import GetRuns, Runs
from fogbank_agent.control.requests.jobs import RunsEnded, StartJob
from fogbank_agent.control.requests.money import GetWallet, Paid, Pay, Wallet
from fogbank_agent.control.requests.status import GetStatus, Status
from fogbank_agent.errors import ConfigError, Refused
from fogbank_agent.parts import Parts
from fogbank_agent.setting_up import finish, make_key, make_network
from fogbank_agent.state_folder import StateFolder
from fogbank_protocol.limits import BLOB_BYTES_MAX
from fogbank_wasm_tasks.sandbox import availability, pool

pytestmark = pytest.mark.slow

Kind = TypeVar("Kind")
ALONE = NetworkConfig(listen_addresses=("127.0.0.1",), interfaces=("127.0.0.1",), mdns=False)


def foundation(folder: Path, config: Config, name: str = "test") -> Foundation:
    state = StateFolder(folder / "state")
    state.make()
    identity = make_key(state)
    own = identity.node_id
    made = finish(state, make_network(name, [own], {own: 1000}), {})
    return Foundation(state, config, identity, made.genesis)


@asynccontextmanager
async def running(built: Foundation) -> AsyncGenerator[Parts]:
    async with trio.open_nursery() as nursery:
        parts = await nursery.start(run_agent, built)
        assert isinstance(parts, Parts)
        yield parts
        nursery.cancel_scope.cancel()


async def ask(built: Foundation, request: object, kind: type[Kind]) -> Kind:
    def talk() -> Kind:
        with ControlClient(built.state.control_socket) as client:
            return client.ask(request, kind)

    return await trio.to_thread.run_sync(talk)


async def test_an_agent_alone_answers_about_itself(tmp_path: Path) -> None:
    built = foundation(tmp_path, Config(network=ALONE))
    async with running(built) as parts:
        status = await ask(built, GetStatus(), Status)
        assert (status.balance, status.peers, status.port) == (1000, 0, parts.node.port)
        assert status.provider.working
        # It knows its chain at once, and says so in its next turn.
        with trio.fail_after(30):
            while (await ask(built, GetStatus(), Status)).ledger.issuing != "yes":
                continue
        assert (await ask(built, GetWallet(), Wallet)).payments == ()
        assert await ask(built, GetRuns(5), Runs) == Runs(())
        assert parts.state.read_last_port() == parts.node.port
    assert not built.state.control_socket.exists()


async def test_a_payment_to_an_account_that_nobody_has_seen_says_so_once(tmp_path: Path) -> None:
    built = foundation(tmp_path, Config(network=ALONE))
    async with running(built):
        stranger = Pay("5a" * 32, 1, 0)
        assert (await ask(built, stranger, Paid)).to_stranger
        assert not (await ask(built, stranger, Paid)).to_stranger


async def test_a_machine_that_cannot_run_tasks_still_buys_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on_a_machine_of_32_bits() -> None:
        availability.check_available(address_max=(1 << 31) - 1)

    monkeypatch.setattr(pool, "check_available", on_a_machine_of_32_bits)
    built = foundation(tmp_path, Config(network=ALONE))
    async with running(built) as parts:
        status = await ask(built, GetStatus(), Status)
        assert not status.provider.working
        assert "64-bit" in status.provider.why_not
        assert parts.provider is None


async def test_who_sells_nothing_says_so(tmp_path: Path) -> None:
    config = Config(network=ALONE, provider=ProviderConfig(enabled=False))
    built = foundation(tmp_path, config)
    async with running(built):
        status = await ask(built, GetStatus(), Status)
        assert status.provider.why_not == "[provider] enabled is false in config.toml"


async def test_what_is_too_large_or_too_long_is_refused(tmp_path: Path) -> None:
    built = foundation(tmp_path, Config(network=ALONE))
    async with running(built):
        with pytest.raises(Refused, match="too many"):
            await ask(built, PutBlob(BLOB_BYTES_MAX + 1), BlobKept)

        def overrun() -> None:
            with ControlClient(built.state.control_socket) as client:
                client.send(PutBlob(2))
                client.ask(Chunk(b"abc"), BlobKept)

        with pytest.raises(Refused, match="more bytes came than were announced"):
            await trio.to_thread.run_sync(overrun)
    assert list(built.state.uploads.iterdir()) == []


@pytest.mark.parametrize("name", ["home", "a-demo"])
async def test_liars_are_for_demonstrations_only(tmp_path: Path, name: str) -> None:
    config = Config(network=ALONE, fault=FaultConfig(lie_ppm=5))
    built = foundation(tmp_path, config, name)
    with pytest.RaisesGroup(
        pytest.RaisesExc(ConfigError, match="only in networks whose name begins with 'demo'"),
        flatten_subgroups=True,
    ):
        await run_agent(built)


async def test_in_a_demonstration_an_agent_may_be_told_to_lie(tmp_path: Path) -> None:
    config = Config(network=ALONE, fault=FaultConfig(lie_ppm=5))
    built = foundation(tmp_path, config, "demo-1")
    async with running(built) as parts:
        assert parts.provider is not None


async def test_a_damaged_journal_is_set_aside_and_told(tmp_path: Path) -> None:
    built = foundation(tmp_path, Config(network=ALONE))
    built.state.journal.write_bytes(b"no database at all" * 1000)
    async with running(built):
        (notice,) = (await ask(built, GetStatus(), Status)).ledger.notices
        aside = Path(notice.removeprefix("the journal was damaged and is set aside as "))
        assert aside.read_bytes().startswith(b"no database at all")


@pytest.mark.parametrize("data", [b"", b"hello", b"name,value\n"])
async def test_a_task_that_is_no_task_is_refused_in_words_for_people(
    tmp_path: Path, data: bytes
) -> None:
    built = foundation(tmp_path, Config(network=ALONE))
    async with running(built) as parts:
        task_id = await parts.blobs.put(data)
        job = StartJob(task_id, "t", (), (), (), 0, None, None, None, None, None, None)
        with pytest.raises(Refused, match="neither a WebAssembly module nor a package"):
            await ask(built, job, RunsEnded)
