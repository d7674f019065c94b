"""The own bills: what is paid and told is kept as a sum alone (SPEC.md section 9.6)."""

from collections.abc import Sequence
from pathlib import Path

from fogbank_agent.limits import DUE_KEPT_S
from fogbank_agent.market.agreements import AgreementId
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.settlements import Payment, Settlement
from fogbank_agent.market.tally import Bill
from fogbank_agent.trading.bill_book import BillBook
from fogbank_agent.trading.journal import Journal
from fogbank_protocol.identity import Identity, NodeId

from .channel_views import a_channel, a_voucher

OWN = Identity.from_seed(b"o" * 32)
ANN = NodeId(b"a" * 32)
LOT, JOB = b"l" * 16, b"j" * 16
CHANNEL = a_channel(OWN.node_id, ANN, deposit=10**9)
AGREEMENT = AgreementId(b"g" * 32)


def named(number: int) -> AgreementId:
    return AgreementId(number.to_bytes(32, "big"))


def open_book(folder: Path) -> tuple[BillBook, Journal]:
    journal = Journal(folder / "journal")
    return BillBook(journal), journal


def pay(book: BillBook, agreements: Sequence[AgreementId]) -> Settlement:
    payment = Payment(CHANNEL.id, a_voucher(OWN, CHANNEL, 1))
    book.pay(payment, agreements)
    return Settlement(payment, agreements, ())


def paid(journal: Journal) -> int:
    """Return the drops that providers were told that they are paid."""
    ((drops,),) = journal.query("SELECT coalesce(sum(paid), 0) FROM providers")
    assert isinstance(drops, int)
    return drops


def count_bills(journal: Journal) -> int:
    ((count,),) = journal.query("SELECT count(*) FROM bills")
    assert isinstance(count, int)
    return count


def a_lot_with_a_receipt(journal: Journal) -> None:
    journal.record_job(JOB, 0, b"p" * 32, "name", [(b"r" * 16, "")])
    journal.record_lot(LOT, JOB, range(1))
    journal.record_receipt(AGREEMENT, LOT, ANN, b"body", b"signature")


def test_statements_that_are_paid_and_told_are_kept_as_a_sum(tmp_path: Path) -> None:
    book, journal = open_book(tmp_path)
    for number in range(1_000):
        book.owe(ANN, LOT, Bill(named(number), 3))
        settlement = pay(book, [named(number)])
        assert len(book.unfinished()) == 1
        for _ in range(2):
            book.tell(settlement)
        assert book.unfinished() == []
    assert (count_bills(journal), paid(journal)) == (0, 3_000)


def test_an_agreement_is_not_owed_again_while_its_receipt_is_kept(tmp_path: Path) -> None:
    book, journal = open_book(tmp_path)
    a_lot_with_a_receipt(journal)
    for _ in range(3):
        # It is found right, in doubt again, and right once more.
        book.withdraw(AGREEMENT)
        book.owe(ANN, LOT, Bill(AGREEMENT, 100))
        settlement = pay(book, [AGREEMENT]) if book.unfinished() else None
        if settlement is not None:
            book.tell(settlement)
    assert book.unfinished() == []
    assert (count_bills(journal), paid(journal)) == (1, 100)
    # Its run is forgotten, and so is the bill; the sum is not.
    journal.record("DELETE FROM runs")
    journal.close()
    book, journal = open_book(tmp_path)
    assert (count_bills(journal), paid(journal)) == (0, 100)


def test_what_is_owed_again_is_not_told(tmp_path: Path) -> None:
    book, journal = open_book(tmp_path)
    book.owe(ANN, LOT, Bill(named(1), 5))
    book.owe(ANN, LOT, Bill(named(2), 7))
    settlement = pay(book, [named(1), named(2)])
    book.owe_again(named(2))
    book.tell(settlement)
    (left,) = book.unfinished()
    assert (left.bill.agreement, left.lane) == (named(2), None)
    assert paid(journal) == 5


def test_what_is_owed_survives_a_restart(tmp_path: Path) -> None:
    book, journal = open_book(tmp_path)
    a_lot_with_a_receipt(journal)
    book.owe(ANN, LOT, Bill(AGREEMENT, 5))
    book.owe(ANN, LOT, Bill(named(1), 2))
    pay(book, [named(1)])
    journal.close()
    book, journal = open_book(tmp_path)
    assert [one.lane for one in book.unfinished()] == [None, (CHANNEL.id, 0)]
    assert paid(journal) == 0


def test_a_refusal_that_nobody_hears_is_forgotten_when_it_has_no_effect_any_more(
    tmp_path: Path,
) -> None:
    book, journal = open_book(tmp_path)
    book.refuse(named(1), ANN, Reason.CANCELLED)
    book.refuse(named(2), ANN, Reason.CANCELLED)
    journal.record(
        "UPDATE refusals SET unix_s = unix_s - ? WHERE agreement_id = ?", DUE_KEPT_S + 60, named(1)
    )
    journal.close()
    book, journal = open_book(tmp_path)
    assert book.refusals() == [(named(2), ANN, Reason.CANCELLED)]
