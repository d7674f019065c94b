"""Random vertices, many of them invalid or forking, from one seed."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

from fogbank_dag_ledger.acknowledgements import Entry, encode_cert
from fogbank_dag_ledger.home_operations import CreateHome, MoveHome
from fogbank_dag_ledger.vertex import (
    NO_VERTEX,
    ORDINARY,
    VALIDATOR,
    Claim,
    Draft,
    Payment,
    Vertex,
    VertexId,
    tag_of,
)
from fogbank_protocol.identity import NodeId

from .community import Community, home_of, unsigned


class RandomDag:
    """Draws vertices on top of those told to be valid."""

    def __init__(
        self,
        community: Community,
        random: Random,
        forkers: int,
        make: Callable[[Draft, int], Vertex] | None = None,
        reach: int = 12,
        *,
        homes: bool = False,
        wide: float = 0,
    ) -> None:
        """``make`` signs a draft, telling it from others by a number; without it nobody does.

        Parents are drawn from the last ``reach`` vertices, but for a share ``wide`` of all that
        stand on the last of four issuers.  ``homes``: seats make homes, and accounts move.
        """
        self._reach = reach
        self._wide = wide
        self._has_homes = homes
        self._homes: list[VertexId] = []
        self._community = community
        self._make = make or self._unsigned
        self._random = random
        self._forkers = set(random.sample(community.names, forkers))
        self.valid: list[Vertex] = []
        self._cones: dict[VertexId, frozenset[Vertex]] = {}

    def _unsigned(self, draft: Draft, note: int) -> Vertex:
        return unsigned(draft, self._community.network, note)

    def accept(self, vertex: Vertex) -> None:
        """Let later vertices stand on ``vertex``."""
        self.valid.append(vertex)
        if any(isinstance(one, CreateHome) for one in vertex.operations):
            self._homes.append(vertex.id)
        below = [self._cones[edge] for edge in vertex.edges]
        self._cones[vertex.id] = frozenset([vertex]).union(*below)

    def draw(self) -> Vertex:
        """Return a vertex whose edges are all valid; whether it is itself is for others to say."""
        random = self._random
        # Validators issue more often, so that votes gather.
        validators = self._community.validators
        issuer = random.choice(validators if random.random() < 0.6 else self._community.names)
        own = [vertex for vertex in self.valid if vertex.issuer == issuer]
        prev = own[-1] if own else None
        if issuer in self._forkers and random.random() < 0.3:
            prev = random.choice([None, *own])
        others = [vertex for vertex in self.valid[-self._reach :] if vertex is not prev]
        parents = random.sample(others, min(len(others), random.randint(0, 4)))
        if self._wide and random.random() < self._wide:
            last = {one.issuer: one for one in self.valid if one.issuer != issuer}
            parents = random.sample(list(last.values()), min(len(last), 4))
        draft = Draft(
            kind=VALIDATOR if issuer in validators and random.random() < 0.8 else ORDINARY,
            issuer=issuer,
            seq=0 if prev is None else prev.seq + 1,
            prev=NO_VERTEX if prev is None else prev.id,
            parents=sorted(parent.id for parent in parents),
            claims=sorted(self._claims(issuer), key=lambda claim: claim.source),
            payments=list(self._payments(issuer)),
        )
        draft = self._more(draft, prev)
        if self._has_homes:
            draft = self._dwell(draft, prev)
        if draft.kind == VALIDATOR and prev is not None:
            draft = self._with_cert(draft)
        return self._make(draft, random.getrandbits(32))

    def _dwell(self, draft: Draft, prev: Vertex | None) -> Draft:
        """Return ``draft`` in the home of its line, now and then in another one, or moving."""
        random, community = self._random, self._community
        home = b"" if prev is None else prev.home
        for operation in () if prev is None else prev.operations:
            if isinstance(operation, MoveHome):
                home = operation.home
        operations = list(draft.operations)
        if random.random() < (0.1 if self._homes else 0.4):
            seats = random.sample(community.validators, random.choice((2, 3, 3)))
            seats += community.names[-1:] if random.random() < 0.1 else ()
            homes = sorted(self._homes)
            before = homes[draft.seq % len(homes)] if homes and draft.seq % 3 == 1 else NO_VERTEX
            operations.append(home_of(community, draft.issuer, seats, succeeds=before))
        if random.random() < 0.15:
            operations.append(MoveHome(random.choice([NO_VERTEX, *self._homes])))
        if random.random() < 0.02:
            home = random.choice([b"", *self._homes])
        return replace(draft, operations=operations, home=home)

    def _more(self, draft: Draft, prev: Vertex | None) -> Draft:
        """Return ``draft`` with what else there is to say; ``prev`` is the issuer's."""
        return draft

    def _claims(self, issuer: NodeId) -> Iterator[Claim]:
        paying = [
            vertex
            for vertex in self.valid
            if any(payment.recipient == issuer for payment in vertex.payments)
        ]
        if paying and self._random.random() < 0.4:
            source = self._random.choice(paying)
            line, total = source, 0
            by_id = {vertex.id: vertex for vertex in self.valid}
            while True:
                total += sum(one.amount for one in line.payments if one.recipient == issuer)
                if line.prev == NO_VERTEX:
                    break
                line = by_id[line.prev]
            yield Claim(source.id, total + (self._random.random() < 0.05))

    def _payments(self, issuer: NodeId) -> Iterator[Payment]:
        others = [name for name in self._community.names if name != issuer]
        for recipient in self._random.sample(others, self._random.choice((0, 0, 1, 2))):
            yield Payment(recipient, self._random.choice((1, 10, 300)))

    def _with_cert(self, draft: Draft) -> Draft:
        seqs: dict[NodeId, int] = {}
        # Now and then of what was not seen, which is invalid.
        lies = self._random.random() < 0.05
        seen = self._cones[draft.prev]
        for vertex in self.valid:
            if vertex not in seen and not lies:
                continue
            seqs[vertex.issuer] = max(vertex.seq, seqs.get(vertex.issuer, 0))
        entries = [
            Entry(tag_of(issuer), max(0, seq - self._random.randint(0, 1)))
            for issuer, seq in seqs.items()
            if self._random.random() < 0.8
        ]
        return replace(draft, cert=encode_cert(entries))
