"""The files of vectors are what the code of today would write."""

import re

import pytest
from tests.vectors.write import FOLDER, TOPICS, written


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.slow
def test_a_file_of_vectors_is_up_to_date(topic: str) -> None:
    """When this fails on purpose, run ``make vectors`` and review the change as one of SPEC.md."""
    assert (FOLDER / f"{topic}.json").read_text("utf-8") == written(topic)


def test_every_file_of_vectors_has_a_topic() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(TOPICS)


def test_section_10_of_the_page_says_what_is_in_every_file() -> None:
    page = (FOLDER.parents[1] / "SPEC.md").read_text("utf-8")
    table = page.partition("\n## 10. ")[2].partition("\n| file |")[2]
    first_cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    listed = [name for cell in first_cells for name in re.findall(r"`([a-z]+)\.json`", cell)]
    assert sorted(listed) == sorted(TOPICS)
