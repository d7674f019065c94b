"""Four sites that can do so much and no more, and a crowd that wants ten times as much.

The real ledger, intake, validator, queues and admission; time is in turns, in each of which a site
works in ``CAPACITY`` vertices.  What a site had no room for is offered again; what it lacks it asks
for.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from random import Random

from fogbank_dag_ledger.arrivals import Arrivals
from fogbank_dag_ledger.events import Final, LedgerEvent
from fogbank_dag_ledger.fair_queue import FairQueue
from fogbank_dag_ledger.intake import Intake
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.limits import OUTBOUND_COST_MAX, SIGNATURE_COST, WINDOW
from fogbank_dag_ledger.tips import draw_tips
from fogbank_dag_ledger.validator import LedgerGrew, Validator
from fogbank_dag_ledger.vertex import NO_VERTEX, ORDINARY, Draft, Payment, Vertex, VertexId
from fogbank_protocol.identity import NodeId

from .community import Community, unsigned

SITES = 4
CAPACITY = 24
"""Vertices that a site works in each turn."""

IN_ORDER = 2 * CAPACITY * (SIGNATURE_COST + 200)
"""What needs no turns: as much as can be done in two of the crowd's, as in the real queue."""

LINK = 32
"""Vertices of others that go from one site to another each turn."""

TURN_S = 0.1


class Site:
    """A validator's node: members of the crowd hand it their vertices."""

    arrivals_type = Arrivals[tuple[Vertex, NodeId]]

    def __init__(self, community: Community, number: int) -> None:
        self.name = community.names[number]
        self.ledger = Ledger(community.genesis)
        self.validator = Validator(self.ledger, self.name, 0.0)
        self.arrivals = self.arrivals_type(self.ledger, in_order=IN_ORDER)
        self.outbound: dict[NodeId, FairQueue[Vertex]] = {}
        self.wanted: set[VertexId] = set()
        self.held: dict[VertexId, Vertex] = {}
        self.final: Counter[NodeId] = Counter()
        self._intake = Intake(self.ledger)
        self._waiting: set[VertexId] = set()

    def offer(self, vertex: Vertex, peer: NodeId, *, is_asked: bool = False) -> None:
        """Put a vertex in its queue if it is wanted."""
        if vertex.id in self._waiting or self._intake.holds(vertex.id):
            return
        if self.ledger.unwanted(vertex, is_asked=is_asked) is not None:
            return
        self._waiting.add(vertex.id)
        for dropped, _ in self.arrivals.put((vertex, peer), vertex, peer, is_asked=is_asked):
            self._waiting.discard(dropped.id)

    def work(self) -> list[LedgerEvent]:
        """Work in as much as can be done in one turn."""
        taken = self.arrivals.take(CAPACITY)
        self._waiting -= {vertex.id for vertex, _ in taken}
        return self.take(taken)

    def take(self, vertices: Collection[tuple[Vertex, NodeId | None]]) -> list[LedgerEvent]:
        """Put vertices into the ledger, and what is new on its way to the others."""
        outcome = self._intake.take(vertices)
        assert not outcome.invalid
        self.wanted |= set(outcome.missing)
        for vertex, source in outcome.accepted:
            self.held[vertex.id] = vertex
            self.wanted.discard(vertex.id)
            for peer, queue in self.outbound.items():
                if peer != source:
                    queue.put((vertex.issuer,), vertex, len(vertex.body))
        for event in outcome.events:
            if isinstance(event, Final):
                self.final[self.held[event.id].issuer] += 1
        return outcome.events


class Member:
    """Somebody who issues as fast as its window allows, or faster."""

    def __init__(self, community: Community, number: int, site: Site, rate: int) -> None:
        self.name = community.names[number]
        self.site = site
        self._community = community
        self._rate = rate
        self._chain: list[Vertex] = []

    @property
    def issued(self) -> int:
        return len(self._chain)

    def issue(self, draws: Random, *, keeps_window: bool) -> None:
        """Make new vertices and offer those that its site does not hold yet."""
        chain = self.site.ledger.chain(self.name)
        final = 0 if chain is None else chain.final_count
        for _ in range(self._rate):
            if keeps_window and len(self._chain) >= final + WINDOW:
                break
            self._chain.append(self._next(draws))
        held = 0 if chain is None else len(chain.slots)
        for vertex in self._chain[held : held + WINDOW + self._rate]:
            self.site.offer(vertex, self.name)

    def _next(self, draws: Random) -> Vertex:
        ledger = self.site.ledger
        prev = self._chain[-1] if self._chain else None
        tips = draw_tips(
            ledger.dag, ledger.chain(self.name), iter(lambda: draws.getrandbits(32), -1)
        )
        return unsigned(
            Draft(
                kind=ORDINARY,
                issuer=self.name,
                seq=0 if prev is None else prev.seq + 1,
                prev=NO_VERTEX if prev is None else prev.id,
                parents=tips,
                payments=[Payment(self._community.names[0], 1)],
            ),
            self._community.network,
        )


@dataclass(frozen=True, slots=True)
class Gained:
    """What became of the vertices of one member."""

    final: int
    """How many became final in the second half; everyone's window is filled in the first."""

    waiting: int
    """How many were not final at the end."""


def run_crowd(
    members: int, spammers: int, turns: int, *, honest_rate: int, site_type: type[Site] = Site
) -> tuple[list[Gained], list[Gained]]:
    """Return what the honest and the spammers gained, who together want ten times the capacity."""
    community = Community(seats=SITES, others=members + 1)
    draws = Random(1)
    sites = [site_type(community, number) for number in range(SITES)]
    for site in sites:
        site.outbound = {
            other.name: FairQueue(OUTBOUND_COST_MAX) for other in sites if other is not site
        }
    crowd = [
        Member(
            community,
            SITES + number,
            sites[number % SITES],
            10 * CAPACITY // spammers if number < spammers else honest_rate,
        )
        for number in range(members)
    ]
    before: Counter[NodeId] = Counter()
    for turn in range(turns):
        if turn == turns // 2:
            before = sites[0].final.copy()
        _one_turn(community, sites, crowd, spammers, draws, turn * TURN_S)
    final = sites[0].final
    gained = [
        Gained(final[one.name] - before[one.name], one.issued - final[one.name]) for one in crowd
    ]
    return gained[spammers:], gained[:spammers]


def _one_turn(
    community: Community,
    sites: list[Site],
    crowd: list[Member],
    spammers: int,
    draws: Random,
    now: float,
) -> None:
    for number, member in enumerate(crowd):
        member.issue(draws, keeps_window=number >= spammers)
    for site in sites:
        events = site.work()
        for issue in site.validator.handle(LedgerGrew(events), now):
            vertex = unsigned(issue.draft, community.network)
            own = site.take([(vertex, None)])
            site.validator.handle(LedgerGrew(own), now)
    for site in sites:
        for other in sites:
            if other is not site:
                for vertex in site.outbound[other.name].take(LINK):
                    other.offer(vertex, site.name)
                for wanted in [one for one in other.wanted if one in site.held]:
                    other.offer(site.held[wanted], site.name, is_asked=True)


def jain(amounts: list[int]) -> float:
    """Return Jain's index of fairness: 1 when all have the same, 1/n when one has everything."""
    return sum(amounts) ** 2 / (len(amounts) * sum(amount**2 for amount in amounts))
