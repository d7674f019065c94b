"""Whether a vertex that is not final can still become so in this epoch (SPEC.md sections 8.4, 8.5).

A vote is never withdrawn.  So once the seats that have not voted in a slot weigh too little to lift
any of its contenders to the quorum, none of them will be L1, nor anything that stands on it.
"""

from .record import Record


def can_be_final(record: Record) -> bool:
    """Tell whether ``record`` is final or may become so, as far as its own chain is concerned.

    Costs the distance to the last final vertex of the chain.
    """
    chain = record.chain
    one: Record | None = record
    while one is not None and not one.final:
        if one.lost or chain.closed or one.seq < chain.final_count:
            return False
        if not one.confirmed and not _can_win(one):
            return False
        one = one.prev
    return one is chain.final_head


def _can_win(record: Record) -> bool:
    contenders = record.chain.rivals(record)
    if len(contenders) == 1:
        return True
    if any(rival.confirmed for rival in contenders):
        return False
    voted = 0
    for rival in contenders:
        voted |= rival.votes
    weights = enumerate(record.home.weights)
    undecided = sum(weight for seat, weight in weights if not voted >> seat & 1)
    return record.weight + undecided >= record.home.quorum
