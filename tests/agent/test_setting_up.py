"""Which of the networks that were heard is joined."""

import re

import pytest

from fogbank_agent.errors import Refused
from fogbank_agent.setting_up import choose_network, make_network
from fogbank_protocol.identity import NetworkId, NodeId
from fogbank_protocol.node.joining import NetworkFound

HOME = NetworkFound(NetworkId(bytes.fromhex("aa11223344556677")), "home", [])
STREET = NetworkFound(NetworkId(bytes.fromhex("ab11223344556677")), "street", [])


def test_the_only_network_is_joined() -> None:
    assert choose_network([HOME], "") == HOME


@pytest.mark.parametrize("wanted", ["ab", "AB11", "ab11223344556677"])
def test_among_several_the_beginning_of_an_id_chooses(wanted: str) -> None:
    assert choose_network([HOME, STREET], wanted) == STREET


@pytest.mark.parametrize("wanted", ["", "a"])
def test_several_that_fit_are_listed(wanted: str) -> None:
    with pytest.raises(Refused, match=r"aa11223344556677 \('home'\), ab11223344556677 \('street'"):
        choose_network([HOME, STREET], wanted)


def test_an_id_that_nobody_announces_is_told_with_those_that_are_there() -> None:
    with pytest.raises(Refused, match="no network here begins with 'cc'; there are: aa1122"):
        choose_network([HOME, STREET], "cc")


def test_silence_says_what_to_look_for() -> None:
    with pytest.raises(Refused, match=r"no network was heard: .* --network FILE"):
        choose_network([], "")


def test_the_name_of_a_network_that_was_heard_steers_no_terminal() -> None:
    loud = NetworkFound(NetworkId(bytes.fromhex("ab11223344556677")), "\x1b[2Jhome\n", [])
    with pytest.raises(Refused, match=re.escape("'?[2Jhome?'")):
        choose_network([HOME, loud], "")


def test_a_network_has_a_name_that_can_be_shown() -> None:
    own = NodeId(bytes(32))
    with pytest.raises(Refused, match="cannot be shown"):
        make_network("two\nlines", [own], {own: 5})
