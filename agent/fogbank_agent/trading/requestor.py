"""Buys runs: the shell around the machines of orders, purchases, verification and settlement."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import trio

from fogbank_dag_ledger.service import LedgerService
from fogbank_protocol.identity import Identity, NodeId
from fogbank_protocol.node.blob_store import BlobStore
from fogbank_protocol.node.node import Node, Service

from ..market.job_request import JobRequest, RunInput
from ..market.job_result import (
    Attempt,
    JobCounts,
    JobEvent,
    JobResult,
    ProviderTotals,
    RunResult,
)
from .interfaces import Runner
from .journal import Journal

__all__ = [
    "Attempt",
    "JobCounts",
    "JobEvent",
    "JobRefused",
    "JobRequest",
    "JobResult",
    "OfferSummary",
    "ProviderTotals",
    "Requestor",
    "RunInput",
    "RunResult",
]


class JobRefused(Exception):
    """A job cannot even begin; the message is a sentence for people that says what to do."""


@dataclass(frozen=True, slots=True)
class OfferSummary:
    """What a connected provider offers now."""

    provider: NodeId
    price: int
    start_price: int
    fuel_per_s: int
    memory_bytes_max: int
    slots_free: int
    features: Sequence[str]


class Requestor:
    """The buying side of an agent."""

    def __init__(
        self,
        node: Node,
        identity: Identity,
        ledger: LedgerService,
        blobs: BlobStore,
        journal: Journal,
        *,
        runner: Runner | None,
        random: Random,
    ) -> None:
        """Buy from peers of ``node``; ``runner`` is the own sandbox for audits, None without one.

        ``random`` draws salts and audits: seed it from the system except in tests.
        """
        raise NotImplementedError

    def services(self) -> Sequence[Service]:
        """Return what the node must serve for this side (``market.offer``)."""
        raise NotImplementedError

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the offer book, tell providers what was paid, and pay what earlier lives owe."""
        raise NotImplementedError

    async def buy(
        self, request: JobRequest, events: trio.MemorySendChannel[JobEvent] | None = None
    ) -> JobResult:
        """Have every run of ``request`` done, checked and paid; ``run`` must be running.

        Events go to ``events`` while it has room, and are dropped when it has none.  Every run of
        the result has an accepted outcome or a reason.  Cancelling stops all runs; what was
        accepted before is still paid.

        Raises:
            JobRefused: the package or an input is missing or broken, a bound is out of range, or
                the wallet does not hold what the cheapest run may cost.
        """
        raise NotImplementedError

    def offers(self) -> Sequence[OfferSummary]:
        """Return the offers of connected providers, the cheapest first."""
        raise NotImplementedError
