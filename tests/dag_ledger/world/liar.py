"""Somebody who follows no rule: forks, votes for both, acknowledges the unconfirmed, lies."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from fogbank_dag_ledger.acknowledgements import Entry, encode_cert
from fogbank_dag_ledger.checkpoint import (
    CHECKPOINT,
    decode_checkpoint,
    decode_signed,
    encode_signed,
    new_checkpoint,
    preimage,
)
from fogbank_dag_ledger.equivocation import encode_proof
from fogbank_dag_ledger.events import Unsolid
from fogbank_dag_ledger.frontier import Head, Tag
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.limits import PAGE_VERTICES_MAX
from fogbank_dag_ledger.messages import (
    PROOF,
    VERTICES,
    FrontierMessage,
    decode_fetch,
    decode_wanted,
    encode_frontier,
    encode_ids,
    encode_proof_message,
    encode_vertices,
)
from fogbank_dag_ledger.operations import Act, ObjectId, Opening, object_id
from fogbank_dag_ledger.record import Record
from fogbank_dag_ledger.state import total_paid
from fogbank_dag_ledger.vertex import (
    NO_VERTEX,
    ORDINARY,
    VALIDATOR,
    Claim,
    Draft,
    Payment,
    Vertex,
    VertexId,
    seq_in,
    tag_in,
)
from fogbank_dag_ledger.vertex_codec import decode_vertex, encode_vertex
from fogbank_protocol.errors import LocalProtocolError, RemoteProtocolError
from fogbank_protocol.identity import NodeId

if TYPE_CHECKING:
    from .dealings import Papers
    from .world import World


class Liar:
    """A Byzantine node.  It sees what everybody holds: the adversary is well connected."""

    def __init__(self, world: "World", name: NodeId, papers: "Papers | None") -> None:
        self.world = world
        self.name = name
        self.is_quiet = False
        self._random = Random(world.random.random())
        self._papers = papers
        self._ledger = Ledger(world.community.genesis)
        self._wires: dict[VertexId, bytes] = {}
        self._openings: dict[ObjectId, VertexId] = {}
        self._read = 0
        self._checkpoints: dict[bytes, None] = {}
        self._peers: dict[NodeId, None] = {}
        world.judge.excused.add(name)

    def begin(self) -> None:
        """Act now and then until told to be quiet."""
        self.world.settle_in(self)
        self.world.later(self._random.uniform(0, 1), self._act_again)

    def _act_again(self) -> None:
        if not self.is_quiet:
            self._act()
            self.world.later(self._random.uniform(0.05, 0.5), self._act_again)

    def _act(self) -> None:
        self._look_around()
        what = self._random.random()
        if what < 0.05 and self._checkpoints and self.name in self.world.community.validators:
            self._sign_checkpoint()
        elif what < 0.2:
            self._split()
        elif what < 0.7:
            self._lie()
        elif what < 0.8:
            self._say(VERTICES, self._garbage())
        elif what < 0.9 and self._wires:
            again = self._random.choices(list(self._wires.values()), k=3)
            self._say(VERTICES, encode_vertices(again))
        else:
            self._accuse()

    def _look_around(self) -> None:
        for vertex_id, wire in self.world.kept[self._read :]:
            if vertex_id not in self._wires:
                # What is valid only because something was pruned is nothing to build a lie on.
                with suppress(RemoteProtocolError):
                    self._learn(decode_vertex(wire, self.world.community.network), wire)
        self._read = len(self.world.kept)

    def _learn(self, vertex: Vertex, wire: bytes) -> bool:
        events = self._ledger.insert(vertex)
        if not events or isinstance(events[0], Unsolid):
            return False
        self._wires[vertex.id] = wire
        for operation in vertex.operations:
            if isinstance(operation, Opening):
                self._openings[object_id(vertex.id, operation.index)] = vertex.id
        return True

    # Lies on the ledger.

    def _lie(self) -> None:
        try:
            vertex = self.world.community.sign(self._draft(), self._random.getrandbits(31))
        except LocalProtocolError:
            # Of a form that nobody can sign, such as too many parents.
            return
        wire = encode_vertex(vertex)
        try:
            self._learn(vertex, wire)
        except RemoteProtocolError:
            if self._random.random() < 0.9:
                return
            self.world.judge.met["invalid vertices sent"] += 1
        self.world.judge.met["lies"] += 1
        self._say(VERTICES, encode_vertices([wire]))

    def _split(self) -> None:
        """Show two vertices of one slot to one half each."""
        drafts = [self._draft()] * 2
        if drafts[0].kind == VALIDATOR:
            # Each face votes for one side of a conflict, or of what may become one.
            recent = [one for one in list(self._wires)[-12:] if one != drafts[0].prev]
            drafts = [
                replace(draft, parents=sorted(self._random.sample(recent, min(2, len(recent)))))
                for draft in drafts
            ]
        wires: list[bytes] = []
        for draft in drafts:
            try:
                vertex = self.world.community.sign(draft, self._random.getrandbits(31))
                wire = encode_vertex(vertex)
                if self._learn(vertex, wire):
                    wires.append(wire)
            except (LocalProtocolError, RemoteProtocolError):
                return
        for number, peer in enumerate(self._random.sample(list(self._peers), len(self._peers))):
            if wires:
                self._tell(peer, VERTICES, encode_vertices([wires[number % len(wires)]]))
        self.world.judge.met["splits"] += 1

    def _draft(self) -> Draft:
        random = self._random
        chain = self._ledger.chain(self.name)
        own = [] if chain is None else list(chain.records())
        is_seat = chain is not None and chain.seat is not None
        prev: Record | None = None
        if own and random.random() < 0.95:
            prev = own[-1] if random.random() < 0.7 else random.choice(own)
        recent = list(self._wires)[-30:]
        parents = [one for one in recent if prev is None or one != prev.id]
        parents = random.sample(parents, min(len(parents), random.randint(0, 9)))
        votes = is_seat and random.random() < 0.9
        return Draft(
            kind=VALIDATOR if votes else ORDINARY,
            issuer=self.name,
            seq=0 if prev is None else prev.seq + 1,
            prev=NO_VERTEX if prev is None else prev.id,
            parents=sorted(parents),
            claims=sorted(self._claims(), key=lambda claim: claim.source),
            payments=list(self._payments(prev)),
            operations=list(self._operations()),
            beat=0 if prev is None or not votes else prev.beat,
            cert=b"" if prev is None or not votes else self._cert(),
        )

    def _claims(self) -> Iterator[Claim]:
        claimable = self._ledger.claimable(self.name)
        for source, _ in claimable.values():
            if self._random.random() < 0.3:
                record = self._ledger.dag.get(source)
                assert record is not None
                yield Claim(source, total_paid(record, self.name))

    def _payments(self, prev: Record | None) -> Iterator[Payment]:
        balance = 1_000 if prev is None else prev.balance
        others = [name for name in self.world.community.names if name != self.name]
        if balance and self._random.random() < 0.4:
            amount = self._random.choice((1, balance, self._random.randint(1, balance)))
            yield Payment(self._random.choice(others), amount)

    def _operations(self) -> Iterator[Opening | Act]:
        if self._papers is None:
            return
        held = list(self._ledger.objects())
        if self._random.random() < 0.1:
            yield self._papers.opening(self.name)
        elif held and self._random.random() < 0.3:
            chosen = self._random.choice(held)
            opening = self._openings.get(chosen.id)
            if opening is not None:
                yield Act(opening, 0, self._papers.action(self._ledger, chosen, self.name))

    def _cert(self) -> bytes:
        if self._random.random() < 0.5:
            return b""
        entries = {
            chain.tag: Entry(chain.tag, self._random.randrange(len(chain.slots)))
            for chain in self._ledger.chains()
            if chain.slots and self._random.random() < 0.5
        }
        return encode_cert(list(entries.values()))

    # Lies about the ledger.

    def _accuse(self) -> None:
        """Pass on a true proof of an own fork, or a false one of somebody else."""
        if self._random.random() < 0.5:
            proofs = list(self._ledger.proofs().values())
            if proofs:
                self._say(PROOF, encode_proof_message(self._random.choice(proofs)))
            return
        accused = self._random.choice(self.world.community.names)
        one = self._random.randbytes(32)
        proof = encode_proof(accused, (VertexId(one), bytes(64)), (VertexId(one), bytes(64)))
        self._say(PROOF, encode_proof_message(proof))

    def _garbage(self) -> bytes:
        if self._wires and self._random.random() < 0.5:
            wire = bytearray(self._random.choice(list(self._wires.values())))
            wire[self._random.randrange(len(wire))] ^= 1 << self._random.randrange(8)
            return encode_vertices([bytes(wire)])
        return self._random.randbytes(self._random.randrange(60))

    def _say(self, method: str, body: bytes) -> None:
        """Tell some of the neighbours, and the others nothing."""
        for peer in list(self._peers):
            if self._random.random() < 0.5:
                self._tell(peer, method, body)

    def _tell(self, peer: NodeId, method: str, body: bytes) -> None:
        self.world.message(self.name, peer, lambda other: other.take(self.name, method, body))

    # What others ask.

    def join(self, peer: NodeId) -> None:
        self._peers[peer] = None

    def leave(self, peer: NodeId) -> None:
        self._peers.pop(peer, None)

    def take(self, sender: NodeId, method: str, body: bytes) -> None:
        """Listen to checkpoints only: what else others know is looked up."""
        if method == CHECKPOINT:
            self._checkpoints[decode_signed(body)[0]] = None

    def _sign_checkpoint(self) -> None:
        """Sign what others proposed, or with another state, to some of them."""
        network = self.world.community.network
        checkpoint = decode_checkpoint(self._random.choice(list(self._checkpoints)), network)
        if self._random.random() < 0.5:
            checkpoint = new_checkpoint(
                network,
                height=checkpoint.height,
                previous=checkpoint.previous,
                epoch=self._random.choice((checkpoint.epoch, 0, 1)),
                heads=checkpoint.heads,
                dead=self._random.choice((checkpoint.dead, ())),
                state_root=self._random.choice((checkpoint.state_root, bytes(32))),
                record_count=checkpoint.record_count,
                names_root=checkpoint.names_root,
                name_count=self._random.choice((checkpoint.name_count, 1)),
            )
        identity = self.world.community.key(self.name)
        signature = identity.sign(preimage(network, checkpoint.hash))
        self.world.judge.met["checkpoints signed by liars"] += 1
        self._say(CHECKPOINT, encode_signed(checkpoint.body, {self.name: signature}))

    def answer(self, sender: NodeId, method: str, body: bytes) -> bytes:
        """Answer a request: truly, falsely, or not at all."""
        if self._random.random() < 0.2:
            return b"" if self._random.random() < 0.5 else self._garbage()
        match method:
            case "ledger.frontier":
                return encode_frontier(self._frontier())
            case "ledger.fetch":
                wanted = decode_fetch(body)
                return encode_vertices([self._wires[one] for one in wanted if one in self._wires])
            case "ledger.newest" | "ledger.state" | "ledger.names" | "ledger.committee":
                return self._garbage()
            case "ledger.head":
                heads = (
                    [VertexId(self._random.randbytes(32))] if self._random.random() < 0.3 else []
                )
                return encode_ids(heads)
            case _:
                return encode_vertices(self._range_page(body))

    def _frontier(self) -> FrontierMessage:
        entries: dict[Tag, Head] = {}
        for chain in self._ledger.chains():
            if chain.slots and self._random.random() < 0.5:
                seq = max(0, len(chain.slots) - 1 + self._random.choice((0, 0, -1, 1, 1_000)))
                entries[Tag(chain.tag)] = Head(seq, self._random.randbytes(4))
        is_reset = self._random.random() < 0.2
        return FrontierMessage(reset=is_reset, entries=dict(sorted(entries.items())))

    def _range_page(self, body: bytes) -> Sequence[bytes]:
        start = int.from_bytes(body[:4], "big")
        ranges = {one.tag: one for one in decode_wanted(body[4:])}
        found: list[bytes] = []
        for vertex_id, wire in self._wires.items():
            one = ranges.get(Tag(tag_in(vertex_id)))
            if one is not None and one.first <= seq_in(vertex_id) <= one.last:
                found.append(wire)
        return found[start : start + PAGE_VERTICES_MAX]
