"""States where a run of this provider was at single positions (SPEC.md sections 7.11 and 9.10).

It kept the roots of its checkpoints; what lies between two of them it finds out by doing that part
again, from the nearest state that is still here.
"""

from logging import getLogger

import trio

from fogbank_protocol.encoding import encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity, NetworkId, NodeId
from fogbank_protocol.node.blob_store import BlobMissing, BlobStore
from fogbank_protocol.node.failures import CallRefused
from fogbank_protocol.node.services import RequestService
from fogbank_wasm_tasks.errors import SandboxBusy, SandboxUnavailable
from fogbank_wasm_tasks.limits import QUESTION_BYTES_MAX
from fogbank_wasm_tasks.verification.snapshot import decode_snapshot
from fogbank_wasm_tasks.verification.state import Digest
from fogbank_wasm_tasks.verification.statements import (
    Question,
    Statement,
    sign_statement,
)

from ..limits import STATE_ANSWER_S, STATE_QUESTIONS_MAX
from ..market.dispute_messages import TraceQuestion, decode_state_question
from ..market.reasons import Reason
from .interfaces import LotRunner
from .lot_runs import LotWork
from .methods import STATE_METHOD
from .own_steps import OwnSteps
from .packages import PackageShelf
from .trace_shelf import Shelved, TraceShelf

_log = getLogger(__name__)


class StateAnswers:
    """Answers ``dispute.state``, one question at a time."""

    def __init__(
        self,
        network: NetworkId,
        identity: Identity,
        blobs: BlobStore,
        packages: PackageShelf,
        runner: LotRunner,
        traces: TraceShelf,
    ) -> None:
        """Answer for the results on ``traces``; repeat in ``runner``."""
        self._network = network
        self._identity = identity
        self._blobs = blobs
        self._packages = packages
        self._steps = OwnSteps(runner)
        self._traces = traces
        self._turn = trio.CapacityLimiter(1)

    def services(self) -> list[RequestService]:
        """Return what the node must serve (``dispute.state``)."""
        return [RequestService(STATE_METHOD, self._answer, QUESTION_BYTES_MAX, at_once_max=1)]

    async def _answer(self, peer: NodeId, body: bytes) -> bytes:
        question = decode_state_question(body)
        shelved = self._traces.get(TraceQuestion(question.receipt_id, question.index))
        # Each question is work: nobody but who bought the run may ask, and not without end.
        if (
            shelved is None
            or shelved.behind.requestor != peer
            or shelved.asked >= STATE_QUESTIONS_MAX
        ):
            raise CallRefused("refused", Reason.PROOF_UNAVAILABLE.value)
        start = shelved.behind.terms.start
        first = 0 if start is None else start.position
        if not first <= question.position < shelved.trace.states:
            raise RemoteProtocolError("a question before or beyond the run", rule="9.10")
        shelved.asked += 1
        digest = shelved.trace.digest(question.position) if _is_whole(shelved) else None
        if digest is None:
            digest = await self._repeat(shelved, question)
        statement = Statement(
            question.receipt_id,
            question.index,
            self._identity.node_id,
            question.position,
            digest,
        )
        return encode(sign_statement(statement, self._network, self._identity).to_value())

    async def _repeat(self, shelved: Shelved, question: Question) -> Digest:
        try:
            async with self._turn:
                return await self._digest(shelved, question.position)
        except (BlobMissing, RemoteProtocolError, SandboxBusy, SandboxUnavailable) as error:
            _log.info("a state of an old run cannot be told: %s", error)
            raise CallRefused("refused", Reason.PROOF_UNAVAILABLE.value) from None

    async def _digest(self, shelved: Shelved, position: int) -> Digest:
        behind = shelved.behind
        package = await self._packages.open(behind.package_id)
        data = behind.data
        if data is None:
            data = await self._blobs.read(behind.input_id)
        begun = None if behind.start is None else await self._blobs.read(behind.start)
        work = LotWork(package, behind.terms, [behind.input_id], begun)
        if self._steps.trace(behind.terms, behind.input_id) is None:
            before = [one for one in behind.handed if one[0] <= position]
            here = [(at, one) for at, one in before[-1:] if self._blobs.has(one)]
            states = {at: await self._blobs.read(one) for at, one in here}
            self._steps.adopt(work, shelved.trace, states)
        state = await self._steps.state_at(work, data, position, STATE_ANSWER_S)
        if state is None:
            raise BlobMissing(behind.input_id)
        return (await trio.to_thread.run_sync(decode_snapshot, state)).root()


def _is_whole(shelved: Shelved) -> bool:
    return shelved.behind.terms.start is None
