"""``fogbank task profile``: which functions use the fuel."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import ConfigError, Refused, RunFailed, printable
from ..options import json_option, print_json, print_table
from ..run_inputs import find_inputs
from .options import folder_option, read_task_file

if TYPE_CHECKING:
    from fogbank_wasm_tasks.profile import Profile, Share
    from fogbank_wasm_tasks.run import RunRequest

    from ...authoring.manifest import TaskManifest, TrialSection

_ROWS = 25
_NAME_LETTERS_MAX = 70


@click.command("profile")
@click.argument("test", required=False)
@click.option(
    "--input",
    "input_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Profile a run on this file, in place of a test.",
)
@click.option(
    "--module",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Profile this module or package, in place of the task of the folder.",
)
@click.option(
    "--arg", "arguments", metavar="A", multiple=True, help="An argument, with --input or --module."
)
@click.option(
    "--top",
    type=click.IntRange(1, 100_000),
    default=_ROWS,
    show_default=True,
    help="How many functions to show.",
)
@folder_option
@json_option
def command(
    test: str | None,
    input_file: Path | None,
    file: Path | None,
    arguments: tuple[str, ...],
    top: int,
    folder: Path,
    as_json: bool,
) -> None:
    """Run TEST, the name of a [[test]], and tell which functions used the fuel.

    Without TEST it is the first one; with --input it is a run on that file.  A function's fuel is
    its own, without that of the functions it calls; all of it together is the fuel of the run, to
    the last unit.  Names are the compiler's: the task is built once more to learn them.
    """
    import trio

    from ...authoring.packing import open_task, pack
    from ...authoring.profiling import find_names, profile_run
    from ...authoring.trial import outcome_text, request_of

    is_free = file is not None or input_file is not None
    if test is not None and is_free:
        raise click.UsageError("--input and --module are for a run of no test: leave TEST out")
    if arguments and not is_free:
        raise click.UsageError("--arg is for --input and --module: a test has its own arguments")
    names: dict[int, str] | None = None
    if file is not None:
        package = open_task(read_task_file(file), file.name)
        request = _free_request(arguments, input_file)
    else:
        from fogbank_protocol.identity import Identity

        from ...authoring.building import read_module
        from ...authoring.manifest_file import read_manifest

        manifest = read_manifest(folder)
        module = read_module(manifest, folder)
        # Who signs has no influence on a run, so no key is needed to profile one.
        package = open_task(pack(manifest, module, Identity.from_seed(bytes(32))), "the module")
        if is_free:
            request = _free_request(arguments, input_file)
        else:
            request = request_of(_choose(manifest, test), folder)
        names = find_names(manifest, folder, module)
    found = trio.run(profile_run, package, request, names)
    outcome = outcome_text(found.report.outcome)
    if as_json:
        print_json(_answer(found, outcome))
    else:
        _print(found, outcome, top)
    if outcome.startswith("host_fault"):
        raise RunFailed(f"this machine could not finish the run: {outcome}")


def _free_request(arguments: tuple[str, ...], input_file: Path | None) -> "RunRequest":
    from ..local_run import LocalOrder, local_request

    [given] = find_inputs([] if input_file is None else [input_file], ())
    return local_request(given, LocalOrder(arguments=arguments))


def _choose(manifest: "TaskManifest", name: str | None) -> "TrialSection":
    if not manifest.test:
        raise ConfigError("there is no [[test]] in fogtask.toml: give an --input")
    if name is None:
        return manifest.test[0]
    for test in manifest.test:
        if test.name == name:
            return test
    known = ", ".join(f"'{test.name}'" for test in manifest.test)
    raise Refused(f"there is no test '{name}' in fogtask.toml: there are {known}")


def _answer(found: "Profile", outcome: str) -> dict[str, object]:
    from hashlib import sha256

    report = found.report
    return {
        "outcome": outcome,
        "fuel": report.fuel,
        "output_bytes": len(report.output),
        "output_sha256": sha256(report.output).hexdigest(),
        "peak_memory_bytes": report.peak_memory_bytes,
        "functions": found.shares,
    }


def _print(found: "Profile", outcome: str, top: int) -> None:
    report = found.report
    click.echo(f"{outcome}, {report.fuel:,} fuel\n")
    rows = [_row(share, report.fuel) for share in found.shares[:top]]
    left = found.shares[top:]
    if left:
        fuel = sum(share.fuel for share in left)
        rows.append([fuel, _percent(fuel, report.fuel), None, None, f"{len(left):,} others"])
    rows.append([report.fuel, _percent(report.fuel, report.fuel), None, None, "all"])
    print_table(["fuel", "percent", "calls", "a call", "function"], rows)


def _row(share: "Share", whole: int) -> list[object]:
    calls = share.calls or None
    a_call = None if calls is None else share.fuel // calls
    return [share.fuel, _percent(share.fuel, whole), calls, a_call, _name(share)]


def _name(share: "Share") -> str:
    name = printable(share.name)
    if len(name) > _NAME_LETTERS_MAX:
        name = f"{name[: _NAME_LETTERS_MAX - 1]}…"
    others = [each for each in share.exports if each != share.name]
    return f"{name} (exported as {', '.join(others)})" if others else name


def _percent(fuel: int, whole: int) -> float:
    return 100 * fuel / whole if whole else 0.0
