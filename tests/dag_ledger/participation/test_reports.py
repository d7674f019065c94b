"""What gossip hears of vertices that the ledger has looked at (SPEC.md section 8.7)."""

from collections import Counter

from fogbank_dag_ledger.equivocation import encode_proof
from fogbank_dag_ledger.gossip_events import (
    Accepted,
    ParentsMissing,
    VerticesAccepted,
    VerticesChecked,
    VerticesRestored,
)
from fogbank_dag_ledger.intake import Intake, Outcome
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.participation.reports import (
    accepted_by,
    missing_of_proof,
    reports_on_peers,
    restored_by,
)
from fogbank_dag_ledger.vertex_codec import encode_vertex
from fogbank_protocol.identity import NodeId

from ..community import Community

COMMUNITY = Community(seats=4, others=2)
ANN, BEN = NodeId(b"a" * 32), NodeId(b"b" * 32)
FIRST = COMMUNITY.vertex(4, pays={0: 5})
SECOND = COMMUNITY.vertex(4, FIRST, pays={1: 5})


def test_what_was_accepted_is_told_with_its_bytes_and_who_sent_it() -> None:
    outcome = Outcome(accepted=[(FIRST, None), (SECOND, ANN)])
    assert accepted_by(outcome) == VerticesAccepted(
        (
            Accepted(FIRST.id, FIRST.prev, encode_vertex(FIRST), None),
            Accepted(SECOND.id, FIRST.id, encode_vertex(SECOND), ANN),
        )
    )


def test_what_the_store_held_is_told_without_bytes() -> None:
    outcome = Outcome(accepted=[(FIRST, None), (SECOND, None)])
    assert restored_by(outcome) == VerticesRestored(
        (Accepted(FIRST.id, FIRST.prev, b""), Accepted(SECOND.id, FIRST.id, b""))
    )


def test_each_peer_is_told_of_once_for_what_lacks_and_once_for_what_was_checked() -> None:
    outcome = Outcome(
        missing={FIRST.id: ANN, SECOND.id: ANN},
        checked=Counter({ANN: 3, BEN: 2}),
        invalid=Counter({BEN: 1}),
        broken_rule="8.3.9",
    )
    assert list(reports_on_peers(outcome)) == [
        ParentsMissing(ANN, (FIRST.id, SECOND.id)),
        VerticesChecked(ANN, 3, 0, "8.3.9"),
        VerticesChecked(BEN, 2, 1, "8.3.9"),
    ]


def test_what_a_newer_floor_may_allow_is_left_out_when_it_is_excused() -> None:
    outcome = Outcome(checked=Counter({ANN: 5}))
    for rule in ("8.3.9", "8.3.16", "8.3.17", "8.12.7"):
        outcome.refuse(ANN, rule)
    assert list(reports_on_peers(outcome)) == [VerticesChecked(ANN, 5, 4, "8.12.7")]
    assert list(reports_on_peers(outcome, excused=True)) == [VerticesChecked(ANN, 5, 1, "8.12.7")]


def test_of_a_proof_only_what_is_not_held_is_missing() -> None:
    other = COMMUNITY.vertex(4, pays={0: 6})
    proof = encode_proof(FIRST.issuer, (FIRST.id, FIRST.signature), (other.id, other.signature))
    intake = Intake(Ledger(COMMUNITY.genesis))
    missing = missing_of_proof(ANN, proof, intake)
    assert set(missing.ids) == {FIRST.id, other.id}
    intake.take([(FIRST, None)])
    assert missing_of_proof(ANN, proof, intake) == ParentsMissing(ANN, (other.id,))
