"""How a newcomer gets the genesis (SPEC.md section 5.5)."""

from dataclasses import replace
from hashlib import blake2b

import pytest

from fogbank_protocol.discovery.address import Address
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId
from fogbank_protocol.limits import GENESIS_BYTES_MAX
from fogbank_protocol.node.joining import JoiningFailed, check_genesis, fetch_genesis
from fogbank_protocol.node.node import Node, NodeSettings

from .network import ANN, BEN, LOOPBACK, NETWORK, address_of, make_node, running

GENESIS = b"how it all began"
OWN_NETWORK = NetworkId(blake2b(b"fog-net-1\0" + GENESIS, digest_size=32).digest()[:8])
SETTINGS = NodeSettings(listen_hosts=LOOPBACK, mdns=False)


async def test_the_genesis_comes_from_the_first_who_gives_it() -> None:
    wrong = Node(ANN, OWN_NETWORK, SETTINGS, b"another story")
    elsewhere = make_node(ANN)
    right = Node(BEN, OWN_NETWORK, replace(SETTINGS), GENESIS)
    async with running(wrong, elsewhere, right):
        nobody = Address("127.0.0.1", 1)
        addresses = [nobody, *map(address_of, (wrong, elsewhere, right))]
        assert await fetch_genesis(OWN_NETWORK, addresses) == GENESIS
        with pytest.raises(JoiningFailed) as raised:
            await fetch_genesis(OWN_NETWORK, addresses[:3])
    message = str(raised.value)
    assert f"{nobody} cannot be reached" in message
    assert f"{addresses[1]}: the genesis is of another network" in message
    assert str(addresses[2]) in message


async def test_with_nobody_to_ask_joining_fails() -> None:
    with pytest.raises(JoiningFailed, match="nobody to ask"):
        await fetch_genesis(OWN_NETWORK, [])


def test_a_genesis_is_checked_against_its_network() -> None:
    check_genesis(OWN_NETWORK, GENESIS)
    for network, genesis in ((NETWORK, GENESIS), (OWN_NETWORK, GENESIS + b"!")):
        with pytest.raises(RemoteProtocolError, match="another network"):
            check_genesis(network, genesis)
    with pytest.raises(RemoteProtocolError, match="bytes"):
        check_genesis(OWN_NETWORK, bytes(GENESIS_BYTES_MAX + 1))
