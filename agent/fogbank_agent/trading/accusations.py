"""Wrong results that are still to be proved, in the journal (SPEC.md section 9.10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from logging import getLogger
from typing import cast

from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId
from fogbank_protocol.signed import Signed
from fogbank_wasm_tasks.verification.terms import Terms, decode_terms, terms_to_value

from ..market.offers import StakePlace
from .journal import Journal

_log = getLogger(__name__)

_ID_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Accusation:
    """A provider signed a result of a lot that was found wrong."""

    provider: NodeId
    lot_id: bytes
    receipt: Signed
    package_id: BlobId
    terms: Terms
    inputs: Sequence[BlobId]
    snapshot: BlobId | None
    """The state that the run went on from, when its terms have a start."""

    wall_s_max: float
    confirmed_by: Sequence[NodeId] = ()
    """The providers that say otherwise, ascending: those that were believed, when somebody was."""

    their_stakes: Sequence[tuple[NodeId, StakePlace]] = ()
    """What those of them can lose who have something at stake."""

    number: int | None = None
    """The result that the watch knows to be wrong already; None for the first that differs."""

    @property
    def needed(self) -> Sequence[BlobId]:
        """The blobs that a proof is made from."""
        return [self.package_id, *self.inputs, *([] if self.snapshot is None else [self.snapshot])]


class AccusationBook:
    """Those that the next life of this agent has to go on with."""

    def __init__(self, journal: Journal) -> None:
        """Read and write ``journal``."""
        self._journal = journal

    def keep(self, accusation: Accusation, place: StakePlace) -> None:
        """Write down ``accusation``, for which the stake at ``place`` answers."""
        self._journal.record(
            "INSERT OR REPLACE INTO accusations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            accusation.receipt.signature,
            accusation.receipt.body,
            accusation.lot_id,
            accusation.provider,
            accusation.package_id,
            encode(terms_to_value(accusation.terms)),
            b"".join(accusation.inputs),
            accusation.snapshot,
            round(accusation.wall_s_max * 1_000),
            b"".join(accusation.confirmed_by),
            encode([[who, place.opening, place.index] for who, place in accusation.their_stakes]),
            place.opening,
            place.index,
            accusation.number,
        )

    def end(self, accusation: Accusation) -> None:
        """Forget it: there is a dispute, or will be none."""
        self._forget(accusation.receipt.signature)

    def _forget(self, signature: bytes) -> None:
        self._journal.record("DELETE FROM accusations WHERE signature = ?", signature)

    def left(self) -> Sequence[tuple[Accusation, StakePlace]]:
        """Return what an earlier life has not ended."""
        rows = self._journal.query(
            "SELECT signature, body, lot_id, provider, package_id, terms, inputs, snapshot, "
            "wall_ms, confirmed_by, their_stakes, opening, op, number FROM accusations"
        )
        found: list[tuple[Accusation, StakePlace]] = []
        for row in rows:
            try:
                found.append(_accusation(cast("_Row", row)))
            except RemoteProtocolError as error:
                # A later version may not know the fuel table that its terms name.
                _log.error("a wrong result can be proved no more: %s", error)
                self._forget(cast("bytes", row[0]))
        return found


_Row = tuple[
    bytes,
    bytes,
    bytes,
    NodeId,
    BlobId,
    bytes,
    bytes,
    BlobId | None,
    int,
    bytes,
    bytes,
    VertexId,
    int,
    int | None,
]


def _accusation(row: _Row) -> tuple[Accusation, StakePlace]:
    signature, body, lot_id, provider, package_id, terms, inputs, snapshot = row[:8]
    wall_ms, confirmed_by, their_stakes, opening, op, number = row[8:]
    accusation = Accusation(
        provider=provider,
        lot_id=lot_id,
        receipt=Signed(body, signature),
        package_id=package_id,
        terms=decode_terms(terms),
        inputs=[BlobId(one) for one in _parted(inputs)],
        snapshot=snapshot,
        wall_s_max=wall_ms / 1_000,
        confirmed_by=[NodeId(one) for one in _parted(confirmed_by)],
        their_stakes=_stakes(their_stakes),
        number=number,
    )
    return accusation, StakePlace(opening, op)


def _stakes(data: bytes) -> Sequence[tuple[NodeId, StakePlace]]:
    pairs = cast("list[tuple[NodeId, VertexId, int]]", decode(data, bytes_max=len(data)))
    return [(who, StakePlace(opening, index)) for who, opening, index in pairs]


def _parted(ids: bytes) -> Sequence[bytes]:
    return [ids[at : at + _ID_BYTES] for at in range(0, len(ids), _ID_BYTES)]
