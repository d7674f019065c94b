"""Proofs that a provider signed a wrong result (SPEC.md section 7.12).

A proof holds all that a third party needs: it checks the signatures, repeats the part of the run
that the proof names, and compares what comes out with what the provider signed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId

from ..limits import STATES_MAX
from ..module.facts import Shape
from ..outcome import HostFault, Outcome, agree
from ..package import Package, open_package
from ..receipt import Result, TraceClaim, open_receipt
from .proof_file import InStatement, InTrace, Point, WrongResultProof
from .snapshot import Snapshot, check_resumable, decode_snapshot
from .state import Digest, end_digest
from .statements import open_statement, receipt_id_of
from .terms import StepPlan, Terms
from .trace import is_in_trace

_RULE: Final = "7.12"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CheckedProof:
    """A proof in which everything holds that can be checked without running anything."""

    package: Package
    terms: Terms
    provider: NodeId
    result: Result
    """What the provider signed."""
    snapshot: bytes | None
    """The file to begin with, or None to begin with ``input``."""

    input: bytes
    stop: int | None
    """The position to compare at; None for the end."""

    claimed: Digest | None
    """The state that the provider claims there; None at the end, which the result tells."""

    @property
    def last(self) -> int | None:
        """The position beyond which nothing need be repeated; None without states.

        A run that is not over where the provider says that it was is wrong already.
        """
        trace, start = self.result.trace, self.terms.start
        if self.stop is not None or trace is None or trace.states >= STATES_MAX:
            return self.stop
        return trace.states if start is None else max(trace.states, start.position + 1)


class Verdict(StrEnum):
    """What came of a proof."""

    WRONG = "wrong"
    """The provider signed a result that the task does not have."""

    RIGHT = "right"
    """The provider's claim is true: the proof proves nothing."""

    UNKNOWN = "unknown"
    """This machine could not repeat the run."""


def check_proof(proof: WrongResultProof) -> CheckedProof:
    """Return what is to be repeated, after checking all of ``proof`` that needs no run.

    Decodes every operator of the package's module: call it in a thread when that is large.

    Raises:
        RemoteProtocolError: its parts do not belong together, or one of them breaks its own
            section.
    """
    package = open_package(proof.package)
    receipt = open_receipt(proof.receipt, proof.network)
    terms = proof.terms
    _require(receipt.terms_id == terms.terms_id(), "the receipt is for other terms")
    _require(
        package.package_id == terms.package_id == receipt.package_id,
        "the receipt is for another package",
    )
    _require(proof.index < len(receipt.results), "the receipt has no such result")
    result = receipt.results[proof.index]
    _require(not isinstance(result.outcome, HostFault), "a host fault is no result")
    is_step_task = package.manifest.shape is Shape.STEP
    _require(is_step_task == (terms.plan is not None), "a plan of steps for another shape")
    _require(
        is_step_task == (result.trace is not None), "states of another shape than step, or none"
    )
    snapshot = _check_start(proof, package, receipt.provider, result)
    stop = proof.stop
    if stop is not None and proof.start is not None:
        _require(proof.start.position < stop.position, "a proof that ends where it begins")
    return CheckedProof(
        package=package,
        terms=terms,
        provider=receipt.provider,
        result=result,
        snapshot=snapshot,
        input=b"" if snapshot is not None else proof.given,
        stop=None if stop is None else stop.position,
        claimed=None if stop is None else _claimed(proof, receipt.provider, result, stop),
    )


def judge_end(checked: CheckedProof, states: int, outcome: Outcome, fuel: int) -> Verdict:
    """Return what it means that the repeated run came to its end, after ``states`` states."""
    if isinstance(outcome, HostFault):
        return Verdict.UNKNOWN
    if checked.stop is not None:
        # The provider claims a state where the run was over.
        return Verdict.WRONG
    result = checked.result
    same = agree((result.outcome, result.fuel), (outcome, fuel))
    same_states = result.trace is None or result.trace.states == states
    return Verdict.RIGHT if same and same_states else Verdict.WRONG


def judge_state(checked: CheckedProof, digest: Digest) -> Verdict:
    """Return what it means that the repeated run is in the state ``digest`` at ``last``."""
    # Without a claim the provider says that the run was over there.
    return Verdict.RIGHT if digest == checked.claimed else Verdict.WRONG


def end_of(result: Result) -> Digest:
    """Return the digest of the end that ``result``, which has a trace, claims."""
    assert result.trace is not None
    return end_digest(result.trace.states, result.outcome, result.fuel)


def _check_start(
    proof: WrongResultProof, package: Package, provider: NodeId, result: Result
) -> bytes | None:
    terms = proof.terms
    if proof.start is None and terms.start is not None:
        snapshot = decode_snapshot(proof.given)
        _require(snapshot.head.steps == terms.start.position, "a snapshot of another position")
        _require(snapshot.root() == terms.start.root, "a snapshot of another state")
        _check_fit(snapshot, package, terms)
        return proof.given
    if proof.start is None:
        _require(blob_id(proof.given) == result.input_id, "another input than the result names")
        return None
    snapshot = decode_snapshot(proof.given)
    claimed = _claimed(proof, provider, result, proof.start)
    _require(snapshot.head.steps == proof.start.position, "a snapshot of another position")
    _require(snapshot.root() == claimed, "a snapshot of another state")
    _check_fit(snapshot, package, terms)
    return proof.given


def _check_fit(snapshot: Snapshot, package: Package, terms: Terms) -> None:
    memory_bytes_max = min(terms.memory_bytes_max, package.manifest.memory_bytes_max)
    check_resumable(snapshot, package.facts, memory_bytes_max, terms.fuel_max)


def _claimed(proof: WrongResultProof, provider: NodeId, result: Result, point: Point) -> Digest:
    """Return the state at ``point``, after checking that the provider claims it."""
    trace, plan = result.trace, proof.terms.plan
    if trace is None or plan is None:
        raise RemoteProtocolError("states of a run that has none", rule=_RULE)
    _require(point.position < trace.states, "a position beyond the run's last state")
    match point.evidence:
        case InTrace(digest, path):
            start = None if proof.terms.start is None else proof.terms.start.position
            return _claimed_in_trace(trace, plan, point.position, digest, path, start)
        case InStatement(signed):
            statement = open_statement(signed, proof.network)
            _require(
                statement.party == provider
                and statement.receipt_id == receipt_id_of(proof.receipt, proof.network)
                and statement.index == proof.index
                and statement.position == point.position,
                "a statement about something else",
            )
            return statement.digest


def _claimed_in_trace(
    trace: TraceClaim,
    plan: StepPlan,
    position: int,
    digest: Digest,
    path: Sequence[bytes],
    start: int | None,
) -> Digest:
    _require(
        is_in_trace(trace, plan.checkpoint_steps, position, digest, path, start),
        "a state that is not in the result's trace",
    )
    return digest


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise RemoteProtocolError(f"proof refused: {problem}", rule=_RULE)
