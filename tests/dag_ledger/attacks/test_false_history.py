"""A history that never was, told to a node that begins (SPEC.md section 8.22)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from fogbank_dag_ledger.checkpoint import (
    COMMITTEE,
    NAMES,
    NEWEST,
    STATE,
    Checkpoint,
    CheckpointHash,
    encode_names,
    encode_newest,
    encode_records,
    new_checkpoint,
    preimage,
)
from fogbank_dag_ledger.checkpoint_state import AccountRecord, encode_record
from fogbank_dag_ledger.merkle import merkle_root
from fogbank_dag_ledger.service.bootstrap import fetch_snapshot
from fogbank_dag_ledger.vertex import VertexId, vertex_id
from fogbank_protocol.encoding import encode
from fogbank_protocol.identity import Identity, NodeId

from ..community import Community
from ..service.memory_network import MemoryNetwork, MemoryNode

COMMUNITY = Community(seats=4)
THIEF = COMMUNITY.names[5]
STORYTELLERS = COMMUNITY.names[4:7]
STRANGERS = [Identity.from_seed(bytes([200 + number]) * 32) for number in range(4)]


@dataclass
class Story:
    """A checkpoint in which the thief owns everything, and those who sign it."""

    signers: Sequence[Identity]
    height: int = 7
    epoch: int = 0
    spoilt_state: bool = False
    checkpoint: Checkpoint = field(init=False)
    records: list[bytes] = field(init=False)

    def __post_init__(self) -> None:
        supply = COMMUNITY.genesis.supply
        head = vertex_id(THIEF, 0, b"the first")
        record = AccountRecord(THIEF, 1, head, head, supply, 0, 0, closed=False, forked=False)
        self.records = [encode_record(record)[1]]
        self.names = [head]
        self.checkpoint = new_checkpoint(
            COMMUNITY.network,
            height=self.height,
            previous=CheckpointHash(b"p" * 32),
            epoch=self.epoch,
            heads=(head,),
            dead=(),
            state_root=bytes(32) if self.spoilt_state else merkle_root(self.records),
            record_count=1,
            names_root=merkle_root(self.names),
            name_count=1,
        )

    @property
    def signatures(self) -> dict[NodeId, bytes]:
        signed = preimage(COMMUNITY.network, self.checkpoint.hash)
        return {one.node_id: one.sign(signed) for one in sorted(self.signers, key=_name)}

    def answer(self, method: str) -> bytes:
        told = (self.checkpoint.body, self.signatures)
        answers = {
            NEWEST: encode_newest([told, told]),
            STATE: encode_records(self.records),
            NAMES: encode_names([VertexId(one) for one in self.names]),
            COMMITTEE: encode([b"a proposal", [b"a precommit"]]),
        }
        return answers[method]


def _name(identity: Identity) -> bytes:
    return identity.node_id


class Beginner(MemoryNode):
    """A node whose every neighbour tells the same story."""

    def __init__(self, story: Story) -> None:
        super().__init__(MemoryNetwork(), COMMUNITY.names[0])
        self.story = story
        self.parted: list[NodeId] = []
        self.asked: list[str] = []

    async def request(self, peer: NodeId, method: str, body: bytes, *, timeout_s: float) -> bytes:
        del peer, body, timeout_s
        self.asked.append(method)
        return self.story.answer(method)

    def cut_off(self, peer: NodeId, message: str) -> None:
        del message
        self.parted.append(peer)


async def heard(beginner: Beginner) -> object:
    return await fetch_snapshot(beginner, COMMUNITY.genesis, STORYTELLERS, -1)


@pytest.mark.parametrize(
    "story",
    [
        Story(STRANGERS),
        Story(COMMUNITY.identities[:2]),
        Story([*COMMUNITY.identities[:2], STRANGERS[0]]),
        Story(COMMUNITY.identities[:3], spoilt_state=True),
    ],
    ids=["other keys", "too few old keys", "and others", "another state than was signed"],
)
async def test_a_history_that_no_quorum_of_the_committee_signed_is_not_taken(story: Story) -> None:
    beginner = Beginner(story)
    assert await heard(beginner) is None
    assert set(beginner.parted) == set(STORYTELLERS)


async def test_who_invents_an_epoch_is_asked_for_one_proof_and_not_for_all_of_them() -> None:
    beginner = Beginner(Story(COMMUNITY.identities[:3], epoch=1 << 31))
    assert await heard(beginner) is None
    assert set(beginner.parted) == set(STORYTELLERS)
    assert beginner.asked == [NEWEST, COMMITTEE] * len(STORYTELLERS)


async def test_old_keys_of_a_quorum_fool_who_knows_nothing_better_and_nobody_else() -> None:
    """This is the bound: genesis and the weight of the seats are all that a beginner has."""
    story = Story(COMMUNITY.identities[:3])
    assert await heard(Beginner(story)) is not None
    # Who stands on as high a floor already looks at no other.
    beginner = Beginner(story)
    assert await fetch_snapshot(beginner, COMMUNITY.genesis, STORYTELLERS, story.height) is None
    # And who was told by too few looks on: the others may know better.
    assert await fetch_snapshot(beginner, COMMUNITY.genesis, (), -1) is None
