"""The wallet of an agent, and payments."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GetWallet:
    """How much money is there?  Answered by ``Wallet``."""


@dataclass(frozen=True, slots=True)
class Wallet:
    """This agent's account, in drops."""

    node_id: str
    short: str
    balance: int
    """Final and free to be spent."""

    claimable: int
    """Paid to this account, final, and claimed by its next vertex."""

    pending_out: int
    """Paid by this account and not yet final."""


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
