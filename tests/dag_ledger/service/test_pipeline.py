"""From bytes to the ledger: what is checked, counted and skipped (SPEC.md section 8.7)."""

from collections import Counter

import trio

from fogbank_dag_ledger.gossip_events import VerticesSeen
from fogbank_dag_ledger.intake import Intake
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.limits import ASKED_REACH, INVALID_WAITING_MAX, WINDOW
from fogbank_dag_ledger.participation.happenings import VerticesArrived
from fogbank_dag_ledger.service.pipeline import Pipeline
from fogbank_dag_ledger.vertex import VertexId, tag_of
from fogbank_dag_ledger.vertex_codec import encode_vertex
from fogbank_protocol.identity import NodeId

from ..community import Community
from .services import wait_until

COMMUNITY = Community(seats=4, others=3)
ANN, BEN = NodeId(b"a" * 32), NodeId(b"b" * 32)


def asked(_vertex_id: VertexId) -> bool:
    return True


class Taken:
    """A pipeline into an empty ledger, and what came out of it."""

    def __init__(self) -> None:
        self.ledger = Ledger(COMMUNITY.genesis)
        self._intake = Intake(self.ledger)
        self.arrived: list[VerticesArrived] = []
        self.seen: list[VerticesSeen] = []
        self.has_room = True
        self.pipeline = Pipeline(
            self.ledger,
            self._intake,
            take=self._take,
            note_seen=self.seen.append,
            has_room=lambda: self.has_room,
            wait_for_room=trio.lowlevel.checkpoint,
        )

    def _take(self, arrived: VerticesArrived) -> None:
        self.arrived.append(arrived)
        taken = self._intake.take(arrived.vertices)
        self.pipeline.remember(vertex for vertex, _ in taken.accepted)

    @property
    def checked(self) -> Counter[NodeId]:
        return Counter(peer for batch in self.arrived for _, peer in batch.vertices)

    @property
    def invalid(self) -> list[tuple[NodeId, str]]:
        return [found for batch in self.arrived for found in batch.invalid]


async def test_good_vertices_get_in_and_bad_ones_are_blamed() -> None:
    taken = Taken()
    good = COMMUNITY.vertex(4, pays={0: 1})
    chain = [good]
    for _ in range(9):
        chain.append(COMMUNITY.vertex(4, chain[-1], pays={0: 1}))
    forged = encode_vertex(COMMUNITY.vertex(5))[:-64] + bytes(64)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(taken.pipeline.run)
        await taken.pipeline.work_in([encode_vertex(vertex) for vertex in chain], ANN, asked)
        assert len(taken.ledger) == 10
        await taken.pipeline.work_in([b"garbage", forged], BEN, asked)
        nursery.cancel_scope.cancel()
    assert taken.invalid == [(BEN, "8.3.1"), (BEN, "8.3.12")]
    assert taken.checked == {ANN: 10}


async def test_what_is_held_is_not_checked_again() -> None:
    taken = Taken()
    wire = encode_vertex(COMMUNITY.vertex(4, pays={0: 1}))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(taken.pipeline.run)
        await taken.pipeline.work_in([wire, wire], ANN, asked)
        await taken.pipeline.push([wire], BEN)
        await taken.pipeline.work_in([wire], BEN, asked)
        nursery.cancel_scope.cancel()
    assert taken.checked == {ANN: 1}
    assert taken.seen == [VerticesSeen(BEN, (wire,), frozenset([tag_of(COMMUNITY.names[4])]))]


async def test_a_known_signature_under_another_body_does_not_get_in() -> None:
    taken = Taken()
    first, other = COMMUNITY.vertex(4, pays={0: 1}), COMMUNITY.vertex(5)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(taken.pipeline.run)
        await taken.pipeline.work_in([encode_vertex(first)], ANN, asked)
        forged = encode_vertex(other)[:-64] + first.signature
        await taken.pipeline.push([forged], BEN)
        await taken.pipeline.work_in([encode_vertex(other)], ANN, asked)
        nursery.cancel_scope.cancel()
    assert other.id in taken.ledger
    assert len(taken.ledger) == 2


async def test_a_push_beyond_the_window_is_left_and_an_answer_is_not() -> None:
    taken = Taken()
    chain = [COMMUNITY.vertex(4)]
    while len(chain) < WINDOW + 1:
        chain.append(COMMUNITY.vertex(4, chain[-1]))
    wires = [encode_vertex(vertex) for vertex in chain]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(taken.pipeline.run)
        await taken.pipeline.push(wires, ANN)
        await wait_until(lambda: len(taken.ledger) == WINDOW)
        await taken.pipeline.work_in([], ANN, asked)
        assert len(taken.ledger) == WINDOW
        await taken.pipeline.work_in(wires[-1:], ANN, asked)
        assert len(taken.ledger) == WINDOW + 1
        nursery.cancel_scope.cancel()


async def test_what_was_not_asked_for_counts_as_pushed_in_an_answer_too() -> None:
    taken = Taken()
    chain = [COMMUNITY.vertex(4)]
    while len(chain) < WINDOW + 1:
        chain.append(COMMUNITY.vertex(4, chain[-1]))
    wires = [encode_vertex(vertex) for vertex in chain]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(taken.pipeline.run)
        await taken.pipeline.work_in(wires, ANN, lambda _vertex_id: False)
        assert len(taken.ledger) == WINDOW
        nursery.cancel_scope.cancel()


async def test_an_answer_reaches_no_further_than_so_many_windows() -> None:
    taken = Taken()
    chain = [COMMUNITY.vertex(4)]
    while len(chain) < ASKED_REACH * WINDOW + 1:
        chain.append(COMMUNITY.vertex(4, chain[-1]))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(taken.pipeline.run)
        await taken.pipeline.work_in([encode_vertex(vertex) for vertex in chain], ANN, asked)
        assert len(taken.ledger) == ASKED_REACH * WINDOW
        nursery.cancel_scope.cancel()


async def test_a_few_are_worked_in_at_once_unless_the_disk_has_no_room() -> None:
    taken = Taken()
    first, second = COMMUNITY.vertex(4), COMMUNITY.vertex(5)
    # Nothing runs yet, so nobody else could have worked it in.
    await taken.pipeline.push([encode_vertex(first)], ANN)
    assert first.id in taken.ledger
    taken.has_room = False
    await taken.pipeline.push([encode_vertex(second)], ANN)
    assert second.id not in taken.ledger
    async with trio.open_nursery() as nursery:
        nursery.start_soon(taken.pipeline.run)
        await wait_until(lambda: second.id in taken.ledger)
        nursery.cancel_scope.cancel()


async def test_invalid_ones_do_not_pile_up_while_the_disk_has_no_room() -> None:
    taken = Taken()
    taken.has_room = False
    for _ in range(3):
        await taken.pipeline.push([b"garbage"] * INVALID_WAITING_MAX, BEN)
    await taken.pipeline.push([b"garbage"], ANN)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(taken.pipeline.run)
        await wait_until(lambda: bool(taken.arrived))
        nursery.cancel_scope.cancel()
    assert Counter(peer for peer, _ in taken.invalid) == {BEN: INVALID_WAITING_MAX}
