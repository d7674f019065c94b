"""Checkpoints among seats, some of which lie, while payments go on (SPEC.md section 8.21)."""

from collections import deque
from dataclasses import dataclass, field

import pytest

from fogbank_dag_ledger.checkpoint import decode_checkpoint, preimage
from fogbank_dag_ledger.checkpoint_state import decode_record
from fogbank_dag_ledger.checkpointing import (
    CheckpointArrived,
    CheckpointCommand,
    Checkpointing,
    CheckpointSigned,
    KeepCheckpoint,
    SignCheckpoint,
    SpreadCheckpoint,
    names_of,
)
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.limits import CHECKPOINT_INTERVAL_S, CHECKPOINT_TURN_S
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from .simulation import Node, World


@dataclass
class Party:
    """One honest node of a world, with its checkpoints."""

    node: Node
    checkpointing: Checkpointing
    kept: list[KeepCheckpoint] = field(default_factory=list)


class Parties:
    """The honest nodes of a world, who make checkpoints."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.all = [Party(node, Checkpointing(node.ledger, node.name)) for node in world.honest]
        for party in self.all:
            party.checkpointing.begin(world.now)

    def round(self) -> None:
        """Let as much time pass as a checkpoint takes, with nothing lost on the way."""
        for _ in range(8):
            self.world.now += (CHECKPOINT_INTERVAL_S + CHECKPOINT_TURN_S * 8) / 8
            for party in self.all:
                self.perform(party, party.checkpointing.handle(Tick(), self.world.now))

    def perform(self, party: Party, commands: list[CheckpointCommand]) -> None:
        queue = deque((party, command) for command in commands)
        while queue:
            sender, command = queue.popleft()
            match command:
                case SignCheckpoint(name, _):
                    community = self.world.community
                    identity = community.identities[community.names.index(sender.node.name)]
                    signature = identity.sign(preimage(community.network, name))
                    event = CheckpointSigned(name, signature)
                    more = sender.checkpointing.handle(event, self.world.now)
                    queue.extend((sender, one) for one in more)
                case SpreadCheckpoint(body, signatures, source):
                    for other in self.all:
                        if other is not sender and other.node.name != source:
                            arrived = CheckpointArrived(sender.node.name, body, signatures)
                            more = other.checkpointing.handle(arrived, self.world.now)
                            queue.extend((other, one) for one in more)
                case KeepCheckpoint():
                    sender.kept.append(command)


def grow(world: World) -> None:
    world.run(100, partitioned=True, paying=True)
    world.run(60, partitioned=False, paying=True)


def check_agreement(world: World) -> None:
    first = world.honest[0].ledger
    for node in world.honest:
        assert node.ledger.state_hash() == first.state_hash()
        assert node.ledger.supply_held() == first.genesis.supply
    assert not world.conflicts


@pytest.mark.slow
@pytest.mark.parametrize("byzantine", [0, 1])
def test_seats_agree_on_checkpoints_and_prune_while_payments_go_on(byzantine: int) -> None:
    heights: list[int] = []
    for seed in range(3):
        world = World(seed, 4, byzantine)
        parties = Parties(world)
        for number in range(6):
            grow(world)
            # Half of the time some vertices are on their way while the checkpoint is made.
            if number % 2:
                world.settle()
            parties.round()
        world.settle()
        parties.round()
        check_agreement(world)
        assert len({party.kept[-1].newest.checkpoint for party in parties.all}) == 1
        heights.append(parties.all[0].checkpointing.height)
        held = max(len(node.ledger) for node in world.honest)
        made = max(len(node.told) for node in world.honest)
        assert held < made / 2, f"seed {seed}"
        check_restored(parties)
    assert min(heights) >= 3, heights


def check_restored(parties: Parties) -> None:
    """Whoever begins with the floor and hears what lies above ends where the others are."""
    for party in parties.all[:2]:
        floor = party.checkpointing.floor
        assert floor is not None
        genesis = party.node.ledger.genesis
        fresh = Ledger(genesis)
        fresh.restore(map(decode_record, floor.state.values()), [names_of(floor)])
        for vertex in party.node.told:
            if vertex.id in party.node.ledger:
                fresh.insert(vertex)
        assert fresh.state_hash() == party.node.ledger.state_hash()
        assert fresh.supply_held() == genesis.supply
        assert open_in(fresh) == open_in(party.node.ledger)


def open_in(ledger: Ledger) -> set[VertexId]:
    """Return what may still be decided."""
    return {record.id for record in ledger.dag.records() if not record.lost}


def test_a_checkpoint_of_strangers_or_with_a_wrong_signature_is_refused() -> None:
    world = World(1, 4, 0)
    parties = Parties(world)
    grow(world)
    world.settle()
    first, second = parties.all[:2]
    world.now += CHECKPOINT_INTERVAL_S + CHECKPOINT_TURN_S * 8
    sent: list[SpreadCheckpoint] = []
    for command in first.checkpointing.handle(Tick(), world.now):
        assert isinstance(command, SignCheckpoint)
        identity = world.community.identities[world.community.names.index(first.node.name)]
        signature = identity.sign(preimage(world.community.network, command.hash))
        told = first.checkpointing.handle(CheckpointSigned(command.hash, signature), world.now)
        sent += [one for one in told if isinstance(one, SpreadCheckpoint)]
    (spread,) = sent
    stranger = world.community.identities[5]
    right = spread.signatures[first.node.name]
    for signatures in (
        {first.node.name: bytes(64)},
        {world.community.names[1]: right},
        {stranger.node_id: stranger.sign(b"whatever")},
    ):
        arrived = CheckpointArrived(NodeId(bytes(32)), spread.body, signatures)
        with pytest.raises(RemoteProtocolError):
            second.checkpointing.handle(arrived, world.now)


def test_what_is_not_final_here_is_signed_later_and_a_wrong_root_never() -> None:
    world = World(3, 4, 0)
    parties = Parties(world)
    grow(world)
    world.settle()
    behind = Ledger(world.community.genesis)
    late = Checkpointing(behind, world.community.names[3])
    late.begin(world.now)
    parties.round()
    (kept, *_) = parties.all[0].kept
    checkpoint, signatures = kept.newest.checkpoint, kept.newest.signatures
    commands = late.handle(CheckpointArrived(NodeId(bytes(32)), checkpoint.body, signatures), 0)
    assert [type(command) for command in commands] == [SpreadCheckpoint]
    assert late.newest is None
    assert late.highest_heard == 0

    for vertex in parties.all[0].node.told:
        behind.insert(vertex)
    commands = late.handle(Tick(), 10_000)
    assert any(isinstance(command, KeepCheckpoint) for command in commands)
    assert late.newest is not None
    assert late.newest.checkpoint == checkpoint

    # Signed by a quorum, and not what is found here.
    lie = decode_checkpoint(
        checkpoint.body.replace(checkpoint.state_root, bytes(32)), world.community.network
    )
    forged = {
        identity.node_id: identity.sign(preimage(world.community.network, lie.hash))
        for identity in world.community.identities[:4]
    }
    doubting = Checkpointing(behind, world.community.names[3])
    doubting.begin(0)
    told = doubting.handle(CheckpointArrived(NodeId(bytes(32)), lie.body, forged), 0)
    assert not any(isinstance(command, KeepCheckpoint | SignCheckpoint) for command in told)
