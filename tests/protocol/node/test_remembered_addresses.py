"""The file of addresses for the next life (SPEC.md section 5.2)."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from fogbank_protocol.discovery.address import Address
from fogbank_protocol.discovery.peer_list import PeerAddress
from fogbank_protocol.limits import ADDRESS_BOOK_INTERVAL_S
from fogbank_protocol.node.remembered_addresses import RememberedAddresses

from .network import ANN, BEN, address_of, make_node, running, start, wait_connected

HERE = Address("192.0.2.7", 4747)


async def test_addresses_are_written_seldom_and_at_the_end(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    file = tmp_path / "addresses"
    remembered = RememberedAddresses(file)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(remembered.run)
        remembered.remember(ANN.node_id, HERE)
        await trio.sleep(ADDRESS_BOOK_INTERVAL_S - 1)
        assert not file.exists()
        await trio.sleep(2)
        assert RememberedAddresses(file).book == remembered.book
        remembered.remember(BEN.node_id, Address("::1", 1))
        nursery.cancel_scope.cancel()
    assert RememberedAddresses(file).book == remembered.book
    assert [path.name for path in tmp_path.iterdir()] == ["addresses"]


@pytest.mark.parametrize("damage", [b"", b"garbage", b"\x91\xc0"])
def test_a_damaged_file_is_begun_anew(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "addresses").write_bytes(damage)
    assert not RememberedAddresses(tmp_path / "addresses").book.entries
    assert "are lost" in caplog.text


async def test_a_place_that_cannot_be_written_costs_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    remembered = RememberedAddresses(tmp_path / "missing" / "addresses")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(remembered.run)
        remembered.remember(ANN.node_id, HERE)
        await trio.sleep(100)
        nursery.cancel_scope.cancel()
    assert "cannot be remembered" in caplog.text


async def test_a_node_finds_its_peer_again_by_memory_alone(tmp_path: Path) -> None:
    file = tmp_path / "addresses"
    ann = make_node(ANN)
    async with running(ann) as nursery:
        for peers in ([address_of(ann)], []):
            async with trio.open_nursery() as life:
                ben = make_node(BEN, static_peers=peers, addresses_file=file)
                await start(life, ben)
                await wait_connected(ben, 1)
                life.cancel_scope.cancel()
            (entry,) = RememberedAddresses(file).book.entries
            assert entry == PeerAddress(ANN.node_id, address_of(ann))
        assert nursery.child_tasks
