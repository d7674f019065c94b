"""Proofs that a provider signed a wrong result (SPEC.md section 7.12).

A proof holds all that a third party needs: it checks the signatures, repeats the part of the run
that the proof names, and compares what comes out with what the provider signed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NETWORK_ID_BYTES, NetworkId
from fogbank_protocol.signed import Signed, signed_from_value

from ..limits import PATH_NODES_MAX, PROOF_BYTES_MAX, STATES_MAX
from ..module.facts import Shape
from ..outcome import HostFault, Outcome, agree
from ..package import Package, open_package
from ..receipt import RECEIPT, Receipt, TraceClaim, open_receipt
from .merkle import HASH_BYTES
from .snapshot import check_resumable, decode_snapshot
from .state import DIGEST_BYTES, Digest, end_digest
from .statements import STATEMENT, open_statement, receipt_id_of
from .terms import StepPlan, Terms, decode_terms, terms_to_value
from .trace import is_in_trace

_MAGIC: Final = "fogproof"
_VERSION: Final = 1
_FIELDS: Final = 9
_BEGINNING: Final = bytes([0x90 | _FIELDS]) + encode(_MAGIC)
_IN_TRACE: Final = 0
_STATED: Final = 1
_RULE: Final = "7.12"


@dataclass(frozen=True, slots=True)
class InTrace:
    """The receipt's trace has ``digest`` at a checkpoint, as ``path`` shows."""

    digest: Digest
    path: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class InStatement:
    """The provider said so when it was asked."""

    signed: Signed


Evidence: TypeAlias = InTrace | InStatement


@dataclass(frozen=True, slots=True)
class Point:
    """Where the provider says that its run was at ``position``."""

    position: int
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class WrongResultProof:
    """What a proof says, not yet checked."""

    network: NetworkId
    package: bytes
    """The package file."""

    terms: Terms
    receipt: Signed
    start: Point | None
    """Where to begin: None for the beginning of the run."""

    stop: Point | None
    """Where to compare: None for the end of the run."""

    given: bytes
    """The snapshot at ``start``; without one, the input."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CheckedProof:
    """A proof in which everything holds that can be checked without running anything."""

    package: Package
    terms: Terms
    receipt: Receipt
    snapshot: bytes | None
    """The file to begin with, or None to begin with ``input``."""

    input: bytes
    stop: int | None
    """The position to compare at; None for the end."""

    claimed: Digest | None
    """The state that the provider claims there; None at the end, which the receipt tells."""


class Verdict(StrEnum):
    """What came of a proof."""

    WRONG = "wrong"
    """The provider signed a result that the task does not have."""

    RIGHT = "right"
    """The provider's claim is true: the proof proves nothing."""

    UNKNOWN = "unknown"
    """This machine could not repeat the run."""


def encode_proof(proof: WrongResultProof) -> bytes:
    """Return the file of ``proof``."""
    return encode(
        [
            _MAGIC,
            _VERSION,
            proof.network,
            proof.package,
            encode(terms_to_value(proof.terms)),
            proof.receipt.to_value(),
            _point_to_value(proof.start),
            _point_to_value(proof.stop),
            proof.given,
        ]
    )


def is_proof(data: bytes) -> bool:
    """Tell whether the file ``data`` begins as a proof does, and so is meant to be one."""
    return data.startswith(_BEGINNING)


def decode_proof(data: bytes) -> WrongResultProof:
    """Return what the file ``data`` says.

    Raises:
        RemoteProtocolError: it is no proof (section 7.12).
    """
    match decode(data, bytes_max=PROOF_BYTES_MAX):
        case [
            str(magic),
            int(version),
            bytes(network),
            bytes(package),
            bytes(terms),
            receipt,
            start,
            stop,
            bytes(given),
        ] if (
            magic == _MAGIC
            and version == _VERSION
            and not isinstance(version, bool)
            and len(network) == NETWORK_ID_BYTES
        ):
            return WrongResultProof(
                network=NetworkId(network),
                package=package,
                terms=decode_terms(terms),
                receipt=signed_from_value(RECEIPT, receipt),
                start=_point_from_value(start),
                stop=_point_from_value(stop),
                given=given,
            )
        case _:
            raise RemoteProtocolError("not a proof of a wrong result", rule=_RULE)


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
    _require(receipt.input_id == terms.input_id, "the receipt is for another input")
    _require(not isinstance(receipt.outcome, HostFault), "a host fault is no result")
    is_step_task = package.manifest.shape is Shape.STEP
    _require(is_step_task == (terms.plan is not None), "a plan of steps for another shape")
    _require(
        is_step_task == (receipt.trace is not None), "states of another shape than step, or none"
    )
    snapshot = _check_start(proof, package, receipt)
    stop = proof.stop
    if stop is not None and proof.start is not None:
        _require(proof.start.position < stop.position, "a proof that ends where it begins")
    return CheckedProof(
        package=package,
        terms=terms,
        receipt=receipt,
        snapshot=snapshot,
        input=b"" if snapshot is not None else proof.given,
        stop=None if stop is None else stop.position,
        claimed=None if stop is None else _claimed(proof, receipt, stop),
    )


