"""All the machines of one identity together: what one decides reaches the others."""

from collections.abc import Sequence
from random import Random

import pytest

from fogbank_dag_ledger.checkpoint import NO_CHECKPOINT, new_checkpoint, preimage
from fogbank_dag_ledger.checkpointing import CheckpointArrived
from fogbank_dag_ledger.equivocation import encode_proof
from fogbank_dag_ledger.events import Final, LedgerEvent
from fogbank_dag_ledger.gossip_events import (
    AskFrontier,
    AskParents,
    CutOff,
    PassProof,
    PeerJoined,
    PushVertices,
)
from fogbank_dag_ledger.limits import CHECKED_BEFORE_CUT
from fogbank_dag_ledger.own_account import PaymentReceived
from fogbank_dag_ledger.participation import Participant
from fogbank_dag_ledger.participation.happenings import (
    AdoptOwn,
    KeepOwn,
    KeepVertices,
    OwnAdopted,
    OwnKept,
    OwnLogRead,
    ParticipantCommand,
    PaymentEnded,
    PaymentWanted,
    ProofArrived,
    PublishNews,
    ReadOwnLog,
    StoreEnded,
    TellEvents,
    VerticesArrived,
)
from fogbank_dag_ledger.participation.issuing_state import Issuing, IssuingChanged
from fogbank_dag_ledger.vertex import Vertex
from fogbank_dag_ledger.vertex_codec import encode_vertex
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.machine import Tick

from ..community import Community

ALONE = Community(seats=1, others=3)
SEVERAL = Community(seats=4, others=2)
ANN, BEN = SEVERAL.names[0], SEVERAL.names[1]


def started(community: Community, person: int) -> tuple[Participant, list[ParticipantCommand]]:
    participant = Participant(community.genesis, community.names[person], Random(1))
    assert participant.handle(StoreEnded(), 0) == [ReadOwnLog()]
    return participant, participant.handle(OwnLogRead([]), 0)


def happened(commands: Sequence[ParticipantCommand]) -> list[LedgerEvent]:
    told = [command for command in commands if isinstance(command, TellEvents)]
    return [event for command in told for event in command.events]


def test_a_seat_alone_begins_pays_votes_and_makes_it_final() -> None:
    participant, commands = started(ALONE, 0)
    assert commands == [AdoptOwn(())]
    assert participant.handle(OwnAdopted(), 0) == [PublishNews([IssuingChanged(Issuing())])]
    now = 0.0
    commands = participant.handle(PaymentWanted(7, {ALONE.names[1]: 5}), now)
    seen = list(commands)
    for _ in range(8):
        kept = [command for command in commands if isinstance(command, KeepOwn)]
        now = now if kept else participant.deadline
        event = OwnKept(ALONE.sign(kept[0].draft)) if kept else Tick()
        commands = participant.handle(event, now)
        seen += commands
    (ended,) = [command for command in seen if isinstance(command, PaymentEnded)]
    assert ended.number == 7
    assert isinstance(ended.result, Vertex)
    assert participant.ledger.is_final(ended.result.id)
    assert Final(ended.result.id) in happened(seen)


def test_what_arrives_is_kept_passed_on_and_asked_for() -> None:
    participant, _ = started(SEVERAL, 4)
    assert isinstance(participant.handle(PeerJoined(ANN), 0)[0], AskFrontier)
    source = SEVERAL.vertex(0, pays={4: 5})
    above = SEVERAL.vertex(1, parents=[source])
    (asked,) = participant.handle(VerticesArrived([(above, ANN)]), 0)
    assert asked == AskParents(ANN, (source.id,))
    kept, *_ = participant.handle(VerticesArrived([(source, ANN)]), 0)
    assert kept == KeepVertices(((source, encode_vertex(source)), (above, encode_vertex(above))))


def test_what_became_final_is_told_and_published() -> None:
    participant, _ = started(SEVERAL, 4)
    source = SEVERAL.vertex(0, pays={4: 5})
    votes = [SEVERAL.vertex(seat, parents=[source]) for seat in (1, 2, 3)]
    certs = [
        SEVERAL.vertex(seat, votes[seat - 1], votes, acknowledges=[source]) for seat in (1, 2, 3)
    ]
    commands = participant.handle(
        VerticesArrived([(one, ANN) for one in (source, *votes, *certs)]), 0
    )
    assert Final(source.id) in happened(commands)
    assert PublishNews([PaymentReceived(source.id, source.issuer, 5)]) in commands


