"""Objects whose openings are pruned fare as on a ledger that forgets nothing (SPEC.md 8.21)."""

from collections import Counter
from collections.abc import Collection
from random import Random

import pytest

from fogbank_dag_ledger.checkpoint_state import decode_record, encode_record
from fogbank_dag_ledger.cut import Cut
from fogbank_dag_ledger.events import Unsolid
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.object_state import LineRecord, ObjectRecord
from fogbank_dag_ledger.objects import HeldObject
from fogbank_dag_ledger.operations import (
    Act,
    Close,
    PostVouchers,
    Reclaim,
    ReclaimFinal,
    RefundLate,
    Take,
    TopUp,
    Unstake,
    Withdraw,
    object_id,
    outcome_digest,
)
from fogbank_dag_ledger.own_objects import OwnObjects
from fogbank_dag_ledger.restoring import Names
from fogbank_dag_ledger.vertex import NO_VERTEX, Vertex, VertexId
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId

from .community import Community
from .object_dag import ObjectDag
from .test_ledger import has_two_in_one_slot
from .town import ANN, BOB, CAT, DAN, Town, name_of


class Twins:
    """A ledger that prunes beside one that does not."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.community = Community(others=3)
        self.whole = Ledger(self.community.genesis)
        self.pruned = Ledger(self.community.genesis)
        self.source = ObjectDag(
            self.community,
            self.random,
            self.random.choice((0, 0, 0, 1)),
            self.whole,
            homes=seed % 3 == 0,
            beats=(1, 40, 500),
            wide=0.6,
        )
        self.vertices: dict[VertexId, Vertex] = {}
        self.state: dict[bytes, bytes] = {}
        self.names: list[Names] = []
        self.met: Counter[str] = Counter()

    def step(self) -> None:
        vertex = self.source.draw()
        try:
            self.whole.insert(vertex)
        except RemoteProtocolError:
            return
        self.vertices[vertex.id] = vertex
        self.source.accept(vertex)
        settled = [one for one in vertex.edges if self.pruned.is_settled(one)]
        acted = {one for operation in vertex.operations for one in operation.references}
        self.met["acts on what is pruned"] += bool(acted & set(settled))
        self.insert(self.pruned, vertex)

    def insert(self, ledger: Ledger, vertex: Vertex) -> None:
        for event in ledger.insert(vertex):
            if isinstance(event, Unsolid):
                for missing in event.missing:
                    self.insert(ledger, self.vertices[missing])
                self.insert(ledger, vertex)

    def prune(self) -> None:
        cut = self.pruned.choose_cut(Cut(), lambda record, _count: self.pruned.may_die(record))
        if not cut.counts:
            return
        members = cut.members(Cut())
        self.met["openings pruned"] += sum(
            len(one.deeds.opened) for one in members if one.deeds is not None
        )
        self.met["takes pruned"] += sum(
            isinstance(act.action, Take)
            for one in members
            if one.deeds is not None
            for _, act in one.deeds.acts
        )
        before = sum(key[0] == 4 for key in self.state)
        opened = sum(len(one.deeds.opened) for one in members if one.deeds is not None)
        self.state = self.pruned.state_at(self.state, cut, members)
        self.met["ended"] += before + opened - sum(key[0] == 4 for key in self.state)
        self.names.append(Names(sorted(one.id for one in members), list(cut.dead)))
        self.met["pruned"] += len(self.pruned.settle(cut, self.state))

    def restored(self) -> Ledger:
        ledger = Ledger(self.community.genesis)
        ledger.restore(map(decode_record, self.state.values()), self.names)
        for record in self.pruned.dag.records():
            self.insert(ledger, self.vertices[record.id])
        return ledger

    def compare(self, ledger: Ledger) -> None:
        whole = self.whole
        for one in self.vertices:
            if one in ledger or not ledger.is_settled(one):
                assert ledger.is_final(one) == whole.is_final(one), one.hex()
        assert ledger.state_hash() == whole.state_hash()
        assert (ledger.supply_held(), ledger.burned) == (whole.supply_held(), whole.burned)
        for held in ledger.objects():
            other = whole.object(held.id)
            assert other is not None
            assert held.opened_in is not None
            if held.opened_in.final:
                told, same = (
                    None if one is None else (one.award, one.shares, one.is_seizure)
                    for one in (held.outcome, other.outcome)
                )
                assert told == same
                self.met["outcomes"] += told is not None
            if held.opened_in.final and not held.is_over:
                lost = seats_lost(ledger)
                assert seen_of(ledger, held, lost) == seen_of(whole, other, lost)
                self.met["open and passed"] += bool(held.opened_in.height == 0 and held.sights)
                self.met["voted on and passed"] += bool(held.passed and held.voted)


def seats_lost(ledger: Ledger) -> set[NodeId]:
    """Return the seats that stand on what is lost: who tells the truth never does (8.21)."""
    chains = [ledger.chain(name) for name in ledger.epochs.holders]
    return {chain.issuer for chain in chains if chain and any(one.lost for one in chain.records())}


def seen_of(ledger: Ledger, held: HeldObject, lost: Collection[NodeId] = ()) -> dict[int, object]:
    """Return what each seat of its home that has not forked saw of an object, and its vote.

    Nor are those ``lost``.
    """
    chains = [ledger.chain(name) for name in ledger.epochs.holders]
    found: dict[int, object] = {}
    for seat, chain in enumerate(chains):
        sight = held.sights.get(seat)
        votes = {key for key, one in held.outcomes.items() if one.votes >> seat & 1}
        is_true = chain is not None and not chain.forked and chain.issuer not in lost
        counts = is_true and held.home.weight_of(seat)
        if counts and (votes or (sight and sight.seen)):
            found[seat] = (None if sight is None else (sight.seen, sight.best), votes)
    return found


def run(seed: int, steps: int, met: Counter[str]) -> None:
    twins = Twins(seed)
    for number in range(steps):
        twins.step()
        if number % 15 == 14:
            confirmed = {one.id for one in twins.whole.dag.records() if one.confirmed}
            outcomes = [
                sum(outcome.confirmed for outcome in held.outcomes.values())
                for held in twins.whole.objects()
            ]
            if has_two_in_one_slot(confirmed) or max(outcomes, default=0) > 1:
                met["over the bound"] += 1  # where nothing is promised
                break
            twins.prune()
            twins.compare(twins.pruned)
            twins.compare(twins.restored())
            if twins.random.random() < 0.2:
                twins.pruned = twins.restored()
    for data in twins.state.values():
        record = decode_record(data)
        assert encode_record(record)[1] == data
        twins.met[type(record).__name__] += 1
    met += twins.met


@pytest.mark.slow
def test_a_pruned_ledger_treats_objects_as_one_that_keeps_everything() -> None:
    met: Counter[str] = Counter()
    for seed in range(12):
        run(seed, 200, met)
    for what, least in {
        "pruned": 100,
        "openings pruned": 8,
        "acts on what is pruned": 20,
        "open and passed": 60,
        "voted on and passed": 2,
        ObjectRecord.__name__: 5,
        LineRecord.__name__: 5,
    }.items():
        assert met[what] >= least, met


class PruningTown(Town):
    """A town whose ledger can be pruned, and read back from the state of its last checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.state: dict[bytes, bytes] = {}
        self.names: list[Names] = []

    def prune(self) -> dict[bytes, bytes]:
        # What validators voted in is final when they go on.
        for _ in range(12):
            self.issue(DAN, pays={CAT: 1})
            self.wait(1)
        cut = self.ledger.choose_cut(Cut(), lambda record, _count: self.ledger.may_die(record))
        members = cut.members(Cut())
        self.names.append(Names(sorted(one.id for one in members), list(cut.dead)))
        self.state = self.ledger.state_at(self.state, cut, members)
        self.ledger.settle(cut, self.state)
        return self.state

    def restored(self) -> tuple[Ledger, OwnObjects]:
        """Return a ledger that begins at the state, and what Bob knows of his objects by it."""
        ledger = Ledger(self.community.genesis)
        own = OwnObjects(ledger, self.community.names[BOB])
        ledger.restore(map(decode_record, self.state.values()), self.names)
        own.restore()
        known = {vertex.id: vertex for vertex in self.inserted}
        for record in self.ledger.dag.records():
            own.note(ledger.insert(known[record.id]))
        return ledger, own


