"""What has to move for a lot, by provider (SPEC.md section 9.3)."""

from hypothesis import given
from hypothesis import strategies as st

from fogbank_agent.limits import INLINE_BYTES_MAX
from fogbank_agent.market.goodput import Goodput
from fogbank_agent.market.locality import Locality
from fogbank_agent.market.orders import OrderInput
from fogbank_protocol.blobs.naming import blob_id

from .town import ANN, BEN, PACKAGE, an_offer

MB = 1_000_000
LARGE = OrderInput(blob_id(b"large"), 3 * MB)
SMALL = OrderInput(blob_id(b"small"), 1_000)


def test_package_inputs_and_outputs_move() -> None:
    goodput = Goodput()
    goodput.learn(ANN, MB, 1.0, is_sent=True)
    locality = Locality(goodput, PACKAGE, 2 * MB, [SMALL, LARGE])
    moving = locality.moving(ANN, an_offer(ANN), range(2), 5 * MB, 0.0)
    assert moving.size == 10 * MB + 1_000
    assert moving.milliseconds == 10_001
    assert moving.is_measured
    assert not locality.moving(BEN, None, range(2), 0, 0.0).is_measured


def test_what_a_provider_has_does_not_move() -> None:
    goodput = Goodput()
    locality = Locality(goodput, PACKAGE, 2 * MB, [LARGE])
    has_it = an_offer(ANN, packages=(PACKAGE,))
    assert locality.moving(ANN, has_it, range(1), 0, 0.0).size == 3 * MB
    goodput.note_holder(ANN, PACKAGE, 0.0)
    goodput.note_holder(ANN, LARGE.blob_id, 0.0)
    assert locality.moving(ANN, an_offer(ANN), range(1), 0, 0.0).size == 0
    assert locality.moving(BEN, an_offer(BEN), range(1), 0, 0.0).size == 5 * MB


def test_small_inputs_ride_along_whoever_has_them_and_the_same_large_one_moves_once() -> None:
    goodput = Goodput()
    goodput.note_holder(ANN, SMALL.blob_id, 0.0)
    locality = Locality(goodput, PACKAGE, 0, [SMALL, LARGE, LARGE])
    assert locality.moving(ANN, None, range(3), 0, 0.0).size == 3 * MB + 1_000


sizes = st.lists(st.integers(0, 2 * INLINE_BYTES_MAX), min_size=1, max_size=40)


@given(sizes, st.data())
def test_the_inputs_of_a_lot_are_its_own_alone(sizes: list[int], data: st.DataObject) -> None:
    inputs = [OrderInput(blob_id(bytes([at])), size) for at, size in enumerate(sizes)]
    locality = Locality(Goodput(), PACKAGE, 0, inputs)
    first = data.draw(st.integers(0, len(sizes) - 1))
    end = data.draw(st.integers(first + 1, len(sizes)))
    moving = locality.moving(ANN, None, range(first, end), 0, 0.0)
    assert moving.size == sum(sizes[first:end])