def test_a_fork_is_proved_to_everyone_and_a_proof_is_passed_on_once() -> None:
    one, other = SEVERAL.vertex(5), SEVERAL.vertex(5, note=1)
    proof = encode_proof(one.issuer, (one.id, one.signature), (other.id, other.signature))
    participant, _ = started(SEVERAL, 4)
    for peer in (ANN, BEN):
        participant.handle(PeerJoined(peer), 0)
    commands = participant.handle(ProofArrived(ANN, proof), 0)
    assert commands[0] == PassProof((BEN,), proof)
    assert isinstance(commands[1], AskParents)
    assert participant.handle(ProofArrived(BEN, proof), 0) == []
    again, _ = started(SEVERAL, 4)
    again.handle(PeerJoined(ANN), 0)
    commands = again.handle(VerticesArrived([(one, ANN), (other, ANN)]), 0)
    assert PassProof((ANN,), proof) in commands
    with pytest.raises(RemoteProtocolError):
        again.handle(ProofArrived(ANN, bytes(224)), 0)


def test_an_own_vertex_is_pushed_only_after_it_was_kept() -> None:
    participant, _ = started(ALONE, 0)
    participant.handle(OwnAdopted(), 0)
    participant.handle(PeerJoined(ALONE.names[1]), 0)
    (keep,) = participant.handle(PaymentWanted(1, {ALONE.names[1]: 5}), 0)
    assert isinstance(keep, KeepOwn)
    vertex = ALONE.sign(keep.draft)
    commands = participant.handle(OwnKept(vertex), 0)
    assert PushVertices((ALONE.names[1],), (encode_vertex(vertex),)) in commands


def test_too_many_invalid_vertices_are_a_reason_to_part() -> None:
    participant, _ = started(SEVERAL, 4)
    participant.handle(PeerJoined(ANN), 0)
    invalid = [(ANN, "8.3.12")] * (CHECKED_BEFORE_CUT // 100 + 1)
    (cut,) = participant.handle(VerticesArrived([], invalid), 0)
    assert "8.3.12" in str(cut)


def certified(voices: int) -> CheckpointArrived:
    """Return a checkpoint of vertices that nobody has sent here, signed by so many seats."""
    vertex = SEVERAL.vertex(0, pays={4: 5})
    checkpoint = new_checkpoint(
        SEVERAL.network,
        height=0,
        previous=NO_CHECKPOINT,
        epoch=0,
        heads=[vertex.id],
        dead=[],
        state_root=bytes(32),
        record_count=1,
        names_root=bytes(32),
        name_count=1,
    )
    seats = SEVERAL.identities[:voices]
    statement = preimage(SEVERAL.network, checkpoint.hash)
    signatures = {seat.node_id: seat.sign(statement) for seat in seats}
    return CheckpointArrived(BEN, checkpoint.body, signatures)


OVERDRAWN = [
    SEVERAL.vertex(4, pays={0: 1_000_000}, note=note)
    for note in range(CHECKED_BEFORE_CUT // 100 + 1)
]


@pytest.mark.parametrize(("voices", "is_parted"), [(0, True), (2, True), (3, False)])
def test_what_a_floor_not_known_here_may_allow_is_no_reason_to_part(
    voices: int, is_parted: bool
) -> None:
    participant, _ = started(SEVERAL, 4)
    participant.handle(PeerJoined(ANN), 0)
    if voices:
        participant.handle(certified(voices), 0)
    commands = participant.handle(VerticesArrived([(one, ANN) for one in OVERDRAWN]), 0)
    assert [command for command in commands if isinstance(command, CutOff)] == (
        [CutOff(ANN, "too many invalid vertices: 8.3.17")] if is_parted else []
    )
    assert not any(one.id in participant.ledger for one in OVERDRAWN)
    commands = participant.handle(VerticesArrived([], [(ANN, "8.3.12")] * len(OVERDRAWN)), 0)
    assert any(isinstance(command, CutOff) for command in commands)
