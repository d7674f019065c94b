"""Putting vertices into the tables, and what follows at once (SPEC.md sections 8.3 to 8.5)."""

from collections.abc import Iterator, Sequence

from fogbank_protocol.identity import NodeId

from .acknowledgements import Acknowledged
from .chain import Chain
from .epoch_change import begin_epoch
from .equivocation import accused, check_proof, encode_proof, forked_at
from .events import Confirmed, Equivocated, Final, Inserted, LedgerEvent, Settled, Unsolid
from .holdings import Holdings
from .home import NOWHERE
from .limits import STRANGE_FORKERS_MAX
from .record import Record
from .strangers import is_introduced
from .validity import check_cone
from .vertex import Vertex


class Insertion:
    """Checks vertices against their past cones, and lets votes and finality follow them."""

    def __init__(self, held: Holdings) -> None:
        """Put vertices into ``held``."""
        self._held = held
        self._dag = held.dag
        self._epochs = held.epochs
        self._votes = held.votes
        self._finality = held.finality
        self._chains = held.chains
        self._ground = held.ground

    def insert(self, vertex: Vertex) -> Sequence[LedgerEvent]:
        """Insert ``vertex``, whose signature the caller has checked.

        Returns ``[Unsolid]`` when edges are missing, and nothing has changed; ``[]`` when it is
        held already, or pruned; otherwise ``Inserted`` and what followed from it: ``Equivocated``,
        ``Confirmed``, ``Final``.

        Raises:
            RemoteProtocolError: it breaks 8.3.7, a rule of 8.3.13 to 8.3.18, 8.18.2 to 8.18.6 or
                8.19.2 to 8.19.5, or one that 8.12 to 8.15 number from 8.12.3 on, and nothing has
                changed.
        """
        if self._dag.get(vertex.id) is not None:
            return []
        known = self._chains.get(vertex.issuer)
        chain = known or self._held.new_chain(vertex.issuer)
        if self._ground.is_over(vertex, chain):
            return []
        edges = vertex.edges
        held = [self._dag.get(edge) for edge in edges]
        if None in held:
            missing = self._ground.missing(edges)
            if missing:
                return [Unsolid(missing)]
        record, acknowledges = self._record(vertex, chain, held)
        if known is None:
            self._held.register(chain)
            self._held.strangers += not chain.introduced
        if not chain.introduced and is_introduced(vertex.claims, vertex.operations):
            self._held.introduce(chain)
        events: list[LedgerEvent] = [Inserted(vertex)]
        self._add(record, acknowledges, events)
        return events

    def check(self, vertex: Vertex) -> None:
        """Check a vertex whose edges are held, without inserting it.

        Raises:
            RemoteProtocolError: it breaks a rule, as ``insert`` would say.
        """
        chain = self._chains.get(vertex.issuer) or self._held.new_chain(vertex.issuer)
        self._record(vertex, chain, [self._dag.get(edge) for edge in vertex.edges])

    def learn_proof(self, proof: bytes) -> NodeId | None:
        """Take a proof that somebody forked; return who, or None when nothing was learnt.

        That is when the fork is known already, which is seen before the signatures are checked, or
        when too many are known of issuers of whom nothing else is: keys to convict cost nothing.

        Raises:
            RemoteProtocolError: the proof proves nothing (8.10).
        """
        issuer = accused(proof)
        chain = self._chains.get(issuer)
        is_spent = chain is not None and forked_at(proof) < chain.forgiven
        if issuer in self._held.barred or is_spent:
            return None
        if chain is None and self._held.strange_forkers >= STRANGE_FORKERS_MAX:
            return None
        check_proof(proof, self._held.genesis.network)
        self._held.convict(issuer, proof)
        return issuer

    # Inside.

    def _record(
        self, vertex: Vertex, chain: Chain, held: Sequence[Record | None]
    ) -> tuple[Record, Sequence[tuple[Acknowledged, int]]]:
        footing = self._ground.footing(vertex, chain, held)
        effect = check_cone(
            vertex,
            chain,
            footing,
            self._held.acknowledged,
            self._ground,
            self._held.genesis.network,
            self._held.homes.get(vertex.home) or NOWHERE,
        )
        stands_on = footing.edges if footing.prev is None else (*footing.edges, footing.prev)
        epoch = self._epochs.check(vertex, stands_on, is_late=None in held)
        dwelling = self._held.homes.check(vertex, footing, self._ground)
        record = Record(
            vertex,
            chain,
            footing.prev,
            footing.edges,
            balance=effect.balance,
            beat=effect.beat,
            payments=effect.payments,
            claims=effect.claims,
            deeds=effect.deeds,
            epoch=epoch,
            home=dwelling.home,
            next_home=dwelling.next_home,
            creation=dwelling.creation,
            homes_made=dwelling.homes_made,
        )
        record.lost = footing.lost
        return record, effect.acknowledges

    def _add(
        self,
        record: Record,
        acknowledges: Sequence[tuple[Acknowledged, int]],
        events: list[LedgerEvent],
    ) -> None:
        chain = record.chain
        confirmed: list[Record] = []
        was_forked = chain.forked
        if record.seq < chain.end or chain.contested:
            for rival in chain.contenders(record.seq)[:1]:
                events += self._convict(rival, record)
        chain.add(record)
        if chain.contested and record.seq in chain.contested:
            confirmed += self._votes.contest(record, first_fork=not was_forked and chain.forked)
        self._dag.add(record)
        if not record.lost:
            chain.totals.move(record)
        if record.creates is not None and not record.lost:
            self._held.homes.add(record.id, record.creates.table)
            self._held.homes.succeed(record.id, record.creates.succeeds)
        if record.deeds is not None:
            for held in record.deeds.opened:
                held.opened_in = record
                self._held.objects[held.id] = held
            self._votes.objects.add(record)
        to_advance: dict[Chain, None] = {}
        if record.committee:
            self._epochs.note(record)
            if record.epoch > self._epochs.number:
                to_advance.update(dict.fromkeys(begin_epoch(self._held, record, events)))
        if chain.seat is None:
            return
        confirmed += self._votes.observe(record)
        for one in confirmed:
            events.append(Confirmed(one.id))
            to_advance[one.chain] = None
        for outcome in self._votes.objects.take_settled():
            events.append(Settled(outcome.held.id, outcome.award, outcome.is_seizure))
            to_advance.update(dict.fromkeys(self._finality.released(outcome)))
        is_in_epoch = bool(acknowledges) and self._epochs.counts(record)
        earlier = record.epoch if acknowledges and self._epochs.counted(record) else None
        for acknowledged, seq in acknowledges:
            if acknowledged.raise_to(chain.seat, seq + 1, is_in_epoch=is_in_epoch, earlier=earlier):
                to_advance.update(dict.fromkeys(acknowledged.chains))
        events += self._advance(list(to_advance))

    def _convict(self, one: Record, other: Record) -> list[LedgerEvent]:
        chain = one.chain
        issuer = chain.issuer
        if issuer in self._held.barred or other.seq < chain.forgiven:
            return []
        proof = encode_proof(issuer, (one.id, one.signature), (other.id, other.signature))
        self._held.convict(issuer, proof)
        return [Equivocated(issuer, proof)]

    def _advance(self, chains: list[Chain]) -> Iterator[LedgerEvent]:
        # The list grows while it is iterated: chains that waited for what became final.
        for chain in chains:
            for record in self._finality.advance(chain, self._held.acknowledged[chain.tag]):
                yield Final(record.id)
                chains += self._finality.released(record)
