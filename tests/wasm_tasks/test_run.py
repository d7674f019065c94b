"""What a run may be asked."""

from typing import Any

import pytest

from fogbank_protocol.errors import LocalProtocolError
from fogbank_wasm_tasks.limits import FUEL_MAX
from fogbank_wasm_tasks.run import RunRequest


@pytest.mark.parametrize(
    "fields",
    [
        {"fuel_max": -1},
        {"fuel_max": FUEL_MAX + 1},
        {"arguments": ["x"] * 65},
        {"arguments": ["zero\0byte"]},
        {"arguments": ["ü" * 513]},
        {"environment": [("B", "1"), ("A", "2")]},
        {"environment": [("A", "1"), ("A", "2")]},
        {"environment": [("", "1")]},
        {"environment": [("A=B", "1")]},
        {"environment": [("A", "\0")]},
        {"environment": [(f"N{i:02}", "") for i in range(65)]},
        {"seed": 2**64},
        {"memory_bytes_max": 268_435_457},
        {"output_bytes_max": 67_108_865},
        {"wall_s_max": 0},
        {"wall_s_max": 3_601},
    ],
)
def test_a_request_beyond_a_bound_is_our_own_fault(fields: dict[str, Any]) -> None:
    merged: dict[str, Any] = {"input": b"", "fuel_max": 1, **fields}

    with pytest.raises(LocalProtocolError):
        RunRequest(**merged)


def test_a_request_at_its_bounds_is_made() -> None:
    RunRequest(
        input=b"",
        fuel_max=FUEL_MAX,
        arguments=["ü" * 512] * 64,
        environment=[(f"N{i:02}", "a=b") for i in range(64)],
        seed=2**64 - 1,
        wall_s_max=3_600,
    )
