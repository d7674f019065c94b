"""Compares the ledger on disk with what follows from it, by definition."""

from dataclasses import dataclass

from ..audit import Audit
from ..audit_objects import Result
from ..checkpoint_state import decode_record
from .reading import LedgerOnDisk


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found."""

    vertices: int
    final: int
    state_hash: bytes
    differences: tuple[str, ...]
    """In sentences; none when all is equal."""


def verify(found: LedgerOnDisk) -> Verification:
    """Work out ``found`` anew and compare; takes time with the square of what is held."""
    ledger, floor = found.ledger, found.begins_at
    state = [] if floor is None else [decode_record(one) for one in floor.floor.state.values()]
    dead = [] if floor is None else [one for names in floor.names for one in names.dead]
    tables = [] if floor is None else floor.tables
    table, epoch = (tables[-1], len(tables)) if tables else (None, 0)
    won = {
        held.id: Result(held.outcome.is_seizure, held.outcome.award, held.outcome.shares)
        for held in ledger.objects()
        if held.outcome is not None
    }
    vertices = list(found.vertices.values())
    audit = Audit(ledger.genesis, state, dead, vertices, table, epoch, won)
    differences = [
        *(f"{one.hex()} is damaged" for one in found.damaged),
        *(f"the table {one} has damaged rows" for one in found.damaged_tables),
        *(f"{one.hex()} stands on what is not here" for one in found.waiting),
        *audit.wrong,
    ]
    final = {record.id for record in ledger.dag.records() if record.final}
    confirmed = {record.id for record in ledger.dag.records() if record.confirmed}
    lost = {record.id for record in ledger.dag.records() if record.lost}
    differences += [f"{one.hex()} is lost in one only" for one in sorted(lost ^ audit.lost)]
    # What was final in an earlier epoch need not be L1 in the present one.
    confirmed_differ = sorted((confirmed - lost - final) ^ (audit.confirmed - audit.final))
    differences += [f"{one.hex()} is confirmed in one only" for one in confirmed_differ]
    differences += [f"{one.hex()} is final in one only" for one in sorted(final ^ audit.final)]
    if audit.state_hash() != ledger.state_hash():
        differences.append("the state hashes differ")
    if audit.supply_held() != ledger.genesis.supply:
        differences.append("the supply has changed")
    return Verification(len(found.vertices), len(final), ledger.state_hash(), tuple(differences))
