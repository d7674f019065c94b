"""Compares the ledger on disk with what follows from it, by definition."""

from dataclasses import dataclass

from ..audit import Audit
from ..checkpoint_state import decode_record
from ..object_state import ObjectRecord
from ..operations import Anchor
from .reading import LedgerOnDisk


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found."""

    vertices: int
    final: int
    with_objects: int
    """Vertices that open objects or act on them."""

    with_committee: bool
    """Whether something above the floor changes the seats: votes are not compared then."""

    state_hash: bytes
    differences: tuple[str, ...]
    """In sentences; none when all is equal."""


def verify(found: LedgerOnDisk) -> Verification:
    """Work out ``found`` anew and compare; takes time with the square of what is held."""
    ledger, floor = found.ledger, found.floor
    state = [] if floor is None else [decode_record(one) for one in floor.state.values()]
    dead = () if floor is None else floor.checkpoint.dead
    # Votes above the floor are those of its epoch, unless the seats changed since.
    with_committee = any(vertex.committee for vertex in found.vertices.values())
    seats = (None, 0) if with_committee else (ledger.epochs.table, ledger.epochs.number)
    audit = Audit(ledger.genesis, state, dead, list(found.vertices.values()), *seats)
    differences = [
        *(f"{one.hex()} is damaged" for one in found.damaged),
        *(f"{one.hex()} stands on what is not here" for one in found.waiting),
        *audit.wrong,
    ]
    with_objects = sum(
        any(not isinstance(one, Anchor) for one in vertex.operations)
        for vertex in found.vertices.values()
    )
    has_objects = with_objects > 0 or any(isinstance(one, ObjectRecord) for one in state)
    final = {record.id for record in ledger.dag.records() if record.final}
    confirmed = {record.id for record in ledger.dag.records() if record.confirmed}
    lost = {record.id for record in ledger.dag.records() if record.lost}
    differences += [f"{one.hex()} is lost in one only" for one in sorted(lost ^ audit.lost)]
    confirmed_differ = sorted((confirmed - lost) ^ audit.confirmed) if not with_committee else []
    differences += [f"{one.hex()} is confirmed in one only" for one in confirmed_differ]
    if not has_objects and not with_committee:
        differences += [f"{one.hex()} is final in one only" for one in sorted(final ^ audit.final)]
        if audit.state_hash() != ledger.state_hash():
            differences.append("the state hashes differ")
        if audit.supply_held() != ledger.genesis.supply:
            differences.append("the supply has changed")
    return Verification(
        len(found.vertices),
        len(final),
        with_objects,
        with_committee,
        ledger.state_hash(),
        tuple(differences),
    )
