"""Rewritten modules do what they did, count what another engine counts, and do so everywhere."""

from pathlib import Path

import pytest
from tests.wasm_tasks.metering.injection.comparison import (
    complaint_about,
    generate,
    run_plain,
    run_rewritten,
)

SEEDS = 120


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, SEEDS, 20))
def test_generated_modules_do_and_cost_the_same_when_rewritten(first: int) -> None:
    complaints = {
        seed: complaint_about(module, shows_nans=shows_nans)
        for seed in range(first, first + 20)
        for module, shows_nans in [generate(seed)]
    }

    assert {seed: each for seed, each in complaints.items() if each} == {}


@pytest.mark.slow
def test_generated_modules_end_in_many_ways() -> None:
    ends = [run_rewritten(generate(seed)[0], None, is_precise=False) for seed in range(0, 120, 4)]

    assert len({each.trap for each in ends}) > 2
    assert sum(each.trap is None for each in ends) > 5
    assert max(each.fuel for each in ends) > 1_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parent / "corpus").glob("*.wasm")), ids=lambda path: path.stem
)
def test_real_programs_do_and_cost_the_same_when_rewritten(path: Path) -> None:
    module = path.read_bytes()
    plain = run_plain(module)

    assert plain.trap is None
    assert plain.fuel > 1_000
    assert run_rewritten(module, None, is_precise=False) == plain
    assert complaint_about(module, shows_nans=False) is None
