"""Who has a seat in the network, and changing that."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GetSeats:
    """Who decides?  Answered by ``Seats``."""


@dataclass(frozen=True, slots=True)
class ChangeSeats:
    """Want ``node`` to have a seat from the next epoch on, or, with ``adds`` false, to have none.

    ``node`` is a node id in hexadecimal digits or a known peer's short form.  Answered by
    ``Seats``, after it came about when ``wait_s`` is not 0, or when that many seconds have passed.
    """

    node: str
    adds: bool
    wait_s: int


@dataclass(frozen=True, slots=True)
class Unfreeze:
    """Want a new epoch with the same seats, so that an account whose votes split is free again.

    ``account`` is a node id in hexadecimal digits or a known peer's short form.  Answered by
    ``Seats``, after the epoch began when ``wait_s`` is not 0, or when that many seconds have
    passed.
    """

    account: str
    wait_s: int


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody with votes."""

    node_id: str
    short: str
    votes: int
    connected: bool
    """Whether this agent is connected to it, or is it."""


@dataclass(frozen=True, slots=True)
class WantedSeats:
    """Seats that members want from the next epoch on."""

    node_ids: tuple[str, ...]
    votes: int
    """Of the members who want it."""


@dataclass(frozen=True, slots=True)
class Seats:
    """Who decides in this network now."""

    epoch: int
    """How often the seats have changed, or were confirmed to free an account."""

    seats: tuple[Seat, ...]
    quorum: int
    wanted: tuple[WantedSeats, ...]
    votes_needed: int
    """So many votes have to want the same before the seats change."""

    changing: bool
    """Whether the change is under way: payments wait until it is over."""
