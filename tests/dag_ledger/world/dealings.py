"""What people do to objects: open, pay by voucher, settle, dispute, ask back (SPEC.md 8.12 ff)."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from random import Random

from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.objects import HeldObject
from fogbank_dag_ledger.operations import (
    Act,
    Action,
    Agree,
    ChannelTerms,
    Close,
    Deliver,
    Dispute,
    EscrowTerms,
    Forked,
    Halve,
    Judge,
    ObjectId,
    Opening,
    PostVouchers,
    Reclaim,
    ReclaimFinal,
    Refund,
    RefundLate,
    Release,
    ReleaseLate,
    Slash,
    StakeTerms,
    Terms,
    TopUp,
    Unstake,
    Voucher,
    Withdraw,
)
from fogbank_dag_ledger.own_objects import ObjectState
from fogbank_dag_ledger.participation.happenings import ActWanted, VoucherRemembered
from fogbank_dag_ledger.statements import sign_verdict, sign_voucher
from fogbank_dag_ledger.vertex import NO_VERTEX
from fogbank_protocol.identity import Identity, NodeId

from ..community import Community
from .node import Node
from .world import World

BEATS_MAX = 6
ASKED_BACK_TIMES = 3


class Papers:
    """What is signed outside of the ledger, by whoever is asked to: vouchers and verdicts."""

    def __init__(self, community: Community, random: Random) -> None:
        self._community = community
        self._random = random
        self._keys = {one.node_id: one for one in community.identities}
        self.vouchers: defaultdict[ObjectId, dict[int, Voucher]] = defaultdict(dict)
        """The largest of each lane."""

    def voucher(self, held: HeldObject) -> Voucher | None:
        """Return the next voucher of a channel, None when it is used up."""
        assert isinstance(held.terms, ChannelTerms)
        known = self.vouchers[held.id]
        left = held.amount - sum(voucher.total for voucher in known.values())
        lane = self._random.randrange(held.terms.lanes)
        last = known.get(lane)
        total = (last.total if last else 0) + self._random.randint(1, 40)
        if total - (last.total if last else 0) > left:
            return None
        voucher = sign_voucher(
            self._keys[held.terms.voucher_key],
            self._community.network,
            held.id,
            lane=lane,
            total=total,
            count=(last.count if last else 0) + 1,
            root=bytes(32),
            split=self._split(held, total),
        )
        known[lane] = voucher
        return voucher

    def _taken_back(self, held: HeldObject, earlier: Voucher) -> Voucher:
        """Return a later voucher than ``earlier``, which leaves the provider less."""
        assert isinstance(held.terms, ChannelTerms)
        total = earlier.total + self._random.randint(0, 3)
        return sign_voucher(
            self._keys[held.terms.voucher_key],
            self._community.network,
            held.id,
            lane=earlier.lane,
            total=total,
            count=earlier.count + 1,
            root=bytes(32),
            split=[(held.opener, self._random.randint(1, total))],
        )

    def _split(self, held: HeldObject, total: int) -> list[tuple[NodeId, int]]:
        assert isinstance(held.terms, ChannelTerms)
        others = [name for name in self._community.names if name != held.terms.provider]
        return [(self._random.choice(others), total // 10)] if total >= 10 else []

    def lanes(self, held: HeldObject) -> tuple[Voucher, ...]:
        """Return the largest vouchers, ascending by lane."""
        known = self.vouchers[held.id]
        return tuple(known[lane] for lane in sorted(known))

    def verdict(self, key: NodeId, held: HeldObject, award: int) -> bytes:
        """Return a signature under ``award``."""
        return sign_verdict(self._keys[key], self._community.network, held.id, award)

    def key(self, name: NodeId) -> Identity:
        return self._keys[name]

    # Things to do.

    def opening(self, opener: NodeId) -> Opening:
        """Return something to open."""
        random = self._random
        amount = random.choice((20, 100, 300))
        return Opening(0, amount, self._terms(opener, amount))

    def _terms(self, opener: NodeId, amount: int) -> Terms:
        random = self._random
        others = [name for name in self._community.names if name != opener]
        what = random.random()
        if what < 0.5:
            provider = random.choice(others)
            return ChannelTerms(provider, opener, random.randint(1, 2), self._beats())
        if what < 0.8:
            provider, *arbiters = random.sample(others, min(len(others), random.randint(1, 4)))
            need = len(arbiters) // 2 + 1 if arbiters else 0
            panel = tuple(sorted(arbiters))
            beats = self._beats(), self._beats()
            return EscrowTerms(provider, panel, need, (), *beats, random.randbytes(32))
        watch = tuple(sorted(random.sample(others, random.randint(1, 2))))
        return StakeTerms(watch, len(watch), self._beats(), random.randint(len(watch), amount))

    def _beats(self) -> int:
        return self._random.randint(1, BEATS_MAX)

    def action(self, ledger: Ledger, held: HeldObject, actor: NodeId) -> Action:
        """Return something that somebody might try; often it cannot be done."""
        return self._random.choice(list(self._actions(ledger, held, actor)))

    def _actions(self, ledger: Ledger, held: HeldObject, actor: NodeId) -> Iterator[Action]:
        award = self._random.randint(0, held.amount)
        match held.terms:
            case ChannelTerms():
                vouchers = self.lanes(held)
                yield Close(NO_VERTEX, (), vouchers)
                yield from (Reclaim(), ReclaimFinal((), vouchers), ReclaimFinal((), ()))
                yield TopUp(self._random.randint(1, 50))
                if vouchers:
                    yield PostVouchers((self._random.choice(vouchers),))
                    taken_back = self._taken_back(held, self._random.choice(vouchers))
                    yield from (PostVouchers((taken_back,)), ReclaimFinal((), (taken_back,)))
            case EscrowTerms(provider, arbiters, need):
                yield from (Deliver(bytes(32)), Dispute(), Release(), Refund())
                yield from (ReleaseLate(), RefundLate(), Halve())
                other = provider if actor == held.opener else held.opener
                yield Agree(award, self.verdict(other, held, award))
                if need:
                    panel = sorted(self._random.sample(range(len(arbiters)), need))
                    verdicts = [self.verdict(arbiters[one], held, award) for one in panel]
                    yield Judge(award, tuple(panel), tuple(verdicts))
            case StakeTerms():
                yield from (Unstake(), Withdraw())
                proof = ledger.proofs().get(held.opener)
                if proof is not None:
                    yield Slash(Forked(proof))


class Dealings:
    """What the honest do to objects, with each other and with liars."""

    def __init__(self, world: World, random: Random) -> None:
        self._world = world
        self._random = random
        self.papers = Papers(world.community, random)
        self._kept: defaultdict[NodeId, list[tuple[ObjectId, Voucher]]] = defaultdict(list)
        self._asked: Counter[ObjectId] = Counter()
        self._numbers = iter(range(1_000_000, 2_000_000))

    def deal(self) -> None:
        """Let somebody do something."""
        nodes = [node for node in self._world.nodes.values() if node.may_issue]
        if not nodes:
            return
        node = self._random.choice(nodes)
        held = [one for one in node.ledger.objects() if self._concerns(one, node.name)]
        if not held or self._random.random() < 0.3:
            self._want(node, self.papers.opening(node.name))
            self._world.judge.met["openings"] += 1
            return
        chosen = self._random.choice(held)
        if isinstance(chosen.terms, ChannelTerms) and self._random.random() < 0.6:
            self._pay_by_voucher(chosen, chosen.terms.provider)
            return
        self._act(node, chosen, self.papers.action(node.ledger, chosen, node.name))

    def boot(self, node: Node) -> None:
        """Give a node that has started the vouchers that it keeps on its disk."""
        for channel, voucher in self._kept[node.name]:
            node.tell(VoucherRemembered(channel, voucher))

    def _pay_by_voucher(self, held: HeldObject, provider: NodeId) -> None:
        node = self._world.nodes.get(provider)
        if node is None or node.ledger.object(held.id) is None:
            return
        voucher = self.papers.voucher(held)
        if voucher is not None:
            self._kept[provider].append((held.id, voucher))
            node.tell(VoucherRemembered(held.id, voucher))
            self._world.judge.met["vouchers"] += 1

    def _concerns(self, held: HeldObject, name: NodeId) -> bool:
        match held.terms:
            case ChannelTerms(provider) | EscrowTerms(provider):
                return name in (held.opener, provider)
            case StakeTerms(watch):
                return name == held.opener or name in watch

    def _act(self, node: Node, held: HeldObject, action: Action) -> None:
        place = node.participant.objects.place(held.id)
        if place is not None:
            self._want(node, Act(*place, action))
            self._world.judge.met["acts wanted"] += 1

    def _want(self, node: Node, operation: Opening | Act) -> None:
        node.tell(ActWanted(next(self._numbers), (operation,)))

    # The end.

    def ask_all_back(self) -> None:
        """Let every honest opener go the way out that it has alone."""
        for node in self._world.nodes.values():
            for held in self._unsettled_of(node):
                self._asked[held.id] += 1
                if self._asked[held.id] > ASKED_BACK_TIMES:
                    continue
                match held.terms:
                    case ChannelTerms():
                        self._act(node, held, Reclaim())
                    case EscrowTerms():
                        self._act(node, held, Release())
                    case StakeTerms():
                        self._act(node, held, Unstake())

    def _hangs(self, node: Node, name: ObjectId) -> bool:
        """Tell whether an outcome waits for the next epoch, as the vote of a forker made it L1."""
        held = node.ledger.object(name)
        return held is not None and held.outcome is not None and held.outcome.hangs_on_forker

    def left(self, all_nodes: Sequence[Node]) -> str:
        """Return what an honest opener has not got back; nothing when all is well."""
        for node in all_nodes:
            if node.name in self._world.judge.excused:
                continue
            for held in self._unsettled_of(node):
                # Votes are never moved: whoever settled too early may have split them for good.
                if not held.voted:
                    return f"{type(held.terms).__name__} {held.id.hex()} is not settled"
            own = node.participant.objects
            owing = [one.id for one in own.channels() if one.owed]
            owing += [one.id for one in own.others() if one.owed]
            if any(not self._hangs(node, one) for one in owing):
                return f"{node.name.hex()} has not taken what it is owed"
        return ""

    def _unsettled_of(self, node: Node) -> list[HeldObject]:
        objects = node.participant.objects
        return [
            held
            for held in node.ledger.objects()
            if held.opener == node.name
            and objects.state(held.id) not in (None, ObjectState.OPENING, ObjectState.SETTLED)
        ]
