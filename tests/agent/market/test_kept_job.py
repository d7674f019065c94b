"""What is kept of a job, and how outputs are joined."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.market.job_request import JobRequest
from fogbank_agent.market.kept_job import (
    KeptJob,
    decode_kept_job,
    encode_kept_job,
    groups,
    joined,
)
from fogbank_agent.market.orders import Audit, Quorum
from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.encoding import encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_wasm_tasks.verification.terms import StepPlan

TASK = JobRequest(
    package_id=BlobId(b"p" * 32),
    inputs=(),
    verification=Quorum(3),
    fuel_max=10**9,
    price_max=100,
    start_price_max=1,
    memory_bytes_max=1 << 20,
    hedge_s=2.5,
    arguments=("a", ""),
    environment=(("B", "1"), ("C", "")),
    plan=StepPlan(1, 1_024),
    seed=(1 << 64) - 1,
)
REDUCE = JobRequest(
    package_id=BlobId(b"r" * 32),
    inputs=(),
    verification=Audit(1),
    fuel_max=1,
    price_max=0,
    start_price_max=0,
    memory_bytes_max=1 << 20,
    hedge_s=inf,
)


@pytest.mark.parametrize("reduce", [None, REDUCE])
def test_a_job_is_read_back(reduce: JobRequest | None) -> None:
    job = KeptJob(name="a task", task=TASK, reduce=reduce, fan=7)
    assert decode_kept_job(encode_kept_job(job)) == job


@pytest.mark.parametrize("data", [b"", encode(1), encode([1, "a", [], None, 0])])
def test_a_file_that_somebody_changed_is_noticed(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_kept_job(data)


def test_each_output_stands_after_its_size() -> None:
    assert joined([b"ab", b"", b"c"]) == b"\2\0\0\0ab\0\0\0\0\1\0\0\0c"


@given(outputs=st.integers(1, 500), fan=st.integers(2, 50))
def test_groups_hold_every_output_once_and_in_order(outputs: int, fan: int) -> None:
    found = groups(outputs, fan)
    assert [place for group in found for place in group] == list(range(outputs))
    assert all(len(group) == fan for group in found[:-1])
    # It comes to an end: each level has fewer than the one before, until there is one.
    assert outputs == 1 or len(found) < outputs


def test_without_a_fan_all_are_joined_at_once() -> None:
    assert groups(100_000, 0) == [range(100_000)]
