"""Objects at the floor: what is left of them when what opened them is pruned (SPEC.md 8.21)."""

from collections.abc import Iterable, Mapping

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId

from .chain import Chain
from .checkpoint_state import decode_record, line_key
from .finality import Finality
from .footing import Ground, is_vain
from .home import Home
from .object_state import OBJECT, LineRecord, ObjectRecord
from .objects import HeldObject
from .operations import ObjectId, Take, TopUp
from .passed_state import ACT, SETTLEMENT, ActRecord, SettlementRecord, settlement_of
from .record import Record


def restore_object(record: ObjectRecord, chain: Chain, home: Home | None) -> HeldObject:
    """Return the object that ``record`` tells of; ``chain`` is its opener's, ``home`` its own.

    Raises:
        RemoteProtocolError: the state has no such home.
    """
    if home is None:
        raise RemoteProtocolError("an object in a home that is not there", rule="8.21")
    held = HeldObject(record.id, record.index, record.account, record.amount, record.terms, home)
    held.opened_in = Record.settled(record.opening, chain, 0, 0)
    end_object(held, record)
    return held


def end_object(held: HeldObject, record: ObjectRecord) -> None:
    """Let ``held`` stand at the floor as ``record`` says."""
    held.settled_funds = record.funds
    told = record.outcome
    if told is None or held.is_over:
        return
    outcome = held.contender((told.is_seizure, told.award, told.shares))
    outcome.confirmed = True
    held.outcome = outcome
    held.settling = told.settling


def restore_line(record: LineRecord, held: HeldObject, chain: Chain, finality: Finality) -> None:
    """Let the account of ``chain`` have put into ``held`` and taken out what ``record`` says."""
    for totals in (chain.account, chain.totals):
        totals.objects[held] = (record.put, record.taken, record.settled)
    if record.account == held.opener:
        held.settled_put = record.put
    if record.taken and held.outcome is not None and held.outcome.is_seizure:
        finality.seized.add(held)


def restore_passed(record: SettlementRecord | ActRecord, held: HeldObject) -> None:
    """Let the vertex that ``record`` names have done to ``held``, which is open, what it says."""
    match record:
        case SettlementRecord(settling=settling):
            held.passed.setdefault(settling, settlement_of(record, held))
        case ActRecord(vertex=vertex, voucher=None):
            held.passed_acts[vertex] = None
        case ActRecord(vertex=vertex, voucher=voucher):
            assert voucher is not None
            held.passed_acts[vertex] = (*(held.passed_acts.get(vertex) or ()), voucher)


def settle_objects(
    state: Mapping[bytes, bytes],
    objects: dict[ObjectId, HeldObject],
    ground: Ground,
    chains: Mapping[NodeId, Chain],
) -> None:
    """Let objects stand as ``state``, that at the floor, says; forget those at their end."""
    known: dict[ObjectId, HeldObject] = {}
    for key, data in state.items():
        if key[0] != OBJECT:
            continue
        record = decode_record(data)
        assert isinstance(record, ObjectRecord)
        held = known[record.id] = objects[record.id]
        end_object(held, record)
        line = decode_record(state[line_key(record.account, record.id)])
        assert isinstance(line, LineRecord)
        held.settled_put = line.put
    ended = {
        held
        for held in objects.values()
        if held.id not in known and _is_below(held, chains[held.opener])
    }
    _pass_on(state, known)
    ground.objects.clear()
    ground.objects.update(known)
    if not ended:
        return
    for held in ended:
        held.has_ended = True
        del objects[held.id]
    for chain in chains.values():
        for totals in (chain.account, chain.totals):
            for held in ended & totals.objects.keys():
                del totals.objects[held]


def _pass_on(state: Mapping[bytes, bytes], known: Mapping[ObjectId, HeldObject]) -> None:
    """Keep what ``state`` says of vertices that act on open objects, and are forgotten."""
    for held in known.values():
        held.passed_acts.clear()
    for key, data in state.items():
        if key[0] in (SETTLEMENT, ACT):
            record = decode_record(data)
            assert isinstance(record, SettlementRecord | ActRecord)
            restore_passed(record, known[record.object_id])


def _is_below(held: HeldObject, chain: Chain) -> bool:
    opening = held.opened_in
    assert opening is not None
    return opening.lost or (opening.final and opening.seq < chain.floor)


def mark_vain(records: Iterable[Record]) -> bool:
    """Find what takes from objects in vain, and can never be final; tell whether there is any."""
    found = False
    for record in records:
        if record.final or record.lost or record.deeds is None:
            continue
        for held, act in record.deeds.acts:
            moves = isinstance(act.action, Take | TopUp)
            if (held.has_ended and moves) or is_vain(held, act):
                record.lost = found = True
    return found
