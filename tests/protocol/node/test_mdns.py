"""mDNS for real: between processes on loopback, and with Avahi in a network of its own (5.1)."""

import errno
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory

import ifaddr
import pytest
import trio

from fogbank_protocol.discovery.address import Address
from fogbank_protocol.discovery.announcement import Announcement, encode_announcement
from fogbank_protocol.identity import NetworkId, NodeId
from fogbank_protocol.node.joining import find_networks
from fogbank_protocol.node.mdns import (
    Heard,
    Hint,
    OwnService,
    Withdrawn,
    run_mdns,
    usable_hosts,
)

from .network import LOOPBACK

pytestmark = pytest.mark.slow

TIMEOUT_S = 20
SCRIPT = Path(__file__).with_name("announce.py")


def own_service(port: int = 4747) -> OwnService:
    """Announce a network that no other test and nobody else announces."""
    network = NetworkId(bytes.fromhex(token_hex(8)))
    node_id = NodeId(bytes.fromhex(token_hex(32)))
    return OwnService(Announcement(1, network, node_id, "Käfer's shed"), port, LOOPBACK)


def ignore(hint: Hint) -> None:
    """Take a hint that the test does not look at."""


class Listener:
    """Collects hints until what is waited for has come."""

    def __init__(self) -> None:
        self.hints: list[Hint] = []
        self._came = trio.Event()

    def take(self, hint: Hint) -> None:
        self.hints.append(hint)
        self._came.set()
        self._came = trio.Event()

    async def wait(self, is_wanted: Callable[[Hint], bool]) -> Hint:
        with trio.fail_after(TIMEOUT_S):
            while True:
                for hint in self.hints:
                    if is_wanted(hint):
                        return hint
                await self._came.wait()


async def test_an_announcement_is_heard_and_a_goodbye_too() -> None:
    own, listener = own_service(), Listener()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_mdns, LOOPBACK, None, listener.take)
        async with trio.open_nursery() as announcing:
            announcing.start_soon(run_mdns, LOOPBACK, own, ignore)
            hint = await listener.wait(
                lambda hint: isinstance(hint, Heard) and hint.announcement == own.announcement
            )
            announcing.cancel_scope.cancel()
        assert isinstance(hint, Heard)
        assert hint.addresses == [Address("127.0.0.1", 4747)]
        await listener.wait(lambda hint: hint == Withdrawn([Address("127.0.0.1", 4747)]))
        nursery.cancel_scope.cancel()


async def test_another_process_is_heard_and_found_as_a_network() -> None:
    own = own_service()
    command = [sys.executable, SCRIPT, own.announcement.network.hex(), "4748", "127.0.0.1"]
    async with trio.open_nursery() as nursery:
        process = await nursery.start(trio.run_process, command)
        with trio.fail_after(TIMEOUT_S):
            while True:
                networks = await find_networks(LOOPBACK, 1.0)
                found = [n for n in networks if n.network == own.announcement.network]
                if found:
                    break
        assert found[0].name == "the other process"
        assert found[0].members == ((NodeId(b"o" * 32), Address("127.0.0.1", 4748)),)
        process.terminate()
        nursery.cancel_scope.cancel()


async def test_a_network_found_has_a_name_that_can_be_shown() -> None:
    own = own_service()
    own = replace(own, announcement=replace(own.announcement, name="shed\x1b[2J\nroot#"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_mdns, LOOPBACK, own, ignore)
        with trio.fail_after(TIMEOUT_S):
            names: list[str] = []
            while not names:
                found = await find_networks(LOOPBACK, 0.5)
                names = [one.name for one in found if one.network == own.announcement.network]
        assert names == ["shed?[2J?root#"]
        nursery.cancel_scope.cancel()


async def test_nothing_is_announced_by_who_only_listens_or_listens_elsewhere() -> None:
    own, listener = own_service(), Listener()
    elsewhere = OwnService(own.announcement, own.port, ("192.0.2.1",))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_mdns, LOOPBACK, None, listener.take)
        nursery.start_soon(run_mdns, LOOPBACK, None, ignore)
        nursery.start_soon(run_mdns, LOOPBACK, elsewhere, ignore)
        other = own_service()
        nursery.start_soon(run_mdns, LOOPBACK, other, ignore)
        await listener.wait(
            lambda hint: isinstance(hint, Heard) and hint.announcement == other.announcement
        )
        heard = [hint.announcement for hint in listener.hints if isinstance(hint, Heard)]
        assert own.announcement not in heard
        nursery.cancel_scope.cancel()


