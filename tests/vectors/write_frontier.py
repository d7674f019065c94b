"""Vectors of frontiers: what is held, the entry for it, and what a neighbour is asked (8.7)."""

from typing import Any

from fogbank_dag_ledger.frontier import Frontier, Head, Tag, encode_entries, missing_range
from fogbank_dag_ledger.vertex import NO_VERTEX, VertexId

Json = dict[str, Any]

TAG = Tag(b"a" * 8)


def _id(seq: int, branch: bytes = b"") -> VertexId:
    return VertexId(TAG + seq.to_bytes(4, "big") + (b"%04d" % seq + branch).ljust(20, b"."))


def _forked(seq: int) -> VertexId:
    return VertexId(TAG + seq.to_bytes(4, "big") + (b"f%03d" % seq).ljust(20, b"."))


def _held(name: str, chain: list[tuple[VertexId, VertexId]]) -> Json:
    frontier = Frontier()
    for vertex_id, previous in chain:
        frontier.add(vertex_id, previous)
    return {
        "name": name,
        "held": [{"id": vertex_id.hex(), "prev": previous.hex()} for vertex_id, previous in chain],
        "hex": encode_entries(frontier.entries.items()).hex(),
    }


def _chain(length: int) -> list[tuple[VertexId, VertexId]]:
    return [(_id(seq), _id(seq - 1) if seq else NO_VERTEX) for seq in range(length)]


def _compared(name: str, here: Head | None, there: Head, asked_before: int = 0) -> Json:
    wanted = missing_range(TAG, here, there, asked_before)
    return {
        "name": name,
        "own": None if here is None else encode_entries([(TAG, here)]).hex(),
        "neighbour": encode_entries([(TAG, there)]).hex(),
        "asked_before": asked_before,
        "ask": None if wanted is None else [wanted.first, wanted.last],
    }


def build() -> Json:
    """Return the vectors."""
    one, two = Head(600, b"here"), Head(600, b"ther")
    return {
        "spec": "8.7",
        "accept": [
            _held("nothing", []),
            _held("a first vertex", _chain(1)),
            _held("a chain", _chain(3)),
            _held("a fork at the end", [*_chain(3), (_forked(2), _id(1))]),
            _held("a fork below the end", [*_chain(4), (_forked(2), _id(1))]),
            _held("a fork that grew", [*_chain(3), (_forked(2), _id(1)), (_forked(3), _forked(2))]),
        ],
        "compare": [
            _compared("an unknown issuer", None, Head(4, b"mark")),
            _compared("a longer chain", Head(4, b"mark"), Head(9, b"more")),
            _compared("a longer chain, asked once", Head(40, b"mark"), Head(50, b"more"), 1),
            _compared("a longer chain, asked twice", Head(200, b"mark"), Head(210, b"more"), 2),
            _compared("a longer chain, all was asked for", Head(4, b"mark"), Head(9, b"more"), 2),
            _compared("the same", one, one),
            _compared("a shorter chain", Head(9, b"more"), Head(4, b"mark")),
            _compared("a fork", one, two),
            _compared("a fork, asked once", one, two, 1),
            _compared("a fork, asked twice", one, two, 2),
            _compared("a fork, all was asked for", one, two, 3),
            _compared("a low fork", Head(3, b"here"), Head(3, b"ther")),
            _compared("a low fork, all was asked for", Head(3, b"here"), Head(3, b"ther"), 1),
        ],
    }