def objects_in(state: dict[bytes, bytes]) -> list[ObjectRecord]:
    records = map(decode_record, state.values())
    return [record for record in records if isinstance(record, ObjectRecord)]


@pytest.mark.slow
def test_an_open_channel_is_passed_by_a_cut_and_closed_above_it() -> None:
    town = PruningTown()
    opening = town.open(ANN, 300, town.channel())
    topped = town.act(ANN, opening, TopUp(100))
    (told,) = objects_in(town.prune())
    assert opening.id not in town.ledger
    assert (told.opening, told.funds, told.outcome) == (opening.id, topped.id, None)
    ledger, own = town.restored()
    (view,) = own.channels()
    assert (view.deposit, own.funds(told.id)) == (400, topped.id)
    assert ledger.state_hash() == town.ledger.state_hash()

    voucher = town.voucher(opening, 350)
    closing = town.act(BOB, opening, Close(topped.id, (), (voucher,)))
    assert town.award(opening) == 350
    (told,) = objects_in(town.prune())
    assert told.outcome is not None
    assert (told.outcome.award, told.outcome.settling) == (350, (closing.id,))
    ledger, own = town.restored()
    assert own.takes() == [Act(opening.id, 0, town.taking(opening, closing))]
    assert ledger.state_hash() == town.ledger.state_hash()

    assert town.take(BOB, opening, closing) == 350
    assert town.take(ANN, opening, closing) == 50
    assert objects_in(town.prune()) == []
    assert town.ledger.object(told.id) is None
    late = town.issue(DAN, Act(opening.id, 0, PostVouchers((voucher,))))
    town.wait(2)
    assert town.ledger.is_final(late.id)
    ledger, _ = town.restored()
    assert ledger.state_hash() == town.ledger.state_hash()


