"""The sentences of reasons."""

from fogbank_agent.market.reasons import Reason, sentence


def test_a_run_that_a_restart_cut_off_is_not_the_end_of_a_kept_job() -> None:
    assert "kept job" in sentence(Reason.REQUESTOR_STOPPED)
