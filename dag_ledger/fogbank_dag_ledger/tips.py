"""Which vertices a new one stands on (SPEC.md section 8.6)."""

from collections.abc import Iterator
from itertools import islice

from .chain import Chain
from .dag import Dag
from .limits import TIPS_DRAWN_FROM, TIPS_NAMED
from .record import Record
from .vertex import VertexId


def draw_tips(dag: Dag, chain: Chain | None, draws: Iterator[int]) -> list[VertexId]:
    """Return, ascending, the oldest tip and others drawn from the oldest, none of ``chain``.

    ``draws`` yields random integers of at least 32 bits.
    """
    old = list(_others(islice(dag.tips, TIPS_DRAWN_FROM + 1), chain))
    chosen = old[:1]
    rest = old[1:]
    while rest and len(chosen) < TIPS_NAMED:
        chosen.append(rest.pop(next(draws) % len(rest)))
    return sorted(record.id for record in chosen)


def oldest_tips(dag: Dag, chain: Chain, count: int) -> list[VertexId]:
    """Return, ascending, the ``count`` oldest tips that are not of ``chain``.

    There is at most one of any issuer: two would be a fork, and a forker has none.
    """
    return sorted(record.id for record in islice(_others(dag.tips, chain), count))


def _others(tips: Iterator[Record] | dict[Record, None], chain: Chain | None) -> Iterator[Record]:
    return (record for record in tips if record.chain is not chain)
