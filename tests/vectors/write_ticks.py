"""Statements of work under way (SPEC.md section 9.5)."""

from typing import Any

from fogbank_agent.market.ticks import TICK
from fogbank_protocol.encoding import Value

from .market_objects import NETWORK, PROVIDER, accept, reject_any, reject_fields

AGREEMENT_ID = b"\xc3" * 32
CHECKPOINT: list[Value] = [2_048, 10**8, b"\xd1" * 32, b"\xd2" * 32, 70_000]
GOOD: list[Value] = [1, AGREEMENT_ID, PROVIDER.node_id, 10**8, None]


def build() -> dict[str, Any]:
    """Return the vectors."""
    least: list[Value] = [*GOOD[:3], 1, [0, 0, bytes(32), bytes(32), 1]]
    most_checkpoint: list[Value] = [
        65_536 * ((1 << 40) - 1) - 1,
        (1 << 42) - 1,
        b"\xff" * 32,
        b"\xff" * 32,
        67_108_864,
    ]
    most: list[Value] = [*GOOD[:3], 256 * ((1 << 42) - 1), most_checkpoint]
    return {
        "spec": "9.5",
        "domain": TICK.name,
        "net": NETWORK.hex(),
        "accept": [
            accept("a statement", TICK, PROVIDER, GOOD),
            accept("one with a checkpoint", TICK, PROVIDER, [*GOOD[:4], CHECKPOINT]),
            accept("the least of everything", TICK, PROVIDER, least),
            accept("the most of everything", TICK, PROVIDER, most),
        ],
        "reject": [
            *reject_any(TICK, PROVIDER, GOOD, "9.5"),
            *reject_fields(TICK, PROVIDER, GOOD, _CHANGES, "9.5"),
        ],
    }


def _with(place: int, value: Value) -> tuple[int, Value]:
    fields = list(CHECKPOINT)
    fields[place] = value
    return 4, fields


_CHANGES: dict[str, tuple[int, Value]] = {
    "an agreement id of 31 bytes": (1, bytes(31)),
    "a provider that is nil": (2, None),
    "no fuel": (3, 0),
    "more fuel than a lot can use": (3, 256 * ((1 << 42) - 1) + 1),
    "a checkpoint that is false": (4, False),
    "a checkpoint of four fields": (4, CHECKPOINT[:4]),
    "a position that no run has": _with(0, 65_536 * ((1 << 40) - 1)),
    "a checkpoint with too much fuel": _with(1, 1 << 42),
    "a root of 31 bytes": _with(2, bytes(31)),
    "a snapshot id of 33 bytes": _with(3, bytes(33)),
    "an empty snapshot": _with(4, 0),
    "a snapshot above 64 MiB": _with(4, 67_108_865),
}
