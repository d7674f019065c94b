"""Opens and accepts channels, and keeps one to each peer (SPEC.md sections 3.2, 5.3 and 5.4).

Three machines decide: ``Channels`` which channel is used, ``Dialling`` whom to dial, ``Liveness``
who is gone.  This shell tells them what happens and does as they say.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count
from logging import getLogger
from secrets import randbelow, token_bytes

import trio

from ..channel.channel import HandshakeDone, SecureChannel
from ..channel.noise import Role
from ..discovery.address import Address, parse_host
from ..discovery.candidates import Source
from ..discovery.channels import (
    ChannelClosed,
    ChannelOpened,
    Channels,
    ChannelsCommand,
    ChannelsEvent,
    RefuseChannel,
    ReportGone,
    RetireChannel,
    UseChannel,
)
from ..discovery.dialling import (
    AddressLearnt,
    Dial,
    DialFailed,
    Dialling,
    DiallingEvent,
    DialReached,
    PeerMisbehaved,
    PeerOpened,
)
from ..discovery.dialling import PeerClosed as PeerClosedToDialling
from ..discovery.liveness import (
    Liveness,
    LivenessCommand,
    LivenessEvent,
    PeerClosed,
    PeerHeard,
    ReportLost,
    SendPing,
)
from ..errors import RemoteProtocolError
from ..identity import Identity, NetworkId, NodeId, short_form
from ..limits import (
    CHANNELS_MAX,
    CHANNELS_PER_PEER_MAX,
    HANDSHAKE_TIMEOUT_S,
    RETIRED_S_MAX,
    RETIRED_S_MIN,
)
from ..rpc.events import ErrorCode
from .driver import Driver
from .handlers import Services
from .handshake import NotNeeded, shake_hands
from .open_channels import OpenChannel, OpenChannels
from .peer_watch import PeerWatches
from .peers import PeerInfo
from .reservations import Reservations
from .session import Session
from .tcp import HalfOpen, connect, far_host, leads_home, open_listeners, port_of

_logger = getLogger(__name__)

_BROKEN = (RemoteProtocolError, trio.BrokenResourceError, trio.ClosedResourceError, OSError)
"""How a stranger's stream may end; nobody is told, for anyone can cause it at no cost."""


