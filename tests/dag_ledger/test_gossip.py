"""Gossip, as playbooks: events in, commands out (SPEC.md section 8.7)."""

from math import inf
from random import Random

from fogbank_dag_ledger.frontier import Head, Range, Tag
from fogbank_dag_ledger.gossip import Gossip
from fogbank_dag_ledger.gossip_events import (
    Accepted,
    AnswerFrontier,
    AskFrontier,
    AskParents,
    AskRanges,
    CutOff,
    ForkProved,
    FrontierAnswered,
    FrontierReceived,
    GossipCommand,
    ParentsAnswered,
    ParentsMissing,
    PassProof,
    PeerJoined,
    PeerLeft,
    PushVertices,
    RangesEnded,
    VerticesAccepted,
    VerticesChecked,
    VerticesLacked,
    VerticesRestored,
    VerticesSeen,
)
from fogbank_dag_ledger.limits import (
    DIFFERENCES_MAX,
    FED_BY_OTHERS_MIN,
    FETCH_IDS_MAX,
    FORWARD_DELAY_S,
    FRONTIER_ENTRIES_MAX,
    FRONTIER_INTERVAL_S,
    FRONTIER_JITTER,
    FRONTIER_RESET_EVERY,
    PAGE_VERTICES_MAX,
    PARENT_ASKS_MAX,
    PUSH_PEERS_MAX,
)
from fogbank_dag_ledger.messages import FrontierMessage
from fogbank_dag_ledger.vertex import NO_VERTEX, VertexId
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

ANN, BEN, CAT = (NodeId(bytes([letter]) * 32) for letter in b"abc")
XAV = Tag(b"xxxxxxxx")
YAN = Tag(b"yyyyyyyy")


def vertex(tag: bytes, seq: int, source: NodeId | None = None) -> Accepted:
    previous = vertex_id(tag, seq - 1) if seq else NO_VERTEX
    return Accepted(vertex_id(tag, seq), previous, b"wire%d" % seq, source)


def vertex_id(tag: bytes, seq: int) -> VertexId:
    return VertexId(tag + seq.to_bytes(4, "big") + b"v%03d" % seq + bytes(16))


def chain(tag: bytes, length: int, source: NodeId | None = None) -> tuple[Accepted, ...]:
    return tuple(vertex(tag, seq, source) for seq in range(length))


def message(reset: bool, **seqs: int) -> FrontierMessage:
    names = {"x": XAV, "y": YAN}
    return FrontierMessage(
        reset, {names[name]: Head(seq, b"v%03d" % seq) for name, seq in seqs.items()}
    )


def with_neighbours(*peers: NodeId, held: tuple[Accepted, ...] = ()) -> Gossip:
    """Return a machine whose neighbours have answered once, with nothing to tell."""
    gossip = Gossip(Random(1))
    gossip.handle(VerticesRestored(held), 0)
    for peer in peers:
        gossip.handle(PeerJoined(peer), 0)
        gossip.handle(FrontierAnswered(peer, message(True)), 0)
    return gossip


def test_a_new_neighbour_is_told_everything_and_asked_for_everything() -> None:
    gossip = Gossip(Random(1))
    gossip.handle(VerticesRestored((*chain(XAV, 3), *chain(YAN, 1))), 0)
    assert gossip.handle(PeerJoined(ANN), 5) == [AskFrontier(ANN, message(True, x=2, y=0))]
    assert gossip.deadline == inf
    assert gossip.handle(FrontierAnswered(ANN, message(True, x=9, y=0)), 5) == [
        AskRanges(ANN, (Range(XAV, 3, 9),))
    ]


def test_later_questions_tell_only_what_changed() -> None:
    gossip = with_neighbours(ANN, held=chain(XAV, 3))
    gossip.handle(VerticesAccepted(chain(YAN, 2)), 1)
    assert abs(gossip.deadline - FRONTIER_INTERVAL_S) <= FRONTIER_INTERVAL_S * FRONTIER_JITTER
    assert gossip.handle(Tick(), gossip.deadline) == [AskFrontier(ANN, message(False, y=1))]


