"""Puts fuel, depth and NaN rule into the body of one function (SPEC.md section 7.5).

The counter travels through a parameter and a result that every function gets, so that it stays in
a register; the global that the host sees is written where the host may look: around calls of the
host and before a trap of ours.  Written at every charge it would make a tight loop twice as slow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from . import instructions as op
from .binary import encode_signed, encode_unsigned, read_unsigned, skip_integer, with_length
from .counter import DEPTH_BITS, GUARDS
from .frame import Frame
from .patterns import DROP, FLOAT_VECTOR, NOP, PLAIN_OPERATOR, PLAIN_RUN
from .tally import Tally

_LEAF_SIZE_MAX: Final = 1_024
"""A larger function checks the fuel at its entry even if it calls nothing and has no loop."""

_NAN_SEEN: Final = {
    0x38: op.F32,  # f32.store
    0x39: op.F64,  # f64.store
    0x98: op.F32,  # f32.copysign: the sign of the second operand
    0xA6: op.F64,  # f64.copysign
    0xBC: op.F32,  # i32.reinterpret_f32
    0xBD: op.F64,  # i64.reinterpret_f64
}
"""Where NaN bits can be seen, with the type of the value on top of the stack."""

_NAN_SEEN_IN_VECTOR: Final = {0x13: op.F32, 0x14: op.F64, 0x20: op.F32, 0x22: op.F64}
"""The same behind the vector prefix: f32x4.splat, f64x2.splat, and both replace_lane."""

_STORES: Final = frozenset((0x38, 0x39))
_SPLATS: Final = frozenset((0x13, 0x14))
_EXACT: Final = frozenset((0x2A, 0x2B, 0x43, 0x44, 0xBE, 0xBF))
"""Loads, constants and reinterpretations to floats: their bits are the program's own."""

_LOCAL_OPERATORS: Final = frozenset((0x20, 0x21, 0x22))
_DEPTH_SHIFT: Final = op.I64_CONST + encode_signed(DEPTH_BITS)
_RAN_OUT: Final = op.I64_CONST + encode_signed(GUARDS - (1 << 64)) + op.I64_AND + op.I64_IS_NOT_ZERO
"""Tells of the counter on the stack whether fuel or depth is used up."""

_RESTORE_DEPTH: Final = b"restore depth"
"""Stands in the code for giving back the depth, until that is known."""


@lru_cache(1024)
def _charge(cost: int) -> bytes:
    """Return the code that takes ``cost`` units of fuel from the counter on the stack."""
    return op.I64_CONST + encode_signed(cost << DEPTH_BITS) + op.I64_SUB


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every function of one module shares."""

    counter_global: bytes
    """The index of the counter's global, encoded."""

    imports: int
    """How many functions are imported; they keep their types and know no counter."""

    import_twins: Mapping[int, int]
    """For an imported function, the one that calls it and carries the counter."""

    functions: Sequence[int]
    """The type of each function."""

    type_sizes: Sequence[int]
    """How many parameters and results each type has."""

    is_precise: bool
    """Whether the global is written at every charge, so that any trap finds it exact."""

    wait: bytes = b""
    """What calls the host when the counter ran out; empty where that ends the run at once."""

    referenced: set[int] = field(default_factory=set[int])
    """Functions that bodies take references to; grows as bodies are rewritten."""

    unchanged: dict[int, set[bytes]] = field(default_factory=dict[int, set[bytes]])
    """For the number of the local that moves, the operators seen that stay as they are: functions
    use the same few again and again, and looking them up is most of the work saved.
    """


@dataclass(slots=True)
class _Label:
    """A block that is open, and whether something branches to it."""

    operator: int
    is_target: bool = False


