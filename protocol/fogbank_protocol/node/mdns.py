"""The one door to zeroconf: announces this agent and hears of others (SPEC.md section 5.1).

zeroconf lives in an asyncio thread and is imported when mDNS is first used: it costs memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from logging import getLogger
from secrets import token_hex
from typing import TYPE_CHECKING, Literal, TypeAlias

import trio

from ..discovery.address import Address, parse_host
from ..discovery.announcement import (
    SERVICE_TYPE,
    Announcement,
    decode_announcement,
    encode_announcement,
)
from ..errors import RemoteProtocolError
from ..limits import (
    ADDRESSES_PER_PEER_MAX,
    ANNOUNCEMENTS_MAX,
    INTERFACES_INTERVAL_S,
    RESOLVE_TIMEOUT_S,
    RESOLVES_MAX,
)
from .asyncio_thread import AsyncioThread, open_asyncio_thread

if TYPE_CHECKING:
    from zeroconf import ServiceStateChange, Zeroconf
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

_logger = getLogger(__name__)

Interfaces: TypeAlias = tuple[str, ...] | Literal["auto"]
"""IP addresses of interfaces; see ``NodeSettings.interfaces``."""

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Heard:
    """Somebody announces itself at ``addresses``."""

    announcement: Announcement
    addresses: Sequence[Address]


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The announcement of ``addresses`` was taken back or has expired."""

    addresses: Sequence[Address]


Hint: TypeAlias = Heard | Withdrawn


@dataclass(frozen=True, slots=True)
class OwnService:
    """What to announce: where channels are accepted, by whom."""

    announcement: Announcement
    port: int
    hosts: Sequence[str]
    """Where it listens; an unspecified address stands for every interface."""


async def run_mdns(
    interfaces: Interfaces, own: OwnService | None, on_hint: Callable[[Hint], None]
) -> None:
    """Announce ``own``, or nothing, and tell ``on_hint`` what others announce, until cancelled.

    Interfaces that are not here, or not yet, are waited for.  Says goodbye when cancelled.
    """
    told = ""
    async with open_asyncio_thread() as thread:
        while True:
            hosts = await _look(interfaces, otherwise=())
            if hosts:
                trouble = await _run_until_changed(thread, interfaces, hosts, own, on_hint)
            else:
                trouble = "no interface to speak it on is here"
            if trouble:
                if trouble != told:
                    _logger.warning("mDNS waits: %s", trouble)
                await trio.sleep(INTERFACES_INTERVAL_S)
            told = trouble


async def _look(interfaces: Interfaces, *, otherwise: Sequence[str]) -> Sequence[str]:
    """Return what ``interfaces`` means now; ``otherwise`` when the system does not tell."""
    try:
        return await trio.to_thread.run_sync(usable_hosts, interfaces)
    except OSError as error:
        _logger.warning("the network interfaces cannot be listed: %s", error)
        return otherwise


def usable_hosts(interfaces: Interfaces) -> Sequence[str]:
    """Return the addresses of this machine that ``interfaces`` means.

    "auto" means the IPv4 addresses but loopback, or loopback when there is no other.

    Raises:
        OSError: the system does not tell which there are.
    """
    present = [ip_address(host) for host in _list_hosts()]
    if interfaces == "auto":
        hosts = {str(host) for host in present if host.version == 4 and not host.is_loopback}
        return sorted(hosts) or [LOOPBACK]
    # All of 127.0.0.0/8 is here though only its first address is listed.
    return [
        host for host in interfaces if ip_address(host) in present or ip_address(host).is_loopback
    ]


def _list_hosts() -> Iterator[str]:
    import ifaddr

    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            yield ip.ip if isinstance(ip.ip, str) else ip.ip[0]


async def _run_until_changed(
    thread: AsyncioThread,
    interfaces: Interfaces,
    hosts: Sequence[str],
    own: OwnService | None,
    on_hint: Callable[[Hint], None],
) -> str:
    """Speak mDNS on ``hosts`` until ``interfaces`` means others; return what is wrong, if it is."""
    responder = _Responder(thread, hosts, own, on_hint)
    try:
        await thread.run(responder.open)
        await _wait_changed(interfaces, hosts)
    except OSError as error:
        return f"it does not work on {', '.join(hosts)}: {error}"
    else:
        return ""
    finally:
        responder.is_deaf = True
        with trio.CancelScope(shield=True):
            await thread.run(responder.close)


async def _wait_changed(interfaces: Interfaces, hosts: Sequence[str]) -> None:
    """Wait until ``interfaces`` means others than ``hosts``; the system does not tell, so look."""
    while True:
        await trio.sleep(INTERFACES_INTERVAL_S)
        if await _look(interfaces, otherwise=hosts) != hosts:
            _logger.info("the network interfaces changed")
            return


