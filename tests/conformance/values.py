"""Constants and expectations of scripts, as bits."""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.conformance.text import Node, words

_BITS: Final = {"i8": 8, "i16": 16, "i32": 32, "i64": 64, "f32": 32, "f64": 64}
_FLOAT: Final = {"f32": ("<f", 0x7F80_0000, 23), "f64": ("<d", 0x7FF0_0000_0000_0000, 52)}
_CANONICAL, _ARITHMETIC = "nan:canonical", "nan:arithmetic"
_HEXADECIMAL: Final = re.compile(r"0x([0-9a-f]+)(?:\.([0-9a-f]*))?(?:p([+-]?\d+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Number:
    """A value: its type, and its bits as an unsigned number; a null reference has -1."""

    type: str
    bits: int

    @property
    def is_nan(self) -> bool:
        """Whether it is a float that is no number."""
        if self.type not in _FLOAT:
            return False
        _, infinity, _ = _FLOAT[self.type]
        return self.bits & ((1 << _BITS[self.type] - 1) - 1) > infinity


@dataclass(frozen=True, slots=True)
class Expected:
    """What a result has to be, lane by lane."""

    lane_type: str
    lanes: tuple[str, ...]

    def fits(self, found: Number) -> bool:
        """Tell whether ``found`` is one of the values that are right."""
        if self.lane_type.endswith("ref"):
            return self._fits_reference(found)
        size = _BITS[self.lane_type]
        return all(
            _fits_lane(self.lane_type, lane, found.bits >> size * place & (1 << size) - 1)
            for place, lane in enumerate(self.lanes)
        )

    @property
    def is_nan_as_integer(self) -> bool:
        """Whether it is an integer whose bits would be a NaN."""
        kind = {"i32": "f32", "i64": "f64"}.get(self.lane_type)
        return (
            kind is not None
            and len(self.lanes) == 1
            and Number(kind, _read_lane(self.lane_type, self.lanes[0])).is_nan
        )

    def _fits_reference(self, found: Number) -> bool:
        if self.lanes == ("null",):
            return found.bits == -1
        return found.bits >= 0 and self.lanes[0] in ("", str(found.bits))


@dataclass(frozen=True, slots=True)
class Either:
    """Several results of which each is right."""

    ways: tuple[Expected, ...]

    def fits(self, found: Number) -> bool:
        """Tell whether ``found`` is one of them."""
        return any(each.fits(found) for each in self.ways)


def read_argument(node: Node) -> Number:
    """Return the constant ``node``; ValueError when it is of another feature."""
    assert isinstance(node, list)
    operator, *lanes = words(node)
    match operator:
        case "ref.null":
            kind = {"func": "funcref", "extern": "externref"}.get(lanes[0])
            if kind is None:
                raise ValueError(operator)
            return Number(kind, -1)
        case "ref.extern":
            return Number("externref", int(lanes[0], 0))
        case "v128.const":
            kind = _lane_type(lanes[0])
            size = _BITS[kind]
            each = [_read_lane(kind, lane) << size * n for n, lane in enumerate(lanes[1:])]
            return Number("v128", sum(each))
        case _:
            kind, dot, _ = operator.partition(".")
            if not dot or kind not in _BITS:
                raise ValueError(operator)
            return Number(kind, _read_lane(kind, lanes[0]))


def read_expected(node: Node) -> Expected | Either:
    """Return the expectation ``node``; ValueError when it is of another feature."""
    assert isinstance(node, list)
    operator, *lanes = words(node)
    match operator:
        case "either":
            ways = [read_expected(each) for each in node[1:]]
            return Either(tuple(each for each in ways if isinstance(each, Expected)))
        case "v128.const":
            return Expected(_lane_type(lanes[0]), tuple(lanes[1:]))
        case "ref.null":
            return Expected("anyref", ("null",))
        case "ref.extern" | "ref.func":
            return Expected("anyref", tuple(lanes or ("",)))
        case "i32.const" | "i64.const" | "f32.const" | "f64.const":
            return Expected(operator[:3], (lanes[0],))
        case _:
            raise ValueError(operator)


def _lane_type(shape: str) -> str:
    return shape.partition("x")[0]


def _fits_lane(kind: str, lane: str, bits: int) -> bool:
    if lane not in (_CANONICAL, _ARITHMETIC):
        return _read_lane(kind, lane) == bits
    _, infinity, mantissa = _FLOAT[kind]
    quiet = infinity | 1 << mantissa - 1
    unsigned = bits & ~(1 << _BITS[kind] - 1)
    return unsigned == quiet if lane == _CANONICAL else unsigned & quiet == quiet


def _read_lane(kind: str, text: str) -> int:
    plain = text.replace("_", "")
    if kind in _FLOAT:
        return _read_float(kind, plain)
    return int(plain, 0 if "0x" in plain.lower() else 10) & (1 << _BITS[kind]) - 1


def _read_float(kind: str, text: str) -> int:
    code, infinity, mantissa = _FLOAT[kind]
    sign = 1 << _BITS[kind] - 1 if text.startswith("-") else 0
    text = text.lstrip("+-")
    if text.startswith("nan"):
        payload = int(text[4:], 0) if len(text) > 3 else 1 << mantissa - 1
        return sign | infinity | payload
    if text == "inf":
        return sign | infinity
    return sign | _nearest(text, code, infinity, mantissa)


def _nearest(text: str, code: str, infinity: int, mantissa: int) -> int:
    """Round the exact number to the nearest float of this size, ties to even."""
    numerator, denominator = _exact(text)
    if not numerator:
        return 0
    least = 2 - (1 << _exponent_bits(code) - 1) - mantissa
    power = max(numerator.bit_length() - denominator.bit_length() - mantissa - 1, least)
    while True:
        top, bottom = numerator << max(-power, 0), denominator << max(power, 0)
        quotient, rest = divmod(top, bottom)
        if quotient < 1 << mantissa + 1:
            break
        power += 1
    is_odd = quotient & 1 == 1
    quotient += 2 * rest > bottom or (2 * rest == bottom and is_odd)
    # A carry into the next power of two carries into the exponent, as it has to.
    exponent = power - least
    bits = quotient + (exponent << mantissa)
    return min(bits, infinity)


def _exponent_bits(code: str) -> int:
    return 8 if struct.calcsize(code) == 4 else 11


def _exact(text: str) -> tuple[int, int]:
    match = _HEXADECIMAL.fullmatch(text)
    if match is None:
        digits, _, power = text.lower().partition("e")
        whole, _, part = digits.partition(".")
        scale = int(power or 0) - len(part)
        value = int(whole + part)
        return value * 10 ** max(scale, 0), 10 ** max(-scale, 0)
    whole, part, power = match.groups()
    scale = int(power or 0) - 4 * len(part or "")
    value = int(whole + (part or ""), 16)
    return (value << scale, 1) if scale >= 0 else (value, 1 << -scale)


def all_arguments(nodes: Sequence[Node]) -> list[Number]:
    """Return all constants of a call."""
    return [read_argument(each) for each in nodes]
