"""The files of a ledger on disks that break: noticed, said, never used (SPEC.md section 8.8).

Each begins with a folder of all files, breaks it, opens it, and compares what is read with what
was written: it is the same, or something said that it is not.
"""

import os
import shutil
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.full_disk import full_disk

from fogbank_dag_ledger.frontier import Range, Tag
from fogbank_dag_ledger.operations import ObjectId, Voucher
from fogbank_dag_ledger.service.disk import (
    OWN_LOG_NAME,
    STORE_NAME,
    VOUCHERS_NAME,
    Disk,
    open_disk,
)
from fogbank_dag_ledger.service.failures import FolderUnusable, LogUnusable, StorageFailure
from fogbank_dag_ledger.service.recovery import replay_store
from fogbank_dag_ledger.service.store import KeptCheckpoint
from fogbank_dag_ledger.vertex import Vertex, VertexId, tag_in
from fogbank_dag_ledger.vertex_codec import encode_vertex
from fogbank_protocol.node.database import DatabaseFailure

from ..community import Community

PEOPLE = Community(seats=4, others=3)
ANN = 4
NOBODY = 65_534


@cache
def chain() -> tuple[Vertex, ...]:
    """Return 60 vertices of Ann's: the store is some pages deep."""
    vertices = [PEOPLE.vertex(ANN)]
    while len(vertices) < 60:
        vertices.append(PEOPLE.vertex(ANN, vertices[-1], pays={5: 1}))
    return tuple(vertices)


def opened(folder: Path, issuer: int = ANN) -> Disk:
    return open_disk(folder, PEOPLE.network, PEOPLE.names[issuer])


def filled(folder: Path) -> None:
    """Put something into every table of every file."""
    disk = opened(folder)
    disk.log.append([encode_vertex(one) for one in chain()[-5:]])
    disk.store.append((one.id, encode_vertex(one)) for one in chain())
    state: dict[bytes, bytes | None] = {bytes([one]) * 33: b"record" * 20 for one in range(30)}
    for height in range(3):
        name = VertexId(bytes([height]) * 32)
        kept = KeptCheckpoint(height, b"body" * 50, b"signatures" * 20, name)
        disk.store.keep_checkpoint(kept, (height, state))
    disk.store.seal(PEOPLE.names[:2], 3)
    disk.store.keep_committee(1, b"proof" * 200)
    voucher = Voucher(0, 9, 1, bytes(32), (), bytes(64))
    disk.vouchers.put([(ObjectId(bytes([one]) * 32), voucher) for one in range(5)])
    disk.close()


@dataclass(frozen=True, slots=True)
class Read:
    """All that an agent learns from its files when it starts."""

    own: Sequence[bytes]
    vertices: Sequence[Vertex]
    found: Sequence[VertexId]
    sent: Sequence[bytes]
    rest: tuple[object, ...]
    vouchers: Sequence[tuple[ObjectId, Voucher]]
    state: object
    """Roots that seats signed tell when it has changed: see ``test_damage``."""


async def read(disk: Disk) -> tuple[Read, bool]:
    """Return what the files say, and whether anything was said to be wrong with them."""
    vertices: list[Vertex] = []
    damaged = await replay_store(disk.store, PEOPLE.network, vertices.extend)
    ids = [one.id for one in chain()]
    pages = disk.store.pages([Range(Tag(tag_in(ids[0])), 0, 99)])
    found = Read(
        list(disk.log.records()),
        vertices,
        [one for one in ids if one in disk.store.find(ids)],
        [one for page in pages for one in page],
        (disk.store.sealed(), disk.store.committee(1), disk.store.checkpoints()),
        list(disk.vouchers.all()),
        disk.store.floor(),
    )
    return found, bool(damaged or disk.notices)


