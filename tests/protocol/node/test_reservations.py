"""For whom a place is kept (SPEC.md section 5.3)."""

from fogbank_protocol.discovery.address import Address
from fogbank_protocol.discovery.candidates import Source
from fogbank_protocol.discovery.dialling import AddressLearnt
from fogbank_protocol.identity import NodeId
from fogbank_protocol.node.reservations import Reservations

ANN, BEN, CAT = (NodeId(bytes([letter]) * 32) for letter in b"abc")
HERE, THERE = Address("192.0.2.1", 1), Address("192.0.2.2", 2)


def test_places_are_kept_for_named_configured_and_remembered_peers() -> None:
    reservations = Reservations([ANN])
    reservations.learn(AddressLearnt(HERE, None, Source.CONFIGURED))
    reservations.learn(AddressLearnt(THERE, BEN, Source.REMEMBERED))
    assert reservations.is_kept(ANN, None)
    assert reservations.is_kept(CAT, HERE)
    assert reservations.is_kept(BEN, None)


def test_announcements_and_what_peers_tell_keep_no_place() -> None:
    reservations = Reservations([])
    reservations.learn(AddressLearnt(HERE, BEN, Source.ANNOUNCED))
    reservations.learn(AddressLearnt(THERE, CAT, Source.TOLD))
    assert not reservations.is_kept(BEN, HERE)
    assert not reservations.is_kept(CAT, None)
