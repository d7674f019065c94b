"""One service on the selling side: an instance, its calls and its charges (SPEC.md section 9.8)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import trio

from fogbank_protocol.blobs.naming import BlobId, blob_id
from fogbank_protocol.identity import Identity, NetworkId
from fogbank_wasm_tasks.outcome import HostFault, HostFaultKind, Ok, Outcome
from fogbank_wasm_tasks.package import Manifest
from fogbank_wasm_tasks.run import RunRequest
from fogbank_wasm_tasks.sandbox.session import Session, SessionOver

from ..limits import SERVICE_BEAT_S, SERVICE_ITEMS_WAITING_MAX, SERVICE_READ_S_MAX
from ..market.charges import Charge, charge_bill, charge_id, sign_charge
from ..market.reasons import Reason
from ..market.service_messages import ChargeMade, ServiceEnded, ServiceItem
from ..market.tally import Bill, royalty_for
from .service_admission import AgreedService


@dataclass(frozen=True, slots=True)
class Stop:
    """What a requestor says in the place of a call to end the service."""


class _Ended(Exception):
    """The service is over, for a reason that its requestor is told."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class KeptService:
    """A service from its agreement on; ``items`` is what its stream says."""

    agreed: AgreedService
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    is_calling: bool = False
    """A call was taken and its charge has not left."""

    is_ready: bool = False
    is_stopping: bool = False
    sequence: int = 0
    warm_ms: int = 0
    ready_at: float = 0.0
    fuel: int = 0
    calls_made: int = 0
    post: trio.MemorySendChannel[ServiceItem] = field(init=False)
    items: trio.MemoryReceiveChannel[ServiceItem] = field(init=False)
    hand: trio.MemorySendChannel[bytes | Stop] = field(init=False)
    calls: trio.MemoryReceiveChannel[bytes | Stop] = field(init=False)

    def __post_init__(self) -> None:
        self.post, self.items = trio.open_memory_channel[ServiceItem](SERVICE_ITEMS_WAITING_MAX)
        # One call and one wish to stop.
        self.hand, self.calls = trio.open_memory_channel[bytes | Stop](2)


class Keeper:
    """Keeps one service until it ends, and charges for it."""

    def __init__(
        self,
        kept: KeptService,
        manifest: Manifest,
        network: NetworkId,
        identity: Identity,
        *,
        earn: Callable[[int, Bill], Awaitable[None]],
        worries: Callable[[], Reason | None],
    ) -> None:
        """Charge through ``earn`` (fuel and bill), which returns when that is on disk.

        ``worries`` says why not to go on unpaid.
        """
        self._kept = kept
        self._manifest = manifest
        self._network = network
        self._identity = identity
        self._earn = earn
        self._worries = worries
        self._called_at = 0.0

    @property
    def request(self) -> RunRequest:
        """What the session is opened with."""
        order = self._kept.agreed.order
        return RunRequest(
            input=b"",
            fuel_max=order.fuel_max,
            arguments=order.arguments,
            environment=order.environment,
            seed=order.seed,
            memory_bytes_max=order.memory_bytes_max,
            output_bytes_max=order.output_bytes_max,
        )

    async def keep(self, session: Session) -> Reason:
        """Begin, answer calls, and return why the service ended."""
        try:
            await self._begin(session)
            while True:
                await self._next(session)
        except _Ended as ended:
            return ended.reason
        except trio.TooSlowError:
            return Reason.NO_ANSWER

    async def _begin(self, session: Session) -> None:
        kept = self._kept
        try:
            report = await session.begin(self._call_s)
        except SessionOver as over:
            await self._fail(over, None)
            return
        kept.ready_at = self._called_at = trio.current_time()
        kept.is_ready = True
        await self._charge(report.fuel, None, report.outcome, None)

    async def _next(self, session: Session) -> None:
        """Wait for a call or the next beat, whichever comes first."""
        now, order = trio.current_time(), self._kept.agreed.order
        idle_at = self._called_at + order.idle_s_max
        over_at = self._kept.ready_at + order.duration_s_max
        said: bytes | Stop | None = None
        with trio.move_on_at(min(now + SERVICE_BEAT_S, idle_at, over_at)):
            said = await self._kept.calls.receive()
        now = trio.current_time()
        reason = self._worries()
        if not session.is_alive:
            raise _Ended(Reason.HOST_FAULT)
        if isinstance(said, Stop):
            reason = Reason.SERVICE_STOPPED
        elif reason is None and now >= over_at:
            reason = Reason.SERVICE_ENDED
        elif reason is None and said is None and now >= idle_at:
            reason = Reason.SERVICE_IDLE
        if reason is None and isinstance(said, bytes):
            await self._call(session, said)
            return
        await self._charge(0, None, None, None)
        if reason is not None:
            raise _Ended(reason)

    async def _call(self, session: Session, data: bytes) -> None:
        input_id = blob_id(data)
        try:
            report = await session.call(data, self._call_s)
        except SessionOver as over:
            await self._fail(over, input_id)
            return
        self._kept.is_calling = False
        self._kept.calls_made += 1
        self._called_at = trio.current_time()
        await self._charge(report.fuel, input_id, report.outcome, report.output)

    async def _fail(self, over: SessionOver, input_id: BlobId | None) -> None:
        """End the service, charging for what the task itself did."""
        match over.outcome:
            case HostFault(HostFaultKind.TIME_LIMIT):
                raise _Ended(Reason.DEADLINE_PASSED)
            case HostFault():
                raise _Ended(Reason.HOST_FAULT)
            case outcome:
                if not self._kept.is_ready:
                    self._kept.ready_at = trio.current_time()
                await self._charge(over.fuel, input_id, outcome, None)
                raise _Ended(Reason.SERVICE_FAILED)

    async def _charge(
        self, fuel: int, input_id: BlobId | None, outcome: Outcome | None, output: bytes | None
    ) -> None:
        """Sign the next charge, record what it earns, and hand it to the stream."""
        kept = self._kept
        before = kept.warm_ms
        if kept.sequence:
            since_ms = int((trio.current_time() - kept.ready_at) * 1_000)
            kept.warm_ms = max(before, min(since_ms, kept.agreed.order.duration_s_max * 1_000))
        charge = Charge(
            service=kept.agreed.service,
            provider=self._identity.node_id,
            sequence=kept.sequence,
            warm_ms=kept.warm_ms,
            fuel=fuel,
            input_id=input_id,
            outcome=outcome,
        )
        kept.sequence += 1
        kept.fuel += fuel
        signed = sign_charge(charge, self._network, self._identity)
        agreement = kept.agreed.agreement
        drops = charge_bill(charge, before, agreement)
        author, royalty = royalty_for(
            self._manifest, drops, agreement.requestor, self._identity.node_id
        )
        await self._earn(fuel, Bill(charge_id(signed, self._network), drops, author, royalty))
        with trio.fail_after(SERVICE_READ_S_MAX):
            is_ok = isinstance(outcome, Ok) and input_id is not None
            await kept.post.send(ChargeMade(signed, output if is_ok else None))

    @property
    def _call_s(self) -> float:
        return self._kept.agreed.order.call_ms_max / 1_000


async def end(kept: KeptService, reason: Reason) -> None:
    """Tell the requestor why the service is over; it may be gone."""
    with trio.move_on_after(SERVICE_READ_S_MAX):
        await kept.post.send(ServiceEnded(reason))
