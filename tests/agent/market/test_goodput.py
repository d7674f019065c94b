"""How fast bytes move to and from each peer (SPEC.md section 9.3)."""

from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.limits import (
    GOODPUT_BYTES_MIN,
    GOODPUT_GUESS_BYTES_PER_S,
    GOODPUT_MAX_BYTES_PER_S,
    GOODPUT_MIN_BYTES_PER_S,
    GOODPUT_PEERS_MAX,
    HOLDINGS_MAX,
    OUTPUT_KEPT_S,
)
from fogbank_agent.market.goodput import Goodput
from fogbank_protocol.blobs.naming import blob_id
from fogbank_protocol.identity import NodeId

from .town import ANN, BEN

MB = 1_000_000
BLOB = blob_id(b"a blob")


def test_a_peer_of_which_nothing_is_known_is_like_a_busy_lan() -> None:
    goodput = Goodput()
    assert goodput.milliseconds(ANN, GOODPUT_GUESS_BYTES_PER_S, 0) == 1_000
    assert not goodput.is_measured(ANN)


def test_each_way_has_its_own_rate_and_an_unmeasured_one_is_like_the_other() -> None:
    goodput = Goodput()
    goodput.learn(ANN, 2 * MB, 1.0, is_sent=True)
    assert goodput.is_measured(ANN)
    assert goodput.milliseconds(ANN, 2 * MB, 2 * MB) == 2_000
    goodput.learn(ANN, 8 * MB, 1.0, is_sent=False)
    assert goodput.milliseconds(ANN, 2 * MB, 2 * MB) == 1_250
    assert not goodput.is_measured(BEN)


def test_a_rate_follows_what_the_way_has_become() -> None:
    goodput = Goodput()
    goodput.learn(ANN, 10 * MB, 1.0, is_sent=True)
    for _ in range(60):
        goodput.learn(ANN, MB, 1.0, is_sent=True)
    assert 900 <= goodput.milliseconds(ANN, MB, 0) <= 1_010


def test_few_bytes_say_nothing_of_the_rate() -> None:
    goodput = Goodput()
    goodput.learn(ANN, GOODPUT_BYTES_MIN - 1, 60.0, is_sent=True)
    assert not goodput.is_measured(ANN)


@given(st.lists(st.tuples(st.integers(0, 1 << 40), st.floats(0, 1e9), st.booleans())))
def test_no_transfer_makes_a_rate_that_is_not_believed(
    transfers: list[tuple[int, float, bool]],
) -> None:
    goodput = Goodput()
    for size, seconds, is_sent in transfers:
        goodput.learn(ANN, size, seconds, is_sent=is_sent)
    assert goodput.milliseconds(ANN, GOODPUT_MIN_BYTES_PER_S, 0) <= 1_000
    assert goodput.milliseconds(ANN, GOODPUT_MAX_BYTES_PER_S, 0) >= 1_000


def test_only_so_many_peers_and_blobs_are_remembered() -> None:
    goodput = Goodput()
    for number in range(GOODPUT_PEERS_MAX + 1):
        goodput.learn(NodeId(number.to_bytes(32, "big")), MB, 1.0, is_sent=True)
    assert not goodput.is_measured(NodeId(bytes(32)))
    assert goodput.is_measured(NodeId((1).to_bytes(32, "big")))
    for number in range(HOLDINGS_MAX + 1):
        goodput.note_holder(ANN, blob_id(number.to_bytes(4, "big")), 0.0)
    assert not goodput.holds(ANN, blob_id(bytes(4)), 0.0)
    assert goodput.holds(ANN, blob_id((1).to_bytes(4, "big")), 0.0)


def test_a_blob_is_thought_to_be_there_for_a_while() -> None:
    goodput = Goodput()
    goodput.note_holder(ANN, BLOB, 5.0)
    assert goodput.holds(ANN, BLOB, 5.0 + OUTPUT_KEPT_S - 1)
    assert not goodput.holds(ANN, BLOB, 5.0 + OUTPUT_KEPT_S)
    assert not goodput.holds(BEN, BLOB, 5.0)
