"""What the market's shells need of others, said as narrowly as they need it."""

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import trio

from fogbank_dag_ledger.operations import ObjectId, Voucher
from fogbank_dag_ledger.own_objects import ChannelView
from fogbank_dag_ledger.service.views import LedgerNews, WalletView
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.identity import NodeId
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.run import Pace, RunReport, RunRequest
from fogbank_wasm_tasks.sandbox.session import Session
from fogbank_wasm_tasks.verification.requests import (
    StepReport,
    StepRequest,
    VerifyReport,
    VerifyRequest,
)


class Runner(Protocol):
    """Executes runs: the sandbox, or what the composition root puts around it."""

    async def execute(
        self,
        package: Package | bytes,
        request: RunRequest,
        *,
        pace: Pace | None = None,
    ) -> RunReport:
        """Run ``package`` (or its file) once, at ``pace``; what that raises ends the run.

        Cancelling stops the run.

        Raises:
            RemoteProtocolError: the package breaks a rule (SPEC.md section 7).
            SandboxBusy: too many runs wait already.
            SandboxUnavailable: this machine cannot run tasks at all.
        """
        ...


class LotRunner(Runner, Protocol):
    """Executes many runs together, and step tasks by their steps."""

    def execute_many(
        self, package: Package, requests: AsyncIterable[RunRequest]
    ) -> AbstractAsyncContextManager[AsyncIterator[tuple[int, RunReport]]]:
        """Run ``package`` once for each of ``requests``; reports come as runs end, in any order.

        Each is given with the place of its request.  Leaving the context stops the rest; raises
        like ``execute``, from the iterator.
        """
        ...

    async def execute_steps(
        self,
        package: Package,
        request: StepRequest,
        *,
        pace: Pace | None = None,
    ) -> StepReport:
        """Run a step task by its steps; waits, is cancelled and raises like ``execute``."""
        ...


class LotPace(Protocol):
    """Holds a lot to what is paid."""

    @property
    def slice_fuel(self) -> int:
        """After how much fuel it asks."""
        ...

    async def reach(self, fuel: int, snapshot: bytes) -> bool:
        """Return when the lot, at ``fuel``, may go on, and whether a state of the run is wanted.

        ``snapshot`` is the one that was wanted, or empty.
        """
        ...

    def room(self, fuel: int) -> int:
        """Return how much more a lot at ``fuel`` may do before it asks."""
        ...


class CheckingRunner(LotRunner, Protocol):
    """Asks the verifiers of packages as well."""

    async def verify(self, package: Package, request: VerifyRequest) -> VerifyReport:
        """Ask the package's own verifier about an output; waits and raises like ``execute``."""
        ...


class SessionKeeper(Protocol):
    """Keeps instances warm."""

    def open_session(
        self, package: Package, request: RunRequest
    ) -> AbstractAsyncContextManager[Session]:
        """Keep an instance of ``package`` while the context lasts; raises as ``Sandbox``'s."""
        ...


class ChannelLedger(Protocol):
    """The channels of the own account on the ledger (SPEC.md section 8.13)."""

    def all(self) -> Sequence[ChannelView]:
        """Return the channels from and to the own account."""
        ...

    def get(self, channel: ObjectId) -> ChannelView | None:
        """Return one of them."""
        ...

    async def open_channel(
        self, provider: NodeId, deposit: int, *, beats: int, lanes: int = 1
    ) -> tuple[ObjectId, VertexId]:
        """Open a channel to ``provider``; return when the vertex is on disk.

        Raises:
            PaymentRefused, NotIssuing, StorageFailure: as ``LedgerService.pay``.
        """
        ...

    async def top_up(self, channel: ObjectId, drops: int) -> VertexId:
        """Put ``drops`` more into a channel; raises as ``open_channel``."""
        ...

    async def remember_voucher(self, channel: ObjectId, voucher: Voucher) -> None:
        """Keep a voucher for the own account; return when it is on disk."""
        ...

    async def remember_vouchers(self, vouchers: Sequence[tuple[ObjectId, Voucher]]) -> None:
        """Keep several at once."""
        ...

    async def post_vouchers(self, channel: ObjectId, vouchers: Sequence[Voucher]) -> VertexId:
        """Show vouchers on the ledger; raises as ``open_channel``."""
        ...

    async def close(self, channel: ObjectId, vouchers: Sequence[Voucher] | None = None) -> VertexId:
        """Settle a channel to the own account by what was remembered; as ``open_channel``."""
        ...

    async def reclaim(self, channel: ObjectId) -> VertexId:
        """Ask for the rest of an own channel back; raises as ``open_channel``."""
        ...


class Account(Protocol):
    """The own account on the ledger."""

    def wallet(self) -> WalletView:
        """Return what it has."""
        ...

    def watch(self) -> AbstractAsyncContextManager[trio.abc.ReceiveChannel[LedgerNews]]:
        """Receive news of it from now on."""
        ...

    async def wait_final(self, vertex_id: VertexId) -> None:
        """Return when a vertex is final."""
        ...
