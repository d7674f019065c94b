"""``fogbank task test``: try a task in the sandbox."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import TrialFailed
from ..options import json_option, print_json
from .options import folder_option

if TYPE_CHECKING:
    from ...authoring.manifest import TaskManifest
    from ...authoring.trial import TrialResult

_PRICE = 100
_START_PRICE = 1


@click.command("test")
@folder_option
@click.option(
    "--price",
    type=click.IntRange(0, 1 << 62),
    default=_PRICE,
    show_default=True,
    help="Drops for a gigafuel, to say what a run costs.",
)
@click.option(
    "--start-price",
    type=click.IntRange(0, 1 << 62),
    default=_START_PRICE,
    show_default=True,
    help="Drops for the start of a run, which come on top.",
)
@click.option(
    "--native", "native_only", is_flag=True, help="Leave out the portable engine, which is slow."
)
@json_option
def command(folder: Path, price: int, start_price: int, native_only: bool, as_json: bool) -> None:
    """Try the task of this folder: every [[test]] of its manifest, on two engines.

    Build it first.  Each test is run twice on the engine that providers use and once on a portable
    one, pulley64, that is interpreted and 7 to 30 times slower.  Outcome and fuel, by which a run
    is billed, must be the same every time.
    """
    import trio

    from ...authoring.building import read_module
    from ...authoring.manifest_file import read_manifest

    manifest = read_manifest(folder)
    module = read_module(manifest, folder)
    results: list[TrialResult] = []

    def told(result: "TrialResult") -> None:
        results.append(result)
        if not as_json:
            _print(result)

    trio.run(_try, manifest, module, folder, (price, start_price), native_only, told)
    failed = [result for result in results if not result.passed]
    if as_json:
        print_json(
            {
                "passed": not failed,
                "price_per_gigafuel": price,
                "start_price": start_price,
                "tests": results,
            }
        )
    elif not results:
        click.echo("there is no [[test]] in fogtask.toml: the module can be packed, that is all")
    if failed:
        raise TrialFailed(f"{len(failed)} of {len(results)} tests failed: {failed[0].name}")


async def _try(
    manifest: "TaskManifest",
    module: bytes,
    folder: Path,
    prices: tuple[int, int],
    native_only: bool,
    told: Callable[["TrialResult"], None],
) -> None:
    from fogbank_protocol.identity import Identity

    from ...authoring.packing import open_task, pack
    from ...authoring.trial import BOTH_TARGETS, local_sandboxes, try_all

    # Who signs has no influence on a run, so no key is needed to try one.
    package = open_task(pack(manifest, module, Identity.from_seed(bytes(32))), "the module")
    async with local_sandboxes(BOTH_TARGETS[:1] if native_only else BOTH_TARGETS) as sandboxes:
        price, start_price = prices
        await try_all(
            sandboxes,
            package,
            manifest,
            folder,
            price=price,
            start_price=start_price,
            on_result=told,
        )


def in_drops(drops: int) -> str:
    """Return ``drops`` as a person says it."""
    return f"{drops:,} drop" if drops == 1 else f"{drops:,} drops"


def _print(result: "TrialResult") -> None:
    click.echo(f"{'ok  ' if result.passed else 'FAIL'}  {result.name}")
    if result.why:
        click.echo(f"      {result.why}")
    click.echo(
        f"      {result.outcome}, {result.fuel:,} fuel, {in_drops(result.price)}, "
        f"{result.peak_memory_bytes / 1024:,.0f} KiB of memory, {result.output_bytes:,} bytes out, "
        f"{result.wall_ms:.1f} ms"
    )
    engines = " and ".join(result.engines)
    same = "the same" if result.deterministic else "NOT the same"
    click.echo(f"      run again on {engines}: {same}")
    if result.diagnostics and not result.passed:
        click.echo(f"      standard error: {result.diagnostics.strip()!r}")
