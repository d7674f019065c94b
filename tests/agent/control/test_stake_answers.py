"""The sum of what an agent has at stake."""

from fogbank_agent.control.stake_answers import sum_stakes
from fogbank_dag_ledger.operations import ObjectId, StakeTerms
from fogbank_dag_ledger.own_objects import ObjectState, ObjectView
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.identity import NodeId

OWN, OTHER = NodeId(b"a" * 32), NodeId(b"b" * 32)


def stake(opener: NodeId, state: ObjectState, amount: int, owed: int = 0) -> ObjectView:
    return ObjectView(
        id=ObjectId(bytes(32)),
        opening=VertexId(bytes(32)),
        opener=opener,
        terms=StakeTerms(watch=(OTHER,), need=1, beats=1, reward=1),
        state=state,
        amount=amount,
        award=0,
        is_seized=False,
        owed=owed,
    )


def test_own_stakes_count_until_they_are_taken_back() -> None:
    views = [
        stake(OWN, ObjectState.OPENING, 1),
        stake(OWN, ObjectState.OPEN, 20),
        stake(OWN, ObjectState.SETTLED, 5_000, owed=300),
        stake(OTHER, ObjectState.OPEN, 4_000),
    ]
    assert sum_stakes(OWN, views) == 321
