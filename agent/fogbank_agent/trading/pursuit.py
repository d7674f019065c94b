"""One dispute under way: members asked, the proof shown, the stake seized (SPEC.md 9.10)."""

from collections.abc import Callable
from logging import getLogger
from time import time

import trio

from fogbank_dag_ledger.operations import Seize, Slash, WrongResult
from fogbank_dag_ledger.service.failures import NotIssuing, StorageFailure
from fogbank_dag_ledger.service.ledger_service import LedgerService
from fogbank_dag_ledger.stakes import StakeView
from fogbank_dag_ledger.statements import is_finding
from fogbank_dag_ledger.vertex import VertexId
from fogbank_dag_ledger.wallet import PaymentRefused
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity, NodeId
from fogbank_protocol.node.driver import Driver
from fogbank_protocol.node.failures import CallFailure
from fogbank_protocol.node.node import Node

from ..limits import (
    DISPUTE_ANSWER_S,
    DISPUTE_LASTS_S,
    DISPUTE_LOOK_S,
    DISPUTE_RETRY_S,
    SEIZE_RETRY_S_MAX,
)
from ..market.dispute import (
    AskMember,
    Dispute,
    DisputeCommand,
    DisputeEvent,
    DisputeState,
    EndDispute,
    FindingCame,
    MemberDeclined,
    ShowProof,
    StakeEnded,
)
from ..market.dispute_messages import Finding, decode_finding, encode_dispute_opening
from ..market.reasons import Reason
from .call_failures import reason_of
from .dispute_book import DisputeRecord
from .methods import DISPUTE_METHOD
from .watch import Watch

_log = getLogger(__name__)


class Court:
    """Whom a dispute is brought before: the members of watches, and the ledger."""

    def __init__(self, node: Node, identity: Identity, ledger: LedgerService, watch: Watch) -> None:
        """Ask over ``node``; this agent itself, when it is a member, is ``watch``."""
        self._node = node
        self._identity = identity
        self._ledger = ledger
        self._watch = watch

    async def ask(self, member: NodeId, record: DisputeRecord) -> DisputeEvent:
        """Return what one member says."""
        opening = record.opening
        try:
            if member == self._identity.node_id:
                answer = await self._watch.find(opening, member)
            else:
                body = await self._node.request(
                    member,
                    DISPUTE_METHOD,
                    encode_dispute_opening(opening),
                    timeout_s=DISPUTE_ANSWER_S,
                )
                answer = decode_finding(body)
        except RemoteProtocolError:
            return MemberDeclined(member, Reason.BROKEN_RULE)
        except CallFailure as failure:
            late, otherwise = Reason.NO_ANSWER, Reason.OTHER
            return MemberDeclined(member, reason_of(failure, late=late, otherwise=otherwise))
        if isinstance(answer, Reason):
            return MemberDeclined(member, answer)
        if not self._counts(member, record, answer):
            return MemberDeclined(member, Reason.BROKEN_RULE)
        return FindingCame(member, answer.right, answer.signature)

    def _counts(self, member: NodeId, record: DisputeRecord, finding: Finding) -> bool:
        return (finding.receipt_id, finding.number) == (
            record.receipt_id,
            record.number,
        ) and is_finding(
            member,
            self._node.network,
            record.provider,
            record.receipt_id,
            record.number,
            finding.right,
            finding.signature,
        )

    async def seize(self, record: DisputeRecord, proof: WrongResult) -> None:
        """Show the proof and seize the stake; what is refused again and again, ever later.

        Never returns: that it is settled is seen elsewhere.
        """
        channels, place = self._ledger.channels, record.opening.stake
        shown: VertexId | None = None
        wait_s = DISPUTE_RETRY_S
        while True:
            try:
                if shown is None:
                    shown = await channels.act_at(place.opening, place.index, Slash(proof))
                await self._ledger.wait_final(shown)
                await channels.act_at(place.opening, place.index, Seize(shown))
            except (PaymentRefused, NotIssuing, StorageFailure) as error:
                _log.info("a stake cannot be seized now: %s", error)
            await trio.sleep(wait_s)
            wait_s = min(2 * wait_s, SEIZE_RETRY_S_MAX)

    def stake(self, record: DisputeRecord) -> StakeView | None:
        """Return the stake as it is now."""
        return self._ledger.stake(record.opening.stake.object_id)


class Pursuit:
    """The tasks of one dispute around its machine."""

    def __init__(
        self,
        court: Court,
        record: DisputeRecord,
        stake: StakeView,
        proved: Callable[[], None] = lambda: None,
    ) -> None:
        """Bring ``record`` before ``court``; ``stake`` names the members.

        ``proved`` is told when enough of them have found the result wrong.
        """
        self._proved = proved
        self._court = court
        self._record = record
        terms = stake.terms
        spent = min(max(0.0, time() - record.opened_unix_s), DISPUTE_LASTS_S)
        self._dispute = Dispute(
            record.receipt_id,
            record.number,
            terms.watch,
            terms.need,
            trio.current_time() - spent,
        )
        self._driver: Driver[DisputeEvent, DisputeCommand] = Driver(self._dispute, self._perform)
        self._ended = trio.Event()
        self._nursery: trio.Nursery | None = None

    async def run(self) -> DisputeState:
        """Return how it ended."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for command in self._dispute.begin():
                self._perform(command)
            nursery.start_soon(self._driver.run)
            nursery.start_soon(self._watch_stake)
            await self._ended.wait()
            nursery.cancel_scope.cancel()
        return self._dispute.state

    def _perform(self, command: DisputeCommand) -> None:
        assert self._nursery is not None
        match command:
            case AskMember(member):
                self._nursery.start_soon(self._ask, member)
            case ShowProof(proof):
                self._proved()
                self._nursery.start_soon(self._court.seize, self._record, proof)
            case EndDispute():
                self._ended.set()

    async def _ask(self, member: NodeId) -> None:
        self._driver.tell(await self._court.ask(member, self._record))

    async def _watch_stake(self) -> None:
        """Somebody else may be first, or the owner has it back."""
        while True:
            stake = self._court.stake(self._record)
            if stake is None:
                self._driver.tell(StakeEnded(is_seized=False))
            elif stake.is_settled:
                self._driver.tell(StakeEnded(stake.is_seized))
            await trio.sleep(DISPUTE_LOOK_S)
