"""Addresses that may be dialled, within bounds whoever invents them (SPEC.md section 5.3)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from math import inf

from ..identity import NodeId
from ..limits import ADDRESSES_PER_PEER_MAX, CANDIDATES_MAX, CANDIDATES_TOLD_MAX
from .address import Address


class Source(Enum):
    """Where an address was learnt."""

    CONFIGURED = auto()
    REMEMBERED = auto()
    ANNOUNCED = auto()
    TOLD = auto()


@dataclass(slots=True)
class Candidate:
    """One address that may be dialled."""

    address: Address
    peer: NodeId | None
    """Who is said, or was found, to be there."""

    due_at: float
    """When to dial it, in seconds on the caller's clock."""

    sources: set[Source] = field(default_factory=set[Source])
    failures: int = 0
    """How often in a row no lasting channel came of it."""

    dialled_at: float = -inf
    """When it was last dialled."""

    in_progress: bool = False
    is_proved: bool = False
    """A handshake has shown that ``peer`` is there."""

    @property
    def is_configured(self) -> bool:
        """A person named it: it is never given up."""
        return Source.CONFIGURED in self.sources

    @property
    def is_only_told(self) -> bool:
        """Anyone on the network could have invented it."""
        return self.sources <= {Source.ANNOUNCED, Source.TOLD}


class Candidates:
    """A table of candidates that a flood of inventions cannot fill."""

    def __init__(self) -> None:
        self._by_address: dict[Address, Candidate] = {}

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self._by_address.values())

    def __len__(self) -> int:
        return len(self._by_address)

    def get(self, address: Address) -> Candidate | None:
        """Return the candidate at ``address``."""
        return self._by_address.get(address)

    def of(self, peer: NodeId) -> Sequence[Candidate]:
        """Return the candidates that are said to be ``peer``."""
        return [candidate for candidate in self if candidate.peer == peer]

    def drop(self, candidate: Candidate) -> None:
        """Forget ``candidate``."""
        del self._by_address[candidate.address]

    def add(self, newcomer: Candidate) -> bool:
        """Take ``newcomer`` in, dropping what is worth less; False when there is no room."""
        if not self._make_room(newcomer):
            return False
        self._by_address[newcomer.address] = newcomer
        return True

    def _make_room(self, newcomer: Candidate) -> bool:
        if newcomer.peer is not None:
            same = self.of(newcomer.peer)
            if len(same) >= ADDRESSES_PER_PEER_MAX and not self._drop_one_of(same, newcomer):
                return False
        told = [candidate for candidate in self if candidate.is_only_told]
        if newcomer.is_only_told and len(told) >= CANDIDATES_TOLD_MAX:
            return self._drop_one_of(told, newcomer)
        if len(self) >= CANDIDATES_MAX:
            return self._drop_one_of(list(self), newcomer)
        return True

    def _drop_one_of(self, candidates: Sequence[Candidate], newcomer: Candidate) -> bool:
        """Drop the one that failed most; one that never failed goes for the configuration only."""
        droppable = [
            candidate
            for candidate in candidates
            if not candidate.is_configured
            and not candidate.in_progress
            and (candidate.failures > 0 or newcomer.is_configured)
        ]
        if not droppable:
            return False
        self.drop(max(droppable, key=lambda candidate: candidate.failures))
        return True
