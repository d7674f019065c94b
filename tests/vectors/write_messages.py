"""What carries the market's signed objects: bodies and items of its calls (SPEC.md 9.1 to 9.8)."""

from collections.abc import Sequence
from typing import Any

from fogbank_agent.market.agreements import AgreementId
from fogbank_agent.market.tally import next_root
from fogbank_protocol.encoding import Value, encode

SIGNED: Value = [b"\x01\x02", bytes(64)]
"""A body and its signature, neither of which is looked at before the whole has its form."""

SIGNATURE = b"\xe5" * 64
ONE, TWO = b"\xd1" * 32, b"\xd2" * 32
AUTHORS: list[Value] = [[bytes([number]) * 32, number] for number in range(1, 10)]
PAID: list[Value] = [b"\xc7" * 32, 7, 100, 5, b"\xc8" * 32, AUTHORS[:2], SIGNATURE]
SETTLEMENT: list[Value] = [PAID, [ONE, TWO], [[ONE, "wrong_result"]]]
OPENING: list[Value] = [SIGNED, b"\x93", SIGNATURE, [b"input", None]]
TOLD: list[Value] = [1, 60, "192.0.2.7", 4_321, SIGNED]
ENDED: list[Value] = [2, SIGNED, [b"output", None], None]
CHANNEL = b"\xc7" * 32
SERVICE: list[Value] = [SIGNED, b"\x93", SIGNATURE]
CHARGED: list[Value] = [1, SIGNED, b"output"]
CALL: list[Value] = [ONE, b"input"]


def build() -> dict[str, Any]:
    """Return the vectors."""
    return {
        "spec": "9.1",
        "accept": [*_settlements(), *_openings(), *_items(), *_told(), *_ids(), *_services()],
        "reject": [
            *_bad("settlement", "9.6", SETTLEMENT, _SETTLEMENT_CHANGES),
            *_bad("opening", "9.5", OPENING, _OPENING_CHANGES),
            *_bad("item", "9.5", ENDED, _ENDED_CHANGES),
            *(_refused("item", name, "9.5", fields) for name, fields in _BAD_ITEMS.items()),
            *(_refused("told", name, rule, fields) for name, (rule, fields) in _BAD_TOLD.items()),
            *_bad("reveal", "9.6", [ONE], (("an id of 31 bytes", 0, bytes(31)),)),
            *_bad("close", "9.6", [CHANNEL], (("a channel of 33 bytes", 0, bytes(33)),)),
            *_bad("service", "9.8", SERVICE, _SERVICE_CHANGES),
            _refused("service", "an order that is not signed", "2.3", [[b"\x01"], *SERVICE[1:]]),
            *_bad("charged", "9.8", CHARGED, _CHARGED_CHANGES),
            *(_refused("charged", name, "9.8", one) for name, one in _BAD_CHARGED.items()),
            *_bad("call", "9.8", CALL, _CALL_CHANGES),
            *_bad("stop", "9.8", [ONE], (("a service of 31 bytes", 0, bytes(31)),)),
        ],
        "roots": [_root(bytes(32), [ONE]), _root(bytes(32), [TWO, ONE]), _root(TWO, [ONE, TWO])],
    }


def _settlements() -> list[dict[str, Any]]:
    nothing: list[Value] = [None, [], []]
    refusal: list[Value] = [None, [], [[ONE, "unverified"], [TWO, "a_code_of_tomorrow"]]]
    first: list[Value] = [bytes(32), 0, 0, 1, bytes(32), [], bytes(64)]
    largest: list[Value] = [
        b"\xff" * 32,
        7,
        (1 << 63) - 1,
        (1 << 63) - 1,
        b"\xff" * 32,
        AUTHORS[:8],
        b"\xff" * 64,
    ]
    return [
        _case("settlement", "a settlement", SETTLEMENT),
        _case("settlement", "nothing", nothing),
        _case("settlement", "refusals alone", refusal),
        _case("settlement", "the least voucher", [first, [], []]),
        _case("settlement", "the most of a voucher", [largest, [ONE], []]),
    ]


