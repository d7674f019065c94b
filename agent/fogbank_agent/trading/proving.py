"""Makes the proof that a provider signed a wrong result (SPEC.md sections 7.12 and 9.10)."""

from dataclasses import replace
from logging import getLogger

import trio

from fogbank_dag_ledger.stakes import StakeView
from fogbank_protocol.encoding import decode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity, NodeId
from fogbank_protocol.node.blob_store import BlobMissing, BlobStore, StoreFull
from fogbank_protocol.node.failures import CallFailure
from fogbank_protocol.node.node import Node
from fogbank_protocol.signed import Signed, signed_from_value
from fogbank_wasm_tasks.errors import SandboxBusy, SandboxUnavailable
from fogbank_wasm_tasks.limits import STATEMENT_BYTES_MAX
from fogbank_wasm_tasks.package import open_package
from fogbank_wasm_tasks.receipt import Receipt, Result, open_receipt
from fogbank_wasm_tasks.verification.proof_file import WrongResultProof
from fogbank_wasm_tasks.verification.state import Digest
from fogbank_wasm_tasks.verification.statements import (
    STATEMENT,
    Question,
    Wanted,
    encode_question,
    open_statement,
    receipt_id_of,
)

from ..limits import STATE_ANSWER_S, TRACE_ANSWER_S
from ..market.dispute_messages import (
    TraceQuestion,
    decode_roots,
    encode_trace_question,
)
from ..market.offers import StakePlace
from ..market.verification import Claim
from .accusations import Accusation
from .dispute_book import DisputeRecord
from .findings import end_hash, make_finding
from .kept_proof import keep_proof
from .lot_runs import LotWork
from .methods import SIGNED_OVERHEAD_BYTES, STATE_METHOD, TRACE_METHOD
from .own_runs import OwnRuns
from .stretches import StateAt, Stretch, find_stretch, narrow_stretch, right_end
from .watch import Watch

_log = getLogger(__name__)


