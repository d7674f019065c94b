"""Which seats a person wants, from one seat more or less."""

import pytest

from fogbank_agent.control.seat_answers import changed
from fogbank_agent.errors import Refused
from fogbank_dag_ledger.committee_operations import table_of
from fogbank_dag_ledger.limits import SEATS_MAX
from fogbank_protocol.identity import NodeId

ANN, BEN = (NodeId(bytes([number]) * 32) for number in (1, 2))


def test_a_seat_has_one_vote_and_two_thirds_and_one_more_decide() -> None:
    assert changed(table_of({ANN: 1}, 1), BEN, adds=True) == table_of({ANN: 1, BEN: 1}, 2)
    assert changed(table_of({ANN: 1, BEN: 1}, 2), ANN, adds=False) == table_of({BEN: 1}, 1)


def test_what_changes_nothing_or_leaves_nobody_is_refused() -> None:
    with pytest.raises(Refused, match="has a seat already"):
        changed(table_of({ANN: 1}, 1), ANN, adds=True)
    with pytest.raises(Refused, match="has no seat"):
        changed(table_of({ANN: 1}, 1), BEN, adds=False)
    with pytest.raises(Refused, match="1 to 32 seats"):
        changed(table_of({ANN: 1}, 1), ANN, adds=False)
    full = {NodeId(bytes([number]) * 32): 1 for number in range(100, 100 + SEATS_MAX)}
    with pytest.raises(Refused, match="1 to 32 seats"):
        changed(table_of(full, 22), BEN, adds=True)
