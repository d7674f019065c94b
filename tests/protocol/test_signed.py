"""Signed objects: vectors, and that a signature means one thing in one place (section 2.3)."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors.write_encoding import from_json

from fogbank_protocol.encoding import Value, decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity, NetworkId
from fogbank_protocol.signed import Domain, object_id, open_signed, sign, signed_from_value

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/signed.json").read_text("utf-8"))
DOMAIN = Domain(VECTORS["domain"], VECTORS["body_bytes_max"])
SIGNER = Identity.from_seed(bytes.fromhex(VECTORS["seed"]))


def read(data: bytes, network: NetworkId) -> Value:
    return open_signed(DOMAIN, network, SIGNER.node_id, signed_from_value(DOMAIN, decode(data)))


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_an_accepted_vector_is_made_and_read(case: dict[str, Any]) -> None:
    network, fields = NetworkId(bytes.fromhex(case["network"])), from_json(case["fields"])
    signed = sign(DOMAIN, network, SIGNER, fields)
    assert encode(signed.to_value()).hex() == case["hex"]
    assert DOMAIN.preimage(network, signed.body).hex() == case["preimage"]
    assert object_id(DOMAIN, network, signed.body).hex() == case["object_id"]
    assert read(bytes.fromhex(case["hex"]), network) == fields


@pytest.mark.parametrize("case", VECTORS["reject"], ids=lambda case: case["name"])
def test_a_rejected_vector_breaks_its_rule(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read(bytes.fromhex(case["hex"]), NetworkId(bytes.fromhex(VECTORS["network"])))
    assert caught.value.rule == case["rule"]


@given(st.binary(min_size=8, max_size=8), st.binary(min_size=8, max_size=8), st.integers(0, 99))
def test_a_signature_holds_in_its_own_network_only(one: bytes, two: bytes, field: int) -> None:
    signed = sign(DOMAIN, NetworkId(one), SIGNER, [1, field])
    assert open_signed(DOMAIN, NetworkId(one), SIGNER.node_id, signed) == [1, field]
    if one != two:
        with pytest.raises(RemoteProtocolError):
            open_signed(DOMAIN, NetworkId(two), SIGNER.node_id, signed)


def test_an_objects_name_depends_on_domain_network_and_body() -> None:
    one, two = NetworkId(b"n" * 8), NetworkId(b"m" * 8)
    names = {
        object_id(domain, network, body)
        for domain in (DOMAIN, Domain("fog-example-2", 64))
        for network in (one, two)
        for body in (b"\x90", b"\x91\x01")
    }
    assert len(names) == 8
