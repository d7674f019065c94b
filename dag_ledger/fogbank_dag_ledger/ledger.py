"""The ledger as one value: vertices in, events out, questions answered (SPEC.md section 8).

No clock, no disk, no network, no randomness: equal vertices give equal answers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from fogbank_protocol.identity import NodeId

from .acknowledgements import Acknowledged
from .admission import why_unwanted, work_wanted
from .chain import Chain
from .checkpoint_state import StateRecord, state_after
from .claimable import claimable
from .committee_operations import Table
from .cut import Cut
from .cutting import held_up_by, largest_cut, may_die, rise
from .events import LedgerEvent, Unwanted
from .genesis import Genesis
from .holdings import Holdings
from .insertion import Insertion
from .last_balances import last_balances
from .objects import HeldObject, Settlement
from .operations import ObjectId
from .placing import epoch_for, place
from .prospects import can_be_final
from .record import Record
from .restoring import Names, restore
from .state import burned, state_hash, supply_held
from .vertex import Draft, Vertex, VertexId, seq_in, tag_in
from .votes import Votes


class Ledger:
    """Everything that is held of one network."""

    votes_type = Votes
    """How votes are counted; tests break it to see that they would notice."""

    def __init__(self, genesis: Genesis) -> None:
        held = self._held = Holdings(genesis, self.votes_type)
        self.genesis = genesis
        self.dag = held.dag
        self.epochs = held.epochs
        self.homes = held.homes
        self._insertion = Insertion(held)

    # Vertices in.

    def missing(self, vertex: Vertex) -> tuple[VertexId, ...]:
        """Return the edges of ``vertex`` that lead to vertices that are not here and have to be."""
        return self._held.ground.missing(vertex.edges)

    def is_settled(self, vertex_id: VertexId) -> bool:
        """Tell whether a vertex lies below the floor, where nobody needs it any more (8.21)."""
        return self._held.ground.is_settled(vertex_id)

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
        return self._insertion.insert(vertex)

    def check(self, vertex: Vertex) -> None:
        """Check a vertex whose edges are held, without inserting it.

        Raises:
            RemoteProtocolError: it breaks a rule, as ``insert`` would say.
        """
        self._insertion.check(vertex)

    def learn_proof(self, proof: bytes) -> NodeId | None:
        """Take a proof that somebody forked; return who, or None when nothing was learnt.

        That is when the fork is known already, which is seen before the signatures are checked, or
        when too many are known of issuers of whom nothing else is: keys to convict cost nothing.

        Raises:
            RemoteProtocolError: the proof proves nothing (8.10).
        """
        return self._insertion.learn_proof(proof)

    def unwanted(self, vertex: Vertex, *, is_asked: bool = False) -> Unwanted | None:
        """Tell why ``vertex`` is not taken (8.6); None when it is.

        ``is_asked``: this node asked for it, as a missing edge or in a range.
        """
        return why_unwanted(self._held, vertex, is_asked=is_asked)

    def work_wanted(self, vertex: Vertex | Draft) -> int:
        """Return the work that a vertex of no seat has to show to be taken, in bits (8.20)."""
        return work_wanted(self._held, vertex)

    # Pruning.

    def choose_cut(self, before: Cut, may_die: Callable[[Record, int], bool]) -> Cut:
        """Return the largest cut that is closed, above ``before`` (8.21)."""
        return largest_cut(self._held, before, may_die)

    def held_up_by(self, cut: Cut, before: Cut) -> set[HeldObject]:
        """Return the objects that ``cut`` may not pass above ``before`` (8.21)."""
        return held_up_by(self._held, cut, before)

    def state_at(
        self, before: Mapping[bytes, bytes], cut: Cut, covered: Sequence[Record]
    ) -> dict[bytes, bytes]:
        """Return the records at ``cut``, by key; ``before`` are those of the cut before (8.21).

        ``covered`` are the final vertices that it covers beyond that.
        """
        return state_after(before, cut, covered, self.epochs, self._held.objects)

    def may_die(self, record: Record) -> bool:
        """Tell whether a checkpoint may list a vertex as lost: it is a forker's or lost already."""
        return may_die(self._held, record)

    def acknowledged_by(self, seat: NodeId, chain: Chain) -> int:
        """Return how many positions of ``chain`` the holder of a seat acknowledges."""
        number = self.epochs.number_of(seat)
        return 0 if number is None else self.acknowledged(chain).counts[number]

    def seal(self, accounts: Iterable[NodeId]) -> None:
        """Promise for the own seat not to acknowledge more of these chains in this epoch (8.21)."""
        for account in accounts:
            self._held.chain_of(account).sealed = True

    @property
    def settled_count(self) -> int:
        """How many positions of all chains are below the floor."""
        return sum(chain.floor for chain in self._held.chains.values())

    def settle(self, cut: Cut, state: Mapping[bytes, bytes]) -> Sequence[VertexId]:
        """Let the floor rise to ``cut`` and forget what is below it; return what was forgotten.

        ``state`` are the records at ``cut``, by key.
        """
        gone = rise(self._held, cut, state)
        for acknowledged in self._held.acknowledged.values():
            acknowledged.forget_below(cut.epoch)
        return gone

    def restore(
        self, records: Iterable[StateRecord], names: Iterable[Names], tables: Sequence[Table] = ()
    ) -> None:
        """Begin with the state at a checkpoint; nothing may be held yet.

        ``names`` are what it and checkpoints before it covered, the oldest first (8.22), ``tables``
        the seats of epoch 1 and all later ones up to the one in which it is.
        """
        restore(self._held, records, names, tables)

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
        return self._held.finality.final_count

    def is_confirmed(self, vertex_id: VertexId) -> bool:
        """Tell whether a vertex is L1."""
        record = self.dag.get(vertex_id)
        return record is not None and record.confirmed

    def is_final(self, vertex_id: VertexId) -> bool:
        """Tell whether a vertex is final."""
        record = self.dag.get(vertex_id)
        if record is None:
            return self._held.ground.is_on_final_line(vertex_id)
        return record.final

    def can_be_final(self, vertex_id: VertexId) -> bool:
        """Tell whether a vertex is final or may become so in this epoch; it need not be held."""
        record = self.dag.get(vertex_id)
        if record is not None:
            return can_be_final(record)
        acknowledged, seq = self._held.acknowledged.get(tag_in(vertex_id)), seq_in(vertex_id)
        chains = () if acknowledged is None else acknowledged.chains
        # Another one is final in its place; below the floor it may have been forgotten.
        return not any(chain.floor <= seq < chain.final_count for chain in chains)

    def head(self, issuer: NodeId) -> VertexId | None:
        """Return an issuer's highest vertex, the lowest id of several; None without any."""
        chain = self._held.chains.get(issuer)
        record = None if chain is None else chain.head
        return None if record is None else record.id

    def heads(self) -> Iterator[VertexId]:
        """Iterate over the head of every issuer."""
        for chain in self._held.chains.values():
            if chain.head is not None:
                yield chain.head.id

    def tips(self) -> Iterator[VertexId]:
        """Iterate over the tips, the oldest first."""
        return (record.id for record in self.dag.tips)

    def proofs(self) -> Mapping[NodeId, bytes]:
        """Return one proof of each that ever forked."""
        return self._held.proofs

    def is_barred(self, issuer: NodeId) -> bool:
        """Tell whether somebody is a known forker: no epoch has begun since (8.6)."""
        return issuer in self._held.barred

    # Questions about accounts.

    def chain(self, issuer: NodeId) -> Chain | None:
        """Return the chain of an issuer, None when nothing is known of it."""
        return self._held.chains.get(issuer)

    def chains(self) -> Iterable[Chain]:
        """Return the chains of all accounts with a seat, a genesis balance or a vertex."""
        return self._held.chains.values()

    def acknowledged(self, chain: Chain) -> Acknowledged:
        """Return who acknowledges how much of ``chain``."""
        return self._held.acknowledged[chain.tag]

    def balance(self, account: NodeId) -> int:
        """Return the final balance of an account, in drops, without what it has yet to claim."""
        chain = self._held.chains.get(account)
        return 0 if chain is None else chain.account.balance

    def claimable(self, account: NodeId) -> Mapping[NodeId, tuple[VertexId, int]]:
        """Return, by sender, the newest final vertex that pays ``account``, and what it has paid.

        Only senders whose total is above what the account's head has claimed; the number is that
        difference, in drops.
        """
        return claimable(self._held, account)

    def state_hash(self) -> bytes:
        """Return the state hash (8.9); its cost grows with the accounts."""
        return state_hash(
            self.genesis.network, self._held.chains.values(), self._held.finality.seized
        )

    @property
    def burned(self) -> int:
        """Drops of seized stakes that are nobody's any more."""
        return burned(self._held.finality.seized)

    def last_balances(self) -> dict[NodeId, int]:
        """Return what each account has, in drops, when this ledger can go no further (8.1)."""
        return last_balances(self._held.chains.values(), self._held.finality.paid)

    def supply_held(self) -> int:
        """Return final balances, unclaimed final payments, and what objects hold, in drops.

        With ``burned`` it is the supply; anything else is a bug.
        """
        held = supply_held(self._held.chains.values(), self._held.finality.paid)
        return held - self.burned

    # Questions about objects.

    def object(self, name: ObjectId) -> HeldObject | None:
        """Return what is held of an object, None when nothing is."""
        return self._held.objects.get(name)

    def objects(self) -> Iterable[HeldObject]:
        """Return all objects that are held."""
        return self._held.objects.values()

    def place(self, draft: Draft) -> Draft:
        """Return ``draft``, whose edges are all held, with its epoch (8.19) and home (8.18)."""
        return place(self._held, draft)

    def epoch_for(self, draft: Draft) -> int:
        """Return the epoch that a vertex with these edges, all of them held, is in (8.19)."""
        return epoch_for(self._held, draft)

    def weight_for(self, settlement: Settlement) -> int:
        """Return the weight of the validators that could vote for ``settlement`` now (8.17)."""
        heads = [self._held.chains[one].head for one in self.epochs.holders]
        beats = [0 if head is None else head.beat for head in heads]
        return self._held.votes.objects.weight_for(settlement, beats)

    def beats_missing(self, seat: int) -> float:
        """Return how many beats the validator of ``seat`` has yet to count for something (8.17).

        inf when it counts for nothing.
        """
        head = self._held.chains[self.epochs.holders[seat]].head
        beat = 0 if head is None else head.beat
        return self._held.votes.objects.next_due(seat, beat) - beat
