"""A few seeds of what ``make simulate`` lives many of, and that it can see what it looks for."""

from dataclasses import replace

import pytest

from .disk import Disk
from .judge import Violation
from .life import Life, Plan
from .simulate import live

SEEDS_LOOKED_AT = 60
SHORT = 21


def violation(life: Life) -> str:
    """Return what the life of a world broke, nothing when all was well."""
    try:
        life.run()
    except Violation as found:
        return str(found)
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_whatever_happens_within_the_bound_no_rule_is_broken_and_all_agree(seed: int) -> None:
    outcome = live(seed)
    assert outcome.violation is None, f"make simulate FIRST={seed} SEEDS=1"
    assert outcome.met["final"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11364, 12000, 13171, 14493])
def test_what_broke_a_world_once_breaks_it_no_more(seed: int) -> None:
    assert live(seed).violation is None, f"make simulate FIRST={seed} SEEDS=1"


@pytest.mark.slow
def test_a_seed_decides_everything() -> None:
    one, other = live(SHORT), live(SHORT)
    assert (one.steps, one.met) == (other.steps, other.met)


@pytest.mark.slow
@pytest.mark.parametrize(("seats", "liars"), [(4, 2), (7, 3)])
def test_over_the_bound_two_are_confirmed_in_one_slot(seats: int, liars: int) -> None:
    plan = Plan(seats, others=2, liars=liars, lying_accounts=1, restored=0)
    found = (violation(Life(seed, plan)) for seed in range(SEEDS_LOOKED_AT))
    assert any(broken.startswith("two for one slot") for broken in found)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [401, 405])
def test_objects_are_settled_by_the_seats_of_the_present_epoch(seed: int) -> None:
    plan = Plan(5, others=4, liars=1, lying_accounts=0, restored=0, deals=True, reforms=True)
    assert violation(Life(seed, plan)) == ""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 19])
def test_what_is_pending_when_a_network_that_prunes_changes_its_seats_stays_so(seed: int) -> None:
    plan = replace(Life(seed).plan, reforms=True, prunes=True)
    assert violation(Life(seed, plan)) == ""


class ForgetfulDisk(Disk):
    """A disk that says it has synced and has not."""

    def sync_own(self) -> None:
        """Do nothing."""


@pytest.mark.slow
def test_a_disk_that_does_not_sync_is_noticed() -> None:
    plan = Plan(seats=4, others=2, liars=0, lying_accounts=0, restored=0)

    def broken(seed: int) -> str:
        life = Life(seed, plan)
        life.world.disks.update((name, ForgetfulDisk()) for name in life.world.community.names)
        return violation(life)

    found = [broken(seed) for seed in range(8)]
    assert any("not in the own log" in one for one in found)
