"""Orders, bids, agreements and charges of services (SPEC.md section 9.8).

The signature of an agreement is its requestor's.
"""

from collections.abc import Mapping
from typing import Any

from fogbank_agent.market.charges import CHARGE
from fogbank_agent.market.service_bids import SERVICE_AGREEMENT, SERVICE_BID
from fogbank_agent.market.service_orders import SERVICE_ORDER
from fogbank_protocol.encoding import Value
from fogbank_protocol.identity import Identity
from fogbank_protocol.signed import Domain

from .market_objects import (
    INPUT_ID,
    NETWORK,
    PACKAGE_ID,
    PROVIDER,
    REQUESTOR,
    accept,
    reject,
    reject_any,
    reject_fields,
)

_MOST = 10**12
SERVICE = b"\xc3" * 32

ORDER: list[Value] = [
    1,
    REQUESTOR.node_id,
    b"\x05" * 16,
    PACKAGE_ID,
    ["-x"],
    [["A", "1"]],
    7,
    10**9,
    1 << 24,
    1 << 16,
    10_000,
    600,
    3_500,
    1_000,
    100,
    10,
    1,
]
BID: list[Value] = [1, PROVIDER.node_id, b"\xc1" * 32, True, 100, 1, 5, 5_000, []]
DECLINE: list[Value] = [*BID[:3], False, 0, 0, 0, 0, ["busy", "too_hot"]]
AGREEMENT: list[Value] = [
    1,
    b"\xc1" * 32,
    b"\xc2" * 32,
    REQUESTOR.node_id,
    PROVIDER.node_id,
    100,
    1,
    5,
]
OK: Value = [0, b"\xa3" * 32, 5]
CALL: list[Value] = [1, SERVICE, PROVIDER.node_id, 3, 2_500, 12_345, INPUT_ID, OK]
BEGINNING: list[Value] = [*CALL[:3], 0, 0, 77, None, [0, b"\xa3" * 32, 0]]
BEAT: list[Value] = [*CALL[:3], 4, 4_500, 0, None, None]


def build() -> dict[str, Any]:
    """Return the vectors."""
    return {
        "spec": "9.8",
        "net": NETWORK.hex(),
        "accept": [
            _kind("order", accept("an order", SERVICE_ORDER, REQUESTOR, ORDER)),
            _kind("order", accept("the least of everything", SERVICE_ORDER, REQUESTOR, _LEAST)),
            _kind("bid", accept("a bid", SERVICE_BID, PROVIDER, BID)),
            _kind("bid", accept("a decline", SERVICE_BID, PROVIDER, DECLINE)),
            _kind("agreement", accept("an agreement", SERVICE_AGREEMENT, REQUESTOR, AGREEMENT)),
            _charge("the beginning", BEGINNING),
            _charge("a call", CALL),
            _charge("a call that ran out of fuel", [*CALL[:7], [1]]),
            _charge("a call that trapped", [*CALL[:7], [2, "unreachable"]]),
            _charge("a beginning that trapped", [*BEGINNING[:7], [2, "unreachable"]]),
            _charge("a beat", BEAT),
        ],
        "reject": [
            *_bad("order", SERVICE_ORDER, REQUESTOR, ORDER, _ORDER_CHANGES),
            *_bad("bid", SERVICE_BID, PROVIDER, BID, _BID_CHANGES),
            *_bad("agreement", SERVICE_AGREEMENT, REQUESTOR, AGREEMENT, _AGREEMENT_CHANGES),
            *_bad("charge", CHARGE, PROVIDER, CALL, _CHARGE_CHANGES),
            _wrong("a beat with fuel", [*BEAT[:5], 1, None, None]),
            _wrong("a beat with an input", [*BEAT[:6], INPUT_ID, None]),
            _wrong("a beginning with an input", [*BEGINNING[:6], INPUT_ID, OK]),
        ],
        "bills": [_bill(*case) for case in _BILLS],
    }


_LEAST: list[Value] = [*ORDER[:4], [], [], 0, 1, 65_536, 0, 1, 1, 1, 0, 0, 0, 0]

_BILLS = (
    ("the beginning", [100, 10, 1_000], 0, 1, 0, 0, True),
    ("a call after 1,500 ms", [100, 10, 7], 10**7, 3, 0, 1_500, True),
    ("the next beat, rounded once", [100, 10, 7], 0, 4, 1_500, 2_001, False),
    ("the most of everything", [_MOST, _MOST, _MOST], (1 << 42) - 1, 9, 0, 3_500_000, True),
)


def _bill(
    name: str,
    prices: list[int],
    fuel: int,
    sequence: int,
    before: int,
    warm_ms: int,
    starts: bool,
) -> dict[str, Any]:
    price, start_price, warm_price = prices
    work = -(-fuel * price // 10**9) + (start_price if starts else 0)
    warm = -(-warm_ms * warm_price // 1_000) - -(-before * warm_price // 1_000)
    return {
        "name": name,
        "prices": [str(one) for one in prices],
        "sequence": sequence,
        "fuel": str(fuel),
        "warm_ms_before": before,
        "warm_ms": warm_ms,
        "starts": starts,
        "drops": str(work + warm),
    }


def _kind(kind: str, case: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, **case}


def _charge(name: str, fields: list[Value]) -> dict[str, Any]:
    return _kind("charge", accept(name, CHARGE, PROVIDER, fields))


def _wrong(name: str, fields: list[Value]) -> dict[str, Any]:
    return _kind("charge", reject(name, CHARGE, PROVIDER, fields, "9.8"))


def _bad(
    kind: str,
    domain: Domain,
    signer: Identity,
    good: list[Value],
    changes: Mapping[str, tuple[int, Value]],
) -> list[dict[str, Any]]:
    cases = [
        *reject_any(domain, signer, good, "9.8"),
        *reject_fields(domain, signer, good, changes, "9.8"),
    ]
    return [_kind(kind, case) for case in cases]


_ORDER_CHANGES: dict[str, tuple[int, Value]] = {
    "a salt of 15 bytes": (2, bytes(15)),
    "no fuel": (7, 0),
    "too little memory": (8, 65_535),
    "an output longer than a call's": (9, 524_289),
    "no time for a call": (10, 0),
    "idle for no time": (11, 0),
    "a duration above 3,500 s": (12, 3_501),
    "a warm price above 10^12": (15, _MOST + 1),
    "a variable without a name": (5, [["", "1"]]),
}

_BID_CHANGES: dict[str, tuple[int, Value]] = {
    "a warm price above 10^12": (6, _MOST + 1),
    "valid for no time": (7, 0),
    "a bid with a reason": (8, ["busy"]),
}

_AGREEMENT_CHANGES: dict[str, tuple[int, Value]] = {
    "an order id of 31 bytes": (1, bytes(31)),
    "a warm price above 10^12": (7, _MOST + 1),
}

_CHARGE_CHANGES: dict[str, tuple[int, Value]] = {
    "a service of 31 bytes": (1, bytes(31)),
    "a sequence above 2^32": (3, (1 << 32) + 1),
    "more time than the longest service": (4, 3_501_001),
    "fuel above 2^42 - 1": (5, 1 << 42),
    "a call without input": (6, None),
    "a fault of the machine": (7, [4, "worker_died"]),
}
