"""The vouchers of payment channels in the journal, given and received (SPEC.md section 9.6)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from fogbank_dag_ledger.operations import ObjectId, Voucher
from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.identity import NodeId

from ..limits import CHANNEL_LANES
from ..market.tally import LaneTally, ReceivedLane
from .journal import Journal

_SPLIT_BYTES_MAX = 4_096


class VoucherBook:
    """Keeps the last voucher of each lane, and what of it was used."""

    def __init__(self, journal: Journal) -> None:
        """Keep them in ``journal``."""
        self._journal = journal

    # Given.

    def keep_given(self, channel: ObjectId, voucher: Voucher) -> None:
        """Record a voucher that was signed; it must not leave before ``Journal.sync``."""
        self._journal.record(
            "INSERT OR REPLACE INTO vouchers_given VALUES (?, ?, ?, ?, ?, ?, ?)",
            channel,
            voucher.lane,
            voucher.total,
            voucher.count,
            voucher.root,
            _encode_split(voucher.split),
            voucher.signature,
        )

    def given(self, channel: ObjectId) -> Sequence[Voucher]:
        """Return the last voucher of each lane of a channel, ascending by lane."""
        rows = self._journal.query(
            "SELECT lane, total, count, root, split, signature FROM vouchers_given "
            "WHERE channel = ? ORDER BY lane",
            channel,
        )
        return [_voucher(*row) for row in rows]

    def tallies(self, channel: ObjectId) -> Sequence[LaneTally]:
        """Return the tally of each lane of a channel that this agent pays over."""
        tallies = [LaneTally()] * CHANNEL_LANES
        for voucher in self.given(channel):
            tallies[voucher.lane] = tally_of(voucher)
        return tallies

    # Received.

    def keep_received(self, channel: ObjectId, voucher: Voucher, lane: ReceivedLane) -> None:
        """Record a voucher that counts, and what of it is used."""
        self._journal.record(
            "INSERT OR REPLACE INTO vouchers_received VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            channel,
            voucher.lane,
            voucher.total,
            voucher.count,
            voucher.root,
            _encode_split(voucher.split),
            voucher.signature,
            lane.used,
            _encode_split(lane.used_split.items()),
        )

    def received(self) -> Mapping[ObjectId, Mapping[int, tuple[Voucher, ReceivedLane]]]:
        """Return what was received and not forgotten, by channel and lane."""
        rows = self._journal.query(
            "SELECT channel, lane, total, count, root, split, signature, used, used_split "
            "FROM vouchers_received"
        )
        found: dict[ObjectId, dict[int, tuple[Voucher, ReceivedLane]]] = {}
        for channel, *fields, used, used_split in rows:
            voucher = _voucher(*fields)
            lane = ReceivedLane(tally_of(voucher), cast("int", used), _decode_split(used_split))
            found.setdefault(ObjectId(cast("bytes", channel)), {})[voucher.lane] = (voucher, lane)
        return found

    def forget(self, channel: ObjectId) -> None:
        """Forget the vouchers of a channel that was settled."""
        for table in ("vouchers_given", "vouchers_received"):
            self._journal.record(f"DELETE FROM {table} WHERE channel = ?", channel)


def tally_of(voucher: Voucher) -> LaneTally:
    """Return what ``voucher`` says of its lane."""
    return LaneTally(voucher.total, voucher.count, voucher.root, dict(voucher.split))


def _voucher(
    lane: object, total: object, count: object, root: object, split: object, signature: object
) -> Voucher:
    shares = tuple(sorted(_decode_split(split).items()))
    numbers = (cast("int", lane), cast("int", total), cast("int", count))
    return Voucher(*numbers, cast("bytes", root), shares, cast("bytes", signature))


def _encode_split(split: Iterable[tuple[NodeId, int]]) -> bytes:
    fields: Value = [[who, drops] for who, drops in split]
    return encode(fields)


def _decode_split(data: object) -> dict[NodeId, int]:
    pairs = cast("list[tuple[bytes, int]]", decode(cast("bytes", data), bytes_max=_SPLIT_BYTES_MAX))
    return {NodeId(who): drops for who, drops in pairs}