@pytest.mark.slow
def test_an_author_learns_its_share_of_what_was_settled_below_the_floor() -> None:
    town = PruningTown()
    opening = town.open(ANN, 300, town.channel())
    town.act(BOB, opening, Close(NO_VERTEX, (), (town.voucher(opening, 200, split={CAT: 20}),)))
    town.prune()
    ledger = Ledger(town.community.genesis)
    own = OwnObjects(ledger, town.key(CAT).node_id)
    ledger.restore(map(decode_record, town.state.values()), town.names)
    own.restore()
    assert [one.drops for one in own.shares()] == [20]


@pytest.mark.slow
def test_a_cut_passes_a_reclaim_and_the_beats_go_on_from_the_state() -> None:
    town = PruningTown()
    opening = town.open(ANN, 300, town.channel(beats=60))
    asking = town.act(ANN, opening, Reclaim())
    town.prune()
    assert opening.id not in town.ledger
    assert asking.id not in town.ledger
    voucher = town.voucher(opening, 120, split={CAT: 20})
    posting = town.act(DAN, opening, PostVouchers((voucher,)))
    later = town.voucher(opening, 130, count=2, split={CAT: 31})
    taking_back = town.act(ANN, opening, PostVouchers((later,)))
    named = tuple(sorted((posting.id, taking_back.id)))
    settling = town.act(ANN, opening, ReclaimFinal(named, ()))
    town.prune()
    assert town.award(opening) is None
    assert posting.id not in town.ledger
    assert settling.id not in town.ledger
    ledger, _ = town.restored()
    held = ledger.object(name_of(opening))
    assert held is not None
    assert seen_of(ledger, held) == seen_of(town.ledger, town.held(opening))
    town.wait(90)
    assert town.award(opening) == 120
    (told,) = objects_in(town.prune())
    assert told.outcome is not None
    assert told.outcome.settling == (settling.id,)
    assert town.take(ANN, opening, settling) == 180
    ledger, own = town.restored()
    shares = ((town.key(CAT).node_id, 20),)
    assert own.takes() == [
        Act(opening.id, 0, Take(settling.id, outcome_digest(120, shares, is_seizure=False)))
    ]
    assert ledger.state_hash() == town.ledger.state_hash()