def test_a_question_is_answered_with_what_the_asker_was_not_told() -> None:
    gossip = with_neighbours(ANN, held=chain(XAV, 3))
    assert gossip.handle(FrontierReceived(ANN, message(False, y=4)), 1) == [
        AnswerFrontier(ANN, message(False)),
        AskRanges(ANN, (Range(YAN, 0, 4),)),
    ]
    assert gossip.handle(FrontierReceived(ANN, message(True)), 1) == [
        AnswerFrontier(ANN, message(True, x=2))
    ]


def test_an_unanswered_question_makes_both_sides_begin_again() -> None:
    gossip = Gossip(Random(1))
    gossip.handle(VerticesRestored(chain(XAV, 1)), 0)
    gossip.handle(PeerJoined(ANN), 0)
    gossip.handle(FrontierAnswered(ANN, message(True)), 0)
    assert gossip.handle(Tick(), gossip.deadline) == [AskFrontier(ANN, message(False))]
    assert gossip.handle(FrontierAnswered(ANN, None), 9) == []
    assert gossip.handle(Tick(), gossip.deadline) == [AskFrontier(ANN, message(True, x=0))]


def test_now_and_then_everything_is_told_anew() -> None:
    gossip = with_neighbours(ANN, held=chain(XAV, 1))
    resets: list[bool] = []
    for _ in range(FRONTIER_RESET_EVERY):
        for command in gossip.handle(Tick(), gossip.deadline):
            assert isinstance(command, AskFrontier)
            resets.append(command.message.reset)
        gossip.handle(FrontierAnswered(ANN, message(False)), gossip.deadline)
    assert resets.count(True) == 1


def test_an_issuer_is_read_from_one_neighbour_at_a_time() -> None:
    gossip = with_neighbours(ANN, BEN)
    assert gossip.handle(FrontierReceived(ANN, message(False, x=5)), 0)[1:] == [
        AskRanges(ANN, (Range(XAV, 0, 5),))
    ]
    assert gossip.handle(FrontierReceived(BEN, message(False, x=5, y=2)), 0)[1:] == [
        AskRanges(BEN, (Range(YAN, 0, 2),))
    ]


def test_when_a_stream_ends_what_it_left_is_asked_for_unless_it_brought_nothing() -> None:
    gossip = with_neighbours(ANN)
    gossip.handle(FrontierReceived(ANN, message(False, x=5)), 0)
    gossip.handle(VerticesAccepted(chain(XAV, 3, ANN)), 0)
    assert gossip.handle(RangesEnded(ANN), 0) == [AskRanges(ANN, (Range(XAV, 3, 5),))]
    assert gossip.handle(RangesEnded(ANN), 0) == []
    gossip.handle(Tick(), gossip.deadline)
    # It may stand on a fork below, so the second question reaches further down.
    assert gossip.handle(FrontierAnswered(ANN, message(False)), 2) == [
        AskRanges(ANN, (Range(XAV, 0, 5),))
    ]


def test_a_difference_at_equal_height_is_followed_down_and_then_left() -> None:
    gossip = with_neighbours(ANN, held=chain(XAV, 101))
    other = FrontierMessage(False, {XAV: Head(100, b"fork")})
    asked: list[GossipCommand] = gossip.handle(FrontierReceived(ANN, other), 0)[1:]
    for _ in range(3):
        gossip.handle(RangesEnded(ANN), 0)
        gossip.handle(Tick(), gossip.deadline)
        asked += gossip.handle(FrontierAnswered(ANN, message(False)), gossip.deadline)
    assert asked == [
        AskRanges(ANN, (Range(XAV, 85, 100),)),
        AskRanges(ANN, (Range(XAV, 0, 100),)),
    ]


def test_own_vertices_are_pushed_at_once_to_a_few() -> None:
    crowd = with_neighbours(*(NodeId(bytes([number]) * 32) for number in range(20)))
    (push,) = crowd.handle(VerticesAccepted(chain(XAV, 2)), 0)
    assert isinstance(push, PushVertices)
    assert len(set(push.peers)) == PUSH_PEERS_MAX
    assert push.vertices == (b"wire0", b"wire1")


