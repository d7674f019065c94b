"""How a task's own verifier is asked about an output (SPEC.md section 7.13)."""

from typing import Final

from ..module.shape import VERIFY
from .messages import Ending, Finished
from .shapes import Instance, begin, hand_over, initialize

ACCEPTED: Final = b"\1"
REJECTED: Final = b"\0"
_YES: Final = 1


def verify(instance: Instance, data: bytes, claimed: bytes) -> tuple[Ending, bytes]:
    """Ask whether ``claimed`` is a right output for the input ``data``: its one byte says so."""
    begin(instance)
    initialize(instance)
    places = [(hand_over(instance, each), len(each)) for each in (data, claimed)]
    (data_address, data_length), (claimed_address, claimed_length) = places
    answer = instance.call(VERIFY, data_address, data_length, claimed_address, claimed_length)
    return Finished(), ACCEPTED if answer == _YES else REJECTED
