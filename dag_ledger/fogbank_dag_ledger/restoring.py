"""Beginning with the state at a checkpoint instead of genesis (SPEC.md section 8.22)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fogbank_protocol.errors import RemoteProtocolError

from .accounts import Totals
from .acknowledgements import Acknowledged
from .chain import Chain
from .checkpoint_state import AccountRecord, DeadRecord, HomeRecord, PairRecord, StateRecord
from .committee_operations import Table
from .epoch_change import seat
from .finality import Finality
from .footing import Ground
from .holdings import Holdings
from .home import Home
from .object_state import LineRecord, ObjectRecord
from .object_votes import Seen
from .objects import HeldObject
from .operations import ObjectId
from .passed_state import ActRecord, SettlementRecord, SightRecord
from .pruning import Interval, Trail, forget
from .record import Record
from .settled_objects import restore_line, restore_object, restore_passed
from .vertex import VertexId, seq_in, tag_in


@dataclass(frozen=True, slots=True)
class Names:
    """What one checkpoint covered beyond the one before, by name."""

    final: Sequence[VertexId]
    """Ascending."""

    dead: Sequence[VertexId]


def restore(
    held: Holdings,
    records: Iterable[StateRecord],
    names: Iterable[Names],
    tables: Sequence[Table],
) -> None:
    """Let ``held``, where nothing is yet, stand at a checkpoint as ``Ledger.restore`` says.

    Raises:
        RemoteProtocolError: the records do not fit together.
    """
    assert not held.dag
    for table in tables:
        seat(held, table)
    held.epochs.settle(len(tables))
    ordered = in_order(records)
    for record in ordered:
        _restore_record(held, record, len(tables))
    for record in ordered:
        if isinstance(record, HomeRecord):
            held.homes.count_made(held.chains.get(record.account))
            held.homes.succeed(record.home, record.succeeds)
    _restore_sights(held, [one for one in ordered if isinstance(one, SightRecord)])
    _restore_names(names, held.acknowledged, held.ground, held.trail)


def _restore_record(held: Holdings, record: StateRecord, epoch: int) -> None:
    match record:
        case HomeRecord():
            held.homes.add(record.home, record.table)
            return
        case SettlementRecord() | ActRecord():
            restore_passed(record, _open_object(held, record.object_id))
            return
        case _:
            pass
    chain = held.chain_of(record.account)
    chain.introduced = True
    match record:
        case AccountRecord():
            _restore_account(record, chain, held.finality, held.homes.get(record.home))
            if chain.seat is not None and record.count and record.epoch == epoch:
                held.epochs.entered |= 1 << chain.seat
        case PairRecord():
            _restore_pair(record, chain, held.finality)
        case DeadRecord(_, name):
            held.ground.dead[name] = None
        case ObjectRecord():
            restored = restore_object(record, chain, held.homes.get(record.home))
            held.objects[record.id] = held.ground.objects[record.id] = restored
        case LineRecord():
            known = held.objects.get(record.object_id)
            if known is None:
                raise RemoteProtocolError("drops in no object", rule="8.21")
            restore_line(record, known, chain, held.finality)
        case SightRecord():
            _open_object(held, record.object_id)


def _open_object(held: Holdings, name: ObjectId) -> HeldObject:
    known = held.objects.get(name)
    if known is None or known.is_over:
        raise RemoteProtocolError("something told of no open object", rule="8.21")
    return known


def _restore_sights(held: Holdings, sights: Iterable[SightRecord]) -> None:
    """Let seats have seen and voted what ``sights`` say."""
    epochs = held.epochs
    by_object: dict[ObjectId, list[Seen]] = {one.id: [] for one in held.objects.values()}
    for record in sights:
        chain = held.chain_of(record.account)
        if chain.seat is None or chain.settled_head is None:
            raise RemoteProtocolError("a sight of somebody without a seat", rule="8.21")
        by_object[record.object_id].append(Seen(chain.seat, chain.settled_head, record))
    seats = [held.chains[name] for name in epochs.holders]
    forked = [seat for seat, chain in enumerate(seats) if chain.shown_forked]
    late = [seat for seat in range(len(seats)) if epochs.number and not epochs.entered >> seat & 1]
    for one in held.objects.values():
        held.votes.objects.restore(one, by_object[one.id], forked, late, epochs.number)


def _restore_account(
    record: AccountRecord, chain: Chain, finality: Finality, home: Home | None
) -> None:
    """Let ``chain``, of which nothing is held, stand as ``record`` says; it lives in ``home``.

    Raises:
        RemoteProtocolError: the state has no such home.
    """
    if home is None:
        raise RemoteProtocolError("an account in a home that is not there", rule="8.21")
    chain.closed, chain.forked = record.closed, record.forked
    chain.shown_forked = record.forked
    if record.forked and record.epoch:
        # When it forked is not told; an epoch has begun since, or soon will.
        chain.forgiven = record.count
    if record.count:
        head = Record.settled(record.head, chain, record.balance, record.beat, record.epoch)
        head.next_home = home
        chain.begin_at(record.count, head, record.payer)
        chain.account.balance = record.balance
        finality.final_count += record.count


def _restore_pair(record: PairRecord, chain: Chain, finality: Finality) -> None:
    """Let ``chain``, which stands restored, have the totals of ``record``."""
    for totals in (chain.account, chain.totals):
        _set(totals, record)
    if record.sent:
        assert chain.settled_head is not None
        chain.settled_sent[record.other] = record.sent
        finality.paid[record.other][chain.issuer] = (chain.settled_head.id, record.sent)


def _set(totals: Totals, record: PairRecord) -> None:
    if record.claimed:
        totals.claimed[record.other] = record.claimed
    if record.sent:
        totals.sent[record.other] = record.sent


def _restore_names(
    intervals: Iterable[Names],
    by_tag: Mapping[bytes, Acknowledged],
    ground: Ground,
    trail: Trail,
) -> None:
    """Remember the names of ``intervals``, the oldest first."""
    lines: defaultdict[Chain, list[VertexId]] = defaultdict(list)
    chains = {chain.issuer: chain for known in by_tag.values() for chain in known.chains}
    for names in intervals:
        counts: dict[Chain, int] = {}
        for vertex_id in names.final:
            known = by_tag.get(tag_in(vertex_id))
            # A name does not tell which of two accounts with one tag is meant.
            if known is not None and len(known.chains) == 1:
                chain = known.chains[0]
                counts[chain] = seq_in(vertex_id) + 1
                lines[chain].append(vertex_id)
        decided = [one for one in names.dead if one not in ground.dead]
        ground.dead.update(dict.fromkeys(decided))
        by_issuer = {chain.issuer: count for chain, count in counts.items()}
        forget(trail.add(Interval(by_issuer, len(names.final), decided)), chains, ground)
    for chain, line in lines.items():
        chain.remember_before(line[:-1])


def in_order(records: Iterable[StateRecord]) -> list[StateRecord]:
    """Return ``records``: homes, accounts and objects, in this order, before what is about them."""

    def rank(record: StateRecord) -> int:
        match record:
            case HomeRecord():
                return 0
            case AccountRecord():
                return 1
            case ObjectRecord():
                return 2
            case _:
                return 3

    return sorted(records, key=rank)
