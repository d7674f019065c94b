"""People for tests: accounts with and without seats, and the vertices they sign."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from fogbank_dag_ledger.acknowledgements import Entry, encode_cert
from fogbank_dag_ledger.committee_operations import CommitteeOperation, table_of
from fogbank_dag_ledger.genesis import Genesis, new_genesis
from fogbank_dag_ledger.home_codec import home_preimage
from fogbank_dag_ledger.home_operations import CreateHome
from fogbank_dag_ledger.operations import Operation
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
from fogbank_dag_ledger.vertex_codec import body_of, decode_vertex, sign_vertex
from fogbank_protocol.encoding import encode
from fogbank_protocol.identity import Identity, NetworkId, NodeId


@cache
def people(count: int) -> tuple[Identity, ...]:
    """Return ``count`` identities, ascending by node id."""
    identities = [Identity.from_seed(number.to_bytes(32, "big")) for number in range(count)]
    return tuple(sorted(identities, key=lambda identity: identity.node_id))


class Community:
    """``seats`` validators of weight one and ``others`` accounts without a seat.

    Validators come first in ``names``; everybody begins with 1,000 drops, except the last account,
    which genesis does not know.
    """

    def __init__(
        self,
        seats: int = 4,
        others: int = 3,
        *,
        weights: Sequence[int] = (),
        quorum: int | None = None,
    ) -> None:
        self.identities = people(seats + others)
        self.names = tuple(identity.node_id for identity in self.identities)
        self.validators = self.names[:seats]
        weighed = zip(self.validators, weights or [1] * seats, strict=True)
        self.genesis: Genesis = new_genesis(
            "test", dict(weighed), dict.fromkeys(self.names[:-1], 1_000), bytes(16), quorum
        )

    def key(self, name: NodeId) -> Identity:
        """Return the identity with this node id."""
        return self.identities[self.names.index(name)]

    @property
    def network(self) -> NetworkId:
        return self.genesis.network

    def sign(self, draft: Draft, unix_time_s: int = 0) -> Vertex:
        """Return ``draft`` as its issuer would sign it."""
        identity = self.identities[self.names.index(draft.issuer)]
        return sign_vertex(draft, identity, self.network, unix_time_s)

    def vertex(
        self,
        person: int,
        prev: Vertex | None = None,
        parents: Iterable[Vertex] = (),
        *,
        pays: Mapping[int, int] | None = None,
        claims: Iterable[tuple[Vertex, int]] = (),
        acknowledges: Iterable[Vertex] = (),
        beat: int = 0,
        kind: int | None = None,
        note: int = 0,
        does: Sequence[Operation] = (),
        says: Sequence[CommitteeOperation] = (),
        epoch: int = 0,
        home: Vertex | None = None,
    ) -> Vertex:
        """Return a vertex of ``person``; validators issue kind 2; ``note`` tells two apart.

        ``home`` is what created the home that it lives in.
        """
        if kind is None:
            kind = VALIDATOR if person < len(self.validators) else ORDINARY
        draft = Draft(
            kind=kind,
            issuer=self.names[person],
            seq=0 if prev is None else prev.seq + 1,
            prev=NO_VERTEX if prev is None else prev.id,
            parents=sorted(parent.id for parent in parents if parent is not prev),
            claims=sorted(
                (Claim(source.id, total) for source, total in claims),
                key=lambda claim: claim.source,
            ),
            payments=[Payment(self.names[to], amount) for to, amount in (pays or {}).items()],
            beat=beat,
            cert=encode_cert([Entry(tag_of(one.issuer), one.seq) for one in acknowledges]),
            operations=does,
            committee=says,
            epoch=epoch,
            home=b"" if home is None else home.id,
        )
        return self.sign(draft, note)


def home_of(
    people: Community,
    creator: NodeId,
    seats: Iterable[NodeId],
    quorum: int | None = None,
    *,
    succeeds: VertexId = NO_VERTEX,
) -> CreateHome:
    """Return the op by which ``creator`` creates a home with these seats, signed by all."""
    weights = dict.fromkeys(seats, 1)
    table = table_of(weights, quorum or 2 * len(weights) // 3 + 1)
    keys = [people.identities[people.names.index(one)] for one, _ in table.seats]
    said = home_preimage(people.network, creator, table, succeeds)
    return CreateHome(table, tuple(key.sign(said) for key in keys), succeeds)


def unsigned(draft: Draft, network: NetworkId, note: int = 0) -> Vertex:
    """Return ``draft`` as a vertex with no real signature, for simulations of thousands."""
    return decode_vertex(encode([body_of(draft, network, note), bytes(64)]), network)


def ids(vertices: Iterable[Vertex]) -> list[VertexId]:
    """Return the ids of ``vertices``."""
    return [vertex.id for vertex in vertices]


def account(name: int) -> NodeId:
    """Return a node id that nobody holds the key of."""
    return NodeId(name.to_bytes(32, "big"))
