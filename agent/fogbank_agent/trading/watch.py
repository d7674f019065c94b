"""Looks at proofs of wrong results, as a member of the watch of stakes (SPEC.md section 9.10)."""

from collections import OrderedDict
from logging import getLogger

import trio

from fogbank_dag_ledger.service.ledger_service import LedgerService
from fogbank_dag_ledger.stakes import StakeView
from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity, NetworkId, NodeId, short_form
from fogbank_protocol.node.blob_store import BlobMissing, BlobStore, StoreFull
from fogbank_protocol.node.blob_transfer import FetchFailed, fetch_blob
from fogbank_protocol.node.failures import CallRefused
from fogbank_protocol.node.node import Node, Service
from fogbank_protocol.node.services import RequestService
from fogbank_wasm_tasks.errors import SandboxBusy, SandboxUnavailable
from fogbank_wasm_tasks.repeat import End, Found, repeat_proof
from fogbank_wasm_tasks.verification.proof import CheckedProof, Verdict, check_proof
from fogbank_wasm_tasks.verification.proof_file import WrongResultProof, decode_proof
from fogbank_wasm_tasks.verification.statements import receipt_id_of

from ..limits import (
    DISPUTE_BODY_BYTES_MAX,
    DISPUTE_WALL_S_MAX,
    FETCH_WAIT_S,
    FINDINGS_KEPT_MAX,
    PEERS_PAUSED_MAX,
    PROOFS_OF_PEER_MAX,
    PROOFS_WAITING_MAX,
    VAIN_PROOF_PAUSE_S,
)
from ..market.dispute_messages import (
    DisputeOpening,
    Finding,
    decode_dispute_opening,
    encode_finding,
)
from ..market.reasons import Reason
from .findings import end_hash, make_finding
from .interfaces import CheckingRunner
from .methods import DISPUTE_METHOD

_log = getLogger(__name__)


