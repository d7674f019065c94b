"""The page that leads newcomers to the code: every hop arrives."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "page",
    [
        "docs/architecture.md",
        "docs/authors.md",
        "docs/operators.md",
        "README.md",
        "CONTRIBUTING.md",
    ],
)
def test_every_link_leads_to_something_that_exists(page: str) -> None:
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#]+)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), target