class Proving:
    """Repeats what was bought, and has the proof about the first wrong result kept."""

    def __init__(
        self, node: Node, identity: Identity, blobs: BlobStore, own_runs: OwnRuns, watch: Watch
    ) -> None:
        """Repeat in ``own_runs``; ``watch`` remembers what this agent has found itself."""
        self._node = node
        self._identity = identity
        self._blobs = blobs
        self._own_runs = own_runs
        self._watch = watch

    async def prove(
        self, accusation: Accusation, place: StakePlace, stake: StakeView
    ) -> DisputeRecord | None:
        """Return the dispute about the first wrong result; None when none can be proved wrong."""
        try:
            return await self._prove(accusation, place, stake)
        except (BlobMissing, RemoteProtocolError, StoreFull) as error:
            _log.error("a wrong result cannot be proved: %s", error)
            return None

    async def _prove(
        self, accusation: Accusation, place: StakePlace, stake: StakeView
    ) -> DisputeRecord | None:
        """Repeat the lot; make and keep the proof about the first wrong result, if one is wrong."""
        network = self._node.network
        receipt = open_receipt(accusation.receipt, network)
        if receipt.terms_id != accusation.terms.terms_id():
            return None
        snapshot = None
        if accusation.snapshot is not None:
            snapshot = await self._blobs.read(accusation.snapshot)
        data = await self._blobs.read(accusation.package_id)
        package = await trio.to_thread.run_sync(open_package, data)
        work = LotWork(package, accusation.terms, accusation.inputs, snapshot)
        own = await self._repeat(work, receipt, accusation.wall_s_max)
        if own is None:
            return None
        number = _first_wrong(receipt, own)
        if number is None:
            return None
        stretch = await self._stretch(accusation, work, receipt, number)
        if stretch is None:
            stretch = await self._whole(
                accusation, work, receipt.results[number], own[number], number
            )
        if stretch is None:
            return None
        proof = WrongResultProof(
            network=network,
            package=data,
            terms=accusation.terms,
            receipt=accusation.receipt,
            index=number,
            start=stretch.start,
            stop=stretch.stop,
            given=stretch.given,
        )
        record = await keep_proof(self._blobs, proof, place, stake, accusation.lot_id)
        finding = make_finding(
            self._identity, network, stake.owner, record.receipt_id, number, stretch.right
        )
        self._watch.keep(record.opening.proof_id, stake.owner, finding)
        return record

    async def _repeat(self, work: LotWork, receipt: Receipt, wall_s_max: float) -> Claim | None:
        """Return what the lot comes to; from memory when it is one run by steps, done lately."""
        said = receipt.results[0].trace
        if said is None or len(work.inputs) > 1:
            return await self._own_runs.execute(work, wall_s_max)
        trace = self._own_runs.steps.trace(work.terms, work.inputs[0])
        if trace is not None:
            return (Result(work.inputs[0], trace.outcome, trace.fuel, trace.claim()),)
        return await self._own_runs.execute(work, wall_s_max, states=said.states)

    async def _whole(
        self, accusation: Accusation, work: LotWork, said: Result, own: Result, number: int
    ) -> Stretch | None:
        """Return the whole run, as far as the provider says that it went."""
        given = work.snapshot or await self._blobs.read(work.inputs[number])
        state_at = await self._states(work, number, accusation.wall_s_max)
        states = 0 if own.trace is None else own.trace.states
        right = await right_end(said, states, end_hash(own.outcome, own.fuel), state_at)
        return None if right is None else Stretch(None, None, given, right)

    async def _stretch(
        self, accusation: Accusation, work: LotWork, receipt: Receipt, number: int
    ) -> Stretch | None:
        """Return the one interval of checkpoints that is wrong, when the provider shows its own.

        None when the run has none, or they are not to be had: then all of it is the proof.
        """
        own = self._own_runs.steps.trace(work.terms, work.inputs[number])
        if own is None or len(work.inputs) > 1:
            return None
        receipt_id = receipt_id_of(accusation.receipt, self._node.network)
        try:
            body = await self._node.request(
                accusation.provider,
                TRACE_METHOD,
                encode_trace_question(TraceQuestion(receipt_id, number)),
                timeout_s=TRACE_ANSWER_S,
            )
            roots = decode_roots(body)
        except (CallFailure, RemoteProtocolError) as failure:
            _log.info("a liar does not show its trace: %s", failure)
            return None
        state_at = await self._states(work, number, accusation.wall_s_max)
        given = work.snapshot or await self._blobs.read(work.inputs[number])
        said = receipt.results[number]
        found = await find_stretch(said, work.terms, own, roots, given, state_at)
        if found is None:
            return None

        async def ask(position: int) -> tuple[Signed, Digest] | None:
            question = Question(receipt_id, number, position, Wanted.STATEMENT)
            return await self._ask_state(accusation.provider, question)

        return await narrow_stretch(found, said, work.terms, own, state_at, ask)

    async def _states(self, work: LotWork, number: int, wall_s_max: float) -> StateAt:
        """Return what shows the states of the one run of ``work``."""
        data = await self._blobs.read(work.inputs[number])
        alone = replace(work, inputs=[work.inputs[number]])

        async def state_at(position: int) -> bytes | None:
            try:
                return await self._own_runs.steps.state_at(alone, data, position, wall_s_max)
            except (RemoteProtocolError, SandboxBusy, SandboxUnavailable) as error:
                _log.info("a state cannot be shown: %s", error)
                return None

        return state_at

    async def _ask_state(
        self, provider: NodeId, question: Question
    ) -> tuple[Signed, Digest] | None:
        """Return what ``provider`` states of a position, signed; None for anything else."""
        network = self._node.network
        try:
            body = await self._node.request(
                provider, STATE_METHOD, encode_question(question), timeout_s=STATE_ANSWER_S
            )
            bytes_max = STATEMENT_BYTES_MAX + SIGNED_OVERHEAD_BYTES
            signed = signed_from_value(STATEMENT, decode(body, bytes_max=bytes_max))
            statement = open_statement(signed, network)
        except (CallFailure, RemoteProtocolError) as failure:
            _log.info("a liar does not say where its run was: %s", failure)
            return None
        is_answer = (
            statement.party,
            statement.receipt_id,
            statement.index,
            statement.position,
        ) == (provider, question.receipt_id, question.index, question.position)
        return (signed, statement.digest) if is_answer else None


def _first_wrong(receipt: Receipt, own: Claim) -> int | None:
    pairs = zip(receipt.results, own, strict=True)
    return next((number for number, (said, is_) in enumerate(pairs) if said != is_), None)