def _openings() -> list[dict[str, Any]]:
    full: list[Value] = [SIGNED, bytes(256), SIGNATURE, [bytes(32_768), *[None] * 255]]
    return [
        _case("opening", "two runs, one input inline", OPENING),
        _case("opening", "an empty input", [*OPENING[:3], [b""]]),
        _case("opening", "the longest agreement, the most runs, the largest input", full),
    ]


def _items() -> list[dict[str, Any]]:
    return [
        _case("item", "the agreement is made", [0, SIGNATURE]),
        _case("item", "a statement", [1, SIGNED]),
        _case("item", "the end", ENDED),
        _case("item", "the end after a commitment", [*ENDED[:3], b"\xab" * 32]),
        _case("item", "a commitment", [3, b"\xcd" * 32]),
        _case("item", "evidence", [4, [SIGNED]]),
        _case("item", "the most evidence", [4, [SIGNED] * 8]),
    ]


def _told() -> list[dict[str, Any]]:
    far: list[Value] = [3, 3_600, "2001:db8::1", 65_535, SIGNED]
    return [
        _case("told", "an offer passed on", [TOLD]),
        _case("told", "eight, the furthest and longest", [far] * 8),
    ]


def _ids() -> list[dict[str, Any]]:
    return [
        _case("reveal", "what was committed to is asked for", [ONE]),
        _case("close", "a channel is to be closed", [CHANNEL]),
    ]


def _services() -> list[dict[str, Any]]:
    return [
        _case("service", "a service is agreed on", SERVICE),
        _case("service", "the longest agreement", [SIGNED, bytes(256), SIGNATURE]),
        _case("charged", "the agreement is made", [0, SIGNATURE]),
        _case("charged", "a call and its output", CHARGED),
        _case("charged", "the largest output", [1, SIGNED, bytes(524_288)]),
        _case("charged", "a beat", [1, SIGNED, None]),
        _case("charged", "the end", [2, "service_stopped"]),
        _case("call", "a call", CALL),
        _case("call", "the largest input", [ONE, bytes(524_288)]),
        _case("stop", "a service is to end", [ONE]),
    ]


def _with(good: Sequence[Value], place: int, value: Value) -> list[Value]:
    return [*good[:place], value, *good[place + 1 :]]


def _paid(place: int, value: Value) -> Value:
    return _with(PAID, place, value)


