"""Certs, and the number of vertices that a quorum acknowledges (SPEC.md section 8.5)."""

from hypothesis import given
from hypothesis import strategies as st

from fogbank_dag_ledger.acknowledgements import Acknowledged, Entry, decode_cert, encode_cert
from fogbank_dag_ledger.committee_operations import Table
from fogbank_dag_ledger.home import GENERAL, Home

from .community import account


@given(st.dictionaries(st.binary(min_size=8, max_size=8), st.integers(0, 2**32 - 1)))
def test_a_cert_is_read_as_it_was_written_ascending(seqs: dict[bytes, int]) -> None:
    cert = encode_cert([Entry(tag, seq) for tag, seq in seqs.items()])
    assert len(cert) == 12 * len(seqs)
    assert list(decode_cert(cert)) == [Entry(tag, seqs[tag]) for tag in sorted(seqs)]


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=7).flatmap(
        lambda weights: st.tuples(
            st.just(weights),
            st.integers(sum(weights) // 2 + 1, sum(weights)),
            st.lists(st.tuples(st.integers(0, len(weights) - 1), st.integers(1, 9)), max_size=30),
        )
    )
)
def test_the_stable_count_is_what_a_quorum_has_reached(
    drawn: tuple[list[int], int, list[tuple[int, int]]],
) -> None:
    weights, quorum, raises = drawn
    seats = tuple((account(number), weight) for number, weight in enumerate(weights))
    home = Home(GENERAL, Table(seats, quorum), weights)
    acknowledged, counts = Acknowledged(home), [0] * len(weights)
    for seat, count in raises:
        before = acknowledged.tally(home).stable
        rose = acknowledged.raise_to(seat, count)
        counts[seat] = max(counts[seat], count)
        expected = max(
            count
            for count in range(10)
            if sum(w for w, c in zip(weights, counts, strict=True) if c >= count) >= quorum
        )
        assert acknowledged.tally(home).stable == expected
        assert rose == (expected > before)


def test_what_was_said_in_epochs_below_that_of_the_floor_is_forgotten() -> None:
    home = Home(GENERAL, Table(((account(0), 1),), 1), [1])
    acknowledged = Acknowledged(home)
    for epoch in range(4):
        acknowledged.end_epoch(epoch, home.copy())
    acknowledged.forget_below(2)
    rose = [acknowledged.raise_to(0, 9, is_in_epoch=False, earlier=epoch) for epoch in range(4)]
    assert rose == [False, False, True, True]
