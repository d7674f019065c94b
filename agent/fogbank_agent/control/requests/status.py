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

    slots: int
    """Runs carried out at the same time."""

    running: int
    waiting: int
    price: int
    """Drops for a gigafuel."""

    start_price: int
    runs_done: int
    """Since this agent started."""

    fuel_done: int
    tick: int
    """Fuel of a tick of the next run, the most of it that either side can lose; 0 for none."""

    earned: int
    """Drops that requestors paid, ever."""

    unpaid: int
    """Drops that requestors owe."""

    pricing_fault: str
    """What is wrong with the owner's pricing, as a sentence; else empty."""


@dataclass(frozen=True, slots=True)
class LedgerStatus:
    """The ledger as this agent sees it."""

    validator: bool
    """This agent holds a seat."""

    issuing: str
    """"yes", or a sentence that says why no own vertices are issued now."""

    vertices: int
    final: int
    tips: int
    supply: int
    """Drops that genesis made."""

    supply_held: int
    """What all accounts hold and what is on its way between them: with ``burned`` the same."""

    burned: int
    """Drops of seized stakes that are nobody's any more."""

    payments_made: int
    """Own payments, ever."""

    payments_final: int
    """Those of them that are final."""

    payments_pending: int
    """Payments of anyone that are held and not final."""

    state_hash: str
    """Equal on all agents that hold the same final payments."""

    weight_connected: int
    """Votes of the seats that are connected, the own included."""

    quorum: int
    """Votes that decide."""

    notices: tuple[str, ...]
    """What a person should know of the last start, such as files set aside."""


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
