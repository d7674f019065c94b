"""What a run costs, in whole drops (SPEC.md section 9)."""

GIGAFUEL = 10**9


def bill(fuel: int, price: int, start_price: int) -> int:
    """Return the drops due for ``fuel`` at ``price`` drops a gigafuel plus ``start_price``."""
    return -(-fuel * price // GIGAFUEL) + start_price
