"""What may be said of every run that neighbours are to do: the options, in one place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any

import click

from ..control.requests.jobs import RunInput, StartJob
from ..limits import PRICE_MAX, RUN_FUEL_MAX
from .options import environment_option


@dataclass(frozen=True, slots=True)
class OrderOptions:
    """What was said; None for what config.toml is to say."""

    arguments: tuple[str, ...]
    environment: tuple[str, ...]
    seed: int
    verify: str | None
    price_max: int | None
    start_price_max: int | None
    fuel_max: int | None
    deadline: int | None
    patience: int | None

    @property
    def is_for_a_market(self) -> bool:
        """Whether something was said that means nothing without neighbours."""
        market = (self.verify, self.price_max, self.start_price_max, self.patience)
        return any(option is not None for option in market)

    def job(self, task_id: bytes, task_name: str, inputs: Sequence[RunInput]) -> StartJob:
        """Return the request for a job on these terms."""
        return StartJob(
            task_id=task_id,
            task_name=task_name,
            inputs=tuple(inputs),
            arguments=self.arguments,
            environment=self.environment,
            seed=self.seed,
            verify=self.verify,
            price_max=self.price_max,
            start_price_max=self.start_price_max,
            fuel_max=self.fuel_max,
            deadline_s=self.deadline,
            patience_s=self.patience,
        )


def order_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options; ``command`` gets them together, as ``order``."""

    @wraps(command)
    def with_order(**given: Any) -> None:
        said = {field.name: given.pop(field.name) for field in fields(OrderOptions)}
        command(order=OrderOptions(**said), **given)

    decorated: Callable[..., None] = with_order
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


_OPTIONS: Sequence[Callable[[Callable[..., None]], Callable[..., None]]] = (
    click.option(
        "--arg", "arguments", metavar="A", multiple=True, help="An argument for the task."
    ),
    environment_option,
    click.option(
        "--seed", type=click.IntRange(0, (1 << 64) - 1), default=0, help="Its random seed."
    ),
    click.option(
        "--verify",
        metavar="POLICY",
        help="How results are checked: auto, none (whatever is said is paid), audit, verify (by "
        "the task's own verifier), partial (some runs of each lot again) or quorum:K (K that lie "
        "together are believed).",
    ),
    click.option(
        "--price-max", type=click.IntRange(0, PRICE_MAX), help="Drops for a gigafuel, at most."
    ),
    click.option(
        "--start-price-max", type=click.IntRange(0, PRICE_MAX), help="Drops for a start, at most."
    ),
    click.option(
        "--fuel-max", type=click.IntRange(1, RUN_FUEL_MAX), help="Fuel that one run may use."
    ),
    click.option("--deadline", type=click.IntRange(1, 3600), help="Seconds that one run may take."),
    click.option("--patience", type=click.IntRange(1, 3600), help="Seconds to wait for a taker."),
)
