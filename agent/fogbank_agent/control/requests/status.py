"""How an agent is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GetStatus:
    """How is this agent?  Answered by ``Status``."""


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """What this agent sells."""

    working: bool
    why_not: str
    """A sentence when it sells nothing, else empty."""

    workers: int
    running: int
    price: int
    """Drops for a gigafuel."""

    start_price: int
    runs_completed: int
    earned: int
    """Drops billed by this process for runs that were accepted."""


@dataclass(frozen=True, slots=True)
class LedgerStatus:
    """The ledger as this agent sees it."""

    vertices: int
    tips: int
    final: int
    validator: bool
    """This agent holds a seat."""

    supply: int
    supply_held: int
    """What is in accounts and on its way between them: equal to ``supply``, always."""

    payments: int
    payments_final: int
    state_hash: str


@dataclass(frozen=True, slots=True)
class Status:
    """How an agent is."""

    version: str
    node_id: str
    short: str
    network_id: str
    network_name: str
    state_folder: str
    process: int
    port: int
    up_s: float
    peers: int
    balance: int
    provider: ProviderStatus
    ledger: LedgerStatus
