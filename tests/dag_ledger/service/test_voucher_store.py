"""The best vouchers, on disk (SPEC.md section 8.13)."""

from pathlib import Path

from fogbank_dag_ledger.operations import ObjectId, Voucher
from fogbank_dag_ledger.service.voucher_store import VoucherStore
from fogbank_protocol.identity import NodeId

ONE, OTHER = ObjectId(b"\1" * 32), ObjectId(b"\2" * 32)


def voucher(lane: int, total: int) -> Voucher:
    split = ((NodeId(bytes(32)), 1),)
    return Voucher(lane, total, total, b"\3" * 32, split, b"\4" * 64)


def test_one_voucher_of_each_lane_of_each_channel_survives(tmp_path: Path) -> None:
    path = tmp_path / "vouchers.sqlite"
    store = VoucherStore(path)
    store.put([(ONE, voucher(0, 5)), (ONE, voucher(1, 6)), (OTHER, voucher(0, (1 << 64) - 1))])
    store.put([(ONE, voucher(0, 9))])
    store.close()

    again = VoucherStore(path)
    assert sorted(again.all(), key=lambda kept: (kept[0], kept[1].lane)) == [
        (ONE, voucher(0, 9)),
        (ONE, voucher(1, 6)),
        (OTHER, voucher(0, (1 << 64) - 1)),
    ]
    again.forget(ONE)
    assert [channel for channel, _ in again.all()] == [OTHER]
    again.close()
    assert again.set_aside is None


def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "vouchers.sqlite"
    path.write_bytes(b"not a database, but as long as one could be" * 100)
    store = VoucherStore(path)
    assert store.set_aside is not None
    assert store.set_aside.exists()
    assert list(store.all()) == []
    store.close()