class Connections:
    """The channels of one node."""

    def __init__(
        self,
        identity: Identity,
        network: NetworkId,
        services: Services,
        *,
        on_reached: Callable[[NodeId, Address], None],
        kept_peers: Iterable[NodeId] = (),
        channels_max: int = CHANNELS_MAX,
    ) -> None:
        """Open channels as ``identity`` in ``network`` and answer with ``services``.

        Places are kept for ``kept_peers``, however many strangers come.
        ``on_reached`` hears of every address to which a channel was opened from here.
        """
        self._channels_max = channels_max
        self.port = 0
        self.watches = PeerWatches()
        self._identity = identity
        self._network = network
        self._services = services
        self._on_reached = on_reached
        self._static_key_seed = token_bytes(32)
        self._half_open = HalfOpen()
        self._numbers = count()
        self._nonces = _random_nonces()
        self._open = OpenChannels()
        self._reservations = Reservations(kept_peers)
        self._nursery: trio.Nursery | None = None
        self._dialling_machine = Dialling(identity.node_id, _random_fractions())
        self._channels: Driver[ChannelsEvent, ChannelsCommand] = Driver(
            Channels(identity.node_id), self._obey_channels
        )
        self._dialling: Driver[DiallingEvent, Dial] = Driver(
            self._dialling_machine, self._obey_dialling
        )
        self._liveness: Driver[LivenessEvent, LivenessCommand] = Driver(
            Liveness(self._nonces), self._obey_liveness
        )

    async def listen(self, hosts: Sequence[str], port: int) -> Sequence[trio.SocketListener]:
        """Take ``port`` of ``hosts``, for ``run`` to accept channels there.

        Raises:
            PortInUse, CannotListen: see ``open_listeners``.
        """
        listeners = await open_listeners(hosts, port)
        self.port = port_of(listeners[0]) if listeners else 0
        return listeners

    async def run(
        self,
        listeners: Sequence[trio.SocketListener],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Accept channels from ``listeners`` and dial whom it may concern, until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._dialling.run)
            nursery.start_soon(self._liveness.run)
            if listeners:
                nursery.start_soon(self._accept_from, listeners, nursery)
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                # While the last goodbyes are said, nothing new begins.
                self._nursery = None

    async def _accept_from(
        self, listeners: Sequence[trio.SocketListener], nursery: trio.Nursery
    ) -> None:
        await trio.serve_listeners(self._accept, list(listeners), handler_nursery=nursery)

    def learn(self, event: DiallingEvent) -> None:
        """Take a hint of where somebody may be; only while running."""
        if isinstance(event, AddressLearnt):
            self._reservations.learn(event)
        self._dialling.tell(event)

    def infos(self) -> Sequence[PeerInfo]:
        """Return what is known of the peers in use, in the order in which they came."""
        return self._open.infos()

    def session(self, peer: NodeId) -> Session | None:
        """Return the session over which ``peer`` is called."""
        return self._open.session(peer)

    def cut_off(self, peer: NodeId, message: str) -> None:
        """See ``Node.cut_off``."""
        self._dialling.tell(PeerMisbehaved(peer))
        for session in self._open.sessions(peer):
            session.close(ErrorCode.PROTOCOL_ERROR, message)

    async def _accept(self, stream: trio.SocketStream) -> None:
        """Serve one accepted stream; whatever a stranger sends ends here."""
        async with stream:
            if len(self._open) >= self._channels_max:
                # Each costs a file, and files are needed for more than channels.
                _logger.debug("a stranger found every channel taken")
                return
            channel = self._new_channel(Role.RESPONDER)
            try:
                host = far_host(stream)
                with self._half_open.admitted(host) as scope:
                    done = await shake_hands(stream, channel, is_wanted=self._is_accepted)
            except (*_BROKEN, NotNeeded) as error:
                _logger.debug("a stranger came to nothing: %s", error)
                return
            if not scope.cancelled_caught:
                await self._serve(stream, channel, done, host=host, dialled=None)

    async def _dial(self, address: Address) -> None:
        try:
            stream = await connect(address)
        except (OSError, trio.TooSlowError) as error:
            _logger.debug("nobody at %s: %s", address, error)
            self._dialling.tell(DialFailed(address))
            return
        async with stream:
            await self._introduce(stream, address)

    async def _introduce(self, stream: trio.SocketStream, address: Address) -> None:
        channel = self._new_channel(Role.INITIATOR)
        try:
            if leads_home(stream, self.port):
                raise NotNeeded(self._identity.node_id)
            with trio.fail_after(HANDSHAKE_TIMEOUT_S):
                done = await shake_hands(stream, channel, is_wanted=self._is_missing)
        except NotNeeded as reason:
            self._dialling.tell(DialReached(address, reason.peer))
        except (*_BROKEN, trio.TooSlowError) as error:
            # A broken rule at an address that a person may have written down is worth a line.
            _logger.info("no channel to %s: %s", address, error)
            self._dialling.tell(DialFailed(address))
        else:
            self._on_reached(done.peer, address)
            self._dialling.tell(DialReached(address, done.peer))
            await self._serve(stream, channel, done, host=address.host, dialled=address)

    def _new_channel(self, role: Role) -> SecureChannel:
        return SecureChannel(
            role,
            self._identity,
            self._network,
            static_key_seed=self._static_key_seed,
            ephemeral_seed=token_bytes(32),
            port=self.port,
        )

    def _is_accepted(self, peer: NodeId) -> bool:
        # A peer that opens ever new channels would else have any number of duplicates retiring.
        open_already = sum(1 for _ in self._open.sessions(peer))
        return open_already < CHANNELS_PER_PEER_MAX and not self._dialling_machine.is_cut_off(
            peer, trio.current_time()
        )

    def _is_missing(self, peer: NodeId) -> bool:
        return self._open.session(peer) is None and self._is_accepted(peer)

    async def _serve(
        self,
        stream: trio.SocketStream,
        channel: SecureChannel,
        done: HandshakeDone,
        *,
        host: str,
        dialled: Address | None,
    ) -> None:
        """Carry a channel from its handshake to its end."""
        peer = done.peer
        number = next(self._numbers)
        session = Session(
            stream, channel, peer, self._services, on_heard=partial(self._hear, number)
        )
        opened_here = dialled is not None
        info = PeerInfo(peer, host, done.port, opened_here, trio.current_time(), None)
        is_kept = self._reservations.is_kept(peer, dialled)
        self._open.add(number, OpenChannel(session, info))
        try:
            self._channels.tell(ChannelOpened(peer, number, opened_here, is_kept))
            self._learn_from(info)
            await session.run()
        finally:
            self._channels.tell(ChannelClosed(number))
            self._open.remove(number)

    def _learn_from(self, info: PeerInfo) -> None:
        """Keep in mind where a peer that came by itself can be dialled."""
        host = parse_host(info.host)
        if info.port and not info.opened_here and host is not None:
            address = Address(host, info.port)
            self._dialling.tell(AddressLearnt(address, info.node_id, Source.TOLD))

    def _hear(self, number: int) -> None:
        if self._open.is_used(number):
            self._liveness.tell(PeerHeard(self._open[number].info.node_id))

    def _obey_channels(self, command: ChannelsCommand) -> None:
        match command:
            case UseChannel(peer, number):
                self._use(peer, number)
            case RetireChannel(number):
                if self._nursery is not None:
                    self._nursery.start_soon(self._retire, self._open[number].session)
            case RefuseChannel(number):
                self._open[number].session.close(ErrorCode.BUSY, "this agent has enough channels")
            case ReportGone(peer):
                self._lose(peer)

    def _use(self, peer: NodeId, number: int) -> None:
        is_new = self._open.use(peer, number)
        self._liveness.tell(PeerHeard(peer))
        self._open[number].session.ping(next(self._nonces))
        if is_new:
            _logger.info("%s is here", short_form(peer))
            self._dialling.tell(PeerOpened(peer))
            self.watches.connected(peer)

    def _lose(self, peer: NodeId) -> None:
        _logger.info("%s is gone", short_form(peer))
        self._open.lose(peer)
        self._liveness.tell(PeerClosed(peer))
        self._dialling.tell(PeerClosedToDialling(peer))
        self.watches.lost(peer)

    async def _retire(self, session: Session) -> None:
        """Close a duplicate once nobody uses it (section 5.3)."""
        await trio.sleep(RETIRED_S_MIN)
        with trio.move_on_after(RETIRED_S_MAX - RETIRED_S_MIN):
            await session.wait_quiet()
        session.close(ErrorCode.DUPLICATE_CHANNEL, "another channel is used")

    def _obey_dialling(self, command: Dial) -> None:
        if self._nursery is not None:
            self._nursery.start_soon(self._dial, command.address)

    def _obey_liveness(self, command: LivenessCommand) -> None:
        session = self.session(command.peer)
        assert session is not None, "liveness knows the peers in use only"
        match command:
            case SendPing(nonce=nonce):
                session.ping(nonce)
            case ReportLost(peer):
                _logger.info("%s does not answer any more", short_form(peer))
                session.close(ErrorCode.SILENT, "three pings without an answer")


def _random_fractions() -> Iterator[float]:
    while True:
        yield randbelow(1 << 32) / (1 << 32)


def _random_nonces() -> Iterator[int]:
    while True:
        yield randbelow(1 << 64)
