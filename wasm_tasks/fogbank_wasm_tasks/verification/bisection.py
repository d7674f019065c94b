"""Finds the first step about which two runs differ, and who was wrong (SPEC.md section 7.11).

Two parties ran the same terms and signed different results.  The referee, who may be one of them,
asks both for the same positions, halves what lies between agreement and difference, first over
checkpoints and then over single steps, and repeats the one step that is left itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import TypeAlias

from fogbank_protocol.errors import LocalProtocolError
from fogbank_protocol.identity import NodeId
from fogbank_protocol.machine import Tick

from ..limits import STATEMENT_S_MAX
from .state import Digest

BEGINNING = -1
"""The position before the first state: the terms, about which nobody differs."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a party's receipt says of its run."""

    party: NodeId
    states: int
    end: Digest
    """The digest of its end."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A signed statement of ``party`` arrived, and holds."""

    party: NodeId
    position: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class SnapshotGiven:
    """A snapshot of the agreed state arrived from ``party``, and has the root ``digest``."""

    party: NodeId
    digest: Digest
    data: bytes


@dataclass(frozen=True, slots=True)
class Broken:
    """``party`` answered with what no rule allows, or its channel is gone."""

    party: NodeId


@dataclass(frozen=True, slots=True)
class Repeated:
    """The one step was repeated, and led to ``digest``; None: this machine could not do it."""

    digest: Digest | None


@dataclass(frozen=True, slots=True)
class AskStatement:
    """Ask ``party`` for its digest at ``position``."""

    party: NodeId
    position: int


@dataclass(frozen=True, slots=True)
class AskSnapshot:
    """Ask ``party`` for a snapshot of the state at ``position``, whose root is ``digest``."""

    party: NodeId
    position: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class Repeat:
    """Go from ``position - 1`` to ``position``; without a snapshot from the beginning."""

    position: int
    snapshot: bytes | None


class Reason(StrEnum):
    """Why a party lost."""

    WRONG_STEP = "wrong_step"
    """It stated a digest that the step does not lead to."""

    SILENT = "silent"
    """It did not answer in time, or with what no rule allows."""


@dataclass(frozen=True, slots=True)
class Concluded:
    """The dispute is over.  ``wrong`` is empty when the referee's own machine failed."""

    wrong: Mapping[NodeId, Reason]
    position: int
    """The first position that differs as far as it was found; ``BEGINNING`` is not yet any."""


BisectionEvent: TypeAlias = Stated | SnapshotGiven | Broken | Repeated
BisectionCommand: TypeAlias = AskStatement | AskSnapshot | Repeat | Concluded


@dataclass(slots=True)
class _Round:
    """What is known of the position that is being asked for."""

    position: int
    digests: dict[NodeId, Digest] = field(default_factory=dict[NodeId, Digest])


