"""Measures what counting fuel costs: ``python -m benchmarks.metering``, one JSON object a line.

Ratios of CPU time to the same code in the same engine without any counting, with fuel, depth and
the NaN rule on; and how fast modules are rewritten.  All forms run in turns, forth and back, each
time for some milliseconds, on one processor.  What else a machine does only ever adds to a time,
so the shortest of many is compared.  Where code and memory happen to lie is a part of it too: all
forms are compiled anew a few times.  What is told is the ratio of the shortest times of all; beside
it are the least, the median and the most of the ratios of the shortest times of each compilation.
"""

import json
import os
import platform
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import process_time, thread_time
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
ROUNDS = 25
PLACES = 7
"""How often everything is compiled anew; ``ROUNDS`` each time."""

FUEL = 1 << 41
ARGUMENTS = {"matmul": 1, "sieve": 1, "hash": 8, "fib": 26}
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
    shortest: dict[str, list[float]] = {form: [] for form in forms}
    for _ in range(PLACES):
        contenders = {form: Contender(code) for form, code in forms.items()}
        order = list(contenders)
        # The first time reads memory that was never touched.
        found = _time_each(contenders, order, work)
        for _ in range(ROUNDS):
            order.reverse()
            for form, seconds in _time_each(contenders, order, work).items():
                found[form] = min(found[form], seconds)
        for form, seconds in found.items():
            shortest[form].append(seconds)
    plain = shortest["plain"]
    _report_ratio(f"metering.{name}", shortest["quick"], plain, TARGETS[name])
    _report_ratio(f"metering.precise.{name}", shortest["precise"], plain, None)


def _time_each(
    contenders: Mapping[str, Contender], order: list[str], work: Callable[[Contender], object]
) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for form in order:
        contenders[form].refill()
        started = thread_time()
        work(contenders[form])
        seconds[form] = thread_time() - started
    return seconds


def _report_ratio(
    name: str, seconds: list[float], plain: list[float], target: float | None
) -> None:
    ratio = min(seconds) / min(plain)
    each = [mine / other for mine, other in zip(seconds, plain, strict=True)]
    told = [round(found, 3) for found in (min(each), median(each), max(each))]
    more: dict[str, object] = {"of each compilation": told}
    if target is not None:
        more |= {"target": target, "is met": ratio <= target}
    report(name, ratio, "times plain", **more)


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


def stay_on_one_processor() -> None:
    """Keep this process where it is, where the system can: moving costs it its caches."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def main() -> None:
    stay_on_one_processor()
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
