"""What a run costs, and what a bid is worth, in whole drops (SPEC.md section 9)."""

from ..limits import HASTE_PPM_PER_S, PARTS_PER_MILLION

GIGAFUEL = 10**9


def bill(fuel: int, price: int, start_price: int, runs: int = 1) -> int:
    """Return the drops due for a lot of ``runs`` runs that used ``fuel`` together.

    That is ``price`` drops a gigafuel, rounded up, and ``start_price`` for each run.
    """
    return -(-fuel * price // GIGAFUEL) + runs * start_price


def fuel_for(drops: int, price: int, start_price: int) -> int | None:
    """Return the most fuel of one run that costs at most ``drops``; None when fuel is free.

    It is 0 when not even the start can be paid.
    """
    if price == 0:
        return None if start_price <= drops else 0
    return max(0, drops - start_price) * GIGAFUEL // price


def expected_cost(
    *, bill_drops: int, wait_ms: int, fuel: int, fuel_per_s: int, audit_ppm: int, failures: int
) -> int:
    """Return what a run is expected to cost, in parts per million of a drop, for comparing bids.

    ``bill_drops`` is the expected bill.  ``wait_ms`` is the time until the run begins, fetching
    included; with ``fuel`` at ``fuel_per_s`` it makes the delay, of which each second counts
    ``HASTE_PPM_PER_S`` of the bill.  A check costs about one more run, with probability
    ``audit_ppm``.  Each of the last ``failures`` in a row is one run paid with time.
    """
    # One drop more than the bill, so that time still decides between those that ask nothing.
    base = bill_drops + 1
    delay_ms = wait_ms + fuel * 1_000 // fuel_per_s
    haste = delay_ms * HASTE_PPM_PER_S // 1_000
    return base * (PARTS_PER_MILLION + audit_ppm + haste) * (1 + failures)
