"""Parking: what waits, what is let go, and the bounds (SPEC.md section 8.7)."""

from hypothesis import given
from hypothesis import strategies as st

from fogbank_dag_ledger.limits import (
    PARKED_BYTES_MAX,
    PARKED_MAX,
    PARKED_PER_PARENT_MAX,
    PARKED_PER_PEER_BYTES_MAX,
    PARKED_PER_PEER_MAX,
    VALIDATOR_BODY_BYTES_MAX,
)
from fogbank_dag_ledger.parking import Parking
from fogbank_dag_ledger.vertex import NO_VERTEX, ORDINARY, Vertex, VertexId
from fogbank_protocol.identity import NodeId

ANN = NodeId(b"a" * 32)
BEN = NodeId(b"b" * 32)


def name(number: int) -> VertexId:
    return VertexId(number.to_bytes(32, "big"))


def vertex(number: int, body: bytes = b"") -> Vertex:
    return Vertex(
        id=name(number),
        body=body,
        signature=b"",
        kind=ORDINARY,
        issuer=ANN,
        seq=0,
        prev=NO_VERTEX,
        parents=(),
        claims=(),
        payments=(),
        beat=0,
        cert=b"",
        unix_time_s=0,
    )


def test_a_vertex_is_released_with_the_last_edge_it_waited_for() -> None:
    parking = Parking()
    assert parking.add(vertex(1), [name(8), name(9)], ANN)
    assert name(1) in parking
    assert parking.release(name(8)) == []
    assert [parked.vertex.id for parked in parking.release(name(9))] == [name(1)]
    assert len(parking) == 0
    assert parking.release(name(9)) == []


def test_the_same_vertex_waits_once() -> None:
    parking = Parking()
    assert parking.add(vertex(1), [name(9)], ANN)
    assert not parking.add(vertex(1), [name(9)], BEN)
    assert len(parking.release(name(9))) == 1


def test_what_stands_on_an_invalid_vertex_is_dropped_with_all_above_it() -> None:
    parking = Parking()
    parking.add(vertex(1), [name(9)], ANN)
    parking.add(vertex(2), [name(1)], ANN)
    parking.add(vertex(3), [name(2), name(7)], ANN)
    parking.add(vertex(4), [name(7)], ANN)
    assert parking.refuse(name(9)) == 3
    assert len(parking) == 1
    assert [parked.vertex.id for parked in parking.release(name(7))] == [name(4)]


def test_few_may_wait_for_one_edge() -> None:
    parking = Parking()
    kept = [parking.add(vertex(n), [name(0)], ANN) for n in range(1, PARKED_PER_PARENT_MAX + 2)]
    assert kept == [True] * PARKED_PER_PARENT_MAX + [False]


def test_one_peer_cannot_fill_the_parking() -> None:
    parking = Parking()
    for number in range(PARKED_PER_PEER_MAX):
        assert parking.add(vertex(number), [name(10_000 + number)], ANN)
    assert not parking.add(vertex(9_999), [name(99_999)], ANN)
    assert parking.add(vertex(9_999), [name(99_999)], BEN)


def test_the_longest_waiting_makes_room() -> None:
    parking = Parking()
    for number in range(PARKED_MAX + 1):
        peer = NodeId(bytes([number // PARKED_PER_PEER_MAX]) * 32)
        assert parking.add(vertex(number), [name(10_000 + number)], peer)
    assert len(parking) == PARKED_MAX
    assert name(0) not in parking
    assert parking.release(name(10_000)) == []


LARGEST = bytes(VALIDATOR_BODY_BYTES_MAX)


def test_one_peer_cannot_fill_the_parking_with_a_few_large_ones() -> None:
    parking = Parking()
    count = PARKED_PER_PEER_BYTES_MAX // len(LARGEST)
    for number in range(count):
        assert parking.add(vertex(number, LARGEST), [name(10_000 + number)], ANN)
    assert not parking.add(vertex(9_999, b"1"), [name(99_999)], ANN)
    assert parking.add(vertex(9_999, b"1"), [name(99_999)], BEN)
    # What is let go makes room for as much.
    assert parking.release(name(10_000))
    assert parking.add(vertex(9_998, LARGEST), [name(99_998)], ANN)
    assert parking.body_bytes == PARKED_PER_PEER_BYTES_MAX + 1


def test_the_longest_waiting_make_room_for_a_large_one() -> None:
    parking, size = Parking(), PARKED_PER_PEER_BYTES_MAX // PARKED_PER_PEER_MAX
    for number in range(PARKED_MAX - 1):
        peer = NodeId(bytes([number // PARKED_PER_PEER_MAX]) * 32)
        assert parking.add(vertex(number, bytes(size)), [name(10_000 + number)], peer)
    assert parking.body_bytes == PARKED_BYTES_MAX - size
    assert parking.add(vertex(9_999, LARGEST), [name(99_999)], ANN)
    assert parking.body_bytes == PARKED_BYTES_MAX
    gone = (len(LARGEST) - size) // size
    assert len(parking) == PARKED_MAX - gone
    assert [name(one) in parking for one in (gone - 1, gone)] == [False, True]


@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.just("add"),
                st.integers(0, 9),
                st.sets(st.integers(10, 14), min_size=1, max_size=3),
            ),
            st.tuples(st.just("release"), st.integers(10, 14)),
            st.tuples(st.just("refuse"), st.integers(10, 14)),
        ),
        max_size=40,
    )
)
def test_parking_does_what_its_model_does(steps: list[tuple[object, ...]]) -> None:
    parking, model = Parking(), dict[int, set[int]]()
    for step in steps:
        match step:
            case ("add", int(number), set(edges)):
                added = parking.add(vertex(number), [name(int(edge)) for edge in edges], ANN)
                assert added == (number not in model)
                model.setdefault(number, set(edges))
            case ("release", int(edge)):
                released = {int.from_bytes(p.vertex.id, "big") for p in parking.release(name(edge))}
                for edges in model.values():
                    edges.discard(edge)
                assert released == {number for number, edges in model.items() if not edges}
                model = {number: edges for number, edges in model.items() if edges}
            case ("refuse", int(edge)):
                doomed = [number for number, edges in model.items() if edge in edges]
                assert parking.refuse(name(edge)) == len(doomed)
                for number in doomed:
                    del model[number]
            case _:
                raise AssertionError
        assert len(parking) == len(model)
