"""The file of a proof that a provider signed a wrong result (SPEC.md section 7.12)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NETWORK_ID_BYTES, NetworkId
from fogbank_protocol.signed import Signed, signed_from_value

from ..limits import PATH_NODES_MAX, PROOF_BYTES_MAX, RESULTS_MAX, STATES_MAX
from ..receipt import RECEIPT
from .merkle import HASH_BYTES
from .state import DIGEST_BYTES, Digest
from .statements import STATEMENT
from .terms import Terms, decode_terms, terms_to_value

_MAGIC: Final = "fogproof"
_VERSION: Final = 1
_FIELDS: Final = 10
_BEGINNING: Final = bytes([0x90 | _FIELDS]) + encode(_MAGIC)
_IN_TRACE: Final = 0
_STATED: Final = 1
_RULE: Final = "7.12"


@dataclass(frozen=True, slots=True)
class InTrace:
    """The result's trace has ``digest`` at a checkpoint, as ``path`` shows."""

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
    index: int
    """The place of the result in the receipt, from 0."""
    start: Point | None
    """Where to begin: None for the beginning of the run."""

    stop: Point | None
    """Where to compare: None for the end of the run."""

    given: bytes
    """The snapshot at ``start``; without one, the input."""


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
            proof.index,
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
            int(index),
            start,
            stop,
            bytes(given),
        ] if (
            magic == _MAGIC
            and version == _VERSION
            and not isinstance(version, bool)
            and len(network) == NETWORK_ID_BYTES
            and index < RESULTS_MAX
            and not isinstance(index, bool)
        ):
            return WrongResultProof(
                network=NetworkId(network),
                package=package,
                terms=decode_terms(terms),
                receipt=signed_from_value(RECEIPT, receipt),
                index=index,
                start=_point_from_value(start),
                stop=_point_from_value(stop),
                given=given,
            )
        case _:
            raise RemoteProtocolError("not a proof of a wrong result", rule=_RULE)


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
