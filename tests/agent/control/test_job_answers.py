"""How a job on the command line becomes a job of the market."""

import pytest

from fogbank_agent.control.job_answers import verification_of
from fogbank_agent.errors import Refused
from fogbank_agent.market.orders import (
    Audit,
    NoVerification,
    Partial,
    Quorum,
    Verification,
    Verify,
)


@pytest.mark.parametrize(
    ("text", "verification"),
    [
        ("none", NoVerification()),
        ("audit", Audit(5)),
        ("quorum:3", Quorum(3)),
        ("verify", Verify(5)),
        ("partial", Partial(5)),
    ],
)
def test_each_way_to_verify_is_understood(text: str, verification: Verification) -> None:
    assert verification_of(text, audit_ppm=5) == verification


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Audit",
        "quorum",
        "quorum:",
        "quorum:x",
        "quorum:1",
        "quorum:8",
        "quorum:33",
        "quorum:-1",
        "quorum:²",
    ],
)
def test_any_other_way_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="no way to verify"):
        verification_of(text, audit_ppm=5)