_SETTLEMENT_CHANGES: Sequence[tuple[str, int, Value]] = (
    ("a channel of 31 bytes", 0, _paid(0, bytes(31))),
    ("lane 8", 0, _paid(1, 8)),
    ("true for a lane", 0, _paid(1, True)),
    ("a total of 2^63", 0, _paid(2, 1 << 63)),
    ("count 0", 0, _paid(3, 0)),
    ("count 2^63", 0, _paid(3, 1 << 63)),
    ("a root of 31 bytes", 0, _paid(4, bytes(31))),
    ("more passed on than is paid", 0, _paid(5, [[b"\x01" * 32, 101]])),
    ("authors out of order", 0, _paid(5, [AUTHORS[1], AUTHORS[0]])),
    ("an author twice", 0, _paid(5, [AUTHORS[0], AUTHORS[0]])),
    ("nine authors", 0, _paid(5, AUTHORS)),
    ("a signature of 63 bytes", 0, _paid(6, bytes(63))),
    ("six fields of a payment", 0, PAID[:6]),
    ("accepted without a payment", 0, None),
    ("agreements out of order", 1, [TWO, ONE]),
    ("an agreement twice", 1, [ONE, ONE]),
    ("an agreement of 33 bytes", 1, [bytes(33)]),
    ("513 agreements", 1, [number.to_bytes(32, "big") for number in range(513)]),
    ("a code in capitals", 2, [[ONE, "WRONG"]]),
    ("a code of 33 letters", 2, [[ONE, "a" * 33]]),
    ("an empty code", 2, [[ONE, ""]]),
    ("a refusal without a code", 2, [[ONE]]),
    ("refusals out of order", 2, [[TWO, "busy"], [ONE, "busy"]]),
)
_OPENING_CHANGES: Sequence[tuple[str, int, Value]] = (
    ("an agreement of 257 bytes", 1, bytes(257)),
    ("a signature of 65 bytes", 2, bytes(65)),
    ("no inputs", 3, []),
    ("257 inputs", 3, [None] * 257),
    ("an input that does not ride", 3, [bytes(32_769)]),
    ("text for an input", 3, ["input"]),
)
_ENDED_CHANGES: Sequence[tuple[str, int, Value]] = (
    ("an item of kind 5", 0, 5),
    ("true for a kind", 0, True),
    ("no outputs", 2, []),
    ("257 outputs", 2, [None] * 257),
    ("an output that does not ride", 2, [bytes(32_769)]),
    ("a nonce of 31 bytes", 3, bytes(31)),
)
_BAD_ITEMS: dict[str, Value] = {
    "an agreement made with a signature of 63 bytes": [0, bytes(63)],
    "a commitment of 33 bytes": [3, bytes(33)],
    "no evidence": [4, []],
    "nine receipts as evidence": [4, [SIGNED] * 9],
}
_SERVICE_CHANGES: Sequence[tuple[str, int, Value]] = (
    ("an agreement of 257 bytes", 1, bytes(257)),
    ("a signature of 65 bytes", 2, bytes(65)),
)
_CHARGED_CHANGES: Sequence[tuple[str, int, Value]] = (
    ("an item of kind 3", 0, 3),
    ("true for a kind", 0, True),
    ("text for an output", 2, "output"),
    ("an output longer than a call's", 2, bytes(524_289)),
)
_BAD_CHARGED: dict[str, Value] = {
    "made with a signature of 63 bytes": [0, bytes(63)],
    "an end for no reason": [2, ""],
    "an end for a reason in capitals": [2, "STOPPED"],
    "a charge for an end": [2, SIGNED],
}
_CALL_CHANGES: Sequence[tuple[str, int, Value]] = (
    ("a service of 33 bytes", 0, bytes(33)),
    ("text for an input", 1, "input"),
    ("an input longer than a call's", 1, bytes(524_289)),
)
_BAD_TOLD: dict[str, tuple[str, Value]] = {
    "no offers": ("9.1", []),
    "nine offers": ("9.1", [TOLD] * 9),
    "hops 0": ("9.1", [_with(TOLD, 0, 0)]),
    "hops 4": ("9.1", [_with(TOLD, 0, 4)]),
    "nothing left": ("9.1", [_with(TOLD, 1, 0)]),
    "more left than any offer has": ("9.1", [_with(TOLD, 1, 3_601)]),
    "a field more": ("9.1", [[*TOLD, 0]]),
    "not an array of offers": ("9.1", 1),
}


def _case(kind: str, name: str, fields: Value) -> dict[str, Any]:
    return {"kind": kind, "name": name, "body": encode(fields).hex()}


def _refused(kind: str, name: str, rule: str, fields: Value) -> dict[str, Any]:
    return {**_case(kind, name, fields), "rule": rule}


def _bad(
    kind: str, rule: str, good: list[Value], changes: Sequence[tuple[str, int, Value]]
) -> list[dict[str, Any]]:
    cut = encode(good)[:-1]
    return [
        *(_refused(kind, name, rule, _with(good, at, value)) for name, at, value in changes),
        _refused(kind, "a field more", rule, [*good, 0]),
        _refused(kind, "a field less", rule, good[:-1]),
        _refused(kind, "not an array", rule, 1),
        {"kind": kind, "name": "a byte short", "body": cut.hex(), "rule": "2.1"},
    ]


def _root(before: bytes, paid: Sequence[bytes]) -> dict[str, Any]:
    root = next_root(before, [AgreementId(one) for one in paid])
    return {"before": before.hex(), "paid": [one.hex() for one in paid], "root": root.hex()}
