"""Questions about single states that nobody may ask (SPEC.md sections 7.11 and 9.10)."""

from pathlib import Path

import pytest

from fogbank_agent.trading.packages import PackageShelf
from fogbank_agent.trading.state_answers import StateAnswers
from fogbank_agent.trading.trace_shelf import Behind, TraceShelf
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.node.blob_store import BlobStore
from fogbank_protocol.node.failures import CallRefused
from fogbank_wasm_tasks.outcome import OutOfFuel
from fogbank_wasm_tasks.verification.state import Digest
from fogbank_wasm_tasks.verification.statements import Question, Wanted, encode_question
from fogbank_wasm_tasks.verification.terms import StartState, StepPlan, Terms
from fogbank_wasm_tasks.verification.trace import Trace

from ..market.objects import ANN, BEN, NETWORK
from .neighbourhood import Hasher

RECEIPT_ID = bytes(32)
A_PART = Terms(
    package_id=blob_id(b"a package"),
    arguments=(),
    environment=(),
    seed=0,
    fuel_max=100,
    memory_bytes_max=0,
    output_bytes_max=0,
    plan=StepPlan(1, 4),
    start=StartState(8, 50, bytes(32)),
)


@pytest.mark.parametrize(
    ("position", "error"),
    [
        (0, RemoteProtocolError),
        (7, RemoteProtocolError),
        (20, RemoteProtocolError),
        # Nothing of the run is here any more.
        (8, CallRefused),
        (9, CallRefused),
        (19, CallRefused),
    ],
)
async def test_no_state_before_or_beyond_a_part_is_asked_for(
    tmp_path: Path, position: int, error: type[Exception]
) -> None:
    blobs, traces = BlobStore(tmp_path), TraceShelf()
    trace = Trace(20, 4, [Digest(bytes(32))] * 2, OutOfFuel(), 100)
    behind = Behind(
        requestor=ANN.node_id,
        package_id=A_PART.package_id,
        terms=A_PART,
        input_id=blob_id(b"input"),
        data=b"input",
        start=blob_id(b"state"),
        handed=(),
    )
    traces.keep(RECEIPT_ID, [trace], [behind])
    answers = StateAnswers(NETWORK, BEN, blobs, PackageShelf(blobs), Hasher(), traces)
    (service,) = answers.services()
    question = encode_question(Question(RECEIPT_ID, 0, position, Wanted.STATEMENT))
    with pytest.raises(error):
        await service.handler(ANN.node_id, question)
    blobs.close()
