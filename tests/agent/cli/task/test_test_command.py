"""How ``fogbank task test`` says what a run costs."""

import pytest

from fogbank_agent.cli.task.test_command import in_drops


@pytest.mark.parametrize(("drops", "said"), [(0, "0 drops"), (1, "1 drop"), (2_000, "2,000 drops")])
def test_one_drop_is_no_plural(drops: int, said: str) -> None:
    assert in_drops(drops) == said
