"""Vectors of signed objects (SPEC.md section 2.3), in a domain that exists for them alone."""

from typing import Any

from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.identity import NO_NETWORK, Identity, NetworkId
from fogbank_protocol.signed import Domain, object_id, sign

from .write_encoding import in_json

Json = dict[str, Any]

DOMAIN = Domain("fog-example-1", body_bytes_max=64)
OTHER_DOMAIN = Domain("fog-example-2", body_bytes_max=64)
NETWORK = NetworkId(bytes.fromhex("0102030405060708"))
SIGNER = Identity.from_seed(b"signer-of-the-example-objects-00")
OTHER = Identity.from_seed(b"somebody-else-altogether-0000000")
FIELDS: Value = [1, SIGNER.node_id, 7, "seven"]

ACCEPTED: dict[str, tuple[NetworkId, Value]] = {
    "an object of a network": (NETWORK, FIELDS),
    "an object of every network": (NO_NETWORK, FIELDS),
    "a body of no fields": (NETWORK, []),
    "a body as long as is allowed": (NETWORK, [1, b"." * 60]),
}


def _accept(name: str, network: NetworkId, fields: Value) -> Json:
    signed = sign(DOMAIN, network, SIGNER, fields)
    return {
        "name": name,
        "network": network.hex(),
        "fields": in_json(fields),
        "preimage": DOMAIN.preimage(network, signed.body).hex(),
        "object_id": object_id(DOMAIN, network, signed.body).hex(),
        "hex": encode(signed.to_value()).hex(),
    }


def _rejected() -> dict[str, tuple[Value, str]]:
    good = sign(DOMAIN, NETWORK, SIGNER, FIELDS)
    long_body = encode([1, b"." * 61])
    wide_body = b"\x91\xcc\x01"
    elsewhere = DOMAIN.preimage(NetworkId(bytes(8)), good.body)
    values: dict[str, tuple[Value, str]] = {
        "signed by another": (sign(DOMAIN, NETWORK, OTHER, FIELDS).to_value(), "2.3"),
        "signed in another domain": (
            sign(OTHER_DOMAIN, NETWORK, SIGNER, FIELDS).to_value(),
            "2.3",
        ),
        "signed for another network": ([good.body, SIGNER.sign(elsewhere)], "2.3"),
        "signed without a domain": ([good.body, SIGNER.sign(good.body)], "2.3"),
        "another body": ([encode([1, SIGNER.node_id, 8, "seven"]), good.signature], "2.3"),
        "a signature one byte short": ([good.body, good.signature[:-1]], "2.3"),
        "a signature that is text": ([good.body, "s" * 64], "2.3"),
        "a body that is not bin": ([FIELDS, good.signature], "2.3"),
        "no signature": ([good.body], "2.3"),
        "a third element": ([good.body, good.signature, None], "2.3"),
        "not an array": (good.body, "2.3"),
        "a body one byte too long": (
            [long_body, SIGNER.sign(DOMAIN.preimage(NETWORK, long_body))],
            "2.3",
        ),
        "a signed body that is not canonical": (
            [wide_body, SIGNER.sign(DOMAIN.preimage(NETWORK, wide_body))],
            "2.1",
        ),
    }
    return values


def build() -> Json:
    """Return the vectors."""
    return {
        "spec": "2.3",
        "domain": DOMAIN.name,
        "body_bytes_max": DOMAIN.body_bytes_max,
        "network": NETWORK.hex(),
        "seed": b"signer-of-the-example-objects-00".hex(),
        "signer": SIGNER.node_id.hex(),
        "accept": [_accept(name, *case) for name, case in ACCEPTED.items()],
        "reject": [
            {"name": name, "hex": encode(value).hex(), "rule": rule}
            for name, (value, rule) in _rejected().items()
        ],
    }
