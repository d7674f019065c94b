"""The sensor statistics, run by plain Wasmtime and recomputed here in another way."""

import csv
import io
import json
import math
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank_wasm_tasks import examples
from fogbank_wasm_tasks.examples import module_bytes

SAMPLES = files(examples) / "sensor_statistics" / "samples"
SAMPLE_NAMES = ["balcony.csv", "greenhouse.csv", "living-room.csv"]


@cache
def linked() -> tuple[wasmtime.Linker, wasmtime.Module]:
    engine = wasmtime.Engine()
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    return linker, wasmtime.Module(engine, module_bytes("sensor_statistics"))


@pytest.fixture(scope="module", autouse=True)
def _freed_before_the_interpreter_ends() -> Iterator[None]:
    yield
    linked.cache_clear()


def run(log: bytes, *arguments: str) -> bytes:
    """Run the task in a fresh instance with ``log`` on its standard input."""
    linker, module = linked()
    with tempfile.TemporaryDirectory() as folder:
        given, answered = Path(folder, "in"), Path(folder, "out")
        given.write_bytes(log)
        answered.touch()
        wasi = wasmtime.WasiConfig()
        wasi.argv = ["sensor_statistics", *arguments]
        wasi.stdin_file = str(given)
        wasi.stdout_file = str(answered)
        store = wasmtime.Store(linker.engine)
        store.set_wasi(wasi)
        exports = linker.instantiate(store, module).exports(store)
        cast("wasmtime.Func", exports["_start"])(store)
        del exports, store
        return answered.read_bytes()


def report(log: bytes) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(run(log, "--json")))


def by_sensor(log: bytes) -> dict[str, dict[str, Any]]:
    return {record["sensor"]: record for record in report(log)["sensors"]}


def unix_time(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        when = datetime.fromisoformat(text)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def readings_of(log: bytes) -> tuple[dict[str, list[tuple[float, float]]], dict[str, int], int]:
    """Read a log with Python's own csv, datetime and float: readings, missing, bad lines."""
    readings: dict[str, list[tuple[float, float]]] = defaultdict(list)
    missing: dict[str, int] = defaultdict(int)
    bad = 0
    for line in log.decode().splitlines():
        if not line or line.startswith(("timestamp", "last_changed")):
            continue
        row = next(csv.reader([line], delimiter=";" if ";" in line else ","))
        try:
            time_s, sensor, value = unix_time(row[0]), row[1], row[2]
            if value in {"", "nan", "unknown", "unavailable"}:
                missing[sensor] += 1
            else:
                readings[sensor].append((time_s, float(value)))
        except (ValueError, IndexError):
            bad += 1
    return readings, missing, bad


def longest_gap(times: list[float]) -> float:
    gap, latest = 0.0, times[0]
    for time_s in times:
        gap, latest = max(gap, time_s - latest), max(time_s, latest)
    return gap


def outliers(values: list[float]) -> int:
    return sum(
        abs(value - statistics.mean(before)) > 3 * statistics.stdev(before)
        for before, value in ((values[:at], values[at]) for at in range(30, len(values)))
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_a_report_is_what_python_computes_of_the_same_log(name: str) -> None:
    log = (SAMPLES / name).read_bytes()
    readings, missing, bad = readings_of(log)

    answered = report(log)

    assert [record["sensor"] for record in answered["sensors"]] == sorted(readings)
    assert answered["bad"] == bad
    assert answered["readings"] == sum(map(len, readings.values()))
    assert answered["missing"] == sum(missing.values())
    for record in answered["sensors"]:
        times = [time_s for time_s, _ in readings[record["sensor"]]]
        values = [value for _, value in readings[record["sensor"]]]
        assert record["count"] == len(values)
        assert record["missing"] == missing[record["sensor"]]
        assert record["min"] == min(values)
        assert record["max"] == max(values)
        assert record["mean"] == pytest.approx(statistics.mean(values), abs=1e-4)
        assert record["stddev"] == pytest.approx(statistics.stdev(values), abs=1e-4)
        assert record["longest_gap_s"] == pytest.approx(longest_gap(times), abs=1e-4)
        assert record["outliers"] == outliers(values)
        assert record["out_of_order"] == sum(
            time_s < max(times[:at]) for at, time_s in enumerate(times) if at
        )


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_quantiles_are_within_two_percent_of_their_rank(name: str) -> None:
    log = (SAMPLES / name).read_bytes()
    readings, _, _ = readings_of(log)

    for sensor, record in by_sensor(log).items():
        values = sorted(value for _, value in readings[sensor])
        for key, share in (("p05", 0.05), ("median", 0.5), ("p95", 0.95)):
            low = values[max(0, math.floor((share - 0.02) * len(values)))]
            high = values[min(len(values) - 1, math.ceil((share + 0.02) * len(values)))]
            assert low - 1e-4 <= record[key] <= high + 1e-4, (sensor, key)


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_csv_says_the_same_as_json(name: str) -> None:
    log = (SAMPLES / name).read_bytes()

    text = run(log).decode()

    *records, totals = text.splitlines()
    rows = {row["sensor"]: row for row in csv.DictReader(io.StringIO("\n".join(records)))}
    answered = report(log)
    for record in answered["sensors"]:
        row = rows[record["sensor"]]
        assert {key: float(row[key]) for key in row if key != "sensor"} == {
            key: value for key, value in record.items() if key != "sensor"
        }
    assert totals == (
        f"# lines {answered['lines']}, readings {answered['readings']}, "
        f"missing {answered['missing']}, bad {answered['bad']}"
    )


@pytest.mark.parametrize("count", [1, 2, 5, 100, 256])
def test_up_to_256_readings_quantiles_are_exact(count: int) -> None:
    values = [at * 7919 % 256 for at in range(count)]
    log = "".join(f"{at},a,{value}\n" for at, value in enumerate(values)).encode()

    record = by_sensor(log)["a"]

    for key, share in (("p05", 0.05), ("median", 0.5), ("p95", 0.95)):
        assert record[key] == sorted(values)[math.ceil(share * count) - 1]


@pytest.mark.slow
def test_quantiles_of_many_rising_readings_stay_near_their_rank() -> None:
    count = 200_000
    log = b"".join(b"%d,a,%d\n" % (at, at) for at in range(count))

    record = by_sensor(log)["a"]

    assert record["p05"] == pytest.approx(0.05 * count, abs=0.02 * count)
    assert record["median"] == pytest.approx(0.5 * count, abs=0.02 * count)
    assert record["p95"] == pytest.approx(0.95 * count, abs=0.02 * count)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2000-02-29 12:34:56", 951827696),
        ("2026-05-03T12:30Z", 1777811400),
        ("2026-05-03T14:30:00.250+02:00", 1777811400.25),
        ("2026-05-03T09:00:00-0330", 1777811400),
        ("1777811400", 1777811400),
        ('"1777811400.5"', 1777811400.5),
    ],
)
def test_times_are_read_as_loggers_write_them(text: str, seconds: float) -> None:
    log = f"0,a,1\n{text},a,2\n".encode()

    assert by_sensor(log)["a"]["longest_gap_s"] == seconds