def test_vertices_of_others_are_passed_on_soon_but_not_to_who_has_them() -> None:
    gossip = with_neighbours(ANN, BEN, CAT)
    first, second = (
        Accepted(vertex_id(XAV, seq), NO_VERTEX, b"wire" + bytes([seq]) * 64, BEN) for seq in (0, 1)
    )
    assert gossip.handle(VerticesAccepted((first,)), 0) == []
    assert gossip.handle(VerticesAccepted((second,)), 0) == []
    assert 0 <= gossip.deadline <= FORWARD_DELAY_S
    assert gossip.handle(VerticesSeen(CAT, (second.wire, b"unknown")), 0) == []
    pushes = gossip.handle(Tick(), gossip.deadline)
    assert sorted(pushes, key=str) == sorted(
        [PushVertices((ANN,), (first.wire, second.wire)), PushVertices((CAT,), (first.wire,))],
        key=str,
    )
    assert gossip.deadline > FORWARD_DELAY_S


def test_many_vertices_are_not_held_back() -> None:
    gossip = with_neighbours(ANN, BEN)
    vertices = tuple(
        Accepted(vertex_id(XAV, seq), NO_VERTEX, seq.to_bytes(64, "big"), BEN)
        for seq in range(PAGE_VERTICES_MAX)
    )
    (push,) = gossip.handle(VerticesAccepted(vertices), 0)
    assert push == PushVertices((ANN,), tuple(vertex.wire for vertex in vertices))


def test_what_a_stream_of_ranges_brings_is_not_pushed() -> None:
    gossip = with_neighbours(ANN, BEN)
    gossip.handle(FrontierReceived(ANN, message(False, x=5)), 0)
    assert gossip.handle(VerticesAccepted(chain(XAV, 3, ANN)), 0) == []
    assert gossip.deadline > FORWARD_DELAY_S


def test_a_lonely_node_pushes_nothing() -> None:
    assert Gossip(Random(1)).handle(VerticesAccepted(chain(XAV, 1, None)), 0) == []


def test_missing_parents_are_asked_from_the_sender_then_elsewhere_and_then_no_more() -> None:
    gossip = with_neighbours(ANN, BEN)
    wanted = (vertex_id(XAV, 0), vertex_id(XAV, 1))
    commands = gossip.handle(ParentsMissing(ANN, wanted), 0)
    assert commands == [AskParents(ANN, wanted)]
    assert gossip.handle(ParentsMissing(BEN, wanted), 0) == []
    gossip.handle(VerticesAccepted(chain(XAV, 1, ANN)), 0)
    asks = 1
    while commands := gossip.handle(ParentsAnswered(ANN, wanted), 0) or gossip.handle(
        ParentsAnswered(BEN, wanted), 0
    ):
        (ask,) = commands
        assert isinstance(ask, AskParents)
        assert ask.ids == wanted[1:]
        asks += 1
    assert asks == PARENT_ASKS_MAX


def test_many_missing_parents_are_asked_for_in_bounded_requests() -> None:
    gossip = with_neighbours(ANN)
    wanted = tuple(vertex_id(XAV, seq) for seq in range(FETCH_IDS_MAX + 1))
    assert gossip.handle(ParentsMissing(ANN, wanted), 0) == [
        AskParents(ANN, wanted[:FETCH_IDS_MAX]),
        AskParents(ANN, wanted[FETCH_IDS_MAX:]),
    ]


def test_parents_that_an_open_stream_brings_are_asked_for_only_after_it() -> None:
    gossip = with_neighbours(ANN, BEN)
    gossip.handle(FrontierReceived(ANN, message(False, x=5)), 0)
    wanted = (vertex_id(XAV, 4),)
    assert gossip.handle(ParentsMissing(BEN, wanted), 0) == []
    assert gossip.handle(RangesEnded(ANN), 0) == [AskParents(BEN, wanted)]


def test_parents_asked_from_a_peer_that_left_are_asked_elsewhere() -> None:
    gossip = with_neighbours(ANN, BEN)
    wanted = (vertex_id(XAV, 0),)
    gossip.handle(ParentsMissing(ANN, wanted), 0)
    assert gossip.handle(PeerLeft(ANN), 0) == [AskParents(BEN, wanted)]
    assert gossip.handle(PeerLeft(BEN), 0) == []
    assert gossip.deadline == inf


