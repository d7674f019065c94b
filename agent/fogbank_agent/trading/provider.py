"""Sells runs: the shell that bids, executes in the sandbox, signs receipts and counts what it earns."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import trio

from fogbank_dag_ledger.service import LedgerService
from fogbank_protocol.identity import Identity
from fogbank_protocol.node.blob_store import BlobStore
from fogbank_protocol.node.node import Node, Service

from .interfaces import Runner
from .journal import Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """What a provider sells, and its bounds."""

    slots: int
    """Runs executed at the same time, at least 1; as many wait."""

    price: int
    """Drops for a gigafuel."""

    start_price: int
    """Drops for the start of a run."""

    memory_bytes_max: int
    """Memory that one run may have."""

    input_bytes_max: int
    output_bytes_max: int
    fuel_max: int
    """Fuel of the largest run taken."""

    credit: int = 1_000_000
    """Drops that one requestor may owe before its orders are declined."""


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """How selling goes."""

    slots: int
    running: int
    waiting: int
    paused: bool
    runs_done: int
    """Since this agent started."""

    fuel_done: int
    fuel_per_s: int
    """As measured; a guess before the first run."""


class Provider:
    """The selling side of an agent."""

    def __init__(
        self,
        node: Node,
        identity: Identity,
        ledger: LedgerService,
        blobs: BlobStore,
        journal: Journal,
        *,
        runner: Runner,
        settings: ProviderSettings,
        random: Random,
    ) -> None:
        """Sell to peers of ``node`` what ``runner`` executes; ``random`` draws salts."""
        raise NotImplementedError

    def services(self) -> Sequence[Service]:
        """Return what the node must serve: ``market.order``, ``market.run``, ``market.settle``."""
        raise NotImplementedError

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Announce offers and watch for payments, until cancelled."""
        raise NotImplementedError

    def status(self) -> ProviderStatus:
        """Return how selling goes."""
        raise NotImplementedError

    def pause(self) -> None:
        """Decline new orders with ``paused``; runs under way go on."""
        raise NotImplementedError

    def resume(self) -> None:
        """Take orders again."""
        raise NotImplementedError
