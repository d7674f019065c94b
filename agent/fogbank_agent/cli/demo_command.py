"""``fogbank demo``: five agents on this machine render a picture."""

from pathlib import Path

import click

from .options import json_option


@click.command("demo")
@click.option("--agents", type=click.IntRange(5, 16), default=5, show_default=True)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path("fogbank-demo"),
    show_default=True,
    help="Where the picture and the logs go.",
)
@click.option("--seed", type=click.IntRange(0, (1 << 64) - 1), default=0, show_default=True)
@click.option(
    "--samples",
    type=click.IntRange(1, 4096),
    default=12,
    show_default=True,
    help="Paths of light per pixel: fewer are faster and grainier.",
)
@json_option
def command(agents: int, out: Path, seed: int, samples: int, as_json: bool) -> None:
    """Watch agents on this machine find each other, render a picture together, and be paid.

    One of them is unplugged in the middle of a long calculation, which another one ends, and one
    lies about some results; everything is right all the same, and each is paid for what it did.
    """
    from ..demo.run_demo import run_demo

    run_demo(agents=agents, out=out, seed=seed, samples=samples, as_json=as_json)
