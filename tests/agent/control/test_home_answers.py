"""Which seats a person means for a home."""

import pytest

from fogbank_agent.control.home_answers import table_for
from fogbank_agent.errors import Refused
from fogbank_dag_ledger.committee_operations import table_of
from fogbank_protocol.identity import NodeId

NAMES = [NodeId(bytes([number]) * 32) for number in range(1, 9)]


def test_two_thirds_and_one_more_decide_unless_something_else_is_said() -> None:
    four = dict.fromkeys(NAMES[:4], 1)
    assert table_for(NAMES[3::-1], 0) == table_of(four, 3)
    assert table_for(NAMES[:4], 4) == table_of(four, 4)
    assert table_for([NAMES[0], NAMES[0]], 0) == table_of({NAMES[0]: 1}, 1)


def test_a_home_that_cannot_be_is_refused() -> None:
    with pytest.raises(Refused, match="1 to 7 seats"):
        table_for(NAMES, 0)
    with pytest.raises(Refused, match="1 to 7 seats"):
        table_for([], 0)
    for quorum in (1, 2, 5, -3):
        with pytest.raises(Refused, match="more than half"):
            table_for(NAMES[:4], quorum)
