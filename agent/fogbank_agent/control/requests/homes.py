"""Homes: committees of sites, and where the own account lives (SPEC.md section 8.18)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GetHomes:
    """Which homes are there?  Answered by ``Homes``."""


@dataclass(frozen=True, slots=True)
class SignHome:
    """Agree to a seat in a home that ``creator`` is to make; answered by ``HomeSigned``.

    Nodes are node ids in hexadecimal digits or known peers' short forms; ``quorum`` 0: two thirds
    of the seats and one more.
    """

    creator: str
    seats: tuple[str, ...]
    quorum: int
    succeeds: str = ""
    """The beginning of the id of the home whose people are to follow; empty: none."""


@dataclass(frozen=True, slots=True)
class HomeSigned:
    """The signature of this agent, which is good for this creator and these seats only."""

    signature: str


@dataclass(frozen=True, slots=True)
class MakeHome:
    """Make a home with these seats; answered by ``Homes``, when it is final or time is over.

    ``signatures`` are those of the other seats, in any order, in hexadecimal digits.
    """

    seats: tuple[str, ...]
    quorum: int
    signatures: tuple[str, ...]
    wait_s: int
    succeeds: str = ""
    """As in ``SignHome``."""


@dataclass(frozen=True, slots=True)
class MoveHome:
    """Live in the home whose id begins with ``home``, empty: in that of the whole community.

    Answered by ``Homes``, when the move is final or ``wait_s`` seconds have passed.
    """

    home: str
    wait_s: int


@dataclass(frozen=True, slots=True)
class Home:
    """A committee that a site made."""

    home: str
    seats: tuple[str, ...]
    """Node ids."""

    quorum: int
    final: bool
    """Whether its making is final, so that accounts can move there."""

    succeeds: str = ""
    """The id of the home whose people follow here; empty: none."""


@dataclass(frozen=True, slots=True)
class Homes:
    """All homes that are known here beside that of the whole community."""

    own: str
    """The id of the one in which this agent's account lives; empty: the whole community's."""

    homes: tuple[Home, ...]
    done: bool
    """Whether what was asked for is final; true of a mere question."""
