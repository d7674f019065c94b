"""What to bring before a watch next, where nothing can be run (SPEC.md section 9.10).

Of claims that differ one is wrong, and nobody here can tell which.  So two disputes with a provider
in common are not open at once: the first may show that in the second it was the others that lied.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fogbank_protocol.identity import NodeId

from ..limits import CHARGES_MAX, DISPUTES_AT_ONCE_MAX


@dataclass(frozen=True, slots=True)
class Charge:
    """A receipt of which a result may be wrong."""

    receipt: bytes
    accused: NodeId
    others: frozenset[NodeId] = frozenset()
    """Those that say otherwise; none when the watch has found already who is right."""

    @property
    def parties(self) -> frozenset[NodeId]:
        """All whose word is doubted until the watch has decided."""
        return self.others | {self.accused}


class Docket:
    """The charges that wait, and those that are before a watch."""

    def __init__(self) -> None:
        """Begin with none."""
        self._waiting: list[Charge] = []
        self._open: dict[bytes, Charge] = {}
        """Until the stake is lost, or it is clear that it will not be."""

        self._decided: set[bytes] = set()
        """Those of them about which the watch has said what it found."""

    def add(self, charge: Charge, *, is_first: bool = False) -> bool:
        """Let ``charge`` wait, before all others or after them; False when there are too many.

        It takes the place of an earlier one about the same receipt that waits.
        """
        if charge.receipt in self._open:
            return True
        kept = [one for one in self._waiting if one.receipt != charge.receipt]
        if len(kept) >= CHARGES_MAX:
            return False
        self._waiting = [charge, *kept] if is_first else [*kept, charge]
        return True

    def call(self) -> Sequence[Charge]:
        """Return what may be opened now; it is open then, until ``end``."""
        called: list[Charge] = []
        for charge in self._waiting:
            if len(self._open) < DISPUTES_AT_ONCE_MAX and not self._is_blocked(charge):
                self._open[charge.receipt] = charge
                called.append(charge)
        self._waiting = [one for one in self._waiting if one not in called]
        return called

    def _is_blocked(self, charge: Charge) -> bool:
        return any(
            # One wrong result is enough to lose a stake.
            one.accused == charge.accused
            or (receipt not in self._decided and one.parties & charge.parties)
            for receipt, one in self._open.items()
        )

    def decide(self, receipt: bytes) -> None:
        """Take in that the watch has found out who is right."""
        if receipt in self._open:
            self._decided.add(receipt)

    def end(self, receipt: bytes) -> None:
        """Take in that nothing more will come of a charge."""
        self._open.pop(receipt, None)
        self._decided.discard(receipt)
