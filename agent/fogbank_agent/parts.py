"""What an agent is made of, for those who answer questions about it."""

from dataclasses import dataclass

from fogbank_dag_ledger.genesis import Genesis
from fogbank_dag_ledger.operations import ObjectId
from fogbank_dag_ledger.service.ledger_service import LedgerService
from fogbank_protocol.identity import Identity
from fogbank_protocol.node.blob_store import BlobStore
from fogbank_protocol.node.node import Node

from .config import Config
from .published import PublishedPackages
from .state_folder import StateFolder
from .trading.job_desk import JobDesk
from .trading.journal import Journal
from .trading.provider import Provider
from .trading.requestor import Requestor


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of one running agent."""

    state: StateFolder
    config: Config
    genesis: Genesis
    identity: Identity
    blobs: BlobStore
    node: Node
    ledger: LedgerService
    journal: Journal
    published: PublishedPackages
    requestor: Requestor
    jobs: JobDesk
    provider: Provider | None
    why_no_provider: str
    """A sentence when ``provider`` is None, else empty."""

    began: float
    """When the agent started, in seconds on trio's clock."""

    def vouchers_total(self, channel: ObjectId) -> int:
        """Return what the vouchers of a channel, given or received, add up to, in drops."""
        received = 0 if self.provider is None else self.provider.received(channel)
        return received or self.requestor.given(channel)

    def notices(self) -> tuple[str, ...]:
        """Return what a person should know of this start: files that were set aside, and where."""
        aside = self.journal.set_aside
        journal = [] if aside is None else [f"the journal was damaged and is set aside as {aside}"]
        return (*self.ledger.notices(), *journal)
