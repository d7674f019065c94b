"""The wallet of an agent, and payments."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GetWallet:
    """How much money is there?  Answered by ``Wallet``."""


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment from or to this account."""

    vertex_id: str
    payer: str
    recipient: str
    drops: int
    final: bool
    received: bool
    with_whom: str
    """The other side's short form."""


@dataclass(frozen=True, slots=True)
class Wallet:
    """This agent's account, in drops."""

    node_id: str
    short: str
    balance: int
    """What may be paid out now."""

    claimable: int
    """Received for good, and claimed into the balance by this agent's next vertex."""

    incoming: int
    """Payments to this account that are not final yet."""

    pending_out: int
    """Own payments that are not final yet; they are taken off the balance already."""

    in_channels: int
    """In open channels to others, and not spent in them; what is left comes back."""

    earned_in_channels: int
    """By vouchers of others; the balance gets it when their channels are settled."""

    at_stake: int
    """Locked behind this agent's results."""

    issuing: str
    """"yes", or a sentence that says why nothing can be paid now."""

    payments: tuple[Payment, ...]
    """The last ones since this agent was started, the newest first."""


@dataclass(frozen=True, slots=True)
class Pay:
    """Pay ``drops`` to ``to``, a node id in hexadecimal digits or a known peer's short form.

    Answered by ``Paid``, after the payment is final when ``wait_s`` is not 0, or when that many
    seconds have passed.
    """

    to: str
    drops: int
    wait_s: int


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment was signed, kept and sent."""

    vertex_id: str
    to: str
    drops: int
    final: bool
    to_stranger: bool
    """The recipient was not connected, and the ledger had never seen its account."""
