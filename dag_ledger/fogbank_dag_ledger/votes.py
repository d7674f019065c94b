"""Votes by edges, counted as they arrive (SPEC.md section 8.4).

Each vertex holds one bit a validator for "observed" and one for "voted".  A vertex of a validator
is followed downwards only through vertices that this validator had not observed, so every vertex is
visited once a validator, whatever the size of the DAG.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from fogbank_protocol.identity import NodeId

from .chain import Chain
from .epochs import Epochs
from .home import Home
from .object_votes import ObjectVotes
from .objects import Outcome
from .record import Record


class Votes:
    """Who has observed and voted for what."""

    def __init__(
        self,
        epochs: Epochs,
        pending: Callable[[], Iterable[Record]],
        held: Callable[[], Iterable[Record]],
    ) -> None:
        """``epochs`` says whose vote counts in the home of the community.

        ``pending`` lists what is in slots there that are open, ``held`` all that is held.
        """
        self._epochs = epochs
        self._pending = pending
        self._contests: dict[tuple[bytes, int], Sequence[Record]] = {}
        self.objects = ObjectVotes(epochs.home, held)
        """Votes in the slots of objects."""

    def contest(self, record: Record, *, first_fork: bool) -> list[Record]:
        """Take note that ``record``, just added to its chain, has rivals; return what became L1.

        ``first_fork`` says that its issuer had not forked before.
        """
        chain = record.chain
        self._contests[chain.issuer, record.seq] = chain.contenders(record.seq)
        if chain.seat is None or not first_fork or not self.votes_for_all(chain):
            return []
        has_entered = self._has_entered(chain.seat)
        self.objects.count_all_observed(record, chain.seat, is_local=not has_entered)
        return self._count_all_observed(chain.seat, is_local=not has_entered)

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
        may_vote, enters = self._epochs.counts(record), not self._has_entered(seat)
        if may_vote and enters:
            # Its first vertex in the epoch votes for whatever is below it and undecided.
            self._epochs.entered |= bit
            fresh = set(observed)
            observed += [
                one
                for one in self._pending()
                if one.seen & bit and not one.votes & bit and one not in fresh
            ]
        forked = self.votes_for_all(record.chain)
        if forked and self._has_entered(seat):
            may_vote = True
        chosen = [one for one in observed if not one.special]
        special: list[Record] = []
        if len(chosen) < len(observed):
            special = [one for one in observed if one.special]
        if forked:
            self.objects.count_all(record, seat, special, is_local=not may_vote)
        if not (forked and may_vote) and self._epochs.is_seated(record):
            if record.epoch and (record.prev is None or record.prev.epoch < record.epoch):
                self.objects.enter(record, seat)
            self.objects.observe(record, seat, special, may_vote=may_vote)
        if forked:
            chosen = [one for one in observed if not _is_closed(one)]
        else:
            chosen += self.choose(special, bit)
        if not may_vote:
            # Epochs are of the community: in the home of a site one votes all the time (8.18).
            chosen = [one for one in chosen if not one.home.is_general]
        return self._cast(chosen, seat)

    def begin_epoch(
        self,
        union: Container[Record],
        carried: Iterable[Record],
        forked: Mapping[int, Container[Outcome]],
    ) -> None:
        """Vote anew, but in the slots of ``carried``; call it before the weights change.

        ``union`` holds what the sign-offs had below them (section 8.19), ``forked`` for which
        outcomes those vote in it who are known to have forked, by number of the seat.
        """
        pending = list(self._pending())
        for record in pending:
            record.votes = record.weight = 0
            record.confirmed = False
        for record in carried:
            if record.lost:
                continue
            record.confirmed = record.carried = True
        self.objects.begin_epoch(union, forked)

    def seat_new(self, chains: Iterable[Chain]) -> None:
        """Take note of the weights of a new epoch, and of those of ``chains`` who are new."""
        for chain in chains:
            assert chain.seat is not None
            for record in chain.records():
                _walk(record, 1 << chain.seat)
        self.objects.seat_all()

    def votes_for_all(self, chain: Chain) -> bool:
        """Tell whether the validator with this ``chain`` votes for whatever it observes."""
        return chain.forked

    def choose(self, observed: Sequence[Record], bit: int) -> list[Record]:
        """Return the lowest id of each slot of ``observed``, unless its validator voted before.

        ``bit`` is the validator's.
        """
        chosen: dict[tuple[Chain, int, Home], Record] = {}
        for record in observed:
            if _is_closed(record) or any(
                rival.votes & bit for rival in record.chain.rivals(record)
            ):
                continue
            slot = record.chain, record.seq, record.home
            best = chosen.get(slot)
            if best is None or record.id < best.id:
                chosen[slot] = record
        return list(chosen.values())

    def _has_entered(self, seat: int) -> bool:
        return not self._epochs.number or bool(self._epochs.entered >> seat & 1)

    def _count_all_observed(self, seat: int, *, is_local: bool) -> list[Record]:
        """Count every vertex that a validator now known to have forked observed.

        ``is_local``: in the homes of sites only.
        """
        bit = 1 << seat
        contested = [record for contenders in self._contests.values() for record in contenders]
        found = dict.fromkeys(one for one in contested if not (is_local and one.home.is_general))
        if not is_local and (self._epochs.number or self._epochs.signed_off):
            found.update(dict.fromkeys(self._pending()))
        return self._cast(
            [
                record
                for record in found
                if record.seen & bit and not record.votes & bit and not _is_closed(record)
            ],
            seat,
        )

    def _cast(self, chosen: Sequence[Record], seat: int) -> list[Record]:
        bit = 1 << seat
        confirmed: list[Record] = []
        for record in chosen:
            home = record.home
            weight = home.weights[seat] if seat < len(home.weights) else 0
            if not (weight or home.is_general):
                continue
            record.votes |= bit
            record.weight += weight
            # A slot that lost to a settled one has no votes left of those that decided it.
            if record.weight >= home.quorum and not record.confirmed and not record.lost:
                record.confirmed = True
                confirmed.append(record)
        return confirmed


def has_observed(chain: Chain, record: Record) -> bool:
    """Tell whether the validator whose chain it is has observed ``record``."""
    return chain.seat is not None and bool(record.seen >> chain.seat & 1)


def _is_closed(record: Record) -> bool:
    # Where there is one contender only, a vote more or less decides nothing.
    return record.special and record.home.is_general and record.chain.is_closed(record.seq)


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
