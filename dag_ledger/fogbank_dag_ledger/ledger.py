"""The ledger as one value: vertices in, events out, questions answered (SPEC.md section 8).

No clock, no disk, no network, no randomness: equal vertices give equal answers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId

from .acknowledgements import Acknowledged
from .carrying import carried_over, outcomes_voted_for, union_of_cones
from .chain import Chain
from .checkpoint_state import AccountRecord, DeadRecord, HomeRecord, PairRecord, StateRecord
from .committee_operations import Decision, Table
from .cut import Cut, choose_cut
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
from .footing import Ground
from .genesis import Genesis
from .home import NOWHERE
from .homes import Homes
from .limits import ASKED_REACH, CONTENDERS_MAX, SEAT_WINDOW, STRANGE_FORKERS_MAX, WINDOW
from .object_state import LineRecord, ObjectRecord
from .objects import HeldObject, Outcome, Settlement
from .operations import ObjectId
from .prospects import can_be_final
from .pruning import Trail, mark_lost, settle
from .record import Record
from .restoring import (
    Names,
    in_order,
    restore_account,
    restore_names,
    restore_pair,
)
from .settled_objects import mark_vain, restore_line, restore_object, settle_objects
from .state import burned, state_hash, supply_held
from .strangers import bits_of, bits_wanted, is_introduced
from .validity import check_cone
from .vertex import Draft, Vertex, VertexId, seq_in, tag_in
from .votes import Votes


class Ledger:
    """Everything that is held of one network."""

    votes_type = Votes
    """How votes are counted; tests break it to see that they would notice."""

    def __init__(self, genesis: Genesis) -> None:
        self.genesis = genesis
        self.dag = Dag()
        self.epochs = Epochs(genesis)
        self.homes = Homes(self.epochs, genesis.network)
        self._votes = self.votes_type(self.epochs, self._pending, self.dag.records)
        self._finality = Finality()
        self._chains: dict[NodeId, Chain] = {}
        self._acknowledged: dict[bytes, Acknowledged] = {}
        self._proofs: dict[NodeId, bytes] = {}
        self._objects: dict[ObjectId, HeldObject] = {}
        self._strange_forkers = 0
        self._strangers = 0
        """Chains that are held and not introduced."""

        self._trail = Trail()
        self._ground = Ground(self.dag, self._acknowledged, self.homes.others)
        for account in {**genesis.balances, **genesis.seats}:
            self._register(self._new_chain(account))

    # Vertices in.

    def missing(self, vertex: Vertex) -> tuple[VertexId, ...]:
        """Return the edges of ``vertex`` that lead to vertices that are not here and have to be."""
        return self._ground.missing(vertex.edges)

    def is_settled(self, vertex_id: VertexId) -> bool:
        """Tell whether a vertex lies below the floor, where nobody needs it any more (8.21)."""
        return self._ground.is_settled(vertex_id)

    def insert(self, vertex: Vertex) -> Sequence[LedgerEvent]:
        """Insert ``vertex``, whose signature the caller has checked.

        Returns ``[Unsolid]`` when edges are missing, and nothing has changed; ``[]`` when it is
        held already, or pruned; otherwise ``Inserted`` and what followed from it: ``Equivocated``,
        ``Confirmed``, ``Final``.

        Raises:
            RemoteProtocolError: it breaks a rule of 8.3.13 to 8.3.18, or one that 8.12 to 8.15
                number from 8.12.3 on, and nothing has changed.
        """
        if self.dag.get(vertex.id) is not None:
            return []
        known = self._chains.get(vertex.issuer)
        chain = known or self._new_chain(vertex.issuer)
        if self._ground.is_over(vertex, chain):
            return []
        edges = vertex.edges
        held = [self.dag.get(edge) for edge in edges]
        if None in held:
            missing = self._ground.missing(edges)
            if missing:
                return [Unsolid(missing)]
        record, acknowledges = self._record(vertex, chain, held)
        if known is None:
            self._register(chain)
            self._strangers += not chain.introduced
        if not chain.introduced and is_introduced(vertex.claims, vertex.operations):
            self._introduce(chain)
        events: list[LedgerEvent] = [Inserted(vertex)]
        self._add(record, acknowledges, events)
        return events

    def check(self, vertex: Vertex) -> None:
        """Check a vertex whose edges are held, without inserting it.

        Raises:
            RemoteProtocolError: it breaks a rule, as ``insert`` would say.
        """
        chain = self._chains.get(vertex.issuer) or self._new_chain(vertex.issuer)
        self._record(vertex, chain, [self.dag.get(edge) for edge in vertex.edges])

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

    def unwanted(self, vertex: Vertex, *, is_asked: bool = False) -> Unwanted | None:
        """Tell why ``vertex`` is not taken (8.6); None when it is.

        ``is_asked``: this node asked for it, as a missing edge or in a range.
        """
        if self.dag.get(vertex.id) is not None:
            return Unwanted.HELD
        if vertex.issuer in self._proofs and not is_asked:
            return Unwanted.FORKER
        chain = self._chains.get(vertex.issuer)
        final_count = 0 if chain is None else chain.final_count
        is_seat = self.epochs.number_of(vertex.issuer) is not None
        window = SEAT_WINDOW if is_seat else WINDOW
        reach = ASKED_REACH * window if is_asked else window
        if vertex.seq >= final_count + reach:
            return Unwanted.BEYOND_WINDOW
        if is_asked:
            return None
        if vertex.seq < final_count:
            return Unwanted.SLOT_FULL
        if chain is not None and len(chain.contested.get(vertex.seq, ())) >= CONTENDERS_MAX:
            return Unwanted.SLOT_FULL
        if not is_seat and (wanted := self.work_wanted(vertex)):
            shown = bits_of(self.genesis.network, vertex.issuer, vertex.seq, vertex.work)
            return Unwanted.STRANGER if shown < wanted else None
        return None

    def work_wanted(self, vertex: Vertex | Draft) -> int:
        """Return the work that a vertex of no seat has to show to be taken, in bits (8.20)."""
        chain = self._chains.get(vertex.issuer)
        if chain is not None and chain.introduced:
            return 0
        named = [claim.source for claim in vertex.claims]
        for operation in vertex.operations:
            named += operation.references
        # Made-up names introduce nobody, and would be asked for.
        if is_introduced(vertex.claims, vertex.operations) and not self._ground.missing(named):
            return 0
        return bits_wanted(self._strangers)

    # Pruning.

    def choose_cut(self, before: Cut, may_die: Callable[[Record, int], bool]) -> Cut:
        """Return the largest cut that is closed, above ``before`` (8.21)."""
        records, epoch = self.dag.records(), self.epochs.number
        return choose_cut(records, before, may_die, self.is_decided, epoch)

    def is_decided(self, held: HeldObject, cut: Cut) -> bool:
        """Tell whether the votes below ``cut`` show that the outcome of an object is L1.

        A seat that is known here to have forked may have voted in a vertex that is not covered.
        """
        if held.outcome is None:
            return False
        if held.outcome.carried:
            # The votes are below the decision.
            return cut.epoch == self.epochs.number
        weight = sum(
            held.home.weight_of(seat)
            for seat, record in held.outcome.cast_in.items()
            if cut.covers(record) or record.chain.forked
        )
        return held.is_over or weight >= held.home.quorum

    def may_die(self, record: Record) -> bool:
        """Tell whether a checkpoint may list a vertex as lost: it is a forker's or lost already."""
        chain = record.chain
        if record.lost or not self.dag.is_banned(chain) or record.seq < chain.final_count:
            return record.lost or self.dag.is_banned(chain)
        # What is L1 will be acknowledged, and final: nobody who has done so could sign.
        return chain.next_confirmed(chain.final_head) is None

    def acknowledged_by(self, seat: NodeId, chain: Chain) -> int:
        """Return how many positions of ``chain`` the holder of a seat acknowledges."""
        number = self.epochs.number_of(seat)
        return 0 if number is None else self.acknowledged(chain).counts[number]

    def seal(self, accounts: Iterable[NodeId]) -> None:
        """Promise for the own seat not to acknowledge more of these chains in this epoch (8.21)."""
        for account in accounts:
            chain = self._chains.get(account)
            if chain is None:
                chain = self._new_chain(account)
                self._register(chain)
            chain.sealed = True

    @property
    def settled_count(self) -> int:
        """How many positions of all chains are below the floor."""
        return sum(chain.floor for chain in self._chains.values())

    def settle(self, cut: Cut, state: Mapping[bytes, bytes]) -> Sequence[VertexId]:
        """Let the floor rise to ``cut`` and forget what is below it; return what was forgotten.

        ``state`` are the records at ``cut``, by key.
        """
        gone = settle(cut, self.dag, self._ground, self._votes, self._chains, self._trail)
        self.homes.forget(cut.dead)
        settle_objects(state, self._objects, self._ground, self._chains)
        if mark_vain(self.dag.records()):
            mark_lost(self.dag.records())
        self._votes.objects.forget()
        self._finality.forget(gone)
        self.epochs.settle(cut.epoch)
        return [record.id for record in gone]

    def restore(
        self, records: Iterable[StateRecord], names: Iterable[Names], tables: Sequence[Table] = ()
    ) -> None:
        """Begin with the state at a checkpoint; nothing may be held yet.

        ``names`` are what it and checkpoints before it covered, the oldest first (8.22), ``tables``
        the seats of epoch 1 and all later ones up to the one in which it is.
        """
        assert not self.dag
        for table in tables:
            self._seat(table)
        self.epochs.settle(len(tables))
        ordered = in_order(records)
        for record in ordered:
            if isinstance(record, HomeRecord):
                self.homes.add(record.home, record.table)
        for record in ordered:
            if isinstance(record, HomeRecord):
                continue
            chain = self._chains.get(record.account)
            if chain is None:
                chain = self._new_chain(record.account)
                self._register(chain)
            chain.introduced = True
            match record:
                case AccountRecord():
                    restore_account(record, chain, self._finality, self.homes.get(record.home))
                    if chain.seat is not None and record.count and record.epoch == len(tables):
                        self.epochs.entered |= 1 << chain.seat
                case PairRecord():
                    restore_pair(record, chain, self._finality)
                case DeadRecord(_, name):
                    self._ground.dead[name] = None
                case ObjectRecord():
                    restored = restore_object(record, chain, self.homes.get(record.home))
                    self._objects[record.id] = self._ground.objects[record.id] = restored
                case LineRecord():
                    held = self._objects.get(record.object_id)
                    if held is None:
                        raise RemoteProtocolError("drops in no object", rule="8.21")
                    restore_line(record, held, chain, self._finality)
        for record in ordered:
            if isinstance(record, HomeRecord):
                self.homes.count_made(self._chains.get(record.account))
        restore_names(names, self._acknowledged, self._ground, self._trail)

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
        if record is None:
            return self._ground.is_on_final_line(vertex_id)
        return record.final

    def can_be_final(self, vertex_id: VertexId) -> bool:
        """Tell whether a vertex is final or may become so in this epoch; it need not be held."""
        record = self.dag.get(vertex_id)
        if record is not None:
            return can_be_final(record)
        acknowledged, seq = self._acknowledged.get(tag_in(vertex_id)), seq_in(vertex_id)
        chains = () if acknowledged is None else acknowledged.chains
        # Another one is final in its place; below the floor it may have been forgotten.
        return not any(chain.floor <= seq < chain.final_count for chain in chains)

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
            if chain.head is not None and chain.head.lost:
                return {}
            chain.totals.move(chain.head)
            claimed = chain.totals.claimed
        gains: dict[NodeId, tuple[VertexId, int]] = {}
        for sender, (source, total) in self._finality.paid.get(account, {}).items():
            gain = total - claimed.get(sender, 0)
            if gain > 0:
                gains[sender] = (self._source(sender, source), gain)
        return gains

    def _source(self, sender: NodeId, source: VertexId) -> VertexId:
        """Return a final vertex that everybody knows to stand for what ``source`` paid."""
        chain = self._chains[sender]
        head = chain.settled_head
        return head.id if head is not None and seq_in(source) < chain.floor else source

    def state_hash(self) -> bytes:
        """Return the state hash (8.9); its cost grows with the accounts."""
        return state_hash(self.genesis.network, self._chains.values(), self._finality.seized)

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

    def place(self, draft: Draft) -> Draft:
        """Return ``draft``, whose edges are all held, with its epoch (8.19) and home (8.18)."""
        prev = self.dag.get(draft.prev)
        if prev is None:
            chain = self._chains.get(draft.issuer)
            prev = None if chain is None else chain.settled_head
        home = b"" if prev is None else prev.next_home.id
        return replace(draft, epoch=self.epoch_for(draft), home=home)

    def epoch_for(self, draft: Draft) -> int:
        """Return the epoch that a vertex with these edges, all of them held, is in (8.19)."""
        named = [draft.prev] if draft.prev else []
        named += [*draft.parents, *(claim.source for claim in draft.claims)]
        for operation in (*draft.operations, *draft.committee):
            named += operation.references
        held = [self.dag.get(one) or self._ground.settled_head(one) for one in named]
        return max([record.epoch for record in held if record is not None], default=0)

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

    def _introduce(self, chain: Chain) -> None:
        if not chain.introduced:
            chain.introduced = True
            self._strangers -= 1

    def _register(self, chain: Chain) -> None:
        self._chains[chain.issuer] = chain
        acknowledged = self._acknowledged.get(chain.tag)
        if acknowledged is None:
            acknowledged = Acknowledged(self.epochs.home)
            self._acknowledged[chain.tag] = acknowledged
        acknowledged.chains.append(chain)
        if chain.issuer in self._proofs:
            self._strange_forkers -= 1
            self.dag.ban(chain, ())

    def _record(
        self, vertex: Vertex, chain: Chain, held: Sequence[Record | None]
    ) -> tuple[Record, Sequence[tuple[Acknowledged, int]]]:
        footing = self._ground.footing(vertex, chain, held)
        effect = check_cone(
            vertex,
            chain,
            footing,
            self._acknowledged,
            self._ground,
            self.genesis.network,
            self.homes.get(vertex.home) or NOWHERE,
        )
        stands_on = footing.edges if footing.prev is None else (*footing.edges, footing.prev)
        epoch = self.epochs.check(vertex, stands_on, is_late=None in held)
        dwelling = self.homes.check(vertex, footing, self._ground)
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
        self.dag.add(record)
        if not record.lost:
            chain.totals.move(record)
        if record.creates is not None and not record.lost:
            self.homes.add(record.id, record.creates)
        if record.deeds is not None:
            for held in record.deeds.opened:
                held.opened_in = record
                self._objects[held.id] = held
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
        is_in_epoch = bool(acknowledges) and self.epochs.counts(record)
        earlier = record.epoch if acknowledges and self.epochs.counted(record) else None
        for acknowledged, seq in acknowledges:
            if acknowledged.raise_to(chain.seat, seq + 1, is_in_epoch=is_in_epoch, earlier=earlier):
                to_advance.update(dict.fromkeys(acknowledged.chains))
        events += self._advance(list(to_advance))

    def _pending(self) -> Iterator[Record]:
        for chain in self._chains.values():
            for seq in range(chain.final_count, chain.end):
                for record in chain.contenders(seq):
                    if record.home.is_general:
                        yield record

    def _begin_epoch(self, record: Record, events: list[LedgerEvent]) -> Iterable[Chain]:
        """Let the next epoch begin as ``record`` shows it was decided."""
        decision = next(one for one in record.committee if isinstance(one, Decision))
        table, sign_offs = decided_table(decision, {edge.id: edge for edge in record.edges})
        pending = list(self._pending())
        validators = [self._chains[name] for name in self.epochs.holders]
        forked = [one for one in validators if one.forked and self.epochs.weight_of(one.issuer)]
        retells = bool(forked) and self._votes.objects.is_open()
        lowest = 0 if retells else self._votes.objects.lowest_vote()
        floor = min([lowest, *[one.height for one in pending]])
        union = union_of_cones(sign_offs, floor)
        carried = carried_over(pending, union, self.epochs, validators)
        votes: dict[int, set[Outcome]] = {}
        for chain in forked:
            assert chain.seat is not None
            votes[chain.seat] = outcomes_voted_for(chain, union, self.epochs) if retells else set()
        self._votes.begin_epoch(union, carried, votes)
        ended = self.epochs.home.copy()
        for acknowledged in {self.acknowledged(one.chain) for one in carried if not one.final}:
            acknowledged.end_epoch(self.epochs.number, ended)
        self._seat(table)
        for chain in self._chains.values():
            chain.closed_count = chain.final_count
            chain.sealed = False
        shown_by = (decision.proposal, *decision.precommits)
        events.append(EpochBegan(self.epochs.number, table, shown_by))
        events += [Confirmed(one.id) for one in carried]
        return self._chains.values()

    def _seat(self, table: Table) -> None:
        """Let the next epoch begin with ``table``."""
        new = self.epochs.begin(table)
        self.homes.seat_all()
        for name in new:
            if name not in self._chains:
                self._register(self._new_chain(name))
            self._chains[name].seat = self.epochs.number_of(name)
            self._introduce(self._chains[name])
        self._votes.seat_new([self._chains[name] for name in new])
        for acknowledged in self._acknowledged.values():
            acknowledged.begin_epoch()

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
