"""Which committee decides, and how the next one comes about (SPEC.md section 8.19).

A vertex is *in* the newest epoch that its past cone decides: that is how everybody agrees in which
epoch a validator votes, however late the vertex arrives.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NodeId

from .agreement import digest_of
from .chain import Chain
from .committee_operations import (
    CommitteeOperation,
    CommitteeVote,
    Decision,
    Proposal,
    SignOff,
    Table,
    Want,
    table_of,
)
from .genesis import Genesis
from .home import GENERAL, Home
from .record import Record
from .vertex import VALIDATOR, Vertex, VertexId


@dataclass(frozen=True, slots=True)
class Message:
    """One op of a member that is about the epoch after the present one."""

    issuer: NodeId
    record: Record
    operation: CommitteeOperation


class Epochs:
    """The present epoch, and what was said about the next."""

    def __init__(self, genesis: Genesis) -> None:
        """Begin with epoch 0, the seats of genesis."""
        self.number = 0
        self.table: Table = table_of(genesis.seats, genesis.quorum)
        self.holders: list[NodeId] = []
        """Everybody who ever had a seat, by number; numbers are local and never change."""

        self.home = Home(GENERAL, self.table, [])
        """The home of the whole community (8.18), with the seats of the present epoch."""

        self.entered = 0
        """One bit for each validator with a vertex in the present epoch."""

        self.floor = 0
        """The epoch of the floor: of what is below it this may be the newest (8.21)."""

        self.messages: list[Message] = []
        """What members said about the next epoch, in the order in which it came."""

        self._tables: dict[int, Table] = {}
        self._since: dict[NodeId, int] = {}
        self._numbers: dict[NodeId, int] = {}
        self._signed_off: set[NodeId] = set()
        self._seat(self.table)

    # Questions.

    @property
    def weights(self) -> list[int]:
        """By number, in the present epoch; 0 of those who have no seat any more."""
        return self.home.weights

    @property
    def quorum(self) -> int:
        """The weight that decides now."""
        return self.table.quorum

    def had_seat(self, name: NodeId, epoch: int) -> bool:
        """Tell whether somebody had a seat in ``epoch`` or an earlier one."""
        since = self._since.get(name)
        return since is not None and since <= epoch

    def number_of(self, issuer: NodeId) -> int | None:
        """Return the number of who has or had a seat, None for others."""
        return self._numbers.get(issuer)

    def weight_of(self, issuer: NodeId) -> int:
        """Return somebody's weight in the present epoch."""
        number = self._numbers.get(issuer)
        return 0 if number is None else self.weights[number]

    @property
    def signed_off(self) -> bool:
        """Whether anybody waits for the next epoch."""
        return bool(self._signed_off)

    def table_of(self, epoch: int) -> Table | None:
        """Return the seats of an epoch, None when it has not begun here."""
        return self._tables.get(epoch)

    def has_signed_off(self, issuer: NodeId) -> bool:
        """Tell whether somebody waits for the next epoch."""
        return issuer in self._signed_off

    def counts(self, record: Record) -> bool:
        """Tell whether the issuer of ``record`` votes and acknowledges in it, now."""
        chain = record.chain
        if record.epoch != self.number or chain.seat is None or not self.weights[chain.seat]:
            return False
        return _speaks(record)

    def counted(self, record: Record) -> bool:
        """Tell whether the issuer of ``record`` acknowledged in it, in an epoch that is over."""
        table = self._tables.get(record.epoch)
        if record.epoch >= self.number or table is None:
            return False
        return record.chain.issuer in table.weights() and _speaks(record)

    def is_seated(self, record: Record) -> bool:
        """Tell whether ``record`` is in an epoch in which its issuer has, or had, a seat."""
        return self.had_seat(record.chain.issuer, record.epoch)

    def wanted(self) -> dict[Table, int]:
        """Return the tables that members want next, each with the weight of those who do."""
        names: dict[Table, set[NodeId]] = {}
        for message in self.messages:
            if isinstance(message.operation, Want):
                names.setdefault(message.operation.table, set()).add(message.issuer)
        return {table: sum(map(self.weight_of, wanting)) for table, wanting in names.items()}

    # Rules.

    def check(self, vertex: Vertex, edges: Sequence[Record], *, is_late: bool = False) -> int:
        """Return the epoch that ``vertex``, which stands on ``edges``, is in.

        With ``is_late`` it stands on what is below the floor, too.

        Raises:
            RemoteProtocolError: with the rule that was broken.
        """
        known = max([edge.epoch for edge in edges], default=0)
        newest = max(known, self.floor) if is_late else known
        if not known <= vertex.epoch <= newest:
            raise RemoteProtocolError(f"epoch {vertex.epoch} and not {known}", rule="8.3.7")
        if vertex.kind == VALIDATOR and not self.had_seat(vertex.issuer, vertex.epoch):
            raise RemoteProtocolError("a validator vertex without a seat", rule="8.3.14")
        if not vertex.committee:
            return vertex.epoch
        return self._check_operations(vertex, {edge.id: edge for edge in edges})

    def _check_operations(self, vertex: Vertex, held: dict[VertexId, Record]) -> int:
        table = self._tables[vertex.epoch]
        weights = table.weights()
        if vertex.issuer not in weights:
            raise RemoteProtocolError("an op of somebody without a seat", rule="8.19.2")
        epoch = vertex.epoch
        for operation in vertex.committee:
            if operation.epoch != vertex.epoch + 1:
                raise RemoteProtocolError("an op about an epoch that is not next", rule="8.19.3")
            if operation.epoch <= self.floor:
                # It is decided, and what this stands on may be forgotten (8.21).
                if isinstance(operation, Decision):
                    epoch = operation.epoch
                continue
            match operation:
                case Proposal(sign_offs=sign_offs):
                    off = SignOff(operation.epoch)
                    signed = [_who_said(held.get(one), off) for one in sign_offs]
                    _check_quorum(signed, table, "8.19.4")
                case Decision():
                    _check_decision(operation, table, held)
                    epoch = operation.epoch
                case _:
                    pass
        return epoch

    # What happens.

    def note(self, record: Record) -> None:
        """Keep what a vertex that is held now says."""
        for operation in record.committee:
            if operation.epoch != self.number + 1:
                continue
            issuer = record.chain.issuer
            self.messages.append(Message(issuer, record, operation))
            if isinstance(operation, SignOff):
                self._signed_off.add(issuer)

    def settle(self, epoch: int) -> None:
        """Take note that the decision of ``epoch`` is below the floor."""
        self.floor = epoch

    def begin(self, table: Table) -> list[NodeId]:
        """Begin the next epoch with ``table``; return who has a seat for the first time."""
        self.number += 1
        self.table = table
        self.entered = 0
        self.messages = []
        self._signed_off = set()
        return self._seat(table)

    def _seat(self, table: Table) -> list[NodeId]:
        self._tables[self.number] = table
        new = [name for name, _ in table.seats if name not in self._numbers]
        for name in new:
            self._numbers[name] = len(self.holders)
            self._since[name] = self.number
            self.holders.append(name)
        # In place: whoever counts votes looks at the same home.
        self.home.table, self.home.quorum = table, table.quorum
        self.home.seat(self.holders)
        return new