def judge_end(checked: CheckedProof, states: int, outcome: Outcome, fuel: int) -> Verdict:
    """Return what it means that the repeated run came to its end, after ``states`` states."""
    if isinstance(outcome, HostFault):
        return Verdict.UNKNOWN
    receipt = checked.receipt
    if checked.stop is not None:
        # The provider claims a state where the run was over.
        return Verdict.WRONG
    same = agree((receipt.outcome, receipt.fuel), (outcome, fuel))
    same_states = receipt.trace is None or receipt.trace.states == states
    return Verdict.RIGHT if same and same_states else Verdict.WRONG


def judge_state(checked: CheckedProof, digest: Digest) -> Verdict:
    """Return what it means that the repeated run is in the state ``digest`` at ``stop``."""
    assert checked.stop is not None
    return Verdict.RIGHT if digest == checked.claimed else Verdict.WRONG


def end_of(receipt: Receipt) -> Digest:
    """Return the digest of the end that ``receipt``, which has a trace, claims."""
    assert receipt.trace is not None
    return end_digest(receipt.trace.states, receipt.outcome, receipt.fuel)


def _check_start(proof: WrongResultProof, package: Package, receipt: Receipt) -> bytes | None:
    terms = proof.terms
    if proof.start is None:
        _require(blob_id(proof.given) == terms.input_id, "another input than the terms name")
        return None
    snapshot = decode_snapshot(proof.given)
    memory_bytes_max = min(terms.memory_bytes_max, package.manifest.memory_bytes_max)
    claimed = _claimed(proof, receipt, proof.start)
    _require(snapshot.head.steps == proof.start.position, "a snapshot of another position")
    _require(snapshot.root() == claimed, "a snapshot of another state")
    check_resumable(snapshot, package.facts, memory_bytes_max, terms.fuel_max)
    return proof.given


def _claimed(proof: WrongResultProof, receipt: Receipt, point: Point) -> Digest:
    """Return the state at ``point``, after checking that the provider claims it."""
    trace, plan = receipt.trace, proof.terms.plan
    if trace is None or plan is None:
        raise RemoteProtocolError("states of a run that has none", rule=_RULE)
    _require(point.position < trace.states, "a position beyond the run's last state")
    match point.evidence:
        case InTrace(digest, path):
            return _claimed_in_trace(trace, plan, point.position, digest, path)
        case InStatement(signed):
            statement = open_statement(signed, proof.network)
            _require(
                statement.party == receipt.provider
                and statement.receipt_id == receipt_id_of(proof.receipt, proof.network)
                and statement.position == point.position,
                "a statement about something else",
            )
            return statement.digest


def _claimed_in_trace(
    trace: TraceClaim, plan: StepPlan, position: int, digest: Digest, path: Sequence[bytes]
) -> Digest:
    _require(
        is_in_trace(trace, plan.checkpoint_steps, position, digest, path),
        "a state that is not in the receipt's trace",
    )
    return digest


def _point_to_value(point: Point | None) -> Value:
    if point is None:
        return None
    match point.evidence:
        case InTrace(digest, path):
            return [point.position, _IN_TRACE, digest, list(path)]
        case InStatement(signed):
            return [point.position, _STATED, signed.body, signed.signature]


def _point_from_value(value: Value) -> Point | None:
    match value:
        case None:
            return None
        case [int(position), int(kind), bytes(digest), list(path)] if (
            _is_position(position)
            and kind == _IN_TRACE
            and not isinstance(kind, bool)
            and len(digest) == DIGEST_BYTES
            and len(path) <= PATH_NODES_MAX
        ):
            return Point(position, InTrace(Digest(digest), [_node(each) for each in path]))
        case [int(position), int(kind), bytes(body), bytes(signature)] if (
            _is_position(position) and kind == _STATED and not isinstance(kind, bool)
        ):
            signed = signed_from_value(STATEMENT, [body, signature])
            return Point(position, InStatement(signed))
        case _:
            raise RemoteProtocolError("not a point of a run", rule=_RULE)


def _node(value: Value) -> bytes:
    if not isinstance(value, bytes) or len(value) != HASH_BYTES:
        raise RemoteProtocolError("not a path", rule=_RULE)
    return value


def _is_position(value: int) -> bool:
    # A boolean is an int in Python, but another value on the wire.
    return value < STATES_MAX and not isinstance(value, bool)


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise RemoteProtocolError(f"proof refused: {problem}", rule=_RULE)
