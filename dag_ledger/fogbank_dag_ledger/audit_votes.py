"""Votes and finality worked out anew, slowly: SPEC.md sections 8.4, 8.5, 8.18 and 8.19.

Part of ``audit``.  A set of vertices is an integer, one bit a vertex.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from fogbank_protocol.identity import NodeId

from .checkpoint_state import AccountRecord
from .committee_operations import Decision, Proposal, SignOff, Table
from .home_operations import MoveHome
from .vertex import Vertex, VertexId, seq_in, tag_in

Slot = tuple[NodeId, int]


class AuditedVotes:
    """Who votes for what among the vertices above a floor, epoch by epoch."""

    def __init__(
        self,
        vertices: Mapping[VertexId, Vertex],
        cones: Mapping[VertexId, int],
        lost: set[VertexId],
        accounts: Mapping[NodeId, AccountRecord],
        homes: Mapping[bytes, Table],
        floor: tuple[Table, int],
    ) -> None:
        """``vertices`` come edges first; ``accounts`` are the records at the floor.

        ``homes`` are those of sites; ``floor`` is the seats and the number of the epoch there.
        """
        self._vertices = vertices
        self._names = list(vertices)
        self._numbers = {name: number for number, name in enumerate(vertices)}
        self._cones = cones
        self._lost = lost
        self._accounts = accounts
        self._homes = homes
        self._floor_table, self._floor_epoch = floor
        self._epochs: dict[VertexId, int] = {}
        self._off_before: dict[VertexId, frozenset[int]] = {}
        self._own: defaultdict[NodeId, list[Vertex]] = defaultdict(list)
        self._decisions: dict[int, Decision] = {}
        for vertex in vertices.values():
            self._note(vertex)
        for own in self._own.values():
            own.sort(key=lambda one: one.seq)
        self.present = max([self._floor_epoch, *self._decisions])
        """The newest epoch that is decided."""

        self._in_homes = self._confirmed_in_homes()
        self._carried: dict[int, set[VertexId]] = {self._floor_epoch: set()}
        self.confirmed: set[VertexId] = set()
        """What is L1 in the present epoch, or was carried over into it."""

        self.final: set[VertexId] = set()

    def find(self, stands: Callable[[Vertex, set[VertexId]], bool]) -> None:
        """Find what is L1 and what is final, when that ``stands`` on what is final already."""
        everything = (1 << len(self._names)) - 1
        for epoch in range(self._floor_epoch, self.present + 1):
            closed = self._closed(epoch)
            here = self._confirmed_in(epoch, everything, closed)
            self.confirmed = here | self._carried[epoch] | self._in_homes
            self.final = self._final_in(epoch, stands)
            if epoch < self.present:
                union = 0
                for one in self._proposal(epoch + 1).sign_offs:
                    union |= self._cones[one]
                shown = self._confirmed_in(epoch, union, closed)
                self._carried[epoch + 1] = self._carried[epoch] | shown

    def _note(self, vertex: Vertex) -> None:
        self._own[vertex.issuer].append(vertex)
        before = self._vertices.get(vertex.prev)
        off = frozenset[int]()
        if before is not None:
            said = {one.epoch for one in before.committee if isinstance(one, SignOff)}
            off = self._off_before[before.id] | said
        self._off_before[vertex.id] = off
        epoch = vertex.epoch
        for operation in vertex.committee:
            if isinstance(operation, Decision):
                epoch = max(epoch, operation.epoch)
                # That of the floor's epoch or an earlier one does nothing any more (8.21).
                if operation.epoch > self._floor_epoch:
                    self._decisions.setdefault(operation.epoch, operation)
        self._epochs[vertex.id] = epoch

    def _proposal(self, epoch: int) -> Proposal:
        """Return what was decided for ``epoch``."""
        for operation in self._vertices[self._decisions[epoch].proposal].committee:
            if isinstance(operation, Proposal) and operation.epoch == epoch:
                return operation
        raise AssertionError("8.19.5 was checked when the vertex was decoded")

    def _table(self, epoch: int) -> Table:
        return self._floor_table if epoch == self._floor_epoch else self._proposal(epoch).table

    def _speaks(self, vertex: Vertex, epoch: int) -> bool:
        """Tell whether a vertex of a member votes and acknowledges in ``epoch``."""
        is_here = self._epochs[vertex.id] == epoch
        return is_here and epoch + 1 not in self._off_before[vertex.id]

    def _has_forked(self, validator: NodeId, own: Sequence[Vertex]) -> bool:
        """Tell whether ``own``, all that is looked at of its vertices, and the floor show a fork.

        What sign-offs show does not depend on what else is held (8.19).
        """
        base = self._accounts.get(validator)
        if base is not None and (base.forked or any(one.seq < base.count for one in own)):
            return True
        return len({one.seq for one in own}) < len(own)

    def _slot(self, name: VertexId) -> Slot:
        return self._vertices[name].issuer, seq_in(name)

    def _closed(self, epoch: int) -> set[Slot]:
        """Return the slots that are decided when ``epoch`` begins; those settled are not here."""
        decided = self._carried[epoch] | self.final
        return set() if epoch == self._floor_epoch else {self._slot(one) for one in decided}

    # Votes.

    def _confirmed_in(self, epoch: int, within: int, closed: set[Slot]) -> set[VertexId]:
        table = self._table(epoch)
        votes: defaultdict[VertexId, int] = defaultdict(int)
        for validator, weight in table.seats:
            for voted in self._votes_of(validator, epoch, within, closed):
                votes[voted] += weight
        found = {one for one, weight in votes.items() if weight >= table.quorum}
        return found - self._lost

    def _votes_of(
        self, validator: NodeId, epoch: int, within: int, closed: set[Slot]
    ) -> set[VertexId]:
        own = [one for one in self._own[validator] if within >> self._numbers[one.id] & 1]
        speaking = [one for one in own if self._speaks(one, epoch)]
        if self._has_forked(validator, own):
            base = self._accounts.get(validator)
            has_entered = base is not None and base.epoch == epoch and base.count > 0
            if not speaking and not has_entered:
                return set()
            seen = {one for mine in own for one in self._members(self._cones[mine.id], b"")}
            return {one for one in seen if self._slot(one) not in closed}
        return self._votes_on(speaking, b"", closed)

    def _votes_on(self, line: Sequence[Vertex], home: bytes, closed: set[Slot]) -> set[VertexId]:
        """Return the votes of one who has not forked, by its vertices ``line``."""
        voted: dict[Slot, VertexId] = {}
        earlier = 0
        for one in line:
            fresh: dict[Slot, VertexId] = {}
            for seen in self._members(self._cones[one.id] & ~earlier, home):
                slot = self._slot(seen)
                fresh[slot] = min(seen, fresh.get(slot, seen))
            for slot, chosen in fresh.items():
                if slot not in closed:
                    voted.setdefault(slot, chosen)
            earlier |= self._cones[one.id]
        return set(voted.values())

    def _confirmed_in_homes(self) -> set[VertexId]:
        """Return what is L1 by the seats of sites: there are no epochs in their homes (8.18)."""
        found: set[VertexId] = set()
        for home, table in self._homes.items():
            votes: defaultdict[VertexId, int] = defaultdict(int)
            for validator, weight in table.seats:
                own = self._own[validator]
                if self._has_forked(validator, own):
                    cones = [self._members(self._cones[mine.id], home) for mine in own]
                    voted = {one for cone in cones for one in cone}
                else:
                    voted = self._votes_on(own, home, set())
                for one in voted:
                    votes[one] += weight
            found |= {one for one, weight in votes.items() if weight >= table.quorum}
        return found - self._lost

    def _members(self, cone: int, home: bytes) -> Iterator[VertexId]:
        while cone:
            lowest = cone & -cone
            name = self._names[lowest.bit_length() - 1]
            if self._vertices[name].home == home:
                yield name
            cone ^= lowest

    # Final.

    def _final_in(
        self, epoch: int, stands: Callable[[Vertex, set[VertexId]], bool]
    ) -> set[VertexId]:
        table = self._table(epoch)
        here, ever = self._acknowledged(epoch), self._acknowledged(None)
        final = set(self.final)
        # What it needs to be final is among its edges, and those come first.
        for name, vertex in self._vertices.items():
            if name in final or name not in self.confirmed:
                continue
            is_general = vertex.home not in self._homes
            seats = table if is_general else self._homes[vertex.home]
            said = here if is_general else ever
            weight = sum(
                share
                for seat, share in seats.seats
                if said.get((seat, tag_in(name)), -1) >= vertex.seq
            )
            if weight >= seats.quorum and self._stands(vertex, final) and stands(vertex, final):
                final.add(name)
        return final

    def _stands(self, vertex: Vertex, final: set[VertexId]) -> bool:
        needed = [vertex.prev] if vertex.prev else []
        needed += [claim.source for claim in vertex.claims]
        needed += [one.home for one in vertex.operations if isinstance(one, MoveHome) and one.home]
        # What is not here is settled.
        return all(edge in final or edge not in self._vertices for edge in needed)

    def _acknowledged(self, epoch: int | None) -> dict[tuple[NodeId, bytes], int]:
        """Return how far each seat acknowledges each tag in ``epoch``; None: in whatever epoch."""
        said: dict[tuple[NodeId, bytes], int] = {}
        for vertex in self._vertices.values():
            if epoch is not None and not self._speaks(vertex, epoch):
                continue
            for start in range(0, len(vertex.cert), 12):
                key = vertex.issuer, vertex.cert[start : start + 8]
                seq = int.from_bytes(vertex.cert[start + 8 : start + 12], "big")
                said[key] = max(seq, said.get(key, -1))
        return said
