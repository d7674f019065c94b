"""Slots and contenders (SPEC.md section 8.4)."""

from fogbank_dag_ledger.chain import Chain
from fogbank_dag_ledger.record import Record
from fogbank_dag_ledger.vertex import Vertex

from .community import Community


class Growing:
    """A chain to which vertices are added."""

    def __init__(self) -> None:
        self.community = Community()
        self.chain = Chain(self.community.names[4], 1_000, None)

    def add(self, vertex: Vertex, prev: Record | None = None) -> Record:
        edges = () if prev is None else (prev,)
        record = Record(vertex, self.chain, prev, edges, balance=0, beat=0, payments=(), claims=())
        self.chain.add(record)
        return record


def test_a_line_has_one_contender_a_slot() -> None:
    growing, chain = Growing(), Growing().chain
    assert (chain.head, chain.forked, list(chain.records())) == (None, False, [])
    first = growing.community.vertex(4)
    bottom = growing.add(first)
    top = growing.add(growing.community.vertex(4, first), bottom)
    assert growing.chain.head is top
    assert list(growing.chain.records()) == [bottom, top]
    assert growing.chain.contenders(0) == [bottom]
    assert list(growing.chain.contenders(2)) == []
    assert not growing.chain.forked


def test_the_head_of_a_fork_is_the_highest_and_of_two_the_lowest() -> None:
    growing = Growing()
    first = growing.community.vertex(4)
    bottom = growing.add(first)
    tops = [growing.add(growing.community.vertex(4, first, note=n), bottom) for n in range(4)]
    assert growing.chain.forked
    assert growing.chain.contenders(1) == tops
    assert all(top.special for top in tops)
    assert not bottom.special
    assert growing.chain.head is min(tops, key=lambda record: record.id)
    assert list(growing.chain.records()) == [bottom, *tops]


def test_the_next_confirmed_stands_on_the_last() -> None:
    growing = Growing()
    firsts = [growing.community.vertex(4, note=note) for note in range(2)]
    bottoms = [growing.add(first) for first in firsts]
    top = growing.add(growing.community.vertex(4, firsts[1]), bottoms[1])
    assert growing.chain.next_confirmed(None) is None
    bottoms[0].confirmed = top.confirmed = True
    assert growing.chain.next_confirmed(None) is bottoms[0]
    assert growing.chain.next_confirmed(bottoms[0]) is None
    assert growing.chain.next_confirmed(bottoms[1]) is top
