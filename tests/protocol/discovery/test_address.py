"""Addresses as people and peers write them (SPEC.md section 5.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_protocol.discovery.address import (
    Address,
    address_from_values,
    parse_address,
    parse_host,
)
from fogbank_protocol.encoding import Value
from fogbank_protocol.errors import RemoteProtocolError


@given(st.ip_addresses(), st.integers(1, 65_535))
def test_what_an_address_prints_can_be_written_by_a_person(ip: object, port: int) -> None:
    host = parse_host(str(ip))
    if host is not None:
        assert parse_address(str(Address(host, port))) == Address(host, port)


def test_a_person_may_write_an_address_in_any_spelling() -> None:
    assert parse_address("[2001:DB8:0::7]:80") == Address("2001:db8::7", 80)
    assert parse_address("[::ffff:192.0.2.7]:80") == Address("192.0.2.7", 80)


@pytest.mark.parametrize(
    "text",
    ["", ":1", "192.0.2.7", "192.0.2.7:0", "192.0.2.7:65536", "host:80", "::1:80", "1.2.3:4",
     "192.0.2.7:8o", "192.0.2.7:²", "[fe80::1%eth0]:80"],
)  # fmt: skip
def test_what_is_no_address_is_told_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        parse_address(text)


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("0.0.0.0", 1),
        ("::", 1),
        ("224.0.0.251", 1),
        ("ff02::fb", 1),
        ("2001:DB8::1", 1),
        ("::ffff:1.2.3.4", 1),
        ("fe80::1%eth0", 1),
        ("01.2.3.4", 1),
        ("localhost", 1),
        ("", 1),
        ("1.2.3.4", 0),
        ("1.2.3.4", 65_536),
        ("1.2.3.4", True),
        ("1.2.3.4", "1"),
        (b"1.2.3.4", 1),
        (None, None),
    ],
)
def test_an_address_from_a_peer_has_one_spelling_and_can_be_reached(
    host: Value, port: Value
) -> None:
    with pytest.raises(RemoteProtocolError) as raised:
        address_from_values(host, port)
    assert raised.value.rule == "5.2"


def test_a_peer_may_tell_of_an_address() -> None:
    assert address_from_values("2001:db8::1", 4747) == Address("2001:db8::1", 4747)
