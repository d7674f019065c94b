"""Finding neighbours, and being reached."""

import socket

import pytest

from fogbank_agent.doctor.finding import Level
from fogbank_agent.doctor.network_checks import check_mdns, check_port


def test_a_port_in_use_is_a_problem_unless_the_agent_has_it() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        port = other.getsockname()[1]
        found = check_port(["127.0.0.1"], port, is_agent_up=False)
        assert (found.level, found.name) == (Level.PROBLEM, "listening")
        assert f"port {port}" in found.found
        assert check_port(["127.0.0.1"], port, is_agent_up=True).level is Level.OK


def test_a_free_port_is_fine_and_an_address_of_nobody_is_not() -> None:
    assert check_port(["127.0.0.1"], 0, is_agent_up=False).level is Level.OK
    # An address kept for documentation: no machine has it.
    found = check_port(["203.0.113.77"], 0, is_agent_up=False)
    assert found.level is Level.PROBLEM
    assert "listen_addresses" in found.remedy


def test_discovery_on_the_loopback_finds_nobody_else() -> None:
    found = check_mdns(["127.0.0.1"], is_wanted=True)
    assert found.level is Level.NOTE
    assert "on this machine only" in found.found or "not possible" in found.found


@pytest.mark.parametrize(
    ("interfaces", "is_wanted", "level"),
    [((), False, Level.OK), (("203.0.113.77",), True, Level.NOTE)],
)
def test_discovery_that_is_off_or_waits_is_no_problem(
    interfaces: tuple[str, ...], is_wanted: bool, level: Level
) -> None:
    found = check_mdns(interfaces, is_wanted)
    assert found.level is level
    assert (found.remedy == "") == (level is Level.OK)
