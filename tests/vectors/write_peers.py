"""Vectors of the answer to ``peers.list`` (SPEC.md section 5.2)."""

from typing import Any

from fogbank_protocol.encoding import Value, encode

ANN, BEN = b"a" * 32, b"b" * 32
NEAR: list[Value] = [ANN, "192.0.2.7", 4_747]


def build() -> dict[str, Any]:
    """Return the vectors."""
    accepted: dict[str, Value] = {
        "nobody": [],
        "two peers": [NEAR, [BEN, "2001:db8::1", 65_535]],
        "two peers at one address": [NEAR, [BEN, *NEAR[1:]]],
        "one on this machine": [[ANN, "127.0.0.1", 1]],
        "as many as may be told": [[bytes([one]) * 32, "192.0.2.7", 1] for one in range(64)],
    }
    rejected: dict[str, Value] = {
        "not an array": None,
        "a peer without a port": [NEAR[:2]],
        "a field more": [[*NEAR, 0]],
        "a node id of 31 bytes": [[ANN[1:], *NEAR[1:]]],
        "a host name": [[ANN, "localhost", 1]],
        "an address with zeros before it": [[ANN, "192.0.2.07", 1]],
        "an address that is not in its usual spelling": [[ANN, "2001:db8:0::1", 1]],
        "an IPv4 address as IPv6": [[ANN, "::ffff:192.0.2.7", 1]],
        "no address": [[ANN, "0.0.0.0", 1]],
        "many addresses": [[ANN, "224.0.0.251", 1]],
        "port 0": [[ANN, "192.0.2.7", 0]],
        "port 65,536": [[ANN, "192.0.2.7", 65_536]],
        "true for a port": [[ANN, "192.0.2.7", True]],
        "a peer twice": [NEAR, [ANN, "192.0.2.8", 1]],
        "one more than may be told": [[bytes([one]) * 32, "192.0.2.7", 1] for one in range(65)],
    }
    return {
        "spec": "5.2",
        "accept": [{"name": name, "hex": encode(one).hex()} for name, one in accepted.items()],
        "reject": [
            *(
                {"name": name, "hex": encode(one).hex(), "rule": "5.2"}
                for name, one in rejected.items()
            ),
            {"name": "a byte behind", "hex": (encode([NEAR]) + b"\0").hex(), "rule": "2.1"},
        ],
    }
