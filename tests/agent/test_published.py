"""Published packages: kept, pinned, there again after a start."""

from pathlib import Path

import pytest
from tests.wasm_tasks.packages import command, package

from fogbank_agent.errors import Refused
from fogbank_agent.published import PublishedPackages
from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.node.blob_store import BlobStore, StoreFull

PACKAGE = package(command(""))
OTHER = package(command("nop"))


class Shop:
    """An agent's blob store and what it publishes, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.blobs = BlobStore(folder / "blobs", capacity_bytes=100_000)
        self.published = PublishedPackages(folder / "published", self.blobs)


async def test_a_published_package_stays_whatever_needs_room(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    await shop.published.publish(await shop.blobs.put(PACKAGE.data))

    with pytest.raises(StoreFull):
        await shop.blobs.put(bytes(99_900))
    await shop.published.withdraw(PACKAGE.package_id)
    await shop.blobs.put(bytes(99_900))

    assert not shop.blobs.has(PACKAGE.package_id)
    assert list((tmp_path / "published").iterdir()) == []


async def test_it_is_there_again_after_a_start_even_when_the_blobs_are_lost(
    tmp_path: Path,
) -> None:
    shop = Shop(tmp_path)
    found = await shop.published.publish(await shop.blobs.put(PACKAGE.data))
    assert found.manifest == PACKAGE.manifest
    for path in (tmp_path / "blobs").iterdir():
        path.unlink()

    again = Shop(tmp_path)
    await again.published.restore()

    assert again.published.package_ids == [PACKAGE.package_id]
    assert await again.blobs.read(PACKAGE.package_id) == PACKAGE.data


async def test_a_damaged_copy_is_left_out_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shop = Shop(tmp_path)
    await shop.published.publish(await shop.blobs.put(PACKAGE.data))
    await shop.published.publish(await shop.blobs.put(OTHER.data))
    (tmp_path / "published" / f"{PACKAGE.package_id.hex()}.fogpkg").write_bytes(b"x")

    again = Shop(tmp_path)
    await again.published.restore()

    assert again.published.package_ids == [OTHER.package_id]
    assert "is damaged: publish it again" in caplog.text


async def test_publishing_twice_is_publishing_once(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    for _ in range(2):
        await shop.published.publish(await shop.blobs.put(PACKAGE.data))
    await shop.published.withdraw(PACKAGE.package_id)
    with pytest.raises(Refused, match="does not publish"):
        await shop.published.withdraw(PACKAGE.package_id)


async def test_what_is_no_package_or_not_here_is_refused(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    with pytest.raises(Refused, match="cannot be published"):
        await shop.published.publish(await shop.blobs.put(PACKAGE.module))
    with pytest.raises(Refused, match="hand it over again"):
        await shop.published.publish(BlobId(bytes(32)))
    await shop.published.restore()
    assert shop.published.package_ids == []