@pytest.mark.parametrize(
    "line",
    [
        b"yesterday,a,1",
        b"2026-02-29T00:00:00Z,a,1",
        b"2026-05-03T24:00:00Z,a,1",
        b"2026-05-03T12:00:00Zulu,a,1",
        b"-5,a,1",
        b"1,,1",
        b"1," + b"a" * 49 + b",1",
        b"1,a\x01,1",
        b"1,a,one",
        b"1,a,1.2.3",
        b"1,a,0x10",
        b"1,a,1e",
        b"1,a,100000000000",
        b"1,a,1234567890.1234567",
        b"1",
        b"\xff\xfe\x00",
        b"1,a," + b"1" * 600,
    ],
)
def test_a_bad_line_is_counted_and_the_next_one_is_read(line: bytes) -> None:
    answered = report(line + b"\n2,b,3\n")

    assert (answered["bad"], answered["readings"]) == (1, 1)
    assert [record["sensor"] for record in answered["sensors"]] == ["b"]


def test_headers_comments_marks_and_empty_lines_are_not_bad() -> None:
    answered = report(b"\xef\xbb\xbfTimestamp;Sensor;Value\r\n# a comment\r\n\r\n  \r\n1;a;2")

    assert (answered["bad"], answered["readings"], answered["lines"]) == (0, 1, 3)


def test_a_sensor_with_no_value_has_a_record_without_numbers() -> None:
    record = by_sensor(b"1,a,\n2,a,NaN\n")["a"]

    assert (record["count"], record["missing"], record["mean"]) == (0, 2, None)


def test_names_are_quoted_as_each_format_has_it() -> None:
    log = b'1,"a, b \\",2\n'

    assert list(by_sensor(log)) == ["a, b \\"]
    assert b'"a, b \\",1,0,' in run(log)


def test_an_empty_log_gives_an_empty_report() -> None:
    assert report(b"") == {"sensors": [], "lines": 0, "readings": 0, "missing": 0, "bad": 0}


@pytest.mark.parametrize(
    ("log", "arguments", "code"),
    [
        (b"", ["--xml"], 2),
        (b"".join(b"1,sensor-%d,2\n" % at for at in range(129)), [], 3),
    ],
)
def test_a_run_that_cannot_go_on_ends_with_its_exit_code(
    log: bytes, arguments: list[str], code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(wasmtime.ExitTrap) as raised:
        run(log, *arguments)

    assert raised.value.code == code


def test_a_hundred_and_twenty_eight_sensors_are_reported() -> None:
    log = b"".join(b"1,sensor-%d,2\n" % at for at in range(128))

    assert len(by_sensor(log)) == 128


@settings(max_examples=50, deadline=None)
@given(
    values=st.lists(st.decimals(-99999, 99999, places=4, allow_nan=False), min_size=2, max_size=40)
)
def test_any_values_have_pythons_mean_and_deviation(values: list[Any]) -> None:
    log = "".join(f"{at},a,{value}\n" for at, value in enumerate(values)).encode()
    floats = [float(value) for value in values]

    record = by_sensor(log)["a"]

    assert record["mean"] == pytest.approx(statistics.fmean(floats), abs=1e-3)
    assert record["stddev"] == pytest.approx(statistics.stdev(floats), abs=1e-3)
    assert (record["min"], record["max"]) == (min(floats), max(floats))


@settings(max_examples=100, deadline=None)
@given(log=st.binary(max_size=2000) | st.text(',;"\n\r1.e-aZ:T', max_size=400).map(str.encode))
def test_any_bytes_give_a_report(log: bytes) -> None:
    answered = run(log, "--csv").decode(errors="strict" if log.isascii() else "replace")

    assert answered.splitlines()[-1].startswith("# lines ")
