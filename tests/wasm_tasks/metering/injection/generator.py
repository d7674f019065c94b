"""Makes valid modules out of chance, for comparing what two engines make of them.

A module has a function ``run`` that leaves what it found in its memory.  All of them end: a loop
counts down a local of its own, and a function calls only those after it.  Code may trap, and then
it does so in every engine.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

TYPES: Final = ("i32", "i64", "f32", "f64")
_ALL_TYPES: Final = (*TYPES, "v128", "funcref")
_DEPTH_MAX: Final = 4
_LOCALS: Final = (*_ALL_TYPES, *_ALL_TYPES)
FUNCTIONS: Final = 5

_CONSTANTS: Final = {
    "i32": ("0", "1", "-1", "7", "65532", "0x80000000", "1000"),
    "i64": ("0", "1", "-1", "9", "0x8000000000000000", "123456789012"),
    "f32": ("0", "-0", "1.5", "-7e20", "inf", "nan", "-nan:0x1234", "nan:0x200001"),
    "f64": ("0", "-0", "2.25", "-1e300", "-inf", "nan", "-nan:0x123", "nan:0x4000000000001"),
}
_UNARY: Final = {
    "i32": ("clz", "popcnt", "extend8_s"),
    "i64": ("ctz", "popcnt", "extend32_s"),
    "f32": ("neg", "abs", "sqrt", "ceil", "nearest"),
    "f64": ("neg", "abs", "sqrt", "floor", "trunc"),
}
_BINARY: Final = {
    "i32": ("add", "sub", "mul", "xor", "shl", "rotl", "div_u", "rem_s"),
    "i64": ("add", "sub", "mul", "and", "shr_s", "rotr", "div_s", "rem_u"),
    "f32": ("add", "sub", "mul", "div", "min", "max", "copysign"),
    "f64": ("add", "sub", "mul", "div", "min", "max", "copysign"),
}
_TO_I32: Final = (
    ("i64", "i32.wrap_i64"), ("i64", "i64.eqz"), ("i32", "i32.eqz"), ("f32", "i32.reinterpret_f32"),
    ("f32", "i32.trunc_sat_f32_s"), ("f64", "i32.trunc_sat_f64_u"), ("f64", "i32.trunc_sat_f64_s"),
    ("funcref", "ref.is_null"), ("v128", "i32x4.extract_lane 2"), ("v128", "v128.any_true"),
)  # fmt: skip
_CONVERT: Final = {
    "i32": _TO_I32,
    "i64": (("i32", "i64.extend_i32_s"), ("f64", "i64.reinterpret_f64"),
            ("f32", "i64.trunc_sat_f32_s"), ("v128", "i64x2.extract_lane 1")),
    "f32": (("i32", "f32.reinterpret_i32"), ("f64", "f32.demote_f64"),
            ("i64", "f32.convert_i64_u"), ("v128", "f32x4.extract_lane 3")),
    "f64": (("i64", "f64.reinterpret_i64"), ("f32", "f64.promote_f32"),
            ("i32", "f64.convert_i32_s"), ("v128", "f64x2.extract_lane 0")),
    "v128": (("f32", "f32x4.splat"), ("f64", "f64x2.splat"), ("i32", "i8x16.splat"),
             ("i64", "i64x2.splat")),
}  # fmt: skip
_VECTOR_UNARY: Final = (
    "v128.not", "f32x4.neg", "f64x2.sqrt", "i16x8.abs", "f32x4.demote_f64x2_zero",
    "f64x2.promote_low_f32x4", "i32x4.trunc_sat_f32x4_s", "f32x4.nearest",
)  # fmt: skip
_VECTOR_BINARY: Final = (
    "i32x4.add", "f32x4.add", "f64x2.div", "f32x4.pmin", "f64x2.max", "i8x16.swizzle",
    "v128.xor", "i16x8.mul", "f64x2.lt",
)  # fmt: skip
_STORES: Final = {
    "i32": ("i32.store", "i32.store8"),
    "i64": ("i64.store", "i64.store16"),
    "f32": ("f32.store",),
    "f64": ("f64.store",),
    "v128": ("v128.store",),
}

_OTHER_NANS: Final = (
    "neg", "copysign", "f32.load", "f64.load", "f32.reinterpret_i32", "f64.reinterpret_i64",
)  # fmt: skip
"""What may make another NaN than arithmetic does."""


@dataclass(slots=True)
class _Scope:
    """Where code stands: what each label takes, innermost last; None for a loop's own label."""

    labels: Sequence[tuple[str, ...] | None]