class _Declined(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Watch:
    """Repeats what proofs name, one after another, and signs what it finds."""

    def __init__(
        self,
        node: Node,
        identity: Identity,
        ledger: LedgerService,
        blobs: BlobStore,
        runner: CheckingRunner | None,
    ) -> None:
        """Look in the own sandbox, ``runner``; None where this machine has none."""
        self._node = node
        self._identity = identity
        self._ledger = ledger
        self._blobs = blobs
        self._runner = runner
        self._turn = trio.CapacityLimiter(1)
        self._waiting = 0
        self._paused: OrderedDict[NodeId, float] = OrderedDict()
        """Until when peers are not listened to."""

        self._warned: OrderedDict[NodeId, float] = OrderedDict()
        """Until when peers have no further proof to lose that fails."""

        self._kept: OrderedDict[BlobId, tuple[NodeId, Finding | None]] = OrderedDict()
        """By proof: whom it is against, and what was found; None for a right result."""

    def services(self) -> list[Service]:
        """Return what the node must serve (``dispute.open``)."""
        return [
            RequestService(
                DISPUTE_METHOD,
                self._answer,
                DISPUTE_BODY_BYTES_MAX,
                at_once_max=PROOFS_OF_PEER_MAX,
            )
        ]

    def keep(self, proof_id: BlobId, owner: NodeId, finding: Finding | None) -> None:
        """Remember what this agent has found about ``owner``; None for a right result."""
        self._kept[proof_id] = (owner, finding)
        if len(self._kept) > FINDINGS_KEPT_MAX:
            self._kept.popitem(last=False)

    async def find(self, opening: DisputeOpening, peer: NodeId) -> Finding | Reason:
        """Return what this agent finds about the proof that ``peer`` has, or why nothing."""
        try:
            return await self._find(opening, peer)
        except _Declined as declined:
            return declined.reason

    async def _answer(self, peer: NodeId, body: bytes) -> bytes:
        answer = await self.find(decode_dispute_opening(body), peer)
        if isinstance(answer, Reason):
            raise CallRefused("refused", answer.value)
        return encode_finding(answer)

    async def _find(self, opening: DisputeOpening, peer: NodeId) -> Finding:
        stake = self._stake(opening)
        if self._has_kept(opening, stake):
            return self._kept_finding(opening)
        if self._runner is None:
            raise _Declined(Reason.CANNOT_EXECUTE)
        if self._waiting > PROOFS_WAITING_MAX or _is_noted(self._paused, peer):
            raise _Declined(Reason.BUSY)
        self._waiting += 1
        try:
            async with self._turn:
                if self._has_kept(opening, stake):
                    return self._kept_finding(opening)
                try:
                    return await self._look(opening, stake, peer)
                except _Declined as declined:
                    self._note_vain(declined.reason, peer)
                    raise
        finally:
            self._waiting -= 1

    def _has_kept(self, opening: DisputeOpening, stake: StakeView) -> bool:
        return self._kept.get(opening.proof_id, (None,))[0] == stake.owner

    def _kept_finding(self, opening: DisputeOpening) -> Finding:
        """Answer once more: who asks again, its connection lost, tries nothing in vain."""
        finding = self._kept[opening.proof_id][1]
        if finding is None:
            raise _Declined(Reason.RESULT_RIGHT)
        return finding

    def _note_vain(self, reason: Reason, peer: NodeId) -> None:
        """Count what ``peer`` has shown in vain, and do not listen to it for a while."""
        match reason:
            case Reason.PROOF_REFUSED:
                _note(self._paused, peer)
            case Reason.RESULT_RIGHT if _is_noted(self._warned, peer):
                _note(self._paused, peer)
            case Reason.RESULT_RIGHT:
                # Whoever cannot run it learns that way who is right (section 9.10).
                _note(self._warned, peer)
            case _:
                pass

    def _stake(self, opening: DisputeOpening) -> StakeView:
        view = self._ledger.stake(opening.stake.object_id)
        is_watched = (
            view is not None
            and view.is_final
            and not view.is_settled
            and self._identity.node_id in view.terms.watch
        )
        if view is None or not is_watched:
            raise _Declined(Reason.NO_SUCH_STAKE)
        return view

    async def _look(self, opening: DisputeOpening, stake: StakeView, peer: NodeId) -> Finding:
        data = await self._fetch(opening, peer)
        network = self._node.network
        try:
            proof, checked = await trio.to_thread.run_sync(_check, data, network)
        except RemoteProtocolError as error:
            _log.info("a proof of %s is refused: %s", short_form(peer), error)
            raise _Declined(Reason.PROOF_REFUSED) from None
        if checked.provider != stake.owner:
            raise _Declined(Reason.NO_SUCH_STAKE)
        found = await self._repeat(checked)
        match found.verdict:
            case Verdict.RIGHT:
                self.keep(opening.proof_id, stake.owner, None)
                raise _Declined(Reason.RESULT_RIGHT)
            case Verdict.UNKNOWN:
                raise _Declined(Reason.CANNOT_EXECUTE)
            case Verdict.WRONG:
                finding = make_finding(
                    self._identity,
                    network,
                    stake.owner,
                    receipt_id_of(proof.receipt, network),
                    proof.index,
                    _right(found),
                )
        _log.warning("%s signed a wrong result, as I found", short_form(stake.owner))
        self.keep(opening.proof_id, stake.owner, finding)
        return finding

    async def _fetch(self, opening: DisputeOpening, peer: NodeId) -> bytes:
        peers = [] if peer == self._identity.node_id else [peer]
        try:
            await fetch_blob(
                self._node,
                self._blobs,
                opening.proof_id,
                peers,
                timeout_s=FETCH_WAIT_S,
                bytes_max=opening.proof_bytes,
            )
            return await self._blobs.read(opening.proof_id)
        except (FetchFailed, StoreFull, BlobMissing) as error:
            _log.info("a proof of %s cannot be had: %s", short_form(peer), error)
            raise _Declined(Reason.PROOF_UNAVAILABLE) from None

    async def _repeat(self, checked: CheckedProof) -> Found:
        assert self._runner is not None
        try:
            return await repeat_proof(self._runner, checked, wall_s_max=DISPUTE_WALL_S_MAX)
        except RemoteProtocolError:
            raise _Declined(Reason.PROOF_REFUSED) from None
        except (SandboxBusy, SandboxUnavailable) as error:
            _log.warning("a proof cannot be looked at: %s", error)
            raise _Declined(Reason.CANNOT_EXECUTE) from None


def _is_noted(notes: OrderedDict[NodeId, float], peer: NodeId) -> bool:
    return trio.current_time() < notes.get(peer, 0)


def _note(notes: OrderedDict[NodeId, float], peer: NodeId) -> None:
    """Remember ``peer`` for ``VAIN_PROOF_PAUSE_S``."""
    notes.pop(peer, None)
    notes[peer] = trio.current_time() + VAIN_PROOF_PAUSE_S
    if len(notes) > PEERS_PAUSED_MAX:
        notes.popitem(last=False)


def _right(found: Found) -> bytes:
    match found.at:
        case End(outcome, fuel):
            return end_hash(outcome, fuel)
        case digest:
            return digest


def _check(data: bytes, network: NetworkId) -> tuple[WrongResultProof, CheckedProof]:
    proof = decode_proof(data)
    if proof.network != network:
        raise RemoteProtocolError("a proof of another network", rule="7.12")
    return proof, check_proof(proof)
