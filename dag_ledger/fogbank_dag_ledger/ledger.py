"""The ledger as one value: vertices in, events out, questions answered (SPEC.md section 8).

No clock, no disk, no network, no randomness: equal vertices give equal answers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from fogbank_protocol.identity import NodeId

from .acknowledgements import Acknowledged
from .carrying import carried_over, union_of_cones
from .chain import Chain
from .committee_operations import Decision
from .dag import Dag
from .epochs import Epochs, decided_table
from .equivocation import accused, check_proof, encode_proof
from .events import (
    Confirmed,
    EpochBegan,
    Equivocated,
    Final,
    Inserted,
    LedgerEvent,
    Settled,
    Unsolid,
    Unwanted,
)
from .finality import Finality
from .genesis import Genesis
from .limits import CONTENDERS_MAX, SEAT_WINDOW, STRANGE_FORKERS_MAX, WINDOW
from .objects import HeldObject, Settlement
from .operations import ObjectId
from .record import Record
from .state import burned, state_hash, supply_held, total_paid
from .validity import check_cone
from .vertex import Draft, Vertex, VertexId
from .votes import Votes


class Ledger:
    """Everything that is held of one network."""

    votes_type = Votes
    """How votes are counted; tests break it to see that they would notice."""

    def __init__(self, genesis: Genesis) -> None:
        self.genesis = genesis
        self.dag = Dag()
        self.epochs = Epochs(genesis)
        self._votes = self.votes_type(self.epochs, self._pending)
        self._finality = Finality()
        self._chains: dict[NodeId, Chain] = {}
        self._acknowledged: dict[bytes, Acknowledged] = {}
        self._proofs: dict[NodeId, bytes] = {}
        self._objects: dict[ObjectId, HeldObject] = {}
        self._strange_forkers = 0
        for account in {**genesis.balances, **genesis.seats}:
            self._register(self._new_chain(account))

    # Vertices in.

    def missing(self, vertex: Vertex) -> tuple[VertexId, ...]:
        """Return the edges of ``vertex`` that lead to vertices not held."""
        return tuple([edge for edge in vertex.edges if self.dag.get(edge) is None])

    def insert(self, vertex: Vertex) -> Sequence[LedgerEvent]:
        """Insert ``vertex``, whose signature the caller has checked.

        Returns ``[Unsolid]`` when edges are missing, and nothing has changed; ``[]`` when it is
        held already; otherwise ``Inserted`` and what followed from it: ``Equivocated``,
        ``Confirmed``, ``Final``.

        Raises:
            RemoteProtocolError: it breaks a rule of 8.3.13 to 8.3.18, or one that 8.12 to 8.15
                number from 8.12.3 on, and nothing has changed.
        """
        if vertex.id in self:
            return []
        edges = [self.dag.get(edge) for edge in vertex.edges]
        held = tuple([edge for edge in edges if edge is not None])
        if len(held) < len(edges):
            return [Unsolid(self.missing(vertex))]
        chain = self._chains.get(vertex.issuer) or self._new_chain(vertex.issuer)
        record, acknowledges = self._record(vertex, chain, held)
        if vertex.issuer not in self._chains:
            self._register(chain)
        events: list[LedgerEvent] = [Inserted(vertex)]
        self._add(record, acknowledges, events)
        return events

    def check(self, vertex: Vertex) -> None:
        """Check a vertex whose edges are held, without inserting it.

        Raises:
            RemoteProtocolError: it breaks a rule, as ``insert`` would say.
        """
        chain = self._chains.get(vertex.issuer) or self._new_chain(vertex.issuer)
        self._record(vertex, chain, tuple([self._held(edge) for edge in vertex.edges]))

    def learn_proof(self, proof: bytes) -> NodeId | None:
        """Take a proof that somebody forked; return who, or None when nothing was learnt.

        That is when the fork is known already, which is seen before the signatures are checked, or
        when too many are known of issuers of whom nothing else is: keys to convict cost nothing.

        Raises:
            RemoteProtocolError: the proof proves nothing (8.10).
        """
        issuer = accused(proof)
        chain = self._chains.get(issuer)
        if issuer in self._proofs:
            return None
        if chain is None and self._strange_forkers >= STRANGE_FORKERS_MAX:
            return None
        check_proof(proof, self.genesis.network)
        self._proofs[issuer] = proof
        if chain is None:
            self._strange_forkers += 1
        else:
            self.dag.ban(chain, chain.records())
        return issuer

    def unwanted(self, vertex: Vertex) -> Unwanted | None:
        """Tell why ``vertex``, which nobody asked for, is not taken (8.6); None when it is."""
        if vertex.id in self:
            return Unwanted.HELD
        if vertex.issuer in self._proofs:
            return Unwanted.FORKER
        chain = self._chains.get(vertex.issuer)
        final_count = 0 if chain is None else chain.final_count
        is_seat = self.epochs.number_of(vertex.issuer) is not None
        window = SEAT_WINDOW if is_seat else WINDOW
        if vertex.seq >= final_count + window:
            return Unwanted.BEYOND_WINDOW
        if vertex.seq < final_count:
            return Unwanted.SLOT_FULL
        if chain is not None and len(chain.contenders(vertex.seq)) >= CONTENDERS_MAX:
            return Unwanted.SLOT_FULL
        return None

    # Questions about vertices.

    def __contains__(self, vertex_id: VertexId) -> bool:
        """Tell whether a vertex is held."""
        return self.dag.get(vertex_id) is not None

    def __len__(self) -> int:
        """Return how many vertices are held."""
        return len(self.dag)

    @property
    def final_count(self) -> int:
        """How many vertices are final."""
        return self._finality.final_count

    def is_confirmed(self, vertex_id: VertexId) -> bool:
        """Tell whether a vertex is L1."""
        record = self.dag.get(vertex_id)
        return record is not None and record.confirmed

    def is_final(self, vertex_id: VertexId) -> bool:
        """Tell whether a vertex is final."""
        record = self.dag.get(vertex_id)
        return record is not None and record.final

    def head(self, issuer: NodeId) -> VertexId | None:
        """Return an issuer's highest vertex, the lowest id of several; None without any."""
        chain = self._chains.get(issuer)
        record = None if chain is None else chain.head
        return None if record is None else record.id

    def heads(self) -> Iterator[VertexId]:
        """Iterate over the head of every issuer."""
        for chain in self._chains.values():
            if chain.head is not None:
                yield chain.head.id

    def tips(self) -> Iterator[VertexId]:
        """Iterate over the tips, the oldest first."""
        return (record.id for record in self.dag.tips)

    def proofs(self) -> Mapping[NodeId, bytes]:
        """Return one proof of each known forker."""
        return self._proofs

    # Questions about accounts.

    def chain(self, issuer: NodeId) -> Chain | None:
        """Return the chain of an issuer, None when nothing is known of it."""
        return self._chains.get(issuer)

    def chains(self) -> Iterable[Chain]:
        """Return the chains of all accounts with a seat, a genesis balance or a vertex."""
        return self._chains.values()

    def acknowledged(self, chain: Chain) -> Acknowledged:
        """Return who acknowledges how much of ``chain``."""
        return self._acknowledged[chain.tag]

    def balance(self, account: NodeId) -> int:
        """Return the final balance of an account, in drops, without what it has yet to claim."""
        chain = self._chains.get(account)
        return 0 if chain is None else chain.account.balance

    def claimable(self, account: NodeId) -> Mapping[NodeId, tuple[VertexId, int]]:
        """Return, by sender, the newest final vertex that pays ``account``, and what it has paid.

        Only senders whose total is above what the account's head has claimed; the number is that
        difference, in drops.
        """
        claimed: Mapping[NodeId, int] = {}
        chain = self._chains.get(account)
        if chain is not None:
            chain.totals.move(chain.head)
            claimed = chain.totals.claimed
        gains: dict[NodeId, tuple[VertexId, int]] = {}
        for sender, record in self._finality.paid.get(account, {}).items():
            gain = total_paid(record, account) - claimed.get(sender, 0)
            if gain > 0:
                gains[sender] = (record.id, gain)
        return gains

    def state_hash(self) -> bytes:
        """Return the state hash (8.9); its cost grows with the accounts."""
        return state_hash(self.genesis.network, self._chains.values(), self.burned)

    @property
    def burned(self) -> int:
        """Drops of seized stakes that are nobody's any more."""
        return burned(self._finality.seized)

    def supply_held(self) -> int:
        """Return final balances, unclaimed final payments, and what objects hold, in drops.

        With ``burned`` it is the supply; anything else is a bug.
        """
        held = supply_held(self._chains.values(), self._finality.paid)
        return held - self.burned

    # Questions about objects.

    def object(self, name: ObjectId) -> HeldObject | None:
        """Return what is held of an object, None when nothing is."""
        return self._objects.get(name)

    def objects(self) -> Iterable[HeldObject]:
        """Return all objects that are held."""
        return self._objects.values()

    def epoch_for(self, draft: Draft) -> int:
        """Return the epoch that a vertex with these edges, all of them held, is in (8.19)."""
        named = [draft.prev] if draft.prev else []
        named += [*draft.parents, *(claim.source for claim in draft.claims)]
        for operation in (*draft.operations, *draft.committee):
            named += operation.references
        return max([self._held(one).epoch for one in named], default=0)

    def weight_for(self, settlement: Settlement) -> int:
        """Return the weight of the validators that could vote for ``settlement`` now (8.17)."""
        heads = [self._chains[one].head for one in self.epochs.holders]
        beats = [0 if head is None else head.beat for head in heads]
        return self._votes.objects.weight_for(settlement, beats)

    def beats_missing(self, seat: int) -> float:
        """Return how many beats the validator of ``seat`` has yet to count for something (8.17).

        inf when it counts for nothing.
        """
        head = self._chains[self.epochs.holders[seat]].head
        beat = 0 if head is None else head.beat
        return self._votes.objects.next_due(seat, beat) - beat

    # Inside.

    def _new_chain(self, issuer: NodeId) -> Chain:
        return Chain(issuer, self.genesis.balances.get(issuer, 0), self.epochs.number_of(issuer))

    def _register(self, chain: Chain) -> None:
        self._chains[chain.issuer] = chain
        acknowledged = self._acknowledged.get(chain.tag)
        if acknowledged is None:
            acknowledged = Acknowledged(self.epochs.weights, self.epochs.quorum)
            self._acknowledged[chain.tag] = acknowledged
        acknowledged.chains.append(chain)
        if chain.issuer in self._proofs:
            self._strange_forkers -= 1
            self.dag.ban(chain, ())

    def _record(
        self, vertex: Vertex, chain: Chain, edges: tuple[Record, ...]
    ) -> tuple[Record, Sequence[tuple[Acknowledged, int]]]:
        prev = self.dag.get(vertex.prev)
        sources = [self._held(claim.source) for claim in vertex.claims]
        effect = check_cone(
            vertex,
            chain,
            prev,
            sources,
            self._acknowledged,
            self.dag.get,
            self.genesis.network,
        )
        epoch = self.epochs.check(vertex, edges)
        record = Record(
            vertex,
            chain,
            prev,
            edges,
            balance=effect.balance,
            beat=effect.beat,
            payments=effect.payments,
            claims=effect.claims,
            deeds=effect.deeds,
            epoch=epoch,
        )
        return record, effect.acknowledges

    def _held(self, vertex_id: VertexId) -> Record:
        record = self.dag.get(vertex_id)
        assert record is not None
        return record

    def _add(
        self,
        record: Record,
        acknowledges: Sequence[tuple[Acknowledged, int]],
        events: list[LedgerEvent],
    ) -> None:
        chain = record.chain
        confirmed: list[Record] = []
        if record.seq < len(chain.slots):
            first_fork = not chain.forked
            events += self._convict(chain.slots[record.seq], record)
            chain.add(record)
            confirmed += self._votes.contest(record, first_fork=first_fork)
        else:
            chain.add(record)
        self.dag.add(record)
        chain.totals.move(record)
        if record.deeds is not None:
            self._objects.update((held.id, held) for held in record.deeds.opened)
            self._votes.objects.add(record)
        to_advance: dict[Chain, None] = {}
        if record.committee:
            self.epochs.note(record)
            if record.epoch > self.epochs.number:
                to_advance.update(dict.fromkeys(self._begin_epoch(record, events)))
        if chain.seat is None:
            return
        confirmed += self._votes.observe(record)
        for one in confirmed:
            events.append(Confirmed(one.id))
            to_advance[one.chain] = None
        for outcome in self._votes.objects.take_settled():
            events.append(Settled(outcome.held.id, outcome.award, outcome.is_seizure))
            to_advance.update(dict.fromkeys(self._finality.released(outcome)))
        counted = acknowledges if acknowledges and self.epochs.counts(record) else ()
        for acknowledged, seq in counted:
            if acknowledged.raise_to(chain.seat, seq + 1):
                to_advance.update(dict.fromkeys(acknowledged.chains))
        events += self._advance(list(to_advance))

    def _pending(self) -> Iterator[Record]:
        for chain in self._chains.values():
            for seq in range(chain.final_count, len(chain.slots)):
                yield from chain.contenders(seq)

    def _begin_epoch(self, record: Record, events: list[LedgerEvent]) -> Iterable[Chain]:
        """Let the next epoch begin as ``record`` shows it was decided."""
        decision = next(one for one in record.committee if isinstance(one, Decision))
        table, sign_offs = decided_table(decision, {edge.id: edge for edge in record.edges})
        pending = list(self._pending())
        floor = min([one.height for one in pending], default=0)
        union = union_of_cones(sign_offs, floor)
        validators = [self._chains[name] for name in self.epochs.holders]
        carried = carried_over(pending, union, self.epochs, validators)
        self._votes.begin_epoch(union, carried)
        new = self.epochs.begin(table)
        for name in new:
            if name not in self._chains:
                self._register(self._new_chain(name))
            self._chains[name].seat = self.epochs.number_of(name)
        self._votes.seat_new([self._chains[name] for name in new])
        for chain in self._chains.values():
            chain.closed_count = chain.final_count
        for acknowledged in self._acknowledged.values():
            acknowledged.begin_epoch(table.quorum)
        events.append(EpochBegan(self.epochs.number, table))
        events += [Confirmed(one.id) for one in carried]
        return self._chains.values()

    def _convict(self, one: Record, other: Record) -> list[LedgerEvent]:
        chain = one.chain
        issuer = chain.issuer
        if issuer in self._proofs:
            return []
        proof = encode_proof(issuer, (one.id, one.signature), (other.id, other.signature))
        self._proofs[issuer] = proof
        self.dag.ban(chain, chain.records())
        return [Equivocated(issuer, proof)]

    def _advance(self, chains: list[Chain]) -> Iterator[LedgerEvent]:
        # The list grows while it is iterated: chains that waited for what became final.
        for chain in chains:
            for record in self._finality.advance(chain, self.acknowledged(chain)):
                yield Final(record.id)
                chains += self._finality.released(record)