@pytest.mark.slow
def test_cuts_go_on_while_an_escrow_a_voucher_and_a_timer_stay_open() -> None:
    town = PruningTown()
    escrow = town.open(ANN, 300, town.escrow())  # 100 beats to deliver in
    channel = town.open(ANN, 200, town.channel(beats=400))
    stake = town.open(DAN, 100, town.stake(beats=120))
    posting = town.act(BOB, channel, PostVouchers((town.voucher(channel, 70, split={CAT: 20}),)))
    leaving = town.act(DAN, stake, Unstake())
    early = town.act(ANN, escrow, RefundLate())
    sizes: list[int] = []
    for _ in range(5):
        town.prune()
        sizes.append(len(town.ledger))
        ledger, _ = town.restored()
        for opening in (escrow, channel, stake):
            held = ledger.object(name_of(opening))
            assert held is not None
            assert seen_of(ledger, held) == seen_of(town.ledger, town.held(opening))
    assert not any(one.id in town.ledger for one in (escrow, posting, leaving, early))
    assert max(sizes[2:]) <= max(sizes[:2])
    assert town.award(escrow) is None
    town.wait(150)
    assert town.award(escrow) == 0
    withdrawing = town.act(DAN, stake, Withdraw())
    closing = town.act(BOB, channel, Close(NO_VERTEX, (posting.id,), ()))
    assert (town.award(stake), town.award(channel)) == (0, 70)
    town.prune()
    assert town.take(ANN, escrow, early) == 300
    assert town.take(DAN, stake, withdrawing) == 100
    assert town.take(BOB, channel, closing) == 50
    ledger, _ = town.restored()
    assert ledger.state_hash() == town.ledger.state_hash()


def test_a_second_take_is_lost_once_the_object_has_ended() -> None:
    town = PruningTown()
    opening = town.open(ANN, 300, town.channel())
    closing = town.act(BOB, opening, Close(NO_VERTEX, (), (town.voucher(opening, 200),)))
    town.take(BOB, opening, closing)
    town.take(ANN, opening, closing)
    town.prune()
    vain = town.issue(BOB, Act(opening.id, 0, town.taking(opening, closing)))
    town.wait(2)
    record = town.ledger.dag.get(vain.id)
    assert record is not None
    assert record.lost
    assert not record.final


def test_who_takes_by_a_later_vertex_of_the_same_outcome_loses_nothing() -> None:
    town = PruningTown()
    opening = town.open(ANN, 300, town.channel())
    shown = Close(NO_VERTEX, (), (town.voucher(opening, 200),))
    town.act(BOB, opening, shown)
    town.prune()
    assert town.ledger.object(object_id(opening.id, 0)) is not None
    # The checkpoint knows the first closing vertex alone, which gives the same outcome.
    again = town.act(BOB, opening, shown)
    taking = town.act(BOB, opening, Take(again.id, town.taking(opening, again).outcome))
    assert town.ledger.is_final(taking.id)
    other = outcome_digest(199, (), is_seizure=False)
    vain = town.issue(ANN, Act(opening.id, 0, Take(again.id, other)))
    town.wait(2)
    record = town.ledger.dag.get(vain.id)
    assert record is not None
    assert record.lost