def test_a_machine_has_interfaces_or_loopback() -> None:
    hosts = usable_hosts("auto")
    assert hosts == ["127.0.0.1"] or "127.0.0.1" not in hosts


def test_of_the_interfaces_that_are_named_those_that_are_here_are_used() -> None:
    assert usable_hosts(("192.0.2.1", "127.0.0.1", "127.0.0.7")) == ["127.0.0.1", "127.0.0.7"]
    assert usable_hosts(("192.0.2.1", "2001:db8::1")) == []


async def test_an_interface_that_is_not_here_does_not_keep_the_others_silent() -> None:
    own, listener = own_service(), Listener()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_mdns, ("192.0.2.1", *LOOPBACK), own, ignore)
        nursery.start_soon(run_mdns, LOOPBACK, None, listener.take)
        await listener.wait(
            lambda hint: isinstance(hint, Heard) and hint.announcement == own.announcement
        )
        nursery.cancel_scope.cancel()


async def test_a_system_that_does_not_list_its_interfaces_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Iterable[ifaddr.Adapter]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(ifaddr, "get_adapters", fail)
    with trio.move_on_after(0.2):
        await run_mdns("auto", None, ignore)
    assert "the network interfaces cannot be listed" in caplog.text


AVAHI = ("avahi-daemon", "avahi-browse", "avahi-publish", "dbus-daemon", "ip")
needs_avahi = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, AVAHI)), reason="needs Avahi, D-Bus and root"
)

BUS = """<busconfig><type>system</type><listen>unix:path={folder}/bus</listen>
<auth>EXTERNAL</auth><policy context="default"><allow user="*"/><allow own="*"/>
<allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>"""
AVAHI_SETTINGS = """[server]
host-name=far
use-ipv6=no
allow-interfaces=cable
[publish]
publish-hinfo=no
"""
START_AVAHI = (
    "mount -t tmpfs tmpfs /run && mkdir /run/avahi-daemon && "
    "exec avahi-daemon --no-drop-root --no-chroot --no-rlimits -f $0"
)


@asynccontextmanager
async def avahi_network() -> AsyncGenerator[tuple[list[str], list[str]]]:
    """Join two networks with a cable made for the test, and run an Avahi daemon at its far end.

    Yield how to begin a command at the near end, 10.213.77.1, and at the far one, 10.213.77.2.
    """
    names = near, far = f"fog-near-{os.getpid()}", f"fog-far-{os.getpid()}"
    at_near, at_far = (["ip", "netns", "exec", name] for name in names)
    lines = [f"ip netns add {near}", f"ip netns add {far}"]
    lines += [f"ip -n {near} link add cable type veth peer name cable netns {far}"]
    for number, name in enumerate(names, 1):
        lines += [f"ip -n {name} addr add 10.213.77.{number}/24 dev cable"]
        lines += [f"ip -n {name} link set {device} up" for device in ("lo", "cable")]
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "bus.conf").write_text(BUS.format(folder=folder))
        (folder / "avahi.conf").write_text(AVAHI_SETTINGS)
        try:
            for line in lines:
                made = await trio.run_process(line.split(), check=False, capture_stderr=True)
                if made.returncode != 0:
                    pytest.skip(f"this machine does not let tests make networks: {made.stderr!r}")
            at_far += ["env", f"DBUS_SYSTEM_BUS_ADDRESS=unix:path={folder}/bus"]
            async with trio.open_nursery() as daemons:
                bus = ["dbus-daemon", "--nofork", "--nopidfile", f"--config-file={folder}/bus.conf"]
                avahi = ["sh", "-c", START_AVAHI, f"{folder}/avahi.conf"]
                await daemons.start(run_quietly, [*at_far, *bus])
                await trio.to_thread.run_sync(wait_for_file, folder / "bus")
                await daemons.start(run_quietly, [*at_far, *avahi])
                yield at_near, at_far
                daemons.cancel_scope.cancel()
        finally:
            for name in names:
                await trio.to_thread.run_sync(remove_network, name)