class Bisection:
    """One dispute, from two receipts to a name."""

    def __init__(
        self,
        claims: tuple[Claim, Claim],
        checkpoint_steps: int,
        *,
        statement_s_max: float = STATEMENT_S_MAX,
    ) -> None:
        """Judge between ``claims``, which differ, of runs under the same terms.

        Every question is given ``statement_s_max`` seconds.
        """
        one, two = claims
        if one.end == two.end or one.party == two.party:
            raise LocalProtocolError("no two claims that differ")
        self._claims = {claim.party: claim for claim in claims}
        self._checkpoint_steps = checkpoint_steps
        self._statement_s_max = statement_s_max
        self._agreed = BEGINNING
        self._agreed_digest: Digest | None = None
        self._differs = max(one.states, two.states)
        self._differing = {claim.party: claim.end for claim in claims}
        self._round: _Round | None = None
        self._snapshot_from: NodeId | None = None
        self._is_repeating = False
        self._is_over = False
        self.rounds = 0
        """How many positions were asked for so far."""

        self.deadline = inf
        """When to call ``handle`` with a ``Tick``, in seconds on the caller's clock; may be inf."""

    def begin(self, now: float) -> list[BisectionCommand]:
        """Return the first questions."""
        return self._go_on(now)

    def handle(self, event: BisectionEvent | Tick, now: float) -> list[BisectionCommand]:
        """Take one event at time ``now`` and return what to do."""
        if self._is_over:
            return []
        match event:
            case Stated(party, position, digest):
                return self._take_statement(party, position, digest, now)
            case SnapshotGiven(party, digest, data):
                return self._take_snapshot(party, digest, data, now)
            case Broken(party):
                return self._lose_patience([party], now) if self._is_awaited(party) else []
            case Repeated(digest):
                return self._judge(digest)
            case Tick():
                late = [party for party in self._claims if self._is_awaited(party)]
                return self._lose_patience(late, now) if late and now >= self.deadline else []

    def _take_statement(
        self, party: NodeId, position: int, digest: Digest, now: float
    ) -> list[BisectionCommand]:
        asked = self._round
        if asked is None or position != asked.position or not self._is_awaited(party):
            return []
        asked.digests[party] = digest
        if len(asked.digests) < len(self._claims):
            return []
        self._round = None
        if len(set(asked.digests.values())) == 1:
            self._agreed, self._agreed_digest = position, digest
        else:
            self._differs, self._differing = position, asked.digests
        return self._go_on(now)

    def _take_snapshot(
        self, party: NodeId, digest: Digest, data: bytes, now: float
    ) -> list[BisectionCommand]:
        if party != self._snapshot_from:
            return []
        if digest != self._agreed_digest:
            return self._lose_patience([party], now)
        return self._repeat(data)

    def _go_on(self, now: float) -> list[BisectionCommand]:
        """Ask for the next position, or for what it takes to repeat the one step left."""
        position = self._middle()
        if position is not None:
            return self._ask(position, now)
        if self._agreed_digest is None:
            return self._repeat(None)
        return self._ask_snapshot(next(iter(self._claims)), now)

    def _middle(self) -> int | None:
        """Return a position between agreement and difference, a checkpoint if there is one."""
        unit = self._checkpoint_steps
        # Checkpoints strictly between: first .. last, counted in checkpoints.
        first, last = self._agreed // unit + 1, (self._differs - 1) // unit
        if first <= last:
            return (first + last) // 2 * unit
        if self._differs - self._agreed > 1:
            return (self._agreed + self._differs) // 2
        return None

    def _ask(self, position: int, now: float) -> list[BisectionCommand]:
        self.rounds += 1
        self.deadline = now + self._statement_s_max
        # Beyond its last state a run is at its end, which its receipt says.
        known = {
            party: claim.end for party, claim in self._claims.items() if position >= claim.states
        }
        self._round = _Round(position, known)
        return [AskStatement(party, position) for party in self._claims if party not in known]

    def _ask_snapshot(self, party: NodeId, now: float) -> list[BisectionCommand]:
        assert self._agreed_digest is not None
        self._snapshot_from = party
        self.deadline = now + self._statement_s_max
        return [AskSnapshot(party, self._agreed, self._agreed_digest)]

    def _repeat(self, snapshot: bytes | None) -> list[BisectionCommand]:
        self._snapshot_from = None
        self._is_repeating = True
        self.deadline = inf
        return [Repeat(self._differs, snapshot)]

    def _is_awaited(self, party: NodeId) -> bool:
        if party == self._snapshot_from:
            return True
        asked = self._round
        return asked is not None and party in self._claims and party not in asked.digests

    def _lose_patience(self, parties: list[NodeId], now: float) -> list[BisectionCommand]:
        if self._snapshot_from is not None:
            # Both stated this state, so either must be able to show it; who cannot has not lost
            # before the other was asked.
            others = [party for party in self._claims if party != self._snapshot_from]
            if self._snapshot_from == next(iter(self._claims)):
                return self._ask_snapshot(others[0], now)
            parties = list(self._claims)
        return self._conclude(dict.fromkeys(parties, Reason.SILENT))

    def _judge(self, digest: Digest | None) -> list[BisectionCommand]:
        if not self._is_repeating:
            return []
        if digest is None:
            return self._conclude({})
        return self._conclude(
            {
                party: Reason.WRONG_STEP
                for party, stated in self._differing.items()
                if stated != digest
            }
        )

    def _conclude(self, wrong: Mapping[NodeId, Reason]) -> list[BisectionCommand]:
        self._is_over = True
        self.deadline = inf
        return [Concluded(wrong, self._differs)]
