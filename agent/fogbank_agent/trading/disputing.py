"""Has the stakes of providers seized whose results were wrong (SPEC.md section 9.10)."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from logging import getLogger
from time import time
from typing import cast

import trio

from fogbank_dag_ledger.operations import ObjectId, Seize, Slash, WrongResult
from fogbank_dag_ledger.service.failures import NotIssuing, StorageFailure
from fogbank_dag_ledger.service.ledger_service import LedgerService
from fogbank_dag_ledger.stakes import StakeView
from fogbank_dag_ledger.statements import is_finding
from fogbank_dag_ledger.vertex import VertexId
from fogbank_dag_ledger.wallet import PaymentRefused
from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity, NodeId, short_form
from fogbank_protocol.node.blob_store import BlobMissing, BlobStore, StoreFull
from fogbank_protocol.node.driver import Driver
from fogbank_protocol.node.failures import CallFailure
from fogbank_protocol.node.node import Node
from fogbank_protocol.signed import Signed
from fogbank_wasm_tasks.errors import SandboxBusy, SandboxUnavailable
from fogbank_wasm_tasks.package import Package
from fogbank_wasm_tasks.receipt import Receipt, Result, open_receipt
from fogbank_wasm_tasks.verification.proof_file import WrongResultProof, encode_proof
from fogbank_wasm_tasks.verification.statements import receipt_id_of
from fogbank_wasm_tasks.verification.terms import Terms

from ..limits import (
    DISPUTE_ANSWER_S,
    DISPUTE_LASTS_S,
    DISPUTE_LOOK_S,
    DISPUTE_RETRY_S,
    DISPUTES_AT_ONCE_MAX,
    STAKES_RELIED_ON_MAX,
    TRACE_ANSWER_S,
)
from ..market.dispute import (
    AskMember,
    Dispute,
    DisputeCommand,
    DisputeEvent,
    DisputeState,
    EndDispute,
    FindingCame,
    MemberDeclined,
    ShowProof,
    StakeEnded,
)
from ..market.dispute_messages import (
    DisputeOpening,
    Finding,
    TraceQuestion,
    decode_finding,
    encode_dispute_opening,
    encode_trace_question,
)
from ..market.offers import StakePlace
from ..market.reasons import Reason
from ..market.story import DisputeEnded, DisputeOpened
from ..market.verification import Claim
from .call_failures import reason_of
from .findings import end_hash, make_finding
from .journal import Journal
from .lot_runs import LotWork
from .methods import DISPUTE_METHOD, TRACE_METHOD
from .own_runs import OwnRuns
from .stretches import Stretch, find_stretch, roots_in
from .watch import Watch

_log = getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accusation:
    """A provider signed a result of a lot that was found wrong."""

    provider: NodeId
    lot_id: bytes
    receipt: Signed
    package: Package
    terms: Terms
    inputs: Sequence[BlobId]
    snapshot: BlobId | None
    """The state that the run went on from, when its terms have a start."""

    wall_s_max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeRecord:
    """One dispute of this agent, as the journal has it."""

    receipt_id: bytes
    number: int
    lot_id: bytes
    provider: NodeId
    opening: DisputeOpening
    opened_unix_s: int
    drops: int
    """The stake."""

    state: DisputeState = DisputeState.OPEN


class Disputing:
    """Opens disputes, gathers findings, and puts the proofs on the ledger."""

    def __init__(
        self,
        node: Node,
        identity: Identity,
        ledger: LedgerService,
        blobs: BlobStore,
        journal: Journal,
        own_runs: OwnRuns,
        watch: Watch,
        place_of: Callable[[NodeId], StakePlace | None],
    ) -> None:
        """``place_of`` says where the stake was opened that a provider's offer names."""
        self._node = node
        self._identity = identity
        self._ledger = ledger
        self._blobs = blobs
        self._journal = journal
        self._own_runs = own_runs
        self._watch = watch
        self._place_of = place_of
        self._nursery: trio.Nursery | None = None
        self._disputed: set[ObjectId] = set()
        """The stakes of disputes under way: one wrong result is enough to lose one."""

        self._relied_on: OrderedDict[NodeId, StakePlace] = OrderedDict()
        """The stake that a provider named when there was an agreement with it."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Pursue disputes, first those of earlier lives, until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for record in self.records():
                if not record.state.is_over:
                    self._disputed.add(record.opening.stake.object_id)
                    nursery.start_soon(self._pursue, record)
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None

    def rely_on(self, provider: NodeId) -> None:
        """Remember the stake of ``provider``, with whom there will be an agreement.

        It answers for what comes of that, though the provider may vanish or name another later.
        """
        place = self._place_of(provider)
        if place is None or self._relied_on.get(provider) == place:
            return
        named, known = self._stake_at(place, provider), self._stake_of(provider)
        # None that is smaller takes the place of one that can still be lost.
        if named is None or (known is not None and known[1].amount > named.amount):
            return
        self._relied_on.pop(provider, None)
        self._relied_on[provider] = place
        if len(self._relied_on) > STAKES_RELIED_ON_MAX:
            self._relied_on.popitem(last=False)

    def _stake_of(self, provider: NodeId) -> tuple[StakePlace, StakeView] | None:
        """Return what ``provider`` can still lose."""
        for place in (self._relied_on.get(provider), self._place_of(provider)):
            stake = None if place is None else self._stake_at(place, provider)
            if place is not None and stake is not None:
                return place, stake
        return None

    def _stake_at(self, place: StakePlace, provider: NodeId) -> StakeView | None:
        stake = self._ledger.stake(place.object_id)
        if stake is None or stake.owner != provider or stake.is_settled:
            return None
        return stake

    def accuse(self, accusation: Accusation) -> None:
        """Open a dispute when the provider has something at stake, and the wrong can be proved."""
        found = self._stake_of(accusation.provider)
        if found is None or self._nursery is None or not self._own_runs.is_able:
            return
        place, stake = found
        if stake.id in self._disputed:
            return
        if len(self._disputed) >= DISPUTES_AT_ONCE_MAX:
            _log.error("too many disputes are under way: a liar keeps its stake")
            return
        self._disputed.add(stake.id)
        self._nursery.start_soon(self._open, accusation, place, stake)

    def records(self) -> Sequence[DisputeRecord]:
        """Return the latest disputes, the newest first."""
        rows = self._journal.query(
            """
            SELECT receipt_id, number, lot_id, provider, opening, op, proof_id, proof_bytes,
                opened_unix_s, drops, state
            FROM disputes ORDER BY place DESC LIMIT ?
            """,
            DISPUTES_AT_ONCE_MAX,
        )
        return [_record(cast("_Row", row)) for row in rows]

    # One dispute.

    async def _open(self, accusation: Accusation, place: StakePlace, stake: StakeView) -> None:
        held = [*accusation.inputs]
        if accusation.snapshot is not None:
            held.append(accusation.snapshot)
        for blob_id in held:
            self._blobs.pin(blob_id)
        try:
            record = await self._prove(accusation, place, stake)
        except (BlobMissing, StoreFull) as error:
            _log.error("a wrong result cannot be proved: %s", error)
            record = None
        finally:
            for blob_id in held:
                self._blobs.unpin(blob_id)
        if record is None:
            self._disputed.discard(stake.id)
            return
        self._keep(record)
        self._tell(record, DisputeOpened(record.provider, record.drops, len(stake.terms.watch)))
        await self._pursue(record)

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
        work = LotWork(accusation.package, accusation.terms, accusation.inputs, snapshot)
        own = await self._repeat(work, receipt, accusation.wall_s_max)
        if own is None:
            return None
        number = _first_wrong(receipt, own)
        if number is None:
            return None
        result = own[number]
        stretch = await self._stretch(accusation, work, receipt, number)
        if stretch is None:
            given = snapshot or await self._blobs.read(accusation.inputs[number])
            stretch = Stretch(None, None, given, end_hash(result.outcome, result.fuel))
        proof = WrongResultProof(
            network=network,
            package=accusation.package.data,
            terms=accusation.terms,
            receipt=accusation.receipt,
            index=number,
            start=stretch.start,
            stop=stretch.stop,
            given=stretch.given,
        )
        data = await trio.to_thread.run_sync(encode_proof, proof)
        proof_id = await self._blobs.put(data)
        receipt_id = receipt_id_of(accusation.receipt, network)
        finding = make_finding(
            self._identity, network, stake.owner, receipt_id, number, stretch.right
        )
        self._watch.keep(proof_id, stake.owner, finding)
        return DisputeRecord(
            receipt_id=receipt_id,
            number=number,
            lot_id=accusation.lot_id,
            provider=accusation.provider,
            opening=DisputeOpening(place, proof_id, len(data)),
            opened_unix_s=int(time()),
            drops=stake.amount,
        )

    async def _repeat(self, work: LotWork, receipt: Receipt, wall_s_max: float) -> Claim | None:
        """Return what the lot comes to; from memory when it is one run by steps, done lately."""
        said = receipt.results[0].trace
        if said is None or len(work.inputs) > 1:
            return await self._own_runs.execute(work, wall_s_max)
        trace = self._own_runs.steps.trace(work.terms, work.inputs[0])
        if trace is not None:
            return (Result(work.inputs[0], trace.outcome, trace.fuel, trace.claim()),)
        return await self._own_runs.execute(work, wall_s_max, states=said.states)

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
        except CallFailure as failure:
            _log.info("a liar does not show its trace: %s", failure)
            return None
        data = await self._blobs.read(work.inputs[number])

        async def state_at(position: int) -> bytes | None:
            try:
                return await self._own_runs.steps.state_at(
                    work, data, position, accusation.wall_s_max
                )
            except (RemoteProtocolError, SandboxBusy, SandboxUnavailable) as error:
                _log.info("a state cannot be shown: %s", error)
                return None

        given = data if work.snapshot is None else work.snapshot
        return await find_stretch(
            receipt.results[number], work.terms, own, roots_in(body), given, state_at
        )

    async def _pursue(self, record: DisputeRecord) -> None:
        """Gather findings until the stake is seized, or there is no hope of it."""
        proof_id = record.opening.proof_id
        self._blobs.pin(proof_id)
        state = DisputeState.TOO_LATE
        try:
            stake = self._ledger.stake(record.opening.stake.object_id)
            if stake is not None:
                state = await _Pursuit(self, record, stake).run()
        finally:
            self._blobs.unpin(proof_id)
            self._disputed.discard(record.opening.stake.object_id)
        self._keep(replace(record, state=state))
        self._tell(record, DisputeEnded(record.provider, state.value, record.drops))
        _log.warning("a dispute with %s is over: %s", short_form(record.provider), state.value)

    async def ask(self, member: NodeId, record: DisputeRecord) -> DisputeEvent:
        """Return what one member says."""
        opening = record.opening
        try:
            if member == self._identity.node_id:
                answer = await self._watch.find(opening, member)
            else:
                body = await self._node.request(
                    member,
                    DISPUTE_METHOD,
                    encode_dispute_opening(opening),
                    timeout_s=DISPUTE_ANSWER_S,
                )
                answer = decode_finding(body)
        except RemoteProtocolError:
            return MemberDeclined(member, Reason.BROKEN_RULE)
        except CallFailure as failure:
            late, otherwise = Reason.NO_ANSWER, Reason.OTHER
            return MemberDeclined(member, reason_of(failure, late=late, otherwise=otherwise))
        if isinstance(answer, Reason):
            return MemberDeclined(member, answer)
        if not self._counts(member, record, answer):
            return MemberDeclined(member, Reason.BROKEN_RULE)
        return FindingCame(member, answer.right, answer.signature)

    def _counts(self, member: NodeId, record: DisputeRecord, finding: Finding) -> bool:
        return (finding.receipt_id, finding.number) == (
            record.receipt_id,
            record.number,
        ) and is_finding(
            member,
            self._node.network,
            record.provider,
            record.receipt_id,
            record.number,
            finding.right,
            finding.signature,
        )

    async def seize(self, place: StakePlace, proof: WrongResult) -> None:
        """Show the proof and seize the stake; again until it goes."""
        channels = self._ledger.channels
        while True:
            try:
                shown = await channels.act_at(place.opening, place.index, Slash(proof))
                await self._ledger.wait_final(shown)
                await channels.act_at(place.opening, place.index, Seize(shown))
            except (PaymentRefused, NotIssuing, StorageFailure) as error:
                _log.info("a stake cannot be seized now: %s", error)
            await trio.sleep(DISPUTE_RETRY_S)

    def stake(self, record: DisputeRecord) -> StakeView | None:
        """Return the stake as it is now."""
        return self._ledger.stake(record.opening.stake.object_id)

    # The journal.

    def _keep(self, record: DisputeRecord) -> None:
        place = record.opening.stake
        self._journal.record(
            """
            INSERT INTO disputes (receipt_id, number, lot_id, provider, opening, op, proof_id,
                proof_bytes, opened_unix_s, drops, state)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (receipt_id) DO UPDATE SET state = excluded.state
            """,
            record.receipt_id,
            record.number,
            record.lot_id,
            record.provider,
            place.opening,
            place.index,
            record.opening.proof_id,
            record.opening.proof_bytes,
            record.opened_unix_s,
            record.drops,
            record.state.value,
        )

    def _tell(self, record: DisputeRecord, event: DisputeOpened | DisputeEnded) -> None:
        rows = self._journal.query(
            "SELECT began_unix_s FROM jobs JOIN lots ON lots.job_id = jobs.job_id "
            "WHERE lots.lot_id = ?",
            record.lot_id,
        )
        began = cast("int", rows[0][0]) if rows else record.opened_unix_s
        at_ms = max(0, round((time() - began) * 1_000))
        self._journal.record_event(record.lot_id, at_ms, event)


class _Pursuit:
    """The tasks of one dispute around its machine."""

    def __init__(self, disputing: Disputing, record: DisputeRecord, stake: StakeView) -> None:
        self._disputing = disputing
        self._record = record
        terms = stake.terms
        spent = min(max(0.0, time() - record.opened_unix_s), DISPUTE_LASTS_S)
        self._dispute = Dispute(
            record.receipt_id,
            record.number,
            terms.watch,
            terms.need,
            trio.current_time() - spent,
        )
        self._driver: Driver[DisputeEvent, DisputeCommand] = Driver(self._dispute, self._perform)
        self._ended = trio.Event()
        self._nursery: trio.Nursery | None = None

    async def run(self) -> DisputeState:
        """Return how it ended."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for command in self._dispute.begin():
                self._perform(command)
            nursery.start_soon(self._driver.run)
            nursery.start_soon(self._watch_stake)
            await self._ended.wait()
            nursery.cancel_scope.cancel()
        return self._dispute.state

    def _perform(self, command: DisputeCommand) -> None:
        assert self._nursery is not None
        match command:
            case AskMember(member):
                self._nursery.start_soon(self._ask, member)
            case ShowProof(proof):
                place = self._record.opening.stake
                self._nursery.start_soon(self._disputing.seize, place, proof)
            case EndDispute():
                self._ended.set()

    async def _ask(self, member: NodeId) -> None:
        self._driver.tell(await self._disputing.ask(member, self._record))

    async def _watch_stake(self) -> None:
        """Somebody else may be first, or the owner has it back."""
        while True:
            stake = self._disputing.stake(self._record)
            if stake is None:
                self._driver.tell(StakeEnded(is_seized=False))
            elif stake.is_settled:
                self._driver.tell(StakeEnded(stake.is_seized))
            await trio.sleep(DISPUTE_LOOK_S)


_Row = tuple[bytes, int, bytes, NodeId, VertexId, int, BlobId, int, int, int, str]


def _record(row: _Row) -> DisputeRecord:
    receipt_id, number, lot_id, provider, opening, op, proof_id, size, opened, drops, state = row
    return DisputeRecord(
        receipt_id=receipt_id,
        number=number,
        lot_id=lot_id,
        provider=provider,
        opening=DisputeOpening(StakePlace(opening, op), proof_id, size),
        opened_unix_s=opened,
        drops=drops,
        state=DisputeState(state),
    )


def _first_wrong(receipt: Receipt, own: Sequence[object]) -> int | None:
    pairs = zip(receipt.results, own, strict=True)
    return next((number for number, (said, is_) in enumerate(pairs) if said != is_), None)
