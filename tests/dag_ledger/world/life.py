"""The life of one world from its seed: a while of everything that can go wrong, then peace."""

from dataclasses import dataclass, replace
from functools import partial
from random import Random

from fogbank_dag_ledger.committee_operations import Table
from fogbank_dag_ledger.home_operations import MoveHome
from fogbank_dag_ledger.participation.happenings import SeatsWanted
from fogbank_dag_ledger.vertex import NO_VERTEX, VertexId
from fogbank_dag_ledger.vertex_codec import decode_vertex
from fogbank_protocol.identity import NodeId

from ..community import home_of
from .dealings import Dealings
from .disk import Disk
from .judge import Violation
from .liar import Liar
from .node import Node
from .weather import Weather
from .world import World

HAPPENINGS = 60
SLOW = 400
SLOW_WITH_OBJECTS = 120
"""More vertices than that take the oracle seconds."""

SETTLED_AFTER_S = 60.0
"""In peace everyone agrees after so long, or never will."""

ASKED_BACK_AFTER_S = 120.0
"""And has back what objects held, or never will."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What kind of world it is."""

    seats: int
    others: int
    liars: int
    """Seats that lie."""

    lying_accounts: int
    restored: int
    """Seats whose old disk may be put back while the others have moved on: these may fork too."""

    deals: bool = False
    """Whether objects are opened."""

    reforms: bool = False
    """Whether the seats change."""

    prunes: bool = False
    """Whether checkpoints are made, and forgotten what is below them."""

    homes: bool = False
    """Whether seats make homes, and accounts move."""

    @property
    def byzantine(self) -> int:
        return self.liars + self.restored


