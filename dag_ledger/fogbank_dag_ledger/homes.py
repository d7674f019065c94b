"""All homes that are known, and the rules about them, 8.18.2 to 8.18.6 (SPEC.md section 8.18)."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId, NodeId

from .chain import Chain
from .committee_operations import Table
from .epochs import Epochs
from .footing import Footing, Ground
from .home import NOWHERE, Home
from .home_codec import are_signed
from .home_operations import CreateHome, MoveHome
from .limits import HOMES_OF_ACCOUNT_MAX
from .record import Record
from .vertex import Vertex, VertexId


class Dwelling(NamedTuple):
    """Where the slot of a vertex is, and what it says about homes."""

    home: Home
    next_home: Home
    """Of the slot after it."""

    creation: Record | None
    """What created the home that it moves to, when that is not below the floor."""

    homes_made: int
    """How many its issuer has created on this line, itself included."""


class Homes:
    """The home of the whole community, and those that sites created."""

    def __init__(self, epochs: Epochs, network: NetworkId) -> None:
        """Begin with the seats of ``epochs`` alone."""
        self._epochs = epochs
        self._network = network
        self.general = epochs.home
        self.others: dict[bytes, Home] = {}
        """Those that sites created, by id."""

    def __iter__(self) -> Iterator[Home]:
        """Iterate over all of them, that of the whole community first."""
        yield self.general
        yield from self.others.values()

    def get(self, home_id: bytes) -> Home | None:
        """Return the home with this id, empty for that of the whole community."""
        return self.others.get(home_id) if home_id else self.general

    def has_seat(self, name: NodeId) -> bool:
        """Tell whether somebody has weight in any home."""
        number = self._epochs.number_of(name)
        return number is not None and any(home.weight_of(number) for home in self)

    def of(self, chain: Chain | None) -> Home:
        """Return where the next vertex of ``chain`` dwells; None: it has none yet."""
        head = None if chain is None else chain.head
        return self.general if head is None else head.next_home

    def check(self, vertex: Vertex, footing: Footing, ground: Ground) -> Dwelling:
        """Return where ``vertex`` dwells.

        Raises:
            RemoteProtocolError: with the rule that was broken.
        """
        if footing.lost:
            home = self.get(vertex.home) or NOWHERE
            return Dwelling(home, home, None, 0)
        prev = footing.prev
        home = self.general if prev is None else prev.next_home
        if vertex.home != home.id:
            raise RemoteProtocolError("a home that is not the issuer's", rule="8.18.5")
        next_home, creation = home, None
        made = 0 if prev is None else prev.homes_made
        for operation in vertex.operations:
            match operation:
                case CreateHome():
                    made += 1
                    self._check_creation(vertex, operation, made)
                    self._check_succession(operation, ground.get(operation.succeeds))
                case MoveHome(home_id):
                    creation = ground.get(home_id) if home_id else None
                    next_home = self._destination(home, home_id, creation)
                case _:
                    pass
        return Dwelling(home, next_home, creation, made)

    def _check_creation(self, vertex: Vertex, operation: CreateHome, made: int) -> None:
        names = [vertex.issuer, *(name for name, _ in operation.table.seats)]
        if not all(self._epochs.had_seat(name, vertex.epoch) for name in names):
            raise RemoteProtocolError("a home of somebody without a seat", rule="8.18.2")
        if not are_signed(operation, self._network, vertex.issuer):
            raise RemoteProtocolError("a home that was not signed by all", rule="8.18.2")
        if made > HOMES_OF_ACCOUNT_MAX:
            raise RemoteProtocolError("too many homes of one account", rule="8.18.3")

    def _check_succession(self, operation: CreateHome, creation: Record | None) -> None:
        if not operation.succeeds or creation is None:
            # Of what is settled nothing is asked (8.21).
            return
        if creation.creates is None:
            raise RemoteProtocolError("a successor of what is no home", rule="8.18.6")
        table = creation.creates.table
        there = table.weights()
        if sum(there.get(name, 0) for name, _ in operation.table.seats) < table.quorum:
            raise RemoteProtocolError("a successor that its seats do not want", rule="8.18.6")

    def _destination(self, home: Home, home_id: bytes, creation: Record | None) -> Home:
        known = self.get(home_id)
        if home_id == home.id:
            raise RemoteProtocolError("a move to where one is", rule="8.18.4")
        if known is None or (home_id and creation is not None and creation.creates is None):
            raise RemoteProtocolError("a move to what is no home", rule="8.18.4")
        return known

    def add(self, home_id: bytes, table: Table) -> None:
        """Take note of a home that was created."""
        home = Home(home_id, table, [])
        home.seat(self._epochs.holders)
        self.others[home_id] = home

    def succeed(self, home_id: bytes, before: bytes) -> None:
        """Take note that a home succeeds ``before``; empty, or not known any more: none."""
        if before and before in self.others:
            self.others[before].successors.append(self.others[home_id])

    def before(self, home: Home) -> bytes:
        """Return the id of the home that ``home`` succeeds; empty: none."""
        return next((one.id for one in self.others.values() if home in one.successors), b"")

    def destination(self, home: Home, is_final: Callable[[VertexId], bool]) -> Home:
        """Return where people of ``home`` are to live: it, or what succeeds it in the end.

        ``is_final`` tells of the vertex that created a home whether one may move there.
        """
        # It ends: what a home succeeds is below the vertex that creates it.
        while able := [one for one in home.successors if is_final(VertexId(one.id))]:
            home = min(able, key=lambda one: one.id)
        return home

    def seat_all(self) -> None:
        """Take note that there are more seats than before."""
        for home in self.others.values():
            home.seat(self._epochs.holders)

    def count_made(self, chain: Chain | None) -> None:
        """Take note that ``chain``, which was restored from a state, created a home."""
        if chain is None or chain.settled_head is None:
            raise RemoteProtocolError("a home of an account without vertices", rule="8.21")
        chain.settled_head.homes_made += 1

    def forget(self, dead: Iterable[bytes]) -> None:
        """Let go of homes that lost vertices had created."""
        for home_id in dead:
            gone = self.others.pop(home_id, None)
            for home in self.others.values() if gone is not None else ():
                home.successors = [one for one in home.successors if one is not gone]
