"""Runs compiled programs of the wasi-testsuite in the sandbox's engine and host."""

import json
from pathlib import Path
from typing import Any

from tests.conformance.script import Tally, reason
from tests.wasm_tasks.runs import run_command, run_exactly

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.module.checks import check_module
from fogbank_wasm_tasks.outcome import Exited
from fogbank_wasm_tasks.sandbox.engine import Engine
from fogbank_wasm_tasks.sandbox.messages import Finished

FUEL = 10**10


def run_programs(paths: list[Path]) -> Tally:
    """Run every program that needs no folder of its own."""
    engine = Engine(on_call=lambda _fuel: None)
    tally = Tally()
    for path in paths:
        said = path.with_suffix(".json")
        settings: dict[str, Any] = json.loads(said.read_text("utf-8")) if said.exists() else {}
        if "operations" in settings:
            settings = _flatten(settings["operations"])
        if settings.get("root") or settings.get("dirs"):
            tally.skipped["programs that need a folder"] += 1
            continue
        _run(engine, path, settings, tally)
    return tally


def _flatten(operations: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the older form of what a newer one says."""
    flat: dict[str, Any] = {}
    for each in operations:
        match each["type"]:
            case "run":
                flat |= {name: each[name] for name in ("args", "env", "root") if name in each}
            case "read":
                flat[each.get("id", "stdout")] = each.get("payload", "")
            case "wait":
                flat["exit_code"] = each.get("exit_code", 0)
            case other:
                flat.setdefault("unknown", []).append(other)
    return flat


def _run(engine: Engine, path: Path, settings: dict[str, Any], tally: Tally) -> None:
    module = path.read_bytes()
    name = f"{path.parent.parent.parent.name}/{path.stem}"
    try:
        check_module(module)
    except RemoteProtocolError as error:
        tally.refused[reason(str(error))] += 1
        return
    ended = run_exactly(
        engine,
        module,
        run_command(
            arguments=list(settings.get("args", ())),
            environment=list(settings.get("env", {}).items()),
            fuel_max=FUEL,
            output_bytes_max=1 << 20,
        ),
    )
    wanted_code = settings.get("exit_code", 0)
    code: object = ended.ending
    match ended.ending:
        case Exited(found):
            code = found
        case Finished():
            code = 0
        case _:
            pass
    if code != wanted_code:
        tally.failed.append(f"{name}: {code} instead of {wanted_code}; {ended.diagnostics!r}")
        return
    output = settings.get("stdout")
    if output is not None and ended.output != output.encode("utf-8"):
        tally.failed.append(f"{name}: {ended.output!r} instead of {output!r}")
        return
    tally.passed["programs"] += 1
