"""The traces behind this provider's receipts, for who disputes one (SPEC.md section 9.10)."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import trio

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.identity import NodeId
from fogbank_protocol.limits import BODY_BYTES_MAX
from fogbank_protocol.node.failures import CallRefused
from fogbank_protocol.node.services import RequestService
from fogbank_wasm_tasks.verification.terms import Terms
from fogbank_wasm_tasks.verification.trace import Trace

from ..limits import DISPUTE_BODY_BYTES_MAX, TRACES_BYTES_MAX, TRACES_KEPT
from ..market.dispute_messages import TraceQuestion, decode_trace_question
from ..market.reasons import Reason
from .methods import TRACE_METHOD


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What the result of a step task follows from, to do a part of the run again."""

    requestor: NodeId
    package_id: BlobId
    terms: Terms
    input_id: BlobId
    data: bytes | None
    """The input, when it came with the agreement; else it is a blob."""

    start: BlobId | None
    """The state that the run went on from, when the terms have a start."""

    handed: Sequence[tuple[int, BlobId]]
    """States that were handed out on the way, by position, rising; they may be gone."""


@dataclass(slots=True)
class Shelved:
    """One result."""

    roots: bytes
    trace: Trace
    behind: Behind
    asked: int = 0
    """Questions about single states that were answered."""


class TraceShelf:
    """The roots of the checkpoints of the latest runs of step tasks."""

    def __init__(self) -> None:
        """Begin with none: after a restart there are none to show."""
        self._kept: OrderedDict[TraceQuestion, Shelved] = OrderedDict()
        self._bytes = 0

    def services(self) -> list[RequestService]:
        """Return what the node must serve (``dispute.trace``)."""
        return [RequestService(TRACE_METHOD, self._answer, DISPUTE_BODY_BYTES_MAX, at_once_max=1)]

    def get(self, result: TraceQuestion) -> Shelved | None:
        """Return what is behind ``result``; None when that is forgotten."""
        return self._kept.get(result)

    def keep(self, receipt_id: bytes, traces: Sequence[Trace], behind: Sequence[Behind]) -> None:
        """Keep the traces of the results of a receipt, and what is ``behind``, in their order."""
        for index, (trace, follows) in enumerate(zip(traces, behind, strict=True)):
            roots = b"".join(trace.roots)
            if len(roots) > BODY_BYTES_MAX:
                continue
            self._kept[TraceQuestion(receipt_id, index)] = Shelved(roots, trace, follows)
            self._bytes += len(roots)
        while len(self._kept) > TRACES_KEPT or self._bytes > TRACES_BYTES_MAX:
            _, shelved = self._kept.popitem(last=False)
            self._bytes -= len(shelved.roots)

    async def _answer(self, peer: NodeId, body: bytes) -> bytes:
        del peer  # Whoever has a receipt may ask: its signed root says as much.
        await trio.lowlevel.checkpoint()
        shelved = self._kept.get(decode_trace_question(body))
        if shelved is None:
            raise CallRefused("refused", Reason.PROOF_UNAVAILABLE.value)
        return shelved.roots