class _Responder:
    """One zeroconf on fixed interfaces.  Everything but the constructor runs in asyncio."""

    def __init__(
        self,
        thread: AsyncioThread,
        hosts: Sequence[str],
        own: OwnService | None,
        on_hint: Callable[[Hint], None],
    ) -> None:
        self.is_deaf = False
        """Nobody is to be told anything more; set from the trio side."""
        self._thread = thread
        self._hosts = list(hosts)
        self._own = own
        self._on_hint = on_hint
        self._instance = token_hex(8)
        self._heard: dict[str, Sequence[Address]] = {}
        self._resolving: dict[str, asyncio.Task[None]] = {}
        self._zeroconf: AsyncZeroconf | None = None

    async def open(self) -> None:
        """Join the group, announce, and begin to listen.

        Raises:
            OSError: an interface is gone, or the port of mDNS is taken without sharing.
        """
        from zeroconf import Error
        from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf

        try:
            self._zeroconf = AsyncZeroconf(interfaces=self._hosts)
            await self._zeroconf.zeroconf.async_wait_for_start()
        except (Error, RuntimeError) as error:
            # A RuntimeError is how zeroconf says that an interface has just gone.
            raise OSError(str(error) or "it does not start") from error
        self._browser = AsyncServiceBrowser(
            self._zeroconf.zeroconf, SERVICE_TYPE, handlers=[self._on_change]
        )
        info = self._service_info()
        if info is not None:
            # The name is random, so nobody needs to be asked whether it is free.
            await self._zeroconf.async_register_service(info, cooperating_responders=True)

    async def close(self) -> None:
        """Say goodbye and leave the group."""
        for task in self._resolving.values():
            task.cancel()
        if self._zeroconf is not None:
            await self._zeroconf.async_close()

    def _service_info(self) -> AsyncServiceInfo | None:
        from zeroconf.asyncio import AsyncServiceInfo

        if self._own is None:
            return None
        hosts = _announced_hosts(self._own.hosts, self._hosts)
        if not hosts:
            return None
        return AsyncServiceInfo(
            SERVICE_TYPE,
            f"{self._instance}.{SERVICE_TYPE}",
            port=self._own.port,
            properties=dict(encode_announcement(self._own.announcement)),
            server=f"fogbank-{self._instance}.local.",
            parsed_addresses=list(hosts),
        )

    def _on_change(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        from zeroconf import ServiceStateChange

        del service_type
        if name.startswith(self._instance):
            return
        if state_change is ServiceStateChange.Removed:
            self._withdraw(name)
        elif name not in self._resolving and len(self._resolving) < RESOLVES_MAX:
            self._resolving[name] = asyncio.create_task(self._resolve(zeroconf, name))

    async def _resolve(self, zeroconf: Zeroconf, name: str) -> None:
        from zeroconf import Error
        from zeroconf.asyncio import AsyncServiceInfo

        try:
            info = AsyncServiceInfo(SERVICE_TYPE, name)
            if await info.async_request(zeroconf, RESOLVE_TIMEOUT_S * 1000):
                self._hear(name, info)
        except Error as error:
            _logger.debug("an announcement under a malformed name: %s", error)
        finally:
            del self._resolving[name]

    def _hear(self, name: str, info: AsyncServiceInfo) -> None:
        try:
            announcement = decode_announcement(info.properties)
        except RemoteProtocolError as error:
            _logger.debug("an announcement is ignored: %s", error)
            return
        hosts = [parse_host(host) for host in info.parsed_scoped_addresses()]
        addresses = [Address(host, info.port) for host in hosts if host is not None and info.port]
        if name not in self._heard and len(self._heard) >= ANNOUNCEMENTS_MAX:
            # The oldest is forgotten, so that a flood of inventions keeps nobody out.
            del self._heard[next(iter(self._heard))]
        self._withdraw_all_but(name, addresses)
        self._heard[name] = addresses[:ADDRESSES_PER_PEER_MAX]
        self._tell(Heard(announcement, self._heard[name]))

    def _withdraw(self, name: str) -> None:
        self._withdraw_all_but(name, [])
        self._heard.pop(name, None)

    def _withdraw_all_but(self, name: str, kept: Sequence[Address]) -> None:
        gone = [address for address in self._heard.get(name, []) if address not in kept]
        if gone:
            self._tell(Withdrawn(gone))

    def _tell(self, hint: Hint) -> None:
        def tell() -> None:
            if not self.is_deaf:
                self._on_hint(hint)

        self._thread.call_trio_soon(tell)


def _announced_hosts(listening: Sequence[str], spoken: Sequence[str]) -> Sequence[str]:
    """Return at which of the interfaces ``spoken`` on a channel would be accepted."""
    listens_everywhere = {
        ip_address(host).version for host in listening if ip_address(host).is_unspecified
    }
    return [
        host
        for host in spoken
        if host in listening or ip_address(host).version in listens_everywhere
    ]