async def run_quietly(command: list[str], *, task_status: trio.TaskStatus[object]) -> None:
    await trio.run_process(
        command, check=False, capture_stdout=True, capture_stderr=True, task_status=task_status
    )


def wait_for_file(path: Path) -> None:
    subprocess.run(["sh", "-c", f"until [ -e {path} ]; do sleep 0.01; done"], check=True)


def remove_network(name: str) -> None:
    subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


@needs_avahi
async def test_avahi_finds_and_resolves_what_is_announced() -> None:
    own = own_service()
    async with avahi_network() as (at_near, at_far), trio.open_nursery() as nursery:
        command = [sys.executable, SCRIPT, own.announcement.network.hex(), "4749", "10.213.77.1"]
        await nursery.start(run_quietly, [*at_near, *command])
        browse = [
            *at_far,
            "avahi-browse",
            "--resolve",
            "--parsable",
            "--terminate",
            "_fogbank._tcp",
        ]
        with trio.fail_after(TIMEOUT_S):
            while True:
                seen = await trio.run_process(
                    browse, check=False, capture_stdout=True, capture_stderr=True
                )
                lines = [line.split(";") for line in seen.stdout.decode().splitlines()]
                resolved = [fields for fields in lines if fields[0] == "="]
                if resolved:
                    break
        nursery.cancel_scope.cancel()
    assert len(resolved) == 1
    _, interface, protocol, instance, service, domain, _, address, port, *txt = resolved[0]
    assert (interface, protocol, service, domain) == ("cable", "IPv4", "_fogbank._tcp", "local")
    assert re.fullmatch("[0-9a-f]{16}", instance)
    assert (address, port) == ("10.213.77.1", "4749")
    assert set(re.findall(r'"([^"]*)"', ";".join(txt))) == {
        "v=1",
        f"net={own.announcement.network.hex()}",
        f"id={(b'o' * 32).hex()}",
        "name=the other process",
    }


@needs_avahi
async def test_what_avahi_publishes_is_heard() -> None:
    own = own_service()
    async with avahi_network() as (at_near, at_far), trio.open_nursery() as nursery:
        published = {
            key.decode(): value.decode()
            for key, value in encode_announcement(own.announcement).items()
        }
        publish = ["avahi-publish", "-s", "0123456789abcdef", "_fogbank._tcp", "4750"]
        publish += [f"{key}={value}" for key, value in published.items()]

        async def publish_when_there_is_a_daemon() -> None:
            # It ends at once while the daemon is still starting.
            while True:
                await trio.run_process(
                    [*at_far, *publish], check=False, capture_stdout=True, capture_stderr=True
                )

        nursery.start_soon(publish_when_there_is_a_daemon)
        command = [*at_near, sys.executable, str(SCRIPT), "00" * 8, "4749", "10.213.77.1"]
        process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        expected = f"heard {own.announcement.node_id.hex()} 10.213.77.2:4750"
        output = b""
        with trio.fail_after(TIMEOUT_S):
            while expected.encode() not in output:
                output += await process.stdout.receive_some()
        process.terminate()
        await process.wait()
        nursery.cancel_scope.cancel()
