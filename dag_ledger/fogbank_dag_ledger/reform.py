"""What one member says when its committee is to change (SPEC.md section 8.19).

Wants, sign-offs and the agreement on them travel as ops of validator vertices, so they are kept,
spread and found again after a restart like everything else: this machine looks at what the ledger
holds, and holds nothing itself that could not be found there again.
"""

from math import inf

from fogbank_protocol.machine import Tick

from .agreement import (
    Agreement,
    AgreementCommand,
    AgreementEvent,
    Decide,
    Offered,
    Precommit,
    Precommitted,
    Prevote,
    Prevoted,
    Propose,
    Proposed,
    digest_of,
)
from .chain import Chain
from .committee_operations import (
    CommitteeOperation,
    CommitteeVote,
    Decision,
    Proposal,
    SignOff,
    Table,
    Want,
    value_of,
)
from .epochs import Epochs, Message, proposal_in
from .vertex import VertexId


class Reform:
    """One member's part in the change to the next epoch."""

    def __init__(self, epochs: Epochs, chain: Chain) -> None:
        """Take part as the owner of ``chain``."""
        self._epochs = epochs
        self._chain = chain
        self._wish: Table | None = None
        self._epoch = epochs.number
        self._agreement: Agreement | None = None
        self._read = 0
        self._values: dict[bytes, Proposal] = {}
        self._is_offered = False

    @property
    def deadline(self) -> float:
        """When to ask ``next`` without anything having happened, in seconds; may be inf."""
        agreement = self._agreement
        is_over = agreement is None or self._epoch != self._epochs.number
        return inf if is_over or agreement is None else agreement.deadline

    def wish(self, table: Table) -> None:
        """Want the next epoch to begin with ``table``; forgotten once an epoch began.

        With the present seats nothing changes but that slots whose votes had split are open again.
        """
        self._wish = table

    def look_again(self) -> None:
        """Take note that what was said last is not in the ledger, so that it is said once more."""
        self._agreement = None
        self._read = 0
        self._is_offered = False

    def next(self, now: float) -> list[CommitteeOperation]:
        """Return what the next own vertex says, at time ``now`` in seconds."""
        if self._epoch != self._epochs.number:
            self._begin_epoch()
        if not self._epochs.weight_of(self._chain.issuer):
            # It may still sit in the home of a site; here it has nothing to say (8.19.2).
            return []
        epoch = self._epochs.number + 1
        said: list[CommitteeOperation] = []
        if self._wish is not None:
            want = Want(epoch, self._wish)
            said += [] if self._has_said(want) else [want]
        if self._epochs.has_signed_off(self._chain.issuer):
            said += self._agree(now)
        elif self._endorsed() is not None:
            said.append(SignOff(epoch))
        return said

    def _begin_epoch(self) -> None:
        self._epoch = self._epochs.number
        self._agreement = None
        self._wish = None
        self._read = 0
        self._values = {}
        self._is_offered = False

    def _has_said(self, operation: CommitteeOperation) -> bool:
        own = self._chain.issuer
        return any(
            message.issuer == own and message.operation == operation
            for message in self._epochs.messages
        )

    def _endorsed(self) -> Table | None:
        """Return the table that members want of whom at least one is correct, None without any.

        Of several the one with the most weight behind it, then the first by value.
        """
        enough = self._epochs.table.enough_for_a_correct_one
        fitting = [
            (-weight, table.seats, table.quorum)
            for table, weight in self._epochs.wanted().items()
            if weight >= enough
        ]
        return Table(*min(fitting)[1:]) if fitting else None

    def _is_endorsed(self, table: Table) -> bool:
        return self._epochs.wanted().get(table, 0) >= self._epochs.table.enough_for_a_correct_one

    def _agree(self, now: float) -> list[CommitteeOperation]:
        events: list[AgreementEvent] = []
        if self._agreement is None:
            self._agreement = self._new_agreement(now)
            # The own ones first, as after a restart they must be.
            own = self._chain.issuer
            messages = sorted(self._epochs.messages, key=lambda one: one.issuer != own)
        else:
            messages = self._epochs.messages[self._read :]
        self._read = len(self._epochs.messages)
        for message in messages:
            events += self._heard(message)
        value = None if self._is_offered else self._value_to_offer()
        if value is not None:
            self._is_offered = True
            events.append(Offered(value))
        commands: list[AgreementCommand] = []
        for event in events:
            commands += self._agreement.handle(event, now)
        commands += self._agreement.handle(Tick(), now)
        return [said for command in commands for said in self._say(command)]

    def _new_agreement(self, now: float) -> Agreement:
        members = [name for name, _ in self._epochs.table.seats]
        weights = [weight for _, weight in self._epochs.table.seats]
        first_leader = (self._epochs.number + 1) % len(members)
        own = members.index(self._chain.issuer)
        return Agreement(weights, self._epochs.quorum, own, first_leader, now)

    def _heard(self, message: Message) -> list[AgreementEvent]:
        members = [name for name, _ in self._epochs.table.seats]
        member = members.index(message.issuer)
        match message.operation:
            case Proposal() as proposal:
                self._values[proposal.value] = proposal
                acceptable = self._is_endorsed(proposal.table)
                said = Proposed(
                    member, proposal.attempt, proposal.value, proposal.valid_attempt, acceptable
                )
                return [said]
            case CommitteeVote(_, attempt, digest, is_precommit):
                kind = Precommitted if is_precommit else Prevoted
                return [kind(member, attempt, digest)]
            case _:
                return []

    def _sign_offs(self) -> tuple[VertexId, ...]:
        first: dict[bytes, VertexId] = {}
        for message in self._epochs.messages:
            if isinstance(message.operation, SignOff):
                first.setdefault(message.issuer, message.record.id)
        weights = self._epochs.table.weights()
        signed = sum(weight for name, weight in weights.items() if name in first)
        return tuple(sorted(first.values())) if signed >= self._epochs.quorum else ()

    def _value_to_offer(self) -> bytes | None:
        table, sign_offs = self._endorsed(), self._sign_offs()
        if table is None or not sign_offs:
            return None
        value = value_of(table, sign_offs)
        self._values.setdefault(value, Proposal(self._epoch + 1, 0, -1, table, sign_offs))
        return value

    def _say(self, command: AgreementCommand) -> list[CommitteeOperation]:
        epoch = self._epoch + 1
        match command:
            case Propose(attempt, value, valid_attempt):
                known = self._values[value]
                said = Proposal(epoch, attempt, valid_attempt, known.table, known.sign_offs)
                return [said]
            case Prevote(attempt, digest):
                return [CommitteeVote(epoch, attempt, digest, is_precommit=False)]
            case Precommit(attempt, digest):
                return [CommitteeVote(epoch, attempt, digest, is_precommit=True)]
            case Decide(attempt, value):
                return [self._decision(epoch, attempt, value)]

    def _decision(self, epoch: int, attempt: int, value: bytes) -> Decision:
        vote = CommitteeVote(epoch, attempt, digest_of(value), is_precommit=True)
        precommits: dict[bytes, VertexId] = {}
        proposed: list[VertexId] = []
        for message in self._epochs.messages:
            if message.operation == vote:
                precommits.setdefault(message.issuer, message.record.id)
            proposal = proposal_in(message.record, epoch)
            if proposal is not None and (proposal.attempt, proposal.value) == (attempt, value):
                proposed.append(message.record.id)
        return Decision(epoch, min(proposed), tuple(sorted(precommits.values())))
