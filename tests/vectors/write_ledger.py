"""Vectors of whole DAGs: what is valid on top of what, L1, final, state (SPEC.md 8.3 to 8.9).

``dags`` are replayed from an empty ledger, in order; ``reject`` on top of the vertices named there.
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from tests.dag_ledger.community import Community, home_of
from tests.dag_ledger.electorate import Electorate
from tests.dag_ledger.random_dag import RandomDag

from fogbank_dag_ledger.agreement import digest_of
from fogbank_dag_ledger.committee_operations import (
    CommitteeOperation,
    CommitteeVote,
    Decision,
    Proposal,
    SignOff,
    table_of,
)
from fogbank_dag_ledger.genesis import new_genesis
from fogbank_dag_ledger.home_operations import MoveHome
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.operations import (
    Act,
    EscrowTerms,
    Opening,
    Release,
    Take,
    outcome_digest,
)
from fogbank_dag_ledger.vertex import NO_VERTEX, ORDINARY, VALIDATOR, Vertex
from fogbank_dag_ledger.vertex_codec import encode_vertex
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId

Json = dict[str, Any]

PEOPLE = Community()


def _dag(name: str, community: Community, vertices: Sequence[Vertex]) -> Json:
    ledger = Ledger(community.genesis)
    for vertex in vertices:
        ledger.insert(vertex)
    return {
        "name": name,
        "genesis": community.genesis.body.hex(),
        "vertices": _wires(vertices),
        "confirmed": sorted(one.id.hex() for one in vertices if ledger.is_confirmed(one.id)),
        "final": sorted(one.id.hex() for one in vertices if ledger.is_final(one.id)),
        "balances": {one.hex(): ledger.balance(one) for one in community.names},
        "supply_held": ledger.supply_held(),
        "state_hash": ledger.state_hash().hex(),
        "epoch": ledger.epochs.number,
        "seats": [[one.hex(), weight] for one, weight in ledger.epochs.table.seats],
    }


def _paid_and_claimed() -> list[Vertex]:
    """Person 4 pays person 6, who claims it and pays it on to person 5."""
    vertices: list[Vertex] = []
    heads: dict[int, Vertex] = {}

    def settle(paid: Vertex) -> None:
        vertices.append(paid)
        for acknowledged in ((), (paid,)):
            for seat in range(3):
                heads[seat] = PEOPLE.vertex(
                    seat,
                    heads.get(seat),
                    () if acknowledged else (paid,),
                    acknowledges=acknowledged,
                    beat=len(vertices),
                )
                vertices.append(heads[seat])

    payment = PEOPLE.vertex(4, pays={6: 100, 5: 1})
    settle(payment)
    claim = PEOPLE.vertex(6, parents=[heads[0]], claims=[(payment, 100)], pays={5: 60})
    settle(claim)
    again = PEOPLE.vertex(4, payment, [heads[1]], pays={6: 11})
    settle(again)
    settle(PEOPLE.vertex(6, claim, [heads[2]], claims=[(again, 111)]))
    return vertices


def _double_spend(votes_for_one: int) -> list[Vertex]:
    sides = [PEOPLE.vertex(4, pays={5: 700}), PEOPLE.vertex(4, pays={6: 700})]
    votes = [
        PEOPLE.vertex(seat, parents=[sides[0 if seat < votes_for_one else 1]]) for seat in range(4)
    ]
    acknowledgements = [
        PEOPLE.vertex(seat, votes[seat], votes, acknowledges=[sides[0]]) for seat in range(4)
    ]
    return [*sides, *votes, *acknowledgements]


def _tie() -> list[Vertex]:
    sides = [PEOPLE.vertex(4, pays={5: 700}), PEOPLE.vertex(4, pays={6: 700})]
    return [*sides, *(PEOPLE.vertex(seat, parents=sides) for seat in range(4))]


def _forked_validator() -> list[Vertex]:
    sides = [PEOPLE.vertex(4, pays={5: 700}), PEOPLE.vertex(4, pays={6: 700})]
    votes = [PEOPLE.vertex(seat, parents=[sides[0]]) for seat in (1, 2)]
    faces = [PEOPLE.vertex(0, parents=[side]) for side in sides[::-1]]
    return [*sides, *votes, *faces]


def _random(seed: int) -> tuple[Community, list[Vertex]]:
    random = Random(seed)
    community = Community(weights=[1, 2, 1, 1] if seed % 2 else [1, 1, 1, 1])
    ledger = Ledger(community.genesis)
    source = RandomDag(community, random, forkers=1, make=community.sign)
    while len(source.valid) < 40:
        vertex = source.draw()
        try:
            ledger.insert(vertex)
        except RemoteProtocolError:
            continue
        source.accept(vertex)
    return community, source.valid


def _dags() -> list[Json]:
    dags = [
        _dag("nothing", PEOPLE, []),
        _dag("paid, claimed, and paid on", PEOPLE, _paid_and_claimed()),
        _dag("a double spend, three votes to one", PEOPLE, _double_spend(3)),
        _dag("a double spend, two votes each", PEOPLE, _double_spend(2)),
        _dag("both sides seen at once: the lowest id", PEOPLE, _tie()),
        _dag("a forked validator votes for both sides", PEOPLE, _forked_validator()),
    ]
    dags.append(_dag("one seat becomes three", *_growing()))
    dags.append(_dag("in and out of the home of a site", PEOPLE, _site()))
    dags.append(_dag("in a home that succeeds another", PEOPLE, _succession()))
    return dags + [_dag(f"at random, {seed}", *_random(seed)) for seed in range(4)]


def _growing() -> tuple[Community, list[Vertex]]:
    """One seat becomes two, then three, while everybody pays everybody."""
    town = Electorate(1, seats=1, others=3, signs=True)
    town.run(2, pays=True)
    town.wish([0, 1], by=[0])
    town.run(8, pays=True)
    town.wish([0, 1, 2], by=[0, 1])
    town.run(12)
    town.check(epochs=2)
    return town.community, town.members[0].told


def _change() -> list[tuple[str, list[Vertex], Vertex, str]]:
    """Four seats change; what may not be said at which place."""
    table = table_of({PEOPLE.names[0]: 1}, 1)
    off = SignOff(1)
    signed = [PEOPLE.vertex(seat, says=[off]) for seat in range(4)]
    z = tuple(sorted(one.id for one in signed[:3]))
    proposal = Proposal(1, 0, -1, table, z)
    proposed = PEOPLE.vertex(0, signed[0], says=[proposal])
    vote = CommitteeVote(1, 0, digest_of(proposal.value), is_precommit=True)
    voted = [PEOPLE.vertex(seat, signed[seat], [proposed], says=[vote]) for seat in (1, 2, 3)]
    ids = tuple(sorted(one.id for one in voted))
    decided = PEOPLE.vertex(3, voted[2], says=[Decision(1, proposed.id, ids)])
    nothing = CommitteeVote(1, 0, b"", is_precommit=True)
    held = [*signed, proposed, *voted]
    after = [*held, decided]

    def says(*ops: CommitteeOperation, epoch: int = 0) -> Vertex:
        return PEOPLE.vertex(0, proposed, says=ops, epoch=epoch)

    def seated(name: NodeId) -> list[Vertex]:
        """Return the vertices that give ``name`` the only seat of epoch 1."""
        wanted = Proposal(1, 0, -1, table_of({name: 1}, 1), z)
        first = PEOPLE.vertex(0, signed[0], says=[wanted])
        agreed = CommitteeVote(1, 0, digest_of(wanted.value), is_precommit=True)
        all_agree = [
            PEOPLE.vertex(seat, signed[seat], [first], says=[agreed]) for seat in (1, 2, 3)
        ]
        named = tuple(sorted(one.id for one in all_agree))
        last = PEOPLE.vertex(3, all_agree[2], says=[Decision(1, first.id, named)])
        return [*signed, first, *all_agree, last]

    return [
        ("an epoch that nobody decided", [], PEOPLE.vertex(5, epoch=1), "8.3.7"),
        ("an epoch that is over below it", after, PEOPLE.vertex(5, parents=[decided]), "8.3.7"),
        (
            "kind 2 of a seat of the next epoch in the one before",
            seated(PEOPLE.names[5]),
            PEOPLE.vertex(5, kind=VALIDATOR),
            "8.3.14",
        ),
        (
            "a seat of the last epoch only, and an op",
            after,
            PEOPLE.vertex(2, voted[1], [decided], says=[SignOff(2)], epoch=1),
            "8.19.2",
        ),
        ("a sign-off for the epoch after the next", held, says(SignOff(2)), "8.19.3"),
        ("two sign-offs of four", held, says(Proposal(1, 0, -1, table, z[:2])), "8.19.4"),
        (
            "three sign-offs and a vertex that is none",
            held,
            says(Proposal(1, 0, -1, table, tuple(sorted([*z, proposed.id])))),
            "8.19.4",
        ),
        (
            "three sign-offs and another of one of them",
            [*held, again := PEOPLE.vertex(1, voted[0], says=[off])],
            PEOPLE.vertex(
                0,
                proposed,
                says=[
                    Proposal(
                        1, 0, -1, table, tuple(sorted([*(one.id for one in signed[:3]), again.id]))
                    )
                ],
            ),
            "8.19.4",
        ),
        (
            "a sign-off that is none",
            held,
            says(Proposal(1, 0, -1, table, tuple(sorted([*z[:2], proposed.id])))),
            "8.19.4",
        ),
        ("two precommits of four", held, says(Decision(1, proposed.id, ids[:2])), "8.19.5"),
        (
            "three precommits and a vertex that is none",
            held,
            says(Decision(1, proposed.id, tuple(sorted([*ids, signed[1].id])))),
            "8.19.5",
        ),
        ("a decision for what proposes nothing", held, says(Decision(1, z[0], ids)), "8.19.5"),
        (
            "a precommit for nothing in a decision",
            [*held, none := PEOPLE.vertex(0, proposed, says=[nothing])],
            PEOPLE.vertex(
                0, none, says=[Decision(1, proposed.id, tuple(sorted([*ids[:2], none.id])))]
            ),
            "8.19.5",
        ),
    ]


def _site() -> list[Vertex]:
    """Seats 0 and 1 make a home; person 4 moves in, pays 5 there, and moves out again."""
    created = PEOPLE.vertex(0, does=[home_of(PEOPLE, PEOPLE.names[0], PEOPLE.names[:2])])
    moved = PEOPLE.vertex(4, parents=[created], does=[MoveHome(created.id)])
    voted = [PEOPLE.vertex(seat, created if seat == 0 else None, [moved]) for seat in range(3)]
    said = [
        PEOPLE.vertex(seat, voted[seat], voted, acknowledges=[created, moved]) for seat in range(3)
    ]
    # From here on two of the three are enough.
    paid = PEOPLE.vertex(4, moved, said, pays={5: 7}, home=created)
    back = PEOPLE.vertex(4, paid, does=[MoveHome(NO_VERTEX)], home=created)
    again = [PEOPLE.vertex(seat, said[seat], [back]) for seat in range(2)]
    last = [PEOPLE.vertex(seat, again[seat], again, acknowledges=[back]) for seat in range(2)]
    abroad = PEOPLE.vertex(4, back, last, pays={5: 1})
    pending = [PEOPLE.vertex(seat, last[seat], [abroad]) for seat in range(2)]
    return [created, moved, *voted, *said, paid, back, *again, *last, abroad, *pending]


def _succession() -> list[Vertex]:
    """Seat 2 joins the home of seats 0 and 1, and person 4 lives there."""
    names = PEOPLE.names
    created = PEOPLE.vertex(0, does=[home_of(PEOPLE, names[0], names[:2])])
    larger = home_of(PEOPLE, names[0], names[:3], 2, succeeds=created.id)
    heir = PEOPLE.vertex(0, created, does=[larger])
    moved = PEOPLE.vertex(4, parents=[heir], does=[MoveHome(heir.id)])
    voted = [PEOPLE.vertex(seat, heir if seat == 0 else None, [moved]) for seat in range(3)]
    said = [
        PEOPLE.vertex(seat, voted[seat], voted, acknowledges=[heir, moved]) for seat in range(3)
    ]
    paid = PEOPLE.vertex(4, moved, said, pays={5: 7}, home=heir)
    again = [PEOPLE.vertex(seat, said[seat], [paid]) for seat in (1, 2)]
    last = [
        PEOPLE.vertex(seat, one, again, acknowledges=[paid]) for seat, one in enumerate(again, 1)
    ]
    return [created, heir, moved, *voted, *said, paid, *again, *last]


def _homes() -> list[tuple[str, list[Vertex], Vertex, str]]:
    """Return what may not be said of homes, and at which place."""
    names = PEOPLE.names
    op = home_of(PEOPLE, PEOPLE.names[0], PEOPLE.names[:2])
    created = PEOPLE.vertex(0, does=[op])
    moved = PEOPLE.vertex(4, parents=[created], does=[MoveHome(created.id)])
    terms = EscrowTerms(PEOPLE.names[4], (), 0, (), 100, 60, bytes(32))
    opened = PEOPLE.vertex(5, does=[Opening(0, 10, terms)])
    released = PEOPLE.vertex(5, opened, does=[Act(opened.id, 0, Release())])
    take = Take(released.id, outcome_digest(10, (), is_seizure=False))
    four = [created]
    for count in (2, 3, 4):
        four.append(PEOPLE.vertex(0, four[-1], does=[op], note=count))
    spoilt = replace(op, signatures=(op.signatures[0], bytes(64)))
    stranger = home_of(PEOPLE, PEOPLE.names[0], [PEOPLE.names[0], PEOPLE.names[5]])
    return [
        ("a home of somebody without a seat", [], PEOPLE.vertex(0, does=[stranger]), "8.18.2"),
        (
            "a home that somebody without a seat creates",
            [],
            PEOPLE.vertex(5, does=[home_of(PEOPLE, PEOPLE.names[5], PEOPLE.names[:2])]),
            "8.18.2",
        ),
        ("a home that one has not signed", [], PEOPLE.vertex(0, does=[spoilt]), "8.18.2"),
        ("a home signed for another creator", [], PEOPLE.vertex(1, does=[op]), "8.18.2"),
        ("a fifth home", four, PEOPLE.vertex(0, four[-1], does=[op]), "8.18.3"),
        (
            "a successor of what is no home",
            [opened],
            PEOPLE.vertex(0, does=[home_of(PEOPLE, names[0], names[:2], succeeds=opened.id)]),
            "8.18.6",
        ),
        (
            "a successor with too few of the seats",
            [created],
            PEOPLE.vertex(1, does=[home_of(PEOPLE, names[1], names[1:3], succeeds=created.id)]),
            "8.18.6",
        ),
        (
            "a move to what is no home",
            [opened],
            PEOPLE.vertex(4, does=[MoveHome(opened.id)]),
            "8.18.4",
        ),
        ("a move to where one is", [], PEOPLE.vertex(4, does=[MoveHome(NO_VERTEX)]), "8.18.4"),
        (
            "a move to the home where one is",
            [created, moved],
            PEOPLE.vertex(4, moved, does=[MoveHome(created.id)], home=created),
            "8.18.4",
        ),
        ("a home without a move", [created], PEOPLE.vertex(4, home=created), "8.18.5"),
        ("no home after a move", [created, moved], PEOPLE.vertex(4, moved), "8.18.5"),
        (
            "the new home in the move itself",
            [created],
            PEOPLE.vertex(4, parents=[created], does=[MoveHome(created.id)], home=created),
            "8.18.5",
        ),
        (
            "a take in another home than that of the object",
            [created, moved, opened, released],
            PEOPLE.vertex(4, moved, does=[Act(opened.id, 0, take)], home=created),
            "8.12.10",
        ),
    ]


def _rejected() -> list[tuple[str, list[Vertex], Vertex, str]]:
    payment = PEOPLE.vertex(4, pays={5: 100, 0: 10})
    more = PEOPLE.vertex(4, payment, pays={6: 1})
    claim = PEOPLE.vertex(5, claims=[(payment, 100)])
    rival = PEOPLE.vertex(4, pays={5: 100}, note=9)
    vote = PEOPLE.vertex(0, parents=[payment], beat=7)
    fork = PEOPLE.vertex(0, parents=[], beat=1)
    unseen = PEOPLE.vertex(6)
    everything = [payment, more, claim, rival, vote, unseen]
    poor = PEOPLE.vertex(4, more, pays={5: 890})
    return [
        ("kind 2 without a seat", [], PEOPLE.vertex(4, kind=VALIDATOR), "8.3.14"),
        ("a beat that goes back", [payment, vote], PEOPLE.vertex(0, vote, beat=6), "8.3.15"),
        (
            "a beat that goes back behind a vertex of kind 1",
            [payment, vote, middle := PEOPLE.vertex(0, vote, kind=ORDINARY)],
            PEOPLE.vertex(0, middle, beat=6),
            "8.3.15",
        ),
        ("more than the balance", [], PEOPLE.vertex(4, pays={5: 1_001}), "8.3.17"),
        ("more than is left", everything, poor, "8.3.17"),
        (
            "spending what was claimed already",
            everything,
            PEOPLE.vertex(5, claim, pays={6: 1_101}),
            "8.3.17",
        ),
        (
            "a claim to too much",
            everything,
            PEOPLE.vertex(5, claims=[(payment, 101)]),
            "8.3.16",
        ),
        ("a claim to too little", everything, PEOPLE.vertex(5, claims=[(payment, 99)]), "8.3.16"),
        (
            "a claim to a source that pays others",
            everything,
            PEOPLE.vertex(5, claims=[(more, 100)]),
            "8.3.16",
        ),
        (
            "a claim made before",
            everything,
            PEOPLE.vertex(5, claim, claims=[(payment, 100)]),
            "8.3.16",
        ),
        (
            "a claim made before on the other side of a fork",
            everything,
            PEOPLE.vertex(5, claim, claims=[(rival, 100)]),
            "8.3.16",
        ),
        (
            "one sender claimed twice",
            everything,
            PEOPLE.vertex(5, claims=[(payment, 100), (rival, 100)]),
            "8.3.16",
        ),
        (
            "an acknowledgement of what is not held",
            [payment, vote],
            PEOPLE.vertex(0, vote, acknowledges=[unseen], beat=7),
            "8.3.18",
        ),
        (
            "an acknowledgement of what prev has not seen",
            everything,
            PEOPLE.vertex(0, vote, [unseen], acknowledges=[unseen], beat=7),
            "8.3.18",
        ),
        (
            "an acknowledgement beyond what prev has seen",
            everything,
            PEOPLE.vertex(0, vote, [more], acknowledges=[more], beat=7),
            "8.3.18",
        ),
        (
            "an acknowledgement of what only the other side of a fork has seen",
            [payment, vote, fork],
            PEOPLE.vertex(0, fork, acknowledges=[payment], beat=7),
            "8.3.18",
        ),
    ]


def _too_much() -> list[Json]:
    """Forks can make money that is never final, up to where no integer says it any more."""
    quarter = 1 << 62
    names = PEOPLE.names
    seats = {names[0]: 1}
    rich = Community(seats=1, others=6)
    rich.genesis = new_genesis("rich", seats, {names[1]: quarter}, bytes(16))
    paid = [rich.vertex(1, pays={to: quarter}) for to in (2, 3, 4, 5)]
    passed_on = [
        rich.vertex(to, claims=[(source, quarter)], pays={6: quarter})
        for to, source in zip((2, 3, 4, 5), paid, strict=True)
    ]
    claims = [(one, quarter) for one in passed_on]
    half = rich.vertex(6, claims=claims[:2], pays={0: 2 * quarter})
    held = [*paid, *passed_on, half]
    cases = [
        ("a balance of 2^64, made by forks", rich.vertex(6, claims=claims)),
        (
            "a sent total of 2^64, made by forks",
            rich.vertex(6, half, claims=claims[2:], pays={0: 2 * quarter}),
        ),
    ]
    return [
        {
            "name": name,
            "genesis": rich.genesis.body.hex(),
            "held": _wires(held),
            "hex": encode_vertex(vertex).hex(),
            "rule": "8.3.17",
        }
        for name, vertex in cases
    ]


def _wires(vertices: Sequence[Vertex]) -> list[str]:
    return [encode_vertex(vertex).hex() for vertex in vertices]


def build() -> Json:
    """Return the vectors.

    Rule 8.3.13 has none: two keys with one tag are years of work for one machine.
    """
    return {
        "spec": "8.3",
        "dags": _dags(),
        "genesis": PEOPLE.genesis.body.hex(),
        "reject": [
            {"name": name, "held": _wires(held), "hex": encode_vertex(vertex).hex(), "rule": rule}
            for name, held, vertex, rule in (*_rejected(), *_change(), *_homes())
        ]
        + _too_much(),
    }
