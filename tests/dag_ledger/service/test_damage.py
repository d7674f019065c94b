"""Bits that flip in each table of the files: noticed, said, never used (SPEC.md section 8.8)."""

import sqlite3
from pathlib import Path

import pytest

from fogbank_dag_ledger.operations import ObjectId
from fogbank_dag_ledger.service.disk import STORE_NAME, VOUCHERS_NAME, open_disk
from fogbank_dag_ledger.service.failures import StorageFailure
from fogbank_dag_ledger.service.reading import read_ledger
from fogbank_dag_ledger.service.verifying import verify
from fogbank_dag_ledger.service.voucher_store import VoucherStore

from .services import neighbourhood, wait_all_issuing, wait_until
from .test_bootstrap import HURRY, pay_until_pruned
from .test_voucher_store import voucher

KEYS = {"state": "key", "sealed": "account", "voucher": "channel"}


def flip(path: Path, table: str, column: str) -> None:
    """Change one bit in the last row of ``table``, as a bad card would."""
    file = sqlite3.connect(path)
    key = KEYS.get(table, "rowid")
    query = f"SELECT {key}, {column} FROM {table} ORDER BY {key} DESC LIMIT 1"
    ((row, value),) = file.execute(query).fetchall()
    if isinstance(value, int):
        changed: int | bytes = value ^ 1
    else:
        middle = len(value) // 2
        changed = value[:middle] + bytes([value[middle] ^ 4]) + value[middle + 1 :]
    file.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (changed, row))
    file.commit()
    file.close()


@pytest.mark.slow
async def test_what_changed_in_any_table_is_found_and_an_agent_starts_all_the_same(
    tmp_path: Path,
) -> None:
    async with neighbourhood(tmp_path, pace=HURRY) as here:
        services = await here.start(0, 1, 2, 3)
        await wait_all_issuing(services)
        await pay_until_pruned(here, services, floor=1)
        folder, genesis = here.folder(3), here.community.genesis
        await here.stop(3)
        disk = open_disk(folder, genesis.network, here.name(3))
        disk.store.seal([here.name(1)], 0)
        disk.store.keep_committee(7, b"a proof of seats")
        disk.close()
        kept = {file: file.read_bytes() for file in folder.iterdir() if file.is_file()}
        assert verify(read_ledger(folder, genesis)).differences == ()
        for table, column, is_summed in (
            ("vertex", "wire", False),
            ("vertex", "crc", False),
            ("vertex", "digest", False),
            ("floor", "height", False),
            ("state", "record", False),
            ("state", "key", False),
            ("checkpoint", "body", True),
            ("checkpoint", "names", True),
            ("sealed", "epoch", True),
            ("sealed", "account", True),
            ("committee", "proof", True),
            ("checkpoint", "signatures", True),
        ):
            for file in folder.iterdir():
                file.unlink()
            for file, data in kept.items():
                file.write_bytes(data)
            flip(folder / STORE_NAME, table, column)
            try:
                found = verify(read_ledger(folder, genesis)).differences
            except StorageFailure as error:
                found = (str(error),)
            assert found, (table, column)
            if is_summed and column != "signatures":
                disk = open_disk(folder, genesis.network, here.name(3))
                (notice,) = disk.notices
                assert table in notice
                assert str(folder / "vertices.sqlite.corrupt-1") in notice
                disk.close()
                assert verify(read_ledger(folder, genesis)).differences == ()
        # The machines take the word of the disk for the newest checkpoint.
        (again,) = await here.start(3)
        assert "checkpoint" in again.notices()[0]
        await wait_until(lambda: again.floor_height >= 0)


@pytest.mark.parametrize("column", ["body", "signature", "channel", "lane", "crc"])
def test_a_voucher_that_changed_is_not_used(tmp_path: Path, column: str) -> None:
    path = tmp_path / VOUCHERS_NAME
    store = VoucherStore(path)
    store.put([(ObjectId(bytes([number]) * 32), voucher(0, 5)) for number in (1, 2)])
    store.close()
    flip(path, "voucher", column)
    store = VoucherStore(path)
    assert store.damaged == 1
    assert [channel[0] for channel, _ in store.all()] == [1]
    store.close()
