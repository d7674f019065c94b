"""Where a vertex about to be signed belongs: its epoch and its home (SPEC.md 8.18 and 8.19)."""

from dataclasses import replace

from .holdings import Holdings
from .vertex import Draft


def place(held: Holdings, draft: Draft) -> Draft:
    """Return ``draft``, whose edges are all held, with its epoch (8.19) and home (8.18)."""
    prev = held.dag.get(draft.prev)
    if prev is None:
        chain = held.chains.get(draft.issuer)
        prev = None if chain is None else chain.settled_head
    home = b"" if prev is None else prev.next_home.id
    return replace(draft, epoch=epoch_for(held, draft), home=home)


def epoch_for(held: Holdings, draft: Draft) -> int:
    """Return the epoch that a vertex with these edges, all of them held, is in (8.19)."""
    named = [draft.prev] if draft.prev else []
    named += [*draft.parents, *(claim.source for claim in draft.claims)]
    for operation in (*draft.operations, *draft.committee):
        named += operation.references
    found = [held.dag.get(one) or held.ground.settled_head(one) for one in named]
    return max([record.epoch for record in found if record is not None], default=0)