def _speaks(record: Record) -> bool:
    """Tell whether no vertex before ``record`` on its line signs off its epoch."""
    return record.prev is None or record.prev.signs_off <= record.epoch


def decided_table(decision: Decision, held: dict[VertexId, Record]) -> tuple[Table, list[Record]]:
    """Return the seats that ``decision`` gives, and the sign-offs that it goes by."""
    proposal = proposal_in(held[decision.proposal], decision.epoch)
    assert proposal is not None
    by_id = {edge.id: edge for edge in held[decision.proposal].edges}
    return proposal.table, [by_id[one] for one in proposal.sign_offs]


def proposal_in(record: Record, epoch: int) -> Proposal | None:
    """Return what ``record`` proposes for ``epoch``, None when nothing."""
    for operation in record.committee:
        if isinstance(operation, Proposal) and operation.epoch == epoch:
            return operation
    return None


def _check_decision(decision: Decision, table: Table, held: dict[VertexId, Record]) -> None:
    # What is settled is no edge here, and says nothing about a committee (8.21).
    record = held.get(decision.proposal)
    proposal = None if record is None else proposal_in(record, decision.epoch)
    if proposal is None:
        raise RemoteProtocolError("a decision for what was not proposed", rule="8.19.5")
    digest = digest_of(proposal.value)
    vote = CommitteeVote(decision.epoch, proposal.attempt, digest, is_precommit=True)
    _check_quorum([_who_said(held.get(one), vote) for one in decision.precommits], table, "8.19.5")


def _who_said(record: Record | None, operation: CommitteeOperation) -> NodeId | None:
    if record is None or operation not in record.committee:
        return None
    return record.chain.issuer


def _check_quorum(names: Sequence[NodeId | None], table: Table, rule: str) -> None:
    weights = table.weights()
    members = {name for name in names if name is not None and name in weights}
    if len(members) < len(names):
        raise RemoteProtocolError("a vertex that does not say it", rule=rule)
    if sum(weights[name] for name in members) < table.quorum:
        raise RemoteProtocolError("too little weight", rule=rule)


def is_validator(chain: Chain, epochs: Epochs) -> bool:
    """Tell whether the account has a seat in the present epoch."""
    return epochs.weight_of(chain.issuer) > 0