@cache
def whole() -> tuple[dict[str, bytes], Read]:
    """Return the files as they were written, and what they say."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        filled(folder)
        files = {file.name: file.read_bytes() for file in folder.iterdir()}
        disk = opened(folder)
        wanted, is_wrong = trio.run(read, disk)
        disk.close()
    assert not is_wrong
    return files, wanted


def judge(change: Callable[[Path], None]) -> bool:
    """Break a folder by ``change``, open it; return whether something was said.

    What is not said to be wrong is as it was written, and whatever happens has a name.
    """
    files, wanted = whole()
    with TemporaryDirectory() as name:
        folder = Path(name)
        for file, data in files.items():
            (folder / file).write_bytes(data)
        change(folder)
        try:
            disk = opened(folder)
        except (StorageFailure, DatabaseFailure) as failure:
            return str(folder) in str(failure)
        try:
            found, is_wrong = trio.run(read, disk)
            for path in (disk.store.set_aside, disk.vouchers.set_aside, disk.damaged_copy):
                assert path is None or any(str(path) in notice for notice in disk.notices)
        finally:
            disk.close()
        if not is_wrong and found.state == wanted.state:
            # A log that is damaged at its end looks as if power had failed while it was written.
            assert list(found.own) == list(wanted.own)[: len(found.own)]
            assert replace(found, own=wanted.own) == wanted
        # It goes on with what there is.
        again = opened(folder)
        again.store.append([(chain()[0].id, encode_vertex(chain()[0]))])
        again.log.append([b"next"])
        again.close()
        return is_wrong


FILES = st.sampled_from([OWN_LOG_NAME, STORE_NAME, STORE_NAME, STORE_NAME, VOUCHERS_NAME])


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(name=FILES, data=st.data())
def test_a_bit_that_flips_anywhere_changes_nothing_that_is_not_said(
    name: str, data: st.DataObject
) -> None:
    size = len(whole()[0][name])
    place = data.draw(st.integers(0, size - 1), label="byte")
    bit = data.draw(st.integers(0, 7), label="bit")

    def flip(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[place] ^= 1 << bit
        (folder / name).write_bytes(content)

    judge(flip)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(name=FILES, data=st.data())
def test_a_file_cut_anywhere_loses_nothing_that_is_not_said(name: str, data: st.DataObject) -> None:
    size = data.draw(st.integers(0, len(whole()[0][name]) - 1), label="bytes left")

    def cut(folder: Path) -> None:
        os.truncate(folder / name, size)

    judge(cut)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(name=FILES, data=st.data())
def test_a_page_of_zeros_is_found(name: str, data: st.DataObject) -> None:
    size = len(whole()[0][name])
    start = data.draw(st.integers(0, (size - 1) // 512), label="sector") * 512

    def clear(folder: Path) -> None:
        with (folder / name).open("r+b") as file:
            file.seek(start)
            file.write(bytes(min(512, size - start)))

    judge(clear)


@pytest.mark.parametrize("name", [OWN_LOG_NAME, STORE_NAME, VOUCHERS_NAME])
@pytest.mark.parametrize("is_empty", [False, True], ids=["gone", "empty"])
def test_a_file_that_is_gone_is_said_to_be(tmp_path: Path, name: str, is_empty: bool) -> None:
    filled(tmp_path)
    (tmp_path / name).unlink()
    if is_empty:
        (tmp_path / name).touch()
    disk = opened(tmp_path)
    (notice,) = disk.notices
    assert notice.startswith(f"{tmp_path / name} was gone. ")
    disk.close()
    disk = opened(tmp_path)
    assert not disk.notices or name == STORE_NAME
    disk.close()


def test_of_a_folder_without_any_nothing_is_said(tmp_path: Path) -> None:
    for _ in range(2):
        disk = opened(tmp_path / "new")
        assert not disk.notices
        disk.close()


def test_the_log_of_another_account_is_left_alone(tmp_path: Path) -> None:
    filled(tmp_path)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(LogUnusable, match="use another state folder"):
        opened(tmp_path, issuer=5)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize("bytes_max", [0, 40, 60, 5_000, 60_000])
def test_where_there_is_no_room_an_agent_says_so_and_loses_nothing(
    tmp_path: Path, bytes_max: int
) -> None:
    def begin() -> None:
        disk = opened(tmp_path)
        try:
            disk.log.append([b"x" * 61_000])
        finally:
            disk.close()

    with full_disk(bytes_max), pytest.raises((StorageFailure, DatabaseFailure)) as caught:
        begin()
    assert str(tmp_path) in str(caught.value)
    filled(tmp_path)
    with full_disk(bytes_max), pytest.raises((StorageFailure, DatabaseFailure)):
        begin()
    disk = opened(tmp_path)
    found, is_wrong = trio.run(read, disk)
    disk.close()
    assert found == whole()[1]
    assert not is_wrong


@contextmanager
def nobody() -> Generator[None]:
    """Act as a user without rights: to root nothing is read-only."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.mark.parametrize("is_filled", [False, True], ids=["new", "filled"])
def test_a_folder_that_may_not_be_written_is_said_to_be(is_filled: bool) -> None:
    # Not below the folder of pytest, which others may not enter.
    with TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o755)
        folder = top / "ledger"
        folder.mkdir()
        if is_filled:
            filled(folder)
            for file in folder.iterdir():
                file.chmod(0o444)
        folder.chmod(0o555)
        files = {file: file.read_bytes() for file in folder.iterdir()}
        with nobody(), pytest.raises((StorageFailure, DatabaseFailure)) as caught:
            opened(folder)
        assert str(folder) in str(caught.value)
        with nobody(), pytest.raises(FolderUnusable, match="Permission denied"):
            opened(folder / "deeper")
        assert {file: file.read_bytes() for file in folder.iterdir()} == files
        shutil.rmtree(folder)
