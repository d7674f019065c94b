"""The tables of what is held of one network (SPEC.md section 8).

They belong together: an account is known by its chain, which its tag leads to in what is
acknowledged, and is a stranger or not.  What changes them is in the rooms above.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from fogbank_protocol.identity import NodeId

from .acknowledgements import Acknowledged
from .chain import Chain
from .dag import Dag
from .epochs import Epochs
from .equivocation import forked_at
from .finality import Finality
from .footing import Ground
from .genesis import Genesis
from .homes import Homes
from .objects import HeldObject
from .operations import ObjectId
from .pruning import Trail
from .record import Record
from .votes import Votes

_Records: TypeAlias = Callable[[], Iterator[Record]]

NewVotes: TypeAlias = Callable[[Epochs, _Records, _Records], Votes]


class Holdings:
    """Everything that is held of one network."""

    def __init__(self, genesis: Genesis, new_votes: NewVotes) -> None:
        """Begin with ``genesis``; votes are counted by what ``new_votes`` makes."""
        self.genesis = genesis
        self.dag = Dag()
        self.epochs = Epochs(genesis)
        self.homes = Homes(self.epochs, genesis.network)
        self.votes = new_votes(self.epochs, self.pending, self.dag.records)
        self.finality = Finality()
        self.chains: dict[NodeId, Chain] = {}
        self.acknowledged: dict[bytes, Acknowledged] = {}
        """By tag."""

        self.proofs: dict[NodeId, bytes] = {}
        """One of each that ever forked."""

        self.barred: set[NodeId] = set()
        """Those of them since whose fork no epoch has begun: the known forkers."""

        self.objects: dict[ObjectId, HeldObject] = {}
        self.strange_forkers = 0
        """Proofs of issuers of whom nothing else is held."""

        self.strangers = 0
        """Chains that are held and not introduced."""

        self.trail = Trail()
        self.ground = Ground(self.dag, self.acknowledged, self.homes.others)
        for account in {**genesis.balances, **genesis.seats}:
            self.register(self.new_chain(account))

    def new_chain(self, issuer: NodeId) -> Chain:
        """Return the empty chain of an account, which nothing knows of yet."""
        return Chain(issuer, self.genesis.balances.get(issuer, 0), self.epochs.number_of(issuer))

    def register(self, chain: Chain) -> None:
        """Hold ``chain`` from now on."""
        self.chains[chain.issuer] = chain
        acknowledged = self.acknowledged.get(chain.tag)
        if acknowledged is None:
            acknowledged = Acknowledged(self.epochs.home)
            self.acknowledged[chain.tag] = acknowledged
        acknowledged.chains.append(chain)
        if chain.issuer in self.proofs:
            self.strange_forkers -= 1
            self.dag.ban(chain, ())

    def chain_of(self, account: NodeId) -> Chain:
        """Return the chain of ``account``, held from now on."""
        chain = self.chains.get(account)
        if chain is None:
            chain = self.new_chain(account)
            self.register(chain)
        return chain

    def convict(self, issuer: NodeId, proof: bytes) -> None:
        """Take ``issuer`` for a known forker until the next epoch begins (8.6)."""
        self.proofs[issuer] = proof
        self.barred.add(issuer)
        chain = self.chains.get(issuer)
        if chain is None:
            self.strange_forkers += 1
        else:
            self.dag.ban(chain, chain.records())

    def pardon(self, chain: Chain) -> None:
        """Let a fork that was known before the epoch began bar its issuer no more (8.6)."""
        if chain.issuer in self.barred:
            self.barred.remove(chain.issuer)
            chain.forgiven = max(chain.end, forked_at(self.proofs[chain.issuer]) + 1)
            self.dag.pardon(chain)

    def introduce(self, chain: Chain) -> None:
        """Take ``chain`` for that of no stranger any more (8.20)."""
        if not chain.introduced:
            chain.introduced = True
            self.strangers -= 1

    def pending(self) -> Iterator[Record]:
        """Iterate over what is not final in the home of the whole community."""
        for chain in self.chains.values():
            for seq in range(chain.final_count, chain.end):
                for record in chain.contenders(seq):
                    if record.home.is_general:
                        yield record
