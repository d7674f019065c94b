"""Receipts and the outcomes in them (SPEC.md sections 7.6 and 7.7)."""

from typing import Any

from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.encoding import Value, encode
from fogbank_protocol.identity import Identity, NetworkId
from fogbank_protocol.signed import sign
from fogbank_wasm_tasks.outcome import (
    Exited,
    HostFault,
    Ok,
    Outcome,
    OutOfFuel,
    Trap,
    outcome_to_value,
)
from fogbank_wasm_tasks.receipt import RECEIPT

SEED = bytes(range(32))
PROVIDER = Identity.from_seed(SEED)
STRANGER = Identity.from_seed(bytes(32))
NETWORK = NetworkId(bytes.fromhex("0102030405060708"))

TRACE: Value = [12, b"r" * 32]

OUTCOMES: dict[str, Outcome] = {
    "ok": Ok(blob_id(b"output"), 6),
    "out of fuel": OutOfFuel(),
    "a trap": Trap("unreachable"),
    "a trap of a kind unknown today": Trap("something_new"),
    "an exit": Exited(2**32 - 1),
    "a host fault": HostFault("worker_died"),
}


def build() -> dict[str, Any]:
    """Return the vectors: each ``hex`` is the encoded array [body, signature]."""
    return {
        "spec": "7.7",
        "network": NETWORK.hex(),
        "provider_seed": SEED.hex(),
        "accept": [
            {"name": name, "hex": _signed(_ended(outcome)).hex()}
            for name, outcome in OUTCOMES.items()
        ]
        + [
            {"name": "a run of a step task", "hex": _signed(_fields(trace=TRACE)).hex()},
            {"name": "256 runs", "hex": _signed(_many(256)).hex()},
        ],
        "reject": [
            _reject("another version", _fields(version=2)),
            _reject("a short agreement id", _fields(agreement=bytes(31))),
            _reject("a long package id", _fields(package=bytes(33))),
            _reject("an input id as text", _fields(input="i" * 32)),
            _reject("fuel of 2**42", _fields(fuel=1 << 42)),
            _reject("fuel that is a boolean", _fields(fuel=True)),
            _reject("a host fault with fuel", _fields(outcome=[4, "worker_died"])),
            _reject("a field too many", [*_fields(), 0]),
            _reject("no result", _many(0)),
            _reject("257 results", _many(257)),
            _reject("a short terms id", _fields(terms=bytes(31))),
            _reject("a trace of one field", _fields(trace=[3])),
            _reject("a trace with a short root", _fields(trace=[3, bytes(31)])),
            _reject("too many states", _fields(trace=[(2**40 - 1) * 65_536 + 1, bytes(32)])),
            _reject("a host fault with a trace", _fields(outcome=[4, "x"], fuel=0, trace=TRACE)),
            _reject("an unknown outcome", _fields(outcome=[5]), "7.6"),
            _reject("an output beyond a blob", _fields(outcome=[0, bytes(32), 67_108_865]), "7.6"),
            _reject("a trap without a kind", _fields(outcome=[2]), "7.6"),
            _reject("a kind in upper case", _fields(outcome=[2, "Trap"]), "7.6"),
            _reject("a kind of 65 letters", _fields(outcome=[4, "a" * 65]), "7.6"),
            _reject("an exit code of 33 bits", _fields(outcome=[3, 1 << 32]), "7.6"),
            {
                "name": "signed by another",
                "hex": _signed(_fields(), signer=STRANGER).hex(),
                "rule": "2.3",
            },
            {
                "name": "signed for another network",
                "hex": _signed(_fields(), network=NetworkId(bytes(8))).hex(),
                "rule": "2.3",
            },
        ],
    }


def _ended(outcome: Outcome) -> list[Value]:
    fuel = 0 if isinstance(outcome, HostFault) else 1_234
    return _fields(outcome=outcome_to_value(outcome), fuel=fuel)


def _fields(**changes: Value) -> list[Value]:
    values: dict[str, Value] = {
        "version": 1,
        "agreement": b"a" * 32,
        "provider": PROVIDER.node_id,
        "package": blob_id(b"package"),
        "terms": b"t" * 32,
        "input": blob_id(b"input"),
        "outcome": [1],
        "fuel": 1_234,
        "trace": None,
        **changes,
    }
    fields = list(values.values())
    return [*fields[:5], [fields[5:]]]


def _many(count: int) -> list[Value]:
    names = _fields()[:5]
    results: list[Value] = [
        [blob_id(b"%d" % number), [0, blob_id(b"output"), 6], number, None]
        for number in range(count)
    ]
    return [*names, results]


def _signed(fields: Value, *, signer: Identity = PROVIDER, network: NetworkId = NETWORK) -> bytes:
    return encode(sign(RECEIPT, network, signer, fields).to_value())


def _reject(name: str, fields: Value, rule: str = "7.7") -> dict[str, str]:
    return {"name": name, "hex": _signed(fields).hex(), "rule": rule}