class Generator:
    """Writes one module as text."""

    def __init__(
        self, seed: int, *, has_floats: bool, has_vectors: bool, has_one_nan: bool = False
    ) -> None:
        """Draw from ``seed``; vectors go with floats only.

        With ``has_one_nan`` nothing makes a NaN but arithmetic, and nothing changes its sign: an
        engine that makes each the one NaN then shows the same bits as one that does so when seen.
        """
        self._has_one_nan = has_one_nan
        self._chance = random.Random(seed)
        self._numbers = TYPES if has_floats else ("i32", "i64")
        self._types = (*self._numbers, *(("v128",) if has_vectors else ()), "funcref")
        self._signatures = [self._signature() for _ in range(FUNCTIONS)]
        self._function = 0
        self._counters = 0

    def module(self) -> str:
        """Return the text of the module; its export ``run`` takes and gives nothing."""
        functions = [self._write_function(each) for each in range(FUNCTIONS)]
        names = " ".join(f"$f{each}" for each in range(FUNCTIONS))
        types = "".join(
            f"(type $t{place} {self._text(*each)})" for place, each in enumerate(self._signatures)
        )
        return (
            f'(module {types} (memory (export "memory") 1 3) (table $t 8 16 funcref)'
            f'(elem (i32.const 1) {names}) (elem $e func $f1 $f2) (data $d "{"abc" * 20}")'
            '(elem $unneeded func $f1) (data $unused "x")'
            "(global $g0 (mut i32) (i32.const 3)) "
            + f"(global $g1 (mut {self._numbers[-1]}) ({self._numbers[-1]}.const 5))"
            + "".join(functions)
            + '(func (export "run") '
            + "".join(f"({each}.const 5) " for each in self._signatures[0][0] if each in TYPES)
            + "call $f0 "
            + self._consume(self._signatures[0][1])
            + "))"
        )

    def _signature(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        pick = self._chance.choices
        return (
            tuple(pick(self._numbers, k=self._chance.randrange(4))),
            tuple(pick(self._numbers, k=self._chance.randrange(3))),
        )

    @staticmethod
    def _text(parameters: tuple[str, ...], results: tuple[str, ...]) -> str:
        return f"(func (param {' '.join(parameters)}) (result {' '.join(results)}))"

    def _write_function(self, number: int) -> str:
        parameters, results = self._signatures[number]
        self._function = number
        self._counters = 0
        locals_ = [each for each in _LOCALS if each in self._types]
        self._chance.shuffle(locals_)
        self._locals = [*parameters, *locals_]
        code = self._statements(_Scope([results]), 1) + self._values(results, 2, _Scope([results]))
        counters = " ".join(["i32"] * self._counters)
        return f"(func $f{number} (type $t{number}) (local {' '.join(locals_)} {counters}) {code})"

    def _statements(self, scope: _Scope, depth: int) -> str:
        count = self._chance.randrange(1, 5)
        return "".join(f"{self._statement(scope, depth)} " for _ in range(count))

    def _statement(self, scope: _Scope, depth: int) -> str:
        plain: list[Callable[[_Scope, int], str]] = [
            self._set_local, self._store, self._bulk, self._drop, self._call, self._set_global,
        ]  # fmt: skip
        if depth <= _DEPTH_MAX:
            plain += [self._block, self._loop, self._if, self._block, self._loop, self._switch]
        return self._chance.choice(plain)(scope, depth)

    def _consume(self, kinds: tuple[str, ...]) -> str:
        return " ".join("drop" for _ in kinds)

    def _values(self, kinds: tuple[str, ...], depth: int, scope: _Scope) -> str:
        return " ".join(self._value(each, depth, scope) for each in kinds)

    def _set_local(self, scope: _Scope, depth: int) -> str:
        place = self._chance.randrange(len(self._locals))
        return f"{self._value(self._locals[place], depth, scope)} local.set {place}"

    def _set_global(self, scope: _Scope, depth: int) -> str:
        which, kind = self._chance.choice((("$g0", "i32"), ("$g1", self._numbers[-1])))
        return f"{self._value(kind, depth, scope)} global.set {which}"

    def _drop(self, scope: _Scope, depth: int) -> str:
        return f"{self._value(self._chance.choice(self._types), depth, scope)} drop nop"

    def _address(self, depth: int, scope: _Scope) -> str:
        # Most are inside; few are not, and trap.
        mask = "" if self._chance.random() < 0.01 else "i32.const 0x7ff8 i32.and"
        return f"{self._value('i32', depth + 1, scope)} {mask}"

    def _store(self, scope: _Scope, depth: int) -> str:
        kind = self._chance.choice([each for each in self._types if each in _STORES])
        operator = self._chance.choice(_STORES[kind])
        return (
            f"{self._address(depth, scope)} {self._value(kind, depth, scope)} {operator} offset=8"
        )

    def _bulk(self, scope: _Scope, depth: int) -> str:
        def short(most: int) -> str:
            return f"{self._value('i32', depth + 1, scope)} i32.const {most} i32.and"

        return self._chance.choice(
            (
                f"{self._address(depth, scope)} {short(255)} {short(127)} memory.fill",
                f"{self._address(depth, scope)} {short(511)} {short(63)} memory.copy",
                f"{self._address(depth, scope)} {short(7)} {short(31)} memory.init $d",
                f"{short(3)} memory.grow drop",
                f"{short(3)} {short(3)} {short(3)} table.copy $t $t",
                f"{short(3)} i32.const 0 {short(1)} table.init $t $e",
                f"{self._value('funcref', depth, scope)} {short(3)} table.grow $t drop",
                f"{short(3)} {self._value('funcref', depth, scope)} {short(3)} table.fill $t",
                f"{short(7)} {self._value('funcref', depth, scope)} table.set $t",
                "memory.size drop table.size $t drop data.drop $unused elem.drop $unneeded",
            )
        )

    def _block(self, scope: _Scope, depth: int) -> str:
        results = tuple(self._chance.choices(self._numbers, k=self._chance.randrange(3)))
        inner = _Scope([*scope.labels, results])
        code = self._statements(inner, depth + 1)
        if self._chance.random() < 0.7:
            code += self._branch(inner, depth + 1)
        code += self._values(results, depth + 1, inner)
        return f"(block (result {' '.join(results)}) {code}) {self._consume(results)}"

    def _branch(self, scope: _Scope, depth: int) -> str:
        places = [place for place, each in enumerate(scope.labels) if each is not None]
        place = self._chance.choice(places)
        kinds = scope.labels[place] or ()
        label = len(scope.labels) - 1 - place
        values = self._values(kinds, depth + 1, scope)
        if self._chance.random() < 0.3:
            # What follows is never reached, and counts for nothing.
            return f" {values} {'return' if place == 0 else f'br {label}'} "
        condition = self._value("i32", depth + 1, scope)
        return f" {values} {condition} br_if {label} {self._consume(kinds)} "

    def _loop(self, scope: _Scope, depth: int) -> str:
        counter = len(self._locals) + self._counters
        self._counters += 1
        kind = self._chance.choice(self._numbers)
        # Only what is here branches to the loop's own label, a few times.
        inner = _Scope([*scope.labels, None])
        return (
            f"i32.const {self._chance.randrange(1, 4)} local.set {counter} "
            f"{self._value(kind, depth + 1, scope)} (loop (param {kind}) (result {kind}) drop "
            f"{self._statements(inner, depth + 1)} {self._value(kind, depth + 1, inner)} "
            f"local.get {counter} i32.const 1 i32.sub local.tee {counter} br_if 0) drop"
        )

    def _if(self, scope: _Scope, depth: int) -> str:
        results = tuple(self._chance.choices(self._numbers, k=self._chance.randrange(2)))
        inner = _Scope([*scope.labels, results])
        condition = self._value("i32", depth + 1, scope)
        then = self._statements(inner, depth + 1) + self._values(results, depth + 1, inner)
        if not results and self._chance.random() < 0.5:
            return f"{condition} if {then} end"
        other = self._statements(inner, depth + 1) + self._values(results, depth + 1, inner)
        return (
            f"{condition} (if (result {' '.join(results)}) (then {then}) (else {other})) "
            f"{self._consume(results)}"
        )

    def _switch(self, scope: _Scope, depth: int) -> str:
        index = self._value("i32", depth + 1, scope)
        bodies = [self._statements(scope, depth + 2) for _ in range(2)]
        # The statements stand outside of the blocks that are branched to, so labels fit.
        return (
            f"block block {index} i32.const 3 i32.and br_table 0 1 0 1 end nop end "
            f"{bodies[0]} {bodies[1]}"
        )

    def _call(self, scope: _Scope, depth: int) -> str:
        if self._function + 1 >= FUNCTIONS or depth > _DEPTH_MAX:
            return "nop"
        callee = self._chance.randrange(self._function + 1, FUNCTIONS)
        parameters, results = self._signatures[callee]
        values = self._values(parameters, depth + 2, scope)
        way = self._chance.random()
        if way < 0.15 and results == self._signatures[self._function][1]:
            leave = self._chance.choice(
                (
                    f"return_call $f{callee}",
                    f"i32.const {callee + 1} return_call_indirect $t (type $t{callee})",
                )
            )
            return f"{self._value('i32', depth + 2, scope)} if {values} {leave} end"
        if way < 0.5:
            # Slots 1 to 5 hold the functions at first; a wrong one traps.
            slot = callee + 1
            return (
                f"{values} i32.const {slot} call_indirect $t (type $t{callee}) "
                f"{self._consume(results)}"
            )
        return f"{values} call $f{callee} {self._consume(results)}"

    def _value(self, kind: str, depth: int, scope: _Scope) -> str:
        ways: list[Callable[[], str]] = [lambda: self._leaf(kind)]
        if depth <= _DEPTH_MAX + 1:
            ways += [lambda: self._operate(kind, depth + 1, scope)] * 4
        return self._chance.choice(ways)()

    def _leaf(self, kind: str) -> str:
        places = [place for place, each in enumerate(self._locals) if each == kind]
        if places and self._chance.random() < 0.6:
            return f"local.get {self._chance.choice(places)}"
        match kind:
            case "v128":
                return "v128.const i64x2 0x7ff8000000000123 -5"
            case "funcref":
                return self._chance.choice(("ref.null func", "ref.func $f3", "ref.func $f4"))
            case _:
                constants = [each for each in _CONSTANTS[kind] if self._allows(each)]
                return f"{kind}.const {self._chance.choice(constants)}"

    def _operate(self, kind: str, depth: int, scope: _Scope) -> str:
        def value(of: str) -> str:
            return self._value(of, depth + 1, scope)

        if kind == "funcref":
            return f"{value('i32')} i32.const 7 i32.and table.get $t"
        ways = [f"{value(kind)} {value(kind)} {value('i32')} select"]
        places = [place for place, each in enumerate(self._locals) if each == kind]
        if places:
            ways.append(f"{value(kind)} local.tee {self._chance.choice(places)}")
        if kind == "v128":
            ways += [
                f"{value(kind)} {self._chance.choice(_VECTOR_UNARY)}",
                f"{value(kind)} {value(kind)} {self._chance.choice(_VECTOR_BINARY)}",
                f"{value(kind)} {value('f32')} f32x4.replace_lane 1",
                f"{value(kind)} {value('f64')} f64x2.replace_lane 0",
                f"{value(kind)} {value(kind)} i8x16.shuffle 0 17 2 9 4 5 6 7 8 9 1 1 1 3 4 31",
            ]
        else:
            unary = [each for each in _UNARY[kind] if self._allows(each)]
            ways += [f"{value(kind)} {kind}.{self._chance.choice(unary)}"]
            ways += [self._binary(kind, value(kind), value(kind)) for _ in range(2)]
            if self._allows(f"{kind}.load"):
                ways.append(f"{self._address(depth, scope)} {kind}.load")
        source, operator = self._chance.choice(
            [each for each in _CONVERT[kind] if each[0] in self._types and self._allows(each[1])]
        )
        ways.append(f"{value(source)} {operator}")
        return self._chance.choice(ways)

    def _allows(self, word: str) -> bool:
        return not (self._has_one_nan and (word in _OTHER_NANS or "nan:" in word))

    def _binary(self, kind: str, left: str, right: str) -> str:
        operator = self._chance.choice([each for each in _BINARY[kind] if self._allows(each)])
        if operator[:3] in ("div", "rem") and kind in ("i32", "i64"):
            # Most divisors are not zero, or few runs would come to their end.
            guard = "" if self._chance.random() < 0.02 else f"{kind}.const 2 {kind}.or"
            return f"{left} {right} {guard} {kind}.{operator}"
        return f"{left} {right} {kind}.{operator}"
