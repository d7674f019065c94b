"""Sums over the channels of an agent."""

from fogbank_agent.control.channel_answers import count_paying, sum_channels
from fogbank_dag_ledger.operations import ChannelTerms, ObjectId
from fogbank_dag_ledger.own_objects import ChannelView, ObjectState
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.identity import NodeId

OWN, OTHER = NodeId(b"a" * 32), NodeId(b"b" * 32)


def channel(
    name: int, payer: NodeId, state: ObjectState, deposit: int, pending: int = 0, owed: int = 0
) -> ChannelView:
    provider = OTHER if payer == OWN else OWN
    return ChannelView(
        id=ObjectId(bytes([name]) * 32),
        opening=VertexId(bytes(32)),
        payer=payer,
        terms=ChannelTerms(provider=provider, voucher_key=payer, lanes=1, beats=1),
        state=state,
        deposit=deposit,
        deposit_pending=pending,
        paid=0,
        shown=0,
        reclaimed=False,
        owed=owed,
    )


VIEWS = [
    channel(1, OWN, ObjectState.OPEN, 1_000, pending=500),
    channel(2, OWN, ObjectState.OPENING, 0, pending=70),
    channel(3, OWN, ObjectState.SETTLED, 9_000, owed=8),
    channel(4, OTHER, ObjectState.OPEN, 10_000),
    channel(5, OTHER, ObjectState.CLOSING, 10_000),
    channel(6, OTHER, ObjectState.SETTLED, 10_000, owed=3),
]
VOUCHERS = {1: 100, 3: 99, 4: 200, 5: 40, 6: 99}


def test_what_is_not_spent_and_what_is_earned_adds_up() -> None:
    sums = sum_channels(OWN, VIEWS, lambda name: VOUCHERS.get(name[0], 0))
    assert sums == (1_000 + 500 - 100 + 70 + 8, 200 + 40 + 3)


def test_channels_that_pay_are_counted_until_they_are_settled() -> None:
    assert count_paying(OWN, VIEWS) == 2
