"""Votes by edges, counted as they arrive (SPEC.md section 8.4).

Each vertex holds one bit a validator for "observed" and one for "voted".  A vertex of a validator
is followed downwards only through vertices that this validator had not observed, so every vertex is
visited once a validator, whatever the size of the DAG.
"""

from collections.abc import Iterable, Sequence

from fogbank_protocol.identity import NodeId

from .chain import Chain
from .object_votes import ObjectVotes
from .record import Record


class Votes:
    """Who has observed and voted for what."""

    def __init__(self, weights: Sequence[int], quorum: int) -> None:
        """``weights`` by number of the seat; ``quorum`` the weight that makes a vertex L1."""
        self._weights = weights
        self._quorum = quorum
        self._contests: dict[tuple[bytes, int], Sequence[Record]] = {}
        self.objects = ObjectVotes(weights, quorum)
        """Votes in the slots of objects."""

    def contest(self, record: Record, *, first_fork: bool) -> list[Record]:
        """Take note that ``record``, just added to its chain, has rivals; return what became L1.

        ``first_fork`` says that its issuer had not forked before.
        """
        chain = record.chain
        self._contests[chain.issuer, record.seq] = chain.contenders(record.seq)
        if chain.seat is None or not first_fork or not self.votes_for_all(chain):
            return []
        self.objects.count_all_observed(chain.seat)
        return self._count_all_observed(chain.seat)

    def forget(self, settled: Iterable[Chain]) -> None:
        """Drop the contests of slots that these chains hold no more than one vertex of."""
        issuers = {chain.issuer: chain for chain in settled}
        for issuer, seq in [key for key in self._contests if key[0] in issuers]:
            contenders = issuers[NodeId(issuer)].contested.get(seq)
            if contenders is None:
                del self._contests[issuer, seq]
            else:
                self._contests[issuer, seq] = contenders

    def observe(self, record: Record) -> list[Record]:
        """Let the issuer of ``record``, just inserted, vote; return the vertices that became L1."""
        seat = record.chain.seat
        if seat is None:
            return []
        bit = 1 << seat
        observed = _walk(record, bit)
        chosen = [one for one in observed if not one.special]
        special: list[Record] = []
        if len(chosen) < len(observed):
            special = [one for one in observed if one.special]
        if self.votes_for_all(record.chain):
            chosen = observed
            self.objects.count_all(seat, special)
        else:
            chosen += self.choose(special, bit)
            self.objects.observe(record, seat, special)
        return self._cast(chosen, seat)

    def votes_for_all(self, chain: Chain) -> bool:
        """Tell whether the validator with this ``chain`` votes for whatever it observes."""
        return chain.forked

    def choose(self, observed: Sequence[Record], bit: int) -> list[Record]:
        """Return the lowest id of each slot of ``observed``, unless its validator voted before.

        ``bit`` is the validator's.
        """
        chosen: dict[tuple[Chain, int], Record] = {}
        for record in observed:
            chain, seq = record.chain, record.seq
            if any(rival.votes & bit for rival in chain.contenders(seq)):
                continue
            best = chosen.get((chain, seq))
            if best is None or record.id < best.id:
                chosen[chain, seq] = record
        return list(chosen.values())

    def _count_all_observed(self, seat: int) -> list[Record]:
        """Count every vertex that a validator now known to have forked observed."""
        bit = 1 << seat
        return self._cast(
            [
                record
                for contenders in self._contests.values()
                for record in contenders
                if record.seen & bit and not record.votes & bit
            ],
            seat,
        )

    def _cast(self, chosen: Sequence[Record], seat: int) -> list[Record]:
        bit, weight, quorum = 1 << seat, self._weights[seat], self._quorum
        confirmed: list[Record] = []
        for record in chosen:
            record.votes |= bit
            record.weight += weight
            # A slot that lost to a settled one has no votes left of those that decided it.
            if record.weight >= quorum and not record.confirmed and not record.lost:
                record.confirmed = True
                confirmed.append(record)
        return confirmed


def has_observed(chain: Chain, record: Record) -> bool:
    """Tell whether the validator whose chain it is has observed ``record``."""
    return chain.seat is not None and bool(record.seen >> chain.seat & 1)


def _walk(start: Record, bit: int) -> list[Record]:
    start.seen |= bit
    observed = [start]
    # The list grows while it is iterated: it is queue and result in one.
    for record in observed:
        for edge in record.edges:
            if not edge.seen & bit:
                edge.seen |= bit
                observed.append(edge)
    return observed
