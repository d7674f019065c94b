"""Anyone's stake, as a reader who relies on it sees it (SPEC.md section 8.15)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from fogbank_protocol.identity import NodeId

from .ledger import Ledger
from .objects import Notice
from .operations import ChannelTerms, ObjectId, StakeTerms
from .vertex import VertexId


@dataclass(frozen=True, slots=True)
class StakeView:
    """A stake of any account."""

    id: ObjectId
    opening: VertexId
    index: int
    """Which op of the vertex ``opening`` opened it."""

    owner: NodeId
    amount: int
    """Drops."""

    terms: StakeTerms
    is_final: bool
    """Whether the opening is."""

    is_leaving: bool
    """Whether a validator has seen that the owner wants it back."""

    is_slashed: bool
    """Whether a validator has seen a proof against the owner."""

    is_settled: bool
    is_seized: bool


def view_stake(ledger: Ledger, name: ObjectId) -> StakeView | None:
    """Return the stake of this name; None when the ledger holds none, or no trace of it."""
    held = ledger.object(name)
    if held is None or held.opened_in is None or not isinstance(held.terms, StakeTerms):
        return None
    seen = {notice for sight in held.sights.values() for notice in sight.seen}
    return StakeView(
        id=held.id,
        opening=held.opened_in.id,
        index=held.index,
        owner=held.opener,
        amount=held.amount,
        terms=held.terms,
        is_final=held.opened_in.final,
        is_leaving=Notice.UNSTAKED in seen,
        is_slashed=Notice.SLASHED in seen,
        is_settled=held.outcome is not None,
        is_seized=held.outcome is not None and held.outcome.is_seizure,
    )


def convicted(ledger: Ledger) -> frozenset[NodeId]:
    """Return the owners of seized stakes that the ledger still has a trace of."""
    return frozenset(
        held.opener
        for held in ledger.objects()
        if isinstance(held.terms, StakeTerms)
        and held.outcome is not None
        and held.outcome.is_seizure
    )


def channel_funds(ledger: Ledger, provider: NodeId) -> Mapping[NodeId, int]:
    """Return the drops that openings of channels to ``provider`` have put in, by opener.

    Those count whose opening is final and that are not settled.
    """
    funds: Counter[NodeId] = Counter()
    for held in ledger.objects():
        if (
            isinstance(held.terms, ChannelTerms)
            and held.terms.provider == provider
            and held.opened_in is not None
            and held.opened_in.final
            and held.outcome is None
        ):
            funds[held.opener] += held.amount
    return funds