class BodyRewriter:
    """Rewrites one body.  Make one for each, and call ``rewrite`` once."""

    def __init__(
        self,
        around: Surroundings,
        code: bytes,
        start: int,
        end: int,
        parameters: int,
        block: bytes,
        tally: Tally | None = None,
    ) -> None:
        """Take the body in ``code`` from ``start`` to ``end``, of a function with ``parameters``.

        ``block`` is the block type that has no parameters and the function's results.  Where there
        is a ``tally``, it learns of every charge before that is made.
        """
        self._around = around
        self._tally = tally
        self._code = code
        self._end = end
        self._block = block
        self._frame = frame = Frame(code, start, end, parameters)
        self._parameters = parameters
        self._unchanged = around.unchanged.setdefault(parameters if frame.moved else -1, set())
        self._at = frame.code_start
        self._get = op.LOCAL_GET + frame.counter
        self._set = op.LOCAL_SET + frame.counter
        self._tee = op.LOCAL_TEE + frame.counter
        self._publish = self._get + op.GLOBAL_SET + around.counter_global
        self._die = op.IF_BEGIN + self._publish + self._go_on_or_die()
        self._out: list[bytes] = []
        self._segment: list[bytes] = []
        # A function entry costs one.
        self._cost = 1
        self._entry_cost: int | None = None
        self._at_loop_header = False
        self._calls = False
        self._labels: list[_Label] = []
        self._last = -1
        self.has_float_vectors = False
        """Whether it computes vectors of floats, whose NaNs are the engine's to make equal."""

    def _go_on_or_die(self) -> bytes:
        """Return what follows where the counter ran out: the end, unless the host gives more."""
        around = self._around
        if not around.wait:
            return op.UNREACHABLE_END
        again = around.wait + op.GLOBAL_GET + around.counter_global + self._tee + _RAN_OUT
        return again + op.IF_BEGIN + op.UNREACHABLE_END + op.END_CODE

    def rewrite(self) -> bytes:
        """Return the new body behind its length."""
        while True:
            self._take_run()
            operator = self._code[self._at]
            if operator == op.END and not self._labels:
                self._flush()
                return self._assemble()
            stop = self._take(operator, self._at + 1)
            self._last = -1
            self._at = stop

    def _take_run(self) -> None:
        match = PLAIN_RUN.match(self._code, self._at, self._end)
        if match is None:
            return
        stop = match.end()
        operators: list[bytes] = PLAIN_OPERATOR.findall(self._code, self._at, stop)
        self._cost += len(operators) - operators.count(DROP) - operators.count(NOP)
        unknown = {*operators} - self._unchanged
        changed = self._changed(unknown) if unknown else None
        if changed:
            self._segment.append(b"".join([changed.get(each, each) for each in operators]))
        else:
            self._segment.append(self._code[self._at : stop])
        self._last = operators[-1][0]
        self._at = stop

    def _changed(self, operators: set[bytes]) -> dict[bytes, bytes]:
        """Return those of ``operators`` that name what has another number now, and their form."""
        changed: dict[bytes, bytes] = {}
        for operator in operators:
            first = operator[0]
            if first in _LOCAL_OPERATORS:
                if self._frame.moved and read_unsigned(operator, 1)[0] == self._parameters:
                    changed[operator] = operator[:1] + self._frame.moved
                    continue
            elif first == op.REF_FUNC:
                function = self._twin(read_unsigned(operator, 1)[0])
                self._around.referenced.add(function)
                changed[operator] = operator[:1] + encode_unsigned(function)
                continue
            elif first == op.VECTOR_PREFIX and FLOAT_VECTOR.match(operator):
                # Told once for all functions that share what is unchanged: it is the module's.
                self.has_float_vectors = True
            self._unchanged.add(operator)
        return changed

    def _twin(self, function: int) -> int:
        return self._around.import_twins.get(function, function)

    def _take(self, operator: int, stop: int) -> int:
        """Take one operator that is not plain; ``stop`` is the place after its first byte."""
        match operator:
            case op.BLOCK | op.LOOP | op.IF:
                return self._take_opening(operator, stop)
            case op.ELSE | op.END:
                self._take_closing(operator)
                return stop
            case op.UNREACHABLE | op.RETURN:
                return self._take_leaving(operator, stop)
            case 0x0C | 0x0D | op.BR_TABLE:
                return self._take_branch(operator, stop)
            case op.CALL | op.RETURN_CALL:
                return self._take_call(operator, stop)
            case 0x11 | op.RETURN_CALL_INDIRECT:
                return self._take_indirect_call(operator, stop)
            case op.MEMORY_GROW:
                return self._take_growth(stop + 1)
            case 0xFC:
                return self._take_bulk(stop)
            case op.VECTOR_PREFIX:
                return self._take_into_vector(stop)
            case _:
                return self._take_float(operator, stop)

    def _take_opening(self, operator: int, stop: int) -> int:
        if self._code[stop] < 0x40 or self._code[stop] >= 0x80:
            kind, stop = read_unsigned(self._code, stop)
            self._frame.add_values(self._around.type_sizes[kind])
        else:
            stop += 1
        opening = self._code[self._at : stop]
        if operator == op.LOOP:
            self._flush()
            self._out.append(opening)
            self._at_loop_header = True
        else:
            self._segment.append(opening)
        if operator == op.IF:
            self._cost += 1
            self._flush()
        self._labels.append(_Label(operator))
        return stop

    def _take_closing(self, operator: int) -> None:
        code = self._code[self._at : self._at + 1]
        if operator == op.END:
            label = self._labels.pop()
            if label.operator != op.IF and not (label.operator == op.BLOCK and label.is_target):
                # Nothing comes in here from elsewhere: the segment goes on.
                self._segment.append(code)
                return
        self._flush()
        self._out.append(code)

    def _take_leaving(self, operator: int, stop: int) -> int:
        if operator == op.UNREACHABLE:
            self._segment.append(self._publish + b"\x00")
        else:
            # The function's label is the block that now holds the body.
            self._segment.append(b"\x0c" + encode_unsigned(len(self._labels)))
        self._flush()
        return stop

    def _take_branch(self, operator: int, stop: int) -> int:
        self._cost += 1
        count = 0
        if operator == op.BR_TABLE:
            count, stop = read_unsigned(self._code, stop)
        for _ in range(count + 1):
            depth, stop = read_unsigned(self._code, stop)
            if depth < len(self._labels):
                self._labels[-1 - depth].is_target = True
        self._segment.append(self._code[self._at : stop])
        self._flush()
        return stop

    def _take_call(self, operator: int, stop: int) -> int:
        function, stop = read_unsigned(self._code, stop)
        self._cost += 1
        around = self._around
        self._frame.add_values(around.type_sizes[around.functions[function]])
        if operator == op.RETURN_CALL:
            self._calls = True
            callee = encode_unsigned(self._twin(function))
            self._segment += (self._get, _RESTORE_DEPTH, b"\x12" + callee)
            self._flush()
        elif function < around.imports:
            self._segment.append(self._publish + self._code[self._at : stop])
            self._segment.append(op.GLOBAL_GET + around.counter_global + self._set)
        else:
            self._calls = True
            self._segment.append(self._get + self._code[self._at : stop] + self._set)
        return stop

    def _take_indirect_call(self, operator: int, stop: int) -> int:
        kind, table = read_unsigned(self._code, stop)
        stop = skip_integer(self._code, table)
        self._cost += 1
        self._calls = True
        self._frame.add_values(self._around.type_sizes[kind])
        place = self._frame.scratch(op.I32)
        twin = encode_unsigned(kind + len(self._around.type_sizes))
        call = bytes([operator]) + twin + self._code[table:stop]
        self._segment.append(op.LOCAL_SET + place + self._get)
        if operator == op.RETURN_CALL_INDIRECT:
            self._segment += (_RESTORE_DEPTH, op.LOCAL_GET + place + call)
            self._flush()
        else:
            self._segment.append(op.LOCAL_GET + place + call + self._set)
        return stop

    def _take_bulk(self, stop: int) -> int:
        which, stop = read_unsigned(self._code, stop)
        stop = skip_integer(self._code, stop)
        if which in op.BULK_TWO_INDICES:
            stop = skip_integer(self._code, stop)
        if which == op.BULK_TABLE_GROW:
            return self._take_growth(stop)
        self._cost += 1
        length = self._frame.scratch(op.I32)
        self._segment.append(op.LOCAL_SET + length)
        self._charge_length(op.LOCAL_GET + length)
        self._segment.append(op.LOCAL_GET + length + self._code[self._at : stop])
        return stop

    def _take_growth(self, stop: int) -> int:
        self._cost += 1
        length = self._frame.scratch(op.I32)
        before = self._frame.scratch(op.I32, 1)
        growth = self._code[self._at : stop]
        self._segment.append(op.LOCAL_TEE + length + growth + op.LOCAL_SET + before)
        has_failed = op.LOCAL_GET + before + op.I32_CONST_MINUS_ONE + op.I32_EQUAL
        self._charge_length(op.I32_CONST_ZERO + op.LOCAL_GET + length + has_failed + op.SELECT)
        self._segment.append(op.LOCAL_GET + before)
        return stop

    def _charge_length(self, length: bytes) -> None:
        """Charge as much as the code ``length`` leaves on the stack, an i32."""
        if self._tally is not None:
            self._segment.append(self._tally.charge_value(length + op.I64_EXTEND_I32_U))
        charge = self._get + length + op.I64_EXTEND_I32_U + _DEPTH_SHIFT + op.I64_SHL + op.I64_SUB
        self._segment.append(charge + self._tee + op.I64_IS_NEGATIVE + self._die)
        if self._around.is_precise:
            self._segment.append(self._publish)

    def _take_float(self, operator: int, stop: int) -> int:
        if operator in _STORES:
            stop = skip_integer(self._code, skip_integer(self._code, stop))
        self._take_seen(_NAN_SEEN[operator], stop)
        return stop

    def _take_into_vector(self, stop: int) -> int:
        which = self._code[stop]
        stop += 1 if which in _SPLATS else 2
        self._take_seen(_NAN_SEEN_IN_VECTOR[which], stop)
        return stop

    def _take_seen(self, kind: int, stop: int) -> None:
        self._cost += 1
        if self._last not in _EXACT:
            value = self._frame.scratch(kind)
            self._segment.append(op.LOCAL_TEE + value + op.NAN[kind] + op.LOCAL_GET + value)
            self._segment.append(op.LOCAL_GET + value + op.EQUAL[kind] + op.SELECT)
        self._segment.append(self._code[self._at : stop])

    def _flush(self) -> None:
        """End the segment: charge for all of it where it began."""
        if self._entry_cost is None:
            self._entry_cost = self._cost
        elif self._cost or self._at_loop_header:
            if self._tally is not None:
                self._out.append(self._tally.charge(self._cost))
            charge = self._get + _charge(self._cost)
            if self._at_loop_header:
                self._out.append(charge + self._tee + op.I64_IS_NEGATIVE + self._die)
            else:
                self._out.append(charge + self._set)
            if self._around.is_precise:
                self._out.append(self._publish)
        self._out += self._segment
        self._segment.clear()
        self._cost = 0
        self._at_loop_header = False
        self._last = -1

    def _assemble(self) -> bytes:
        charge = self._get + op.I64_CONST
        cost = (self._entry_cost or 0) << DEPTH_BITS
        leave = self._get
        if self._calls:
            units = self._frame.depth_units
            restore = op.I64_CONST + encode_signed(units) + op.I64_ADD
            entry = charge + encode_signed(cost + units) + op.I64_SUB + self._tee
            entry += _RAN_OUT + self._die
            leave += restore
            inside = b"".join([restore if each is _RESTORE_DEPTH else each for each in self._out])
        else:
            # What calls nothing cannot recurse, and its loops check for themselves.
            entry = charge + encode_signed(cost) + op.I64_SUB
            if self._frame.size > _LEAF_SIZE_MAX:
                entry += self._tee + op.I64_IS_NEGATIVE + self._die
            else:
                entry += self._set
            inside = b"".join(self._out)
        if self._around.is_precise:
            entry += self._publish
        if self._tally is not None:
            entry = self._tally.enter(self._entry_cost or 0) + entry
        body = self._frame.encode_locals() + entry
        body += b"\x02" + self._block + inside + op.END_CODE + leave + op.END_CODE
        return with_length(body)
