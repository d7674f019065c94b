"""Gossip with its clock and its calls (SPEC.md section 8.7)."""

from random import Random

import trio
import trio.testing

from fogbank_dag_ledger.intake import Intake
from fogbank_dag_ledger.ledger import Ledger
from fogbank_dag_ledger.messages import FrontierMessage
from fogbank_dag_ledger.service.exchange import Exchange
from fogbank_dag_ledger.service.pipeline import Pipeline
from fogbank_dag_ledger.service.spreading import Spreading

from ..community import Community
from .memory_network import MemoryNetwork, MemoryNode


async def test_who_asks_while_the_ledger_ends_is_answered_and_not_asked() -> None:
    community = Community()
    ledger = Ledger(community.genesis)
    pipeline = Pipeline(
        ledger,
        Intake(ledger),
        absorb=lambda _: None,
        note_seen=lambda _peer, _wires: None,
        wait_for_room=trio.lowlevel.checkpoint,
    )
    node = MemoryNode(MemoryNetwork(), community.names[0])
    spreading = Spreading(Exchange(node, pipeline), Random(1))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(spreading.run)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    question = FrontierMessage(reset=True, entries={})
    assert spreading.compare(community.names[1], question) == question
