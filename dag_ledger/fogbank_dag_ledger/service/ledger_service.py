"""The ledger as a service of one node: gossip, storage, issuing (SPEC.md sections 8.7 and 8.8)."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import trio

from fogbank_protocol.identity import Identity, NodeId
from fogbank_protocol.node.node import Node, Service

from ..genesis import Genesis
from ..vertex import VertexId
from .failures import LogFull, LogUnusable, NotIssuing, StorageFailure
from .views import (
    DiskIsFull,
    Issuing,
    IssuingChanged,
    IssuingState,
    LedgerNews,
    PaymentFinal,
    PaymentReceived,
    PaymentView,
    Silent,
    Statistics,
    Stopped,
    WalletView,
)

__all__ = [
    "DiskIsFull",
    "Issuing",
    "IssuingChanged",
    "IssuingState",
    "LedgerNews",
    "LedgerService",
    "LogFull",
    "LogUnusable",
    "NotIssuing",
    "PaymentFinal",
    "PaymentReceived",
    "PaymentView",
    "Silent",
    "Statistics",
    "Stopped",
    "StorageFailure",
    "WalletView",
]


class LedgerService:
    """The shared ledger, as one identity takes part in it.

    Validates, keeps and passes on everyone's vertices; issues those of its own identity, which may
    hold a seat; claims payments to it by itself.
    """

    def __init__(self, genesis: Genesis, identity: Identity, folder: Path, node: Node) -> None:
        """Take part in the network of ``genesis``; keep everything in ``folder``, made if absent.

        Give ``services`` to the node (``node.add_services``) before either runs.  Nothing is opened
        before ``run``.
        """
        raise NotImplementedError

    def services(self) -> Sequence[Service]:
        """Return the methods of SPEC.md section 8.7 for the node to serve."""
        raise NotImplementedError

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Take part until cancelled; ``task_status`` is told when what the disk holds is read.

        Run it beside ``node.run``.  What was accepted is on disk when it returns.

        Raises:
            LogUnusable: the log of own vertices belongs to another identity, is open in another
                agent, or cannot be read.
            StorageFailure: the folder cannot be used.
        """
        raise NotImplementedError

    async def pay(self, payments: Sequence[tuple[NodeId, int]]) -> VertexId:
        """Pay each recipient its amount, in drops ≥ 1, with one vertex; return when it is on disk.

        1 to 16 payments, no recipient twice and not the own account.  Waits for calls before it; it
        is final later: see ``wait_final``.  Cancelled while waiting it pays nothing; once signing
        has begun it completes.

        Raises:
            InsufficientFunds: the balance, with what can be claimed, is smaller.
            NotIssuing: the own chain is not known yet, the disk is full, or the chain forked.
            LocalProtocolError: the payments break a bound of section 8.3.9.
        """
        raise NotImplementedError

    async def wait_final(self, vertex_id: VertexId) -> None:
        """Return when the vertex is final; may be never.  It need not be held yet."""
        raise NotImplementedError

    async def wait_issuing(self) -> None:
        """Return when vertices are issued: after a start, as soon as enough seats have answered.

        Raises:
            NotIssuing: issuing was stopped for good.
        """
        raise NotImplementedError

    def is_final(self, vertex_id: VertexId) -> bool:
        """Tell whether the vertex is held and final."""
        raise NotImplementedError

    def wallet(self) -> WalletView:
        """Return the own account."""
        raise NotImplementedError

    def statistics(self) -> Statistics:
        """Return the ledger in numbers; takes time in proportion to the accounts."""
        raise NotImplementedError

    def payments(self, count: int = 50) -> Sequence[PaymentView]:
        """Return the last payments from and to the own account, newest first, at most 1,000."""
        raise NotImplementedError

    def watch(self) -> AbstractAsyncContextManager[trio.abc.ReceiveChannel[LedgerNews]]:
        """Receive news of the own account from now on.

        At most 1,024 wait for a slow receiver; beyond that the oldest are dropped, so take them as
        hints and ask ``payments`` for the whole.
        """
        raise NotImplementedError

    def notices(self) -> Sequence[str]:
        """Return what a person should know of the start: files set aside, and where they are."""
        raise NotImplementedError
