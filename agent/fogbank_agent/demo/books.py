"""What the ledger says on every live agent, once the last payments are final."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..control.requests.money import GetWallet, Wallet
from ..control.requests.status import GetStatus, LedgerStatus, Status
from ..errors import MachineError
from ..limits import DEMO_SETTLE_S
from .gathering import wait_until
from .processes import AgentProcess


@dataclass(frozen=True, slots=True)
class Books:
    """The ledger as all live agents see it."""

    supply_held: tuple[int, ...]
    """What all accounts hold, as each live agent counts it."""

    state_hashes: tuple[str, ...]
    payments_final: bool
    """On every live agent."""

    holdings: dict[str, int]
    """By the short form of each live agent: what it has received for good."""

    seconds: float = 0.0

    @property
    def agree(self) -> bool:
        """Tell whether every payment is final and every live agent has the same state."""
        return self.payments_final and len(set(self.state_hashes)) == 1


def read_supply(process: AgentProcess) -> int:
    """Return what all accounts hold, as one agent counts it."""
    return _ledger(process).supply_held


def read_books(processes: Sequence[AgentProcess]) -> Books:
    """Return the books of all that are alive."""
    live = [process for process in processes if not process.killed]
    ledgers = [_ledger(process) for process in live]
    return Books(
        supply_held=tuple(ledger.supply_held for ledger in ledgers),
        state_hashes=tuple(ledger.state_hash for ledger in ledgers),
        payments_final=all(
            ledger.payments_pending == 0 and ledger.payments_made == ledger.payments_final
            for ledger in ledgers
        ),
        holdings={process.player.short: _holding(process) for process in live},
    )


def settled_books(processes: Sequence[AgentProcess]) -> Books:
    """Return the books when they agree, or as they are after ``DEMO_SETTLE_S``."""
    last = read_books(processes)

    def agree() -> bool:
        nonlocal last
        last = read_books(processes)
        return last.agree

    try:
        wait_until(agree, processes, seconds=DEMO_SETTLE_S, what="settling the last payments")
    except MachineError:
        for process in processes:
            process.check_running()
    return last


def _ledger(process: AgentProcess) -> LedgerStatus:
    with process.connect() as client:
        return client.ask(GetStatus(), Status).ledger


def _holding(process: AgentProcess) -> int:
    with process.connect() as client:
        wallet = client.ask(GetWallet(), Wallet)
    return wallet.balance + wallet.claimable
