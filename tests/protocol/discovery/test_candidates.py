"""The table of addresses stays within its bounds and keeps what matters (SPEC.md section 5.3)."""

from fogbank_protocol.discovery.address import Address
from fogbank_protocol.discovery.candidates import Candidate, Candidates, Source
from fogbank_protocol.identity import NodeId
from fogbank_protocol.limits import (
    ADDRESSES_PER_PEER_MAX,
    CANDIDATES_MAX,
    CANDIDATES_TOLD_MAX,
)


def candidate(number: int, source: Source, *, failures: int = 0) -> Candidate:
    return Candidate(
        Address("192.0.2.1", number + 1),
        NodeId(number.to_bytes(32, "big")),
        due_at=0,
        sources={source},
        failures=failures,
    )


def test_a_flood_of_inventions_leaves_room_for_what_a_person_configured() -> None:
    candidates = Candidates()
    added = [candidates.add(candidate(n, Source.TOLD)) for n in range(CANDIDATES_MAX)]
    assert sum(added) == CANDIDATES_TOLD_MAX
    assert candidates.add(candidate(1000, Source.REMEMBERED))
    assert candidates.add(candidate(1001, Source.CONFIGURED))


def test_an_invention_that_failed_makes_room_for_the_next() -> None:
    candidates = Candidates()
    worst = candidate(0, Source.TOLD, failures=2)
    candidates.add(candidate(1, Source.TOLD, failures=1))
    candidates.add(worst)
    for number in range(2, CANDIDATES_TOLD_MAX):
        candidates.add(candidate(number, Source.ANNOUNCED))
    assert candidates.add(candidate(1000, Source.ANNOUNCED))
    assert candidates.get(worst.address) is None
    assert len(candidates) == CANDIDATES_TOLD_MAX


def test_the_table_never_grows_beyond_its_bound() -> None:
    candidates = Candidates()
    for number in range(2 * CANDIDATES_MAX):
        candidates.add(candidate(number, Source.CONFIGURED))
    assert len(candidates) == CANDIDATES_MAX


def test_one_peer_cannot_claim_many_addresses() -> None:
    candidates = Candidates()
    peer = NodeId(b"p" * 32)
    for number in range(20):
        candidates.add(Candidate(Address("192.0.2.1", number + 1), peer, 0, {Source.TOLD}))
    assert len(candidates.of(peer)) == ADDRESSES_PER_PEER_MAX


def test_a_dial_under_way_is_not_forgotten_to_make_room() -> None:
    candidates = Candidates()
    under_way = candidate(0, Source.TOLD, failures=9)
    under_way.in_progress = True
    candidates.add(under_way)
    for number in range(1, CANDIDATES_TOLD_MAX):
        candidates.add(candidate(number, Source.TOLD))
    assert not candidates.add(candidate(1000, Source.TOLD))
    assert candidates.get(under_way.address) is under_way
