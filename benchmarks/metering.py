"""Measures what counting fuel costs: ``python -m benchmarks.metering``, one JSON object a line.

Ratios of CPU time to the same code in the same engine without any counting, with fuel, depth and
the NaN rule on; and how fast modules are rewritten.  Each round runs every form once, in turns
forth and back, and gives a ratio: a machine that is busy or changes its clock makes a whole round
slower, not one form.  What is told is the median of these, with the middle half of them.  Every few
rounds all forms are compiled anew, because where code and memory happen to lie is a part of it too.
"""

import json
import platform
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles
from time import process_time
from typing import Any

import wasmtime

from fogbank_wasm_tasks.examples.path_tracer.picture import Picture, cut, tile_input
from fogbank_wasm_tasks.metering.injection import DEPTH_MAX, inject, pack_counter
from fogbank_wasm_tasks.metering.injection.binary import (
    encode_sections,
    encode_unsigned,
    read_unsigned,
)
from fogbank_wasm_tasks.metering.injection.layout import CODE, FUNCTIONS, in_order, read_layout
from fogbank_wasm_tasks.module.reserved import COUNTER

KERNELS = Path(__file__).parent / "kernels.wasm"
EXAMPLES = Path(__file__).parents[1] / "wasm_tasks" / "fogbank_wasm_tasks" / "examples"
ROUNDS = 16
PLACES = 4
"""How often everything is compiled anew; ``ROUNDS`` each time."""

FUEL = 1 << 41
ARGUMENTS = {"matmul": 6, "sieve": 2, "hash": 60, "fib": 30}
TARGETS = {"matmul": 1.20, "sieve": 1.35, "hash": 1.05, "fib": 1.35, "path_tracer": 1.25}
REWRITING_TARGET = 1.0
LARGE_BYTES = 1 << 20


def report(name: str, value: float, unit: str, **more: object) -> None:
    told = {"benchmark": name, "value": round(value, 3), "unit": unit, **more}
    print(json.dumps(told), flush=True)


class Contender:
    """An instance of one form of a module."""

    def __init__(self, module: bytes) -> None:
        engine = wasmtime.Engine()
        self.store = wasmtime.Store(engine)
        instance = wasmtime.Instance(self.store, wasmtime.Module(engine, module), [])
        self.exports: Mapping[Any, Any] = instance.exports(self.store)

    def call(self, name: str, *arguments: int) -> Any:
        """Call the export ``name``."""
        return self.exports[name](self.store, *arguments)

    def refill(self) -> None:
        """Give fuel for another round."""
        if COUNTER in self.exports:
            counter = wasmtime.Val.i64(pack_counter(FUEL, DEPTH_MAX))
            self.exports[COUNTER].set_value(self.store, counter)


def compare(module: bytes, name: str, work: Callable[[Contender], object]) -> None:
    forms = {
        "plain": module,
        "quick": inject(module, is_precise=False).module,
        "precise": inject(module, is_precise=True).module,
    }
    ratios: dict[str, list[float]] = {"quick": [], "precise": []}
    for _ in range(PLACES):
        contenders = {form: Contender(code) for form, code in forms.items()}
        order = list(contenders)
        # The first time reads memory that was never touched.
        _time_each(contenders, order, work)
        for _ in range(ROUNDS):
            order.reverse()
            seconds = _time_each(contenders, order, work)
            for form, found in ratios.items():
                found.append(seconds[form] / seconds["plain"])
    _report_ratio(f"metering.{name}", ratios["quick"], TARGETS[name])
    _report_ratio(f"metering.precise.{name}", ratios["precise"], None)


def _time_each(
    contenders: Mapping[str, Contender], order: list[str], work: Callable[[Contender], object]
) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for form in order:
        contenders[form].refill()
        started = process_time()
        work(contenders[form])
        seconds[form] = process_time() - started
    return seconds


def _report_ratio(name: str, ratios: list[float], target: float | None) -> None:
    low, middle, high = quantiles(ratios, n=4)
    more: dict[str, object] = {"middle half": [round(low, 3), round(high, 3)]}
    if target is not None:
        more |= {"target": target, "is met": middle <= target}
    report(name, middle, "times plain", **more)


def trace(tile: bytes, contender: Contender) -> None:
    address = contender.call("alloc", len(tile))
    contender.exports["memory"].write(contender.store, tile, address)
    contender.call("run", address, len(tile))


def repeated(module: bytes) -> bytes:
    """Return ``module`` with copies of its functions after it, to at least ``LARGE_BYTES``."""
    layout = read_layout(module)
    sections = dict(layout.sections)
    count, start = read_unsigned(sections[CODE], 0)
    _, kinds = read_unsigned(sections[FUNCTIONS], 0)
    times = 1 + LARGE_BYTES // len(sections[CODE])
    sections[CODE] = encode_unsigned(count * times) + sections[CODE][start:] * times
    sections[FUNCTIONS] = encode_unsigned(count * times) + sections[FUNCTIONS][kinds:] * times
    return encode_sections(in_order(sections))


def measure_rewriting() -> None:
    for path in sorted(EXAMPLES.glob("*/*.wasm")):
        module = repeated(path.read_bytes())
        seconds: list[float] = []
        for _ in range(5):
            started = process_time()
            inject(module, is_precise=False)
            seconds.append(process_time() - started)
        rate = len(module) / median(seconds) / 1e6
        target = {"target": REWRITING_TARGET, "is met": rate >= REWRITING_TARGET}
        report(f"metering.rewrite.{path.stem}", rate, "MB/s", **target)


def main() -> None:
    machine = f"{platform.machine()}, {platform.system()} {platform.release()}"
    versions = f"CPython {platform.python_version()}, wasmtime {version('wasmtime')}"
    print(json.dumps({"machine": machine, "versions": versions}), flush=True)
    measure_rewriting()
    kernels = KERNELS.read_bytes()
    for name, argument in ARGUMENTS.items():
        work: Callable[[Contender], object] = partial(_call_kernel, name, argument)
        compare(kernels, name, work)
    picture = Picture(width=256, height=256, seed=1, samples=8, bounces=8)
    tile = tile_input(picture, cut(picture, 64)[5])
    tracer = next(EXAMPLES.glob("path_tracer/*.wasm")).read_bytes()
    compare(tracer, "path_tracer", partial(trace, tile))


def _call_kernel(name: str, argument: int, contender: Contender) -> object:
    return contender.call(name, argument)


if __name__ == "__main__":
    main()
