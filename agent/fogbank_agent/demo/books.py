"""What the ledger says on every live agent, once the last payments are final."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..control.requests.channels import Channels, GetChannels
from ..control.requests.jobs import JobEnded
from ..control.requests.money import GetWallet, Wallet
from ..control.requests.stakes import GetStakes, Stake, Stakes
from ..control.requests.status import GetStatus, LedgerStatus, Status
from ..errors import MachineError
from ..limits import DEMO_GRANT, DEMO_SETTLE_S
from .gathering import wait_until
from .processes import AgentProcess
from .stage import Role


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

    at_stake: dict[str, int]
    """By the short form of each live agent: what it has locked, or lost, in stakes."""

    rewards: dict[str, int]
    """By short form: what each member of a watch gets of the stakes that were lost."""

    burned: int
    given: dict[str, int]
    """By the short form of each provider: what the settled channels to it have given it."""

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
    stakes = {process.player.short: _stakes(process) for process in live}
    return Books(
        supply_held=tuple(ledger.supply_held for ledger in ledgers),
        state_hashes=tuple(ledger.state_hash for ledger in ledgers),
        payments_final=all(
            ledger.payments_pending == 0 and ledger.payments_made == ledger.payments_final
            for ledger in ledgers
        ),
        holdings={process.player.short: _holding(process) for process in live},
        at_stake={
            who: sum(one.drops for one in of_one if one.state != "taken back")
            for who, of_one in stakes.items()
        },
        rewards=_rewards([one for of_one in stakes.values() for one in of_one]),
        burned=ledgers[0].burned,
        given=_given(live[0]),
    )


def is_paid_out(books: Books, jobs: Sequence[JobEnded]) -> bool:
    """Tell whether every provider has got exactly what the jobs paid it.

    The ledger says so of each, the unplugged one too; those that are live hold it, less royalties,
    beside what they began with, less what they staked.
    """
    paid, kept = Counter[str](), Counter[str]()
    for line in (line for job in jobs for line in job.providers):
        paid[line.provider] += line.paid
        kept[line.provider] += line.paid - line.royalties
        if line.unpaid:
            return False
    return all(books.given.get(provider, 0) == drops for provider, drops in paid.items()) and all(
        held == kept[who] + DEMO_GRANT - books.at_stake[who] + books.rewards.get(who, 0)
        for who, held in books.holdings.items()
        if who in paid
    )


def settled_books(processes: Sequence[AgentProcess], jobs: Sequence[JobEnded]) -> Books:
    """Return the books when they agree and show what ``jobs`` paid, or after ``DEMO_SETTLE_S``."""
    last = read_books(processes)

    def agree() -> bool:
        nonlocal last
        last = read_books(processes)
        return last.agree and is_paid_out(last, jobs)

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


def _stakes(process: AgentProcess) -> Sequence[Stake]:
    if process.player.role is Role.REQUESTOR:
        return ()
    with process.connect() as client:
        return client.ask(GetStakes(), Stakes).stakes


def _rewards(stakes: Sequence[Stake]) -> dict[str, int]:
    rewards = Counter[str]()
    for stake in stakes:
        if stake.state == "seized":
            rewards.update(dict.fromkeys(stake.watch, stake.reward // len(stake.watch)))
    return dict(rewards)


def _given(requestor: AgentProcess) -> dict[str, int]:
    with requestor.connect() as client:
        channels = client.ask(GetChannels(), Channels).channels
    given = Counter[str]()
    for channel in channels:
        if channel.pays and channel.state == "settled":
            given[channel.with_whom] += channel.paid
    return dict(given)
