"""The walls around a worker, as the doctor tells of them."""

from dataclasses import fields, replace

import pytest

from fogbank_agent.doctor.finding import Level
from fogbank_agent.doctor.sandbox_checks import check_sandbox, judge
from fogbank_wasm_tasks.sandbox.pool import Protection

ALL = Protection(
    no_new_privileges=True,
    seccomp=True,
    network_closed=True,
    files_closed=True,
    programs_closed=True,
    memory_limited=True,
)
NAMES = [field.name for field in fields(ALL)]


def test_each_wall_has_a_line_and_a_missing_one_says_what_follows() -> None:
    assert {each.level for each in judge(ALL)} == {Level.OK}
    for place, name in enumerate(NAMES):
        findings = judge(replace(ALL, **{name: False}))
        assert [each.level for each in findings].index(Level.NOTE) == place
        assert findings[place].remedy
        assert "could not" not in findings[place].meaning


@pytest.mark.slow
def test_a_real_worker_is_asked() -> None:
    first, *walls = check_sandbox()
    assert (first.level, first.found) == (Level.OK, "a worker starts")
    assert len(walls) == len(NAMES)
