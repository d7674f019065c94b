"""What the layers above see of the ledger: plain values, taken at one moment."""

from dataclasses import dataclass
from typing import TypeAlias

from fogbank_protocol.identity import NodeId

from ..committee_operations import Table
from ..own_account import PaymentNews
from ..participation.issuing_state import IssuingChanged, IssuingState
from ..vertex import VertexId


@dataclass(frozen=True, slots=True)
class WalletView:
    """The own account, in drops."""

    balance: int
    """What may be paid out now: final payments received and claimed, less all payments issued."""

    claimable: int
    """Final payments to this account that are not claimed yet; claimed automatically."""

    incoming: int
    """Payments to this account that are not final yet."""

    pending_out: int
    """Own payments that are not final yet; they are taken off ``balance`` already."""

    issuing: IssuingState

    @property
    def spendable(self) -> int:
        """What a payment or an object may take: what is claimable is claimed by it."""
        return self.balance + self.claimable


@dataclass(frozen=True, slots=True)
class CommitteeView:
    """Who decides (SPEC.md section 8.19)."""

    epoch: int
    table: Table
    wanted: tuple[tuple[Table, int], ...]
    """Seats that members want next, each with the weight of those who do."""

    weight_needed: int
    """So much weight has to want the same before anything changes."""

    is_changing: bool
    """Whether some members have signed off: payments wait until the next epoch begins."""


@dataclass(frozen=True, slots=True)
class HomeView:
    """A home that a site made (SPEC.md section 8.18)."""

    id: VertexId
    table: Table
    is_final: bool
    """Whether its making is final: before, nobody can move there."""

    succeeds: bytes
    """The id of the home whose people follow here; empty: none."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """The ledger in numbers."""

    vertices: int
    final: int
    tips: int
    parked: int
    accounts: int
    state_hash: bytes
    """Equal on all nodes that hold the same final payments (SPEC.md section 8.9)."""

    supply: int
    """Drops that genesis made."""

    supply_held: int
    """Drops found when all final balances and unclaimed payments are added up: with ``burned`` the
    same."""

    burned: int
    """Drops of seized stakes that are nobody's any more."""

    payments_made: int
    """Own payments issued, ever."""

    payments_final: int
    """Those of them that are final."""

    payments_pending: int
    """Payments of anyone that are held and not final."""

    forked: tuple[NodeId, ...]
    """Issuers of whom two vertices of one slot are held, at most 64 of them."""

    weight_connected: int
    """Weight of the seats with an open channel, and the own."""

    quorum: int


LedgerNews: TypeAlias = PaymentNews | IssuingChanged
