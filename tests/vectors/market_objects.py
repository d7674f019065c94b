"""What the market's vectors share: who signs, and how one good object becomes many bad ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.identity import Identity, NetworkId
from fogbank_protocol.signed import Domain, object_id

NETWORK = NetworkId(bytes.fromhex("0123456789abcdef"))
OTHER_NETWORK = NetworkId(bytes.fromhex("fedcba9876543210"))
REQUESTOR = Identity.from_seed(b"\x01" * 32)
PROVIDER = Identity.from_seed(b"\x02" * 32)
PACKAGE_ID = b"\xa1" * 32
INPUT_ID = b"\xa2" * 32


def accept(name: str, domain: Domain, signer: Identity, fields: Sequence[Value]) -> dict[str, Any]:
    """Return a valid object."""
    body = encode(fields)
    return {
        "name": name,
        "signer": signer.node_id.hex(),
        "body": body.hex(),
        "signature": signer.sign(domain.preimage(NETWORK, body)).hex(),
        "id": object_id(domain, NETWORK, body).hex(),
    }


def reject(name: str, domain: Domain, signer: Identity, fields: Value, rule: str) -> dict[str, Any]:
    """Return an object that is well signed and says something forbidden."""
    body = encode(fields)
    return _bad(name, body, signer.sign(domain.preimage(NETWORK, body)), rule)


def reject_fields(
    domain: Domain,
    signer: Identity,
    good: Sequence[Value],
    changes: Mapping[str, tuple[int, Value]],
    rule: str,
) -> list[dict[str, Any]]:
    """Return one bad object for each of ``changes``, a place in ``good`` and what stands there."""
    cases: list[dict[str, Any]] = []
    for name, (place, value) in changes.items():
        fields = list(good)
        fields[place] = value
        cases.append(reject(name, domain, signer, fields, rule))
    return cases


def reject_any(
    domain: Domain, signer: Identity, good: Sequence[Value], rule: str
) -> list[dict[str, Any]]:
    """Return the bad objects that every kind of object has."""
    body = encode(good)
    signature = signer.sign(domain.preimage(NETWORK, body))
    other_domain = Domain("fog-other-1", domain.body_bytes_max)
    stranger = Identity.from_seed(b"\x63" * 32)
    return [
        reject("a field more", domain, signer, [*good, 0], rule),
        reject("a field less", domain, signer, good[:-1], rule),
        reject("version 0", domain, signer, [0, *good[1:]], rule),
        reject("version 2", domain, signer, [2, *good[1:]], rule),
        reject("true for version 1", domain, signer, [True, *good[1:]], rule),
        reject("not an array", domain, signer, 1, rule),
        _bad("a byte after the body", body + b"\0", signature, "2.1"),
        _bad("half a body", body[: len(body) // 2], signature, "2.1"),
        _bad("an empty body", b"", signature, "2.1"),
        _bad("a signature of zeros", body, bytes(64), "2.3"),
        _bad("somebody else's signature", body, _sign(stranger, domain, NETWORK, body), "2.3"),
        _bad("a signature for another network", body, _sign(signer, domain, OTHER_NETWORK, body),
             "2.3"),
        _bad("a signature in another domain", body, _sign(signer, other_domain, NETWORK, body),
             "2.3"),
    ]  # fmt: skip


def _sign(signer: Identity, domain: Domain, network: NetworkId, body: bytes) -> bytes:
    return signer.sign(domain.preimage(network, body))


def _bad(name: str, body: bytes, signature: bytes, rule: str) -> dict[str, Any]:
    return {"name": name, "body": body.hex(), "signature": signature.hex(), "rule": rule}