def test_a_proof_is_passed_on_once_and_not_back() -> None:
    gossip = with_neighbours(ANN, BEN)
    event = ForkProved(CAT, b"proof", ANN)
    assert gossip.handle(event, 0) == [PassProof((BEN,), b"proof")]
    assert gossip.handle(event, 0) == []


def test_a_neighbour_with_too_many_invalid_vertices_is_cut_off() -> None:
    gossip = with_neighbours(ANN)
    assert gossip.handle(VerticesChecked(ANN, 999, 10, "8.3.12"), 0) == []
    assert gossip.handle(VerticesChecked(ANN, 1, 0), 0) == []
    assert gossip.handle(VerticesChecked(ANN, 999, 10, "8.3.12"), 0) == []
    assert gossip.handle(VerticesChecked(ANN, 0, 1, "8.3.16"), 0) == [
        CutOff(ANN, "too many invalid vertices: 8.3.16")
    ]


def test_strangers_are_ignored() -> None:
    gossip = Gossip(Random(1))
    assert gossip.handle(FrontierReceived(ANN, message(True, x=5)), 0) == []
    assert gossip.handle(FrontierAnswered(ANN, message(True, x=5)), 0) == []
    assert gossip.handle(RangesEnded(ANN), 0) == []
    assert gossip.handle(VerticesChecked(ANN, 5000, 5000, "8.3.1"), 0) == []


def forwarded_to(gossip: Gossip, first: int, count: int, source: NodeId) -> list[NodeId]:
    """Return to whom vertices of XAV are passed on that ``source`` sends one after the other."""
    peers: list[NodeId] = []
    for seq in range(first, first + count):
        one = vertex(XAV, seq, source)
        gossip.handle(VerticesAccepted((one,)), seq)
        for command in gossip.handle(Tick(), seq + FORWARD_DELAY_S):
            if isinstance(command, PushVertices):
                peers += command.peers
    return peers


def test_a_neighbour_that_has_them_anyway_is_left_out_until_it_asks() -> None:
    gossip = with_neighbours(ANN, BEN, CAT)
    assert forwarded_to(gossip, 0, 4, ANN).count(BEN) == 4
    for seq in range(FED_BY_OTHERS_MIN):
        gossip.handle(VerticesSeen(BEN, (b"wire%d" % seq,), frozenset([XAV])), 4)
    fed = forwarded_to(gossip, 4, 64, ANN)
    assert fed.count(CAT) == 64
    # A few go there all the same, so that it learns that this side is fed as well.
    assert 0 < fed.count(BEN) < 16

    gossip.handle(VerticesLacked(BEN, frozenset([XAV])), 70)
    assert forwarded_to(gossip, 70, 4, ANN).count(BEN) == 4


def test_with_more_neighbours_than_are_pushed_to_nobody_is_left_out() -> None:
    peers = [NodeId(bytes([letter]) * 32) for letter in range(PUSH_PEERS_MAX + 1)]
    gossip = with_neighbours(*peers)
    for peer in peers:
        gossip.handle(VerticesSeen(peer, (), frozenset([XAV])), 0)
        gossip.handle(VerticesSeen(peer, (), frozenset([XAV])), 0)
    assert len(forwarded_to(gossip, 0, 4, peers[0])) == 4 * PUSH_PEERS_MAX


def test_many_neighbours_that_invent_issuers_share_what_is_remembered() -> None:
    invented = {
        Tag(number.to_bytes(8, "big")): Head(0, b"mark") for number in range(FRONTIER_ENTRIES_MAX)
    }
    gossip = Gossip(Random(1))
    names = [NodeId(bytes([number]) * 32) for number in range(6)]
    for one in names:
        gossip.handle(PeerJoined(one), 0.0)
    for one in names:
        gossip.handle(FrontierReceived(one, FrontierMessage(True, invented)), 0.0)
    each = DIFFERENCES_MAX // len(names)
    assert gossip.differences == len(names) * each
    # Whoever leaves makes room for the others.
    for one in names[2:]:
        gossip.handle(PeerLeft(one), 0.0)
    gossip.handle(FrontierReceived(names[0], FrontierMessage(True, invented)), 0.0)
    assert gossip.differences == FRONTIER_ENTRIES_MAX + each
