"""The traces behind this provider's receipts, for who disputes one (SPEC.md section 9.10)."""

from collections import OrderedDict
from collections.abc import Sequence

import trio

from fogbank_protocol.identity import NodeId
from fogbank_protocol.limits import BODY_BYTES_MAX
from fogbank_protocol.node.failures import CallRefused
from fogbank_protocol.node.services import RequestService
from fogbank_wasm_tasks.verification.trace import Trace

from ..limits import DISPUTE_BODY_BYTES_MAX, TRACES_BYTES_MAX, TRACES_KEPT
from ..market.dispute_messages import TraceQuestion, decode_trace_question
from ..market.reasons import Reason
from .methods import TRACE_METHOD


class TraceShelf:
    """The roots of the checkpoints of the latest runs of step tasks."""

    def __init__(self) -> None:
        """Begin with none: after a restart there are none to show."""
        self._kept: OrderedDict[TraceQuestion, bytes] = OrderedDict()
        self._bytes = 0

    def services(self) -> list[RequestService]:
        """Return what the node must serve (``dispute.trace``)."""
        return [RequestService(TRACE_METHOD, self._answer, DISPUTE_BODY_BYTES_MAX, at_once_max=1)]

    def keep(self, receipt_id: bytes, traces: Sequence[Trace]) -> None:
        """Keep the traces of the results of a receipt, in their order."""
        for index, trace in enumerate(traces):
            roots = b"".join(trace.roots)
            if len(roots) > BODY_BYTES_MAX:
                continue
            self._kept[TraceQuestion(receipt_id, index)] = roots
            self._bytes += len(roots)
        while len(self._kept) > TRACES_KEPT or self._bytes > TRACES_BYTES_MAX:
            _, roots = self._kept.popitem(last=False)
            self._bytes -= len(roots)

    async def _answer(self, peer: NodeId, body: bytes) -> bytes:
        del peer  # Whoever has a receipt may ask: its signed root says as much.
        await trio.lowlevel.checkpoint()
        roots = self._kept.get(decode_trace_question(body))
        if roots is None:
            raise CallRefused("refused", Reason.PROOF_UNAVAILABLE.value)
        return roots
