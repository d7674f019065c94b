"""What requestors owe, and that nothing is paid twice with one transfer (SPEC.md section 9.6)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from fogbank_agent.market.agreements import AgreementId
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.settlements import Settlement
from fogbank_agent.trading.debts import Debts
from fogbank_agent.trading.journal import Journal
from fogbank_dag_ledger.own_account import PaymentView
from fogbank_dag_ledger.service.ledger_service import LedgerService
from fogbank_dag_ledger.vertex import VertexId
from fogbank_protocol.identity import NodeId

ANN, BEN, OWN = (NodeId(letter * 32) for letter in (b"a", b"b", b"o"))
VERTEX, OTHER_VERTEX = VertexId(b"v" * 32), VertexId(b"w" * 32)
ONE, TWO, THREE = (AgreementId(bytes([number]) * 32) for number in (1, 2, 3))


@dataclass(slots=True)
class Payments:
    """A ledger that knows only payments."""

    found: list[PaymentView] = field(default_factory=list[PaymentView])

    def payments(self, count: int = 50) -> Sequence[PaymentView]:
        """Return the last ones."""
        return self.found[:count]


def open_debts(folder: Path, ledger: Any = None) -> tuple[Debts, Journal]:
    journal = Journal(folder / "journal")
    return Debts(journal, cast("LedgerService", ledger or Payments()), OWN), journal


@pytest.fixture
def debts(tmp_path: Path) -> Debts:
    return open_debts(tmp_path)[0]


def test_a_bill_is_owed_until_its_transfer_is_final(debts: Debts) -> None:
    debts.earn(ONE, ANN, 10, 100)
    debts.earn(TWO, ANN, 10, 50)
    assert debts.debt(ANN) == 150
    debts.settle(ANN, Settlement(VERTEX, (ONE, TWO), ()))
    assert debts.debt(ANN) == 150
    debts.note_received(VERTEX, ANN, 150)
    assert debts.debt(ANN) == 0


def test_the_transfer_may_come_first(debts: Debts) -> None:
    debts.earn(ONE, ANN, 10, 100)
    debts.note_received(VERTEX, ANN, 100)
    assert debts.debt(ANN) == 100
    debts.settle(ANN, Settlement(VERTEX, (ONE,), ()))
    assert debts.debt(ANN) == 0


def test_a_transfer_that_is_too_small_pays_nothing(debts: Debts) -> None:
    debts.earn(ONE, ANN, 10, 100)
    debts.note_received(VERTEX, ANN, 99)
    debts.settle(ANN, Settlement(VERTEX, (ONE,), ()))
    assert debts.debt(ANN) == 100


def test_a_false_claim_is_logged_once_however_often_it_is_made(
    debts: Debts, caplog: pytest.LogCaptureFixture
) -> None:
    debts.earn(ONE, ANN, 10, 100)
    debts.note_received(VERTEX, ANN, 99)
    for _ in range(5):
        debts.settle(ANN, Settlement(VERTEX, (ONE,), ()))
    assert [record.message.partition(" ")[2] for record in caplog.records] == [
        "claims to have paid more than it has"
    ]


def test_a_transfer_pays_for_its_amount_once(debts: Debts) -> None:
    debts.earn(ONE, ANN, 10, 100)
    debts.earn(TWO, ANN, 10, 100)
    debts.note_received(VERTEX, ANN, 150)
    debts.settle(ANN, Settlement(VERTEX, (ONE,), ()))
    debts.settle(ANN, Settlement(VERTEX, (TWO,), ()))
    assert debts.debt(ANN) == 100


def test_nobody_pays_with_anothers_transfer_nor_settles_anothers_bill(debts: Debts) -> None:
    debts.earn(ONE, ANN, 10, 100)
    debts.earn(TWO, BEN, 10, 100)
    debts.note_received(VERTEX, BEN, 100)
    debts.settle(ANN, Settlement(VERTEX, (ONE, TWO), ()))
    assert (debts.debt(ANN), debts.debt(BEN)) == (100, 100)
    debts.settle(BEN, Settlement(VERTEX, (TWO,), ()))
    assert debts.debt(BEN) == 0


def test_a_settlement_that_is_repeated_changes_nothing(debts: Debts) -> None:
    debts.earn(ONE, ANN, 10, 100)
    debts.earn(TWO, ANN, 10, 107)
    debts.note_received(VERTEX, ANN, 100)
    for _ in range(3):
        debts.settle(ANN, Settlement(VERTEX, (ONE, THREE), ((TWO, Reason.UNVERIFIED),)))
    debts.settle(ANN, Settlement(OTHER_VERTEX, (ONE, TWO), ()))
    assert debts.debt(ANN) == 7


def test_refused_work_counts_as_debt_until_payments_make_up_for_it(debts: Debts) -> None:
    debts.earn(ONE, ANN, 10, 100)
    debts.earn(TWO, ANN, 10, 60)
    debts.settle(ANN, Settlement(None, (), ((ONE, Reason.WRONG_RESULT),)))
    assert debts.debt(ANN) == 160
    debts.note_received(VERTEX, ANN, 60)
    debts.settle(ANN, Settlement(VERTEX, (TWO,), ()))
    assert debts.debt(ANN) == 40


def test_what_costs_nothing_is_never_owed(tmp_path: Path) -> None:
    debts, journal = open_debts(tmp_path)
    debts.earn(ONE, ANN, 10, 0)
    assert debts.debt(ANN) == 0
    assert journal.earnings()[0].runs == 1


def test_debts_survive_a_restart_and_meet_the_payments_of_the_ledger(tmp_path: Path) -> None:
    debts, journal = open_debts(tmp_path)
    debts.earn(ONE, ANN, 10, 100)
    debts.earn(TWO, BEN, 10, 30)
    debts.settle(ANN, Settlement(VERTEX, (ONE,), ()))
    debts.settle(BEN, Settlement(None, (), ((TWO, Reason.WRONG_RESULT),)))
    journal.close()

    payment = PaymentView(VERTEX, ANN, OWN, 100, is_final=True, unix_time_s=0)
    debts, journal = open_debts(tmp_path, Payments([payment]))
    assert (debts.debt(ANN), debts.debt(BEN)) == (100, 30)
    debts.load_received()
    assert debts.debt(ANN) == 0
    (ann, ben) = journal.earnings()
    assert (ann.paid, ann.unpaid, ben.refused) == (100, 0, 30)
    journal.close()


def test_a_payment_that_is_not_final_pays_nothing(tmp_path: Path) -> None:
    payment = PaymentView(VERTEX, ANN, OWN, 100, is_final=False, unix_time_s=0)
    debts, _ = open_debts(tmp_path, Payments([payment]))
    debts.earn(ONE, ANN, 10, 100)
    debts.settle(ANN, Settlement(VERTEX, (ONE,), ()))
    debts.load_received()
    assert debts.debt(ANN) == 100