def draw_plan(random: Random) -> Plan:
    """Return a kind of world within the bound: so few seats lie that a quorum outweighs them."""
    seats, bound = random.choice(((1, 0), (3, 2), (4, 1), (4, 1), (4, 1), (5, 2), (7, 2)))
    # What is not to be trusted is not to be counted on either: a quorum must be left.
    byzantine = random.randint(0, min(bound, seats - (2 * seats // 3 + 1)))
    liars = random.randint(0, byzantine)
    return Plan(
        seats,
        random.randint(2, 4),
        liars,
        random.randint(0, 1),
        byzantine - liars,
        deals=random.random() < 0.5,
        reforms=random.random() < 0.5,
        prunes=random.random() < 0.5,
    )


class Life:
    """What happens to one world."""

    def __init__(self, seed: int, plan: Plan | None = None) -> None:
        self.random = Random(f"life {seed}")
        self._movers = Random(f"homes {seed}")
        self.plan = plan or self._with_homes(draw_plan(self.random))
        seats, others = self.plan.seats, self.plan.others
        liars = [
            *self.random.sample(range(seats), self.plan.liars),
            *self.random.sample(range(seats, seats + others), self.plan.lying_accounts),
        ]
        self.world = World(seed, seats=seats, others=others, liars=liars, prunes=self.plan.prunes)
        self.world.on_restart = self._tell_again
        names = self.world.community.names
        self.dealings = Dealings(self.world, self.random)
        self.honest = [name for name in names if name not in self.world.liars]
        papers = self.dealings.papers if self.plan.deals else None
        self.liars = [Liar(self.world, name, papers) for name in names if name in self.world.liars]
        honest_seats = [name for name in self.honest if name in names[:seats]]
        self._may_be_restored = {
            *self.random.sample(honest_seats, self.plan.restored),
            *[name for name in self.honest if name not in names[:seats]],
        }
        late = [name for name in self.honest if name not in names[:seats]]
        self._late = late[:1] if self.plan.prunes else []
        """Who begins when others have forgotten how it began."""

        self._images: dict[NodeId, Disk] = {}
        self._wanted: SeatsWanted | None = None
        self._lost_store: NodeId | None = None
        """The one trusted seat that lost its store, if any did."""

    def run(self) -> World:
        """Live it to the end, or to the first violation."""
        # In two homes two vertices of one position may be L1: they stand on different lines.
        self.world.judge.one_epoch = not (self.plan.reforms or self.plan.homes)
        self._begin()
        asked_at = self.random.randrange(HAPPENINGS)
        reforms_at = self.random.randrange(HAPPENINGS) if self.plan.reforms else None
        for number in range(HAPPENINGS):
            self._happen()
            if number == reforms_at:
                self._reform()
            if self.plan.homes and self._movers.random() < 0.3:
                self._dwell()
            self.world.run(self.world.now + self.random.uniform(0, 0.25))
            if number == asked_at:
                self._ask_oracle()
        self._make_peace()
        self._settle()
        return self.world

    def _begin(self) -> None:
        for name in self.honest:
            clock = self.world.clocks[name]
            clock.offset = self.random.uniform(0, 1e6)
            clock.rate = self.random.choice((1.0, 1.0, 0.9, 1.2))
            if name not in self._late:
                self.world.start(name)
        for liar in self.liars:
            liar.begin()
        for name in sorted(self._may_be_restored):
            self.world.later(self.random.uniform(1, 8), partial(self._take_image, name))
        self.world.run(1.5)

    # Homes.

    def _with_homes(self, plan: Plan) -> Plan:
        # What objects owe can only be taken where they were opened; oracles look at that.
        return replace(plan, homes=not plan.deals and self._movers.random() < 0.6)

    def _dwell(self) -> None:
        """Let trusted seats make a home, or somebody move."""
        random, world = self._movers, self.world
        if not world.nodes:
            return
        node = world.nodes[random.choice(list(world.nodes))]
        homes = sorted(node.ledger.homes.others)
        seats = world.community.validators
        trusted = [name for name in seats if name in self.honest and name not in self._suspects]
        if not homes and trusted:
            maker = world.nodes.get(random.choice(trusted))
            if maker is not None:
                chosen = random.sample(trusted, random.randint(1, min(3, len(trusted))))
                maker.act(home_of(world.community, maker.name, chosen))
                world.judge.met["homes wanted"] += 1
        elif len(homes) == 1 and trusted and random.random() < 0.2:
            self._succeed(homes[0], random.choice(trusted))
        elif homes:
            node.act(MoveHome(VertexId(random.choice([NO_VERTEX, *homes]))))
            world.judge.met["moves wanted"] += 1

    def _succeed(self, home: bytes, joining: NodeId) -> None:
        """Let the seats of a home make one with ``joining`` that succeeds it."""
        world = self.world
        nodes = [node for node in world.nodes.values() if home in node.ledger.homes.others]
        maker = next((node for node in nodes if node.name in world.community.validators), None)
        if maker is None:
            return
        seats = {*maker.ledger.homes.others[home].table.weights(), joining}
        maker.act(home_of(world.community, maker.name, seats, succeeds=VertexId(home)))
        world.judge.met["successions wanted"] += 1

    # What goes wrong.

    def _happen(self) -> None:
        what = self.random.random()
        if what < 0.3:
            self._pay()
        elif what < 0.55:
            if self.plan.deals:
                self.dealings.deal()
            else:
                self._pay()
        elif what < 0.65:
            self._change_network()
        elif what < 0.70:
            self._deafen()
        elif what < 0.78:
            self._crash()
        elif what < 0.88:
            self._start_again()
        elif what < 0.92:
            self._take_image(self.random.choice(self.honest))
        elif what < 0.94:
            self._leap()
        elif what < 0.97:
            self._fill_disk()
        elif what < 0.98:
            self._break_disk()
        else:
            one, other = self.random.sample(self.world.community.names, 2)
            self.world.disconnect(one, other)
            self.world.later(self.random.uniform(0, 2), lambda: self.world.connect(one, other))

    def _pay(self) -> None:
        for _ in range(self.random.randint(1, 3)):
            payer, payee = self.random.sample(self.world.community.names, 2)
            if payer in self.world.nodes:
                amount = self.random.choice((1, 20, 600, 1_100))
                self.world.nodes[payer].pay(payee, amount)

    def _change_network(self) -> None:
        what = self.random.random()
        if what < 0.4:
            names = self.world.community.names
            self.world.separate(self.random.sample(names, self.random.randint(1, len(names) // 2)))
            self.world.judge.met["partitions"] += 1
        elif what < 0.6:
            self.world.heal()
        else:
            worst_s = self.random.choice((0.02, 0.3, 1.5))
            lost, doubled = self.random.choice((0.0, 0.1, 0.4)), self.random.choice((0.0, 0.2))
            self.world.weather = Weather(lost, doubled, (0.001, worst_s))

    def _deafen(self) -> None:
        one, other = self.random.sample(self.world.community.names, 2)
        self.world.deaf.add((one, other))
        self.world.later(self.random.uniform(0, 5), lambda: self.world.deaf.discard((one, other)))
        self.world.judge.met["one-way partitions"] += 1

    def _crash(self) -> None:
        if self.world.nodes:
            self.world.crash(self.random.choice(list(self.world.nodes)))

    def _start_again(self) -> None:
        absent = [name for name in self.honest if name not in self.world.nodes]
        if absent:
            name = self.random.choice(absent)
            what = self.random.random()
            if what < 0.15:
                if self._may_lose_its_store(name):
                    self.world.disks[name].lose_store()
                    self.world.judge.met["stores lost"] += 1
            elif what < 0.22 and name in self._may_be_restored:
                self._lose_log(name)
            elif what < 0.5 and name in self._may_be_restored and name in self._images:
                self._restore(name)
            self._boot(name)

    def _boot(self, name: NodeId) -> None:
        # The monotonic clock begins anew with the machine.
        self.world.clocks[name].offset = self.random.uniform(0, 1e6)
        self.world.start(name)
        self._tell_again(self.world.nodes[name])

    def _tell_again(self, node: Node) -> None:
        """Tell a node that has started what its disk has beside, and its operator says again."""
        self.dealings.boot(node)
        if self._wanted is not None:
            node.tell(self._wanted)

    def _reform(self) -> None:
        """Let the honest seats want one seat more, one less, or the same anew."""
        nodes = list(self.world.nodes.values())
        if not nodes:
            return
        weights = nodes[0].ledger.epochs.table.weights()
        choice = self.random.randrange(3)
        others = [name for name in self.honest if name not in weights]
        honest = [name for name in weights if name not in self.world.judge.excused]
        if choice == 0 and others:
            weights[self.random.choice(others)] = 1
        elif choice == 1 and len(honest) > 1:
            del weights[self.random.choice(honest)]
        weight = sum(weights.values())
        quorum = 2 * weight // 3 + 1
        trusted = sum(one for name, one in weights.items() if name not in self._suspects)
        if trusted < quorum or weight - trusted >= 2 * quorum - weight:
            return
        self._wanted = SeatsWanted(Table(tuple(sorted(weights.items())), quorum))
        for node in nodes:
            node.tell(self._wanted)
        self.world.judge.met["changes of seats wanted"] += 1

    @property
    def _suspects(self) -> set[NodeId]:
        return self.world.liars | self._may_be_restored

    def _restore(self, name: NodeId) -> None:
        self.world.disks[name] = self._images[name].image()
        self.world.judge.excused.add(name)
        self.world.judge.met["old images put back"] += 1

    def _may_lose_its_store(self, name: NodeId) -> bool:
        """Tell whether somebody who keeps everything for good has all that is needed of it.

        When every copy of a vertex is gone, nobody can follow the chain of a seat that refers to
        it, and that seat is silent for good: as many of those as of liars are within the bound.
        """
        if name in self._suspects:
            return True
        if self._lost_store is not None:
            return False
        network = self.world.community.network
        log = self.world.disks[name].image().open(network, name)
        own = [decode_vertex(wire, network) for wire in log]
        needed = {edge for vertex in own for edge in vertex.edges} - {vertex.id for vertex in own}
        for other in self.honest:
            if other == name or other in self._suspects:
                continue
            disk = self.world.disks[other].image()
            kept = {vertex_id for vertex_id, _ in disk.store}
            if needed <= kept | self.world.judge.covered(disk.floor):
                self._lost_store = name
                return True
        return False

    def _lose_log(self, name: NodeId) -> None:
        """Lose the log of own vertices; what the store has of them is enough if it has all."""
        network = self.world.community.network
        disk = self.world.disks[name]
        kept = {vertex_id for vertex_id, _ in disk.store}
        kept |= self.world.judge.covered(disk.floor)
        own = [decode_vertex(wire, network).id for wire in disk.image().open(network, name)]
        if not kept.issuperset(own):
            self.world.judge.excused.add(name)
        disk.lose_log()
        self.world.judge.met["own logs lost"] += 1

    def _take_image(self, name: NodeId) -> None:
        self._images[name] = self.world.disks[name].image()

    def _leap(self) -> None:
        if self.world.nodes:
            name = self.random.choice(list(self.world.nodes))
            self.world.clocks[name].leap()
            self.world.nodes[name].reset_alarm()
            self.world.judge.met["clocks leapt"] += 1

    def _fill_disk(self) -> None:
        if self.world.nodes:
            node = self.world.nodes[self.random.choice(list(self.world.nodes))]
            node.disk_is_full = True
            self.world.later(2.0, lambda: setattr(node, "disk_is_full", False))

    def _break_disk(self) -> None:
        """Let a disk fail while an own vertex is written; its node is started again by hand."""
        if not self.world.nodes:
            return
        node = self.world.nodes[self.random.choice(list(self.world.nodes))]
        node.disk_is_broken = True

        def mend() -> None:
            if self.world.nodes.get(node.name) is node:
                self.world.crash(node.name)
                self._boot(node.name)

        self.world.later(2.0, mend)

    # Peace.

    def _make_peace(self) -> None:
        for liar in self.liars:
            liar.is_quiet = True
        for name in self.honest:
            if name not in self.world.nodes:
                self._boot(name)
        for node in list(self.world.nodes.values()):
            node.disk_is_full = False
            if node.disk_is_broken:
                self.world.crash(node.name)
                self._boot(node.name)
        self.world.heal()

    def _settle(self) -> None:
        world = self.world
        began = world.now
        self._wait_for_agreement("everything healed")
        while left := self.dealings.left(list(world.nodes.values())):
            if world.now - began > SETTLED_AFTER_S + ASKED_BACK_AFTER_S:
                raise Violation(f"{ASKED_BACK_AFTER_S:.0f} s after it was asked for {left}")
            self.dealings.ask_all_back()
            world.run(world.now + 5)
        # What objects waited for made votes, and the last of them may be under way.
        self._wait_for_agreement("objects were settled")
        world.judge.met["seconds to settle"] = round(world.now - began)
        world.judge.compare_at_the_end(world.nodes.values())
        self._ask_oracle()

    def _wait_for_agreement(self, since: str) -> None:
        world = self.world
        began = world.now
        while (left := self._left()) or world.now < began + 2:
            if world.now - began > SETTLED_AFTER_S:
                raise Violation(f"{SETTLED_AFTER_S:.0f} s after {since} {left}")
            world.run(world.now + 1)

    def _left(self) -> str:
        """Return what keeps the world from being settled; nothing when it is."""
        nodes = list(self.world.nodes.values())
        if self._wanted is not None and any(
            node.ledger.epochs.table != self._wanted.table for node in nodes
        ):
            return "the seats are not as everyone wants"
        return self.world.judge.unsettled(nodes)

    def _ask_oracle(self) -> None:
        """Compare somebody with the definitions, unless that would take too long."""
        vertices_max = SLOW_WITH_OBJECTS if self.plan.deals else SLOW
        for node in self.world.nodes.values():
            if self.world.judge.history_size(node) <= vertices_max:
                self.world.judge.compare_with_oracle(node)
                return
