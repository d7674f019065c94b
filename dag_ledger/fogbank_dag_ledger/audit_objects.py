"""Money in objects worked out anew, slowly: SPEC.md sections 8.12 to 8.15 word for word.

Part of ``audit``.  What an object's outcome says follows from a vertex that settles it, or, when
the object was settled below the floor, from the record there.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from fogbank_protocol.identity import NodeId

from .checkpoint_state import StateRecord
from .object_state import LineRecord, ObjectRecord
from .operations import (
    Act,
    Agree,
    Close,
    EscrowTerms,
    Halve,
    Judge,
    ObjectId,
    Opening,
    PostVouchers,
    ReclaimFinal,
    Release,
    ReleaseLate,
    Seize,
    Settling,
    StakeTerms,
    Take,
    Terms,
    TopUp,
    Voucher,
    object_id,
)
from .passed_state import ActRecord, SettlementRecord
from .vertex import Vertex, VertexId
from .vouchers import best_of_lanes

Shares = tuple[tuple[NodeId, int], ...]


class Result(NamedTuple):
    """What an outcome says."""

    is_seizure: bool
    award: int
    shares: Shares
    """What the provider passes on."""


class Known(NamedTuple):
    """What an opening, or a record, says of an object."""

    opener: NodeId
    amount: int
    terms: Terms
    told: ObjectRecord | None
    """Its record at the floor; None when it was opened above."""


class AuditedObjects:
    """Drops put into objects and taken out of them."""

    def __init__(
        self,
        state: Iterable[StateRecord],
        vertices: Mapping[VertexId, Vertex],
        line: Callable[[Vertex | None], list[Vertex]],
    ) -> None:
        """``vertices`` are those above the floor; ``line`` are those before one on its chain."""
        self._vertices = vertices
        self._line = line
        self._known: dict[ObjectId, Known] = {}
        self._put: dict[tuple[NodeId, ObjectId], int] = {}
        self._taken: dict[tuple[NodeId, ObjectId], int] = {}
        self._passed: dict[tuple[VertexId, ObjectId], Result] = {}
        """What vertices below the floor settle, of objects that are open there."""

        self._posted: defaultdict[tuple[VertexId, ObjectId], list[Voucher]] = defaultdict(list)
        """Vouchers that such vertices post."""

        self._owed: dict[tuple[VertexId, ObjectId], int] = {}
        self._moved: dict[VertexId, int] = {}
        for record in state:
            if isinstance(record, ObjectRecord):
                self._known[record.id] = Known(record.account, record.amount, record.terms, record)
            if isinstance(record, LineRecord):
                self._put[record.account, record.object_id] = record.put
                self._taken[record.account, record.object_id] = record.taken
            if isinstance(record, SettlementRecord):
                result = Result(record.is_seizure, record.award, record.shares)
                self._passed[record.settling, record.object_id] = result
            if isinstance(record, ActRecord) and record.voucher is not None:
                self._posted[record.vertex, record.object_id].append(record.voucher)
        for vertex in vertices.values():
            for operation in vertex.operations:
                if isinstance(operation, Opening):
                    name = object_id(vertex.id, operation.index)
                    # One that is listed as lost, or lies below the floor, opens nothing.
                    self._known.setdefault(
                        name, Known(vertex.issuer, operation.amount, operation.terms, None)
                    )

    # Sums along a line.

    def put(self, account: NodeId, end: Vertex | None, name: ObjectId) -> int:
        """Return what ``account`` has put into an object up to ``end``; None: at the floor."""
        put = self._put.get((account, name), 0)
        for vertex in self._line(end):
            for operation in vertex.operations:
                match operation:
                    case Opening(index, amount) if object_id(vertex.id, index) == name:
                        put = amount
                    case Act(action=TopUp(total)) if _name(operation) == name:
                        put = self._known[name].amount + total
                    case _:
                        pass
        return put

    def taken(self, account: NodeId, end: Vertex | None, name: ObjectId) -> int:
        """Return what ``account`` has taken out of it."""
        return self._taken.get((account, name), 0) + sum(
            self.owed(vertex, act)
            for vertex in self._line(end)
            for act in takes(vertex)
            if _name(act) == name
        )

    def taken_on(
        self, lines: Mapping[NodeId, Sequence[Vertex]]
    ) -> dict[ObjectId, dict[NodeId, int]]:
        """Return what was taken out of each object, by account, up to the ends of ``lines``."""
        taken: defaultdict[ObjectId, dict[NodeId, int]] = defaultdict(dict)
        for (account, name), drops in self._taken.items():
            taken[name][account] = drops
        for account, line in lines.items():
            for vertex in line:
                for act in takes(vertex):
                    of = taken[_name(act)]
                    of[account] = of.get(account, 0) + self.owed(vertex, act)
        return taken

    def owed(self, vertex: Vertex, act: Act) -> int:
        """Return what ``vertex`` takes by ``act``, a take; 0 or less is nothing."""
        name = _name(act)
        if (vertex.id, name) not in self._owed:
            self._owed[vertex.id, name] = self._owed_anew(vertex, act, name)
        return self._owed[vertex.id, name]

    def _owed_anew(self, vertex: Vertex, act: Act, name: ObjectId) -> int:
        result, known = self.result(act), self._known.get(name)
        if result is None or known is None:
            return 0
        before = self._vertices.get(vertex.prev)
        taken = self.taken(vertex.issuer, before, name)
        terms = known.terms
        if result.is_seizure:
            assert isinstance(terms, StakeTerms)
            part = terms.reward // len(terms.watch)
            return part if vertex.issuer in terms.watch and not taken else 0
        if vertex.issuer == known.opener:
            return self.put(vertex.issuer, before, name) - result.award - taken
        if isinstance(terms, StakeTerms) or vertex.issuer != terms.provider or taken:
            return 0
        return result.award

    def moved(self, vertex: Vertex) -> int:
        """Return by how much ``vertex`` changes its issuer's balance through objects."""
        if vertex.id not in self._moved:
            self._moved[vertex.id] = self._moved_anew(vertex)
        return self._moved[vertex.id]

    def _moved_anew(self, vertex: Vertex) -> int:
        before = self._vertices.get(vertex.prev)
        moved = -sum(amount for _, amount in self.passed_on(vertex))
        for operation in vertex.operations:
            match operation:
                case Opening(_, amount):
                    moved -= amount
                case Act(action=TopUp(total)):
                    name = _name(operation)
                    known = self._known.get(name)
                    if known is not None:
                        moved -= known.amount + total - self.put(vertex.issuer, before, name)
                case Act(action=Take()):
                    moved += self.owed(vertex, operation)
                case _:
                    pass
        return moved

    def passed_on(self, vertex: Vertex) -> list[tuple[NodeId, int]]:
        """Return what the takes of ``vertex`` pass on, and to whom."""
        shares: list[tuple[NodeId, int]] = []
        for act in takes(vertex):
            result, known = self.result(act), self._known.get(_name(act))
            if result is not None and known is not None and vertex.issuer != known.opener:
                shares += result.shares
        return shares

    # Outcomes.

    def result(self, act: Act) -> Result | None:
        """Return the outcome by which a take takes, None when its vertex settles nothing."""
        assert isinstance(act.action, Take)
        name = _name(act)
        known = self._known.get(name)
        if known is None:
            return None
        told = None if known.told is None else known.told.outcome
        if told is not None:
            result = Result(told.is_seizure, told.award, tuple(told.shares))
            return result if act.action.outcome == told.digest else None
        settling = self._vertices.get(act.action.settling)
        if settling is None:
            return self._passed.get((act.action.settling, name))
        for operation in settling.operations:
            if isinstance(operation, Act) and _name(operation) == name:
                found = self._settled_by(operation, known, name)
                if found is not None:
                    return found
        return None

    def _settled_by(self, act: Act, known: Known, name: ObjectId) -> Result | None:
        match act.action:
            case Close() | ReclaimFinal():
                best = self._best_vouchers(act, name)
                sums: dict[NodeId, int] = {}
                for voucher in best:
                    for who, drops in voucher.split:
                        sums[who] = sums.get(who, 0) + drops
                award = sum(voucher.total for voucher in best)
                return Result(False, award, tuple(sorted(sums.items())))
            case Seize():
                return Result(True, known.amount, ())
            case Release() | ReleaseLate():
                return _of_escrow(known.terms, known.amount)
            case Halve():
                return _of_escrow(known.terms, known.amount // 2)
            case Agree(award) | Judge(award):
                return _of_escrow(known.terms, award)
            case action if isinstance(action, Settling):
                return Result(False, 0, ())
            case _:
                return None

    def _best_vouchers(self, act: Act, name: ObjectId) -> list[Voucher]:
        assert isinstance(act.action, Close | ReclaimFinal)
        vouchers = list(act.action.vouchers)
        for posted in act.action.posted:
            poster = self._vertices.get(posted)
            if poster is None:
                vouchers += self._posted[posted, name]
            for operation in () if poster is None else poster.operations:
                if not isinstance(operation, Act) or _name(operation) != name:
                    continue
                if isinstance(operation.action, PostVouchers):
                    vouchers += operation.action.vouchers
        return list(best_of_lanes(vouchers).values())

    # What final vertices leave in them.

    def names(self, final: Iterable[Vertex]) -> list[ObjectId]:
        """Return the objects that have a record, or are opened by ``final``, ascending."""
        opened = {
            object_id(vertex.id, operation.index)
            for vertex in final
            for operation in vertex.operations
            if isinstance(operation, Opening)
        }
        told = {name for name, known in self._known.items() if known.told is not None}
        return sorted(opened | told)

    def opener(self, name: ObjectId) -> NodeId:
        """Return who opened an object."""
        return self._known[name].opener

    def burned(self, name: ObjectId, final: Iterable[Vertex]) -> int:
        """Return what of a stake is nobody's once a part of the reward was taken; else 0."""
        known = self._known[name]
        told = None if known.told is None else known.told.outcome
        is_seized = told is not None and told.is_seizure
        was_taken = is_seized and any(drops for (_, of), drops in self._taken.items() if of == name)
        for vertex in final:
            for act in takes(vertex):
                result = self.result(act) if _name(act) == name else None
                was_taken = was_taken or (result is not None and result.is_seizure)
        if not was_taken or not isinstance(known.terms, StakeTerms):
            return 0
        watch = len(known.terms.watch)
        return known.amount - known.terms.reward // watch * watch


def takes(vertex: Vertex) -> Iterator[Act]:
    """Iterate over the takes of a vertex."""
    for operation in vertex.operations:
        if isinstance(operation, Act) and isinstance(operation.action, Take):
            yield operation


def _name(act: Act) -> ObjectId:
    return object_id(act.opening, act.index)


def _of_escrow(terms: Terms, award: int) -> Result:
    assert isinstance(terms, EscrowTerms)
    shares = [(who, award * parts // 10**6) for who, parts in terms.split]
    return Result(False, award, tuple(one for one in shares if one[1]))
