"""Answers what is asked on the control socket, out of the parts of the agent."""

from dataclasses import dataclass
from importlib.metadata import version
from os import getpid

import trio

from fogbank_dag_ledger.participation.issuing_state import (
    DiskIsFull,
    Issuing,
    IssuingState,
    Silent,
    Stopped,
)
from fogbank_dag_ledger.service.failures import NeverFinal, NotIssuing, StorageFailure
from fogbank_dag_ledger.wallet import PaymentRefused
from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.errors import LocalProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, NodeId, short_form

from ..errors import Refused
from ..limits import CONTROL_WAIT_S_MAX, JOURNAL_PAGE_RUNS_MAX
from ..market.reasons import sentences
from ..parts import Parts
from ..trading.requestor import OfferSummary
from .blob_answers import answer_get_blob, answer_put_blob, answer_put_blobs
from .channel_answers import answer_close_channels, list_channels, list_earnings, sum_channels
from .history_answers import list_disputes, list_reputations, summarise_run, tell_story
from .home_answers import answer_sign_home, list_homes, make_home, move_home
from .job_answers import answer_start_job
from .kept_job_answers import (
    answer_follow_job,
    answer_keep_job,
    forget_job,
    list_jobs,
    resume_job,
)
from .requests.blobs import GetBlob, PutBlob, PutBlobs
from .requests.channels import CloseChannels, GetChannels, GetEarnings
from .requests.disputes import GetDisputes
from .requests.history import GetReputation, GetRuns, GetStory, Runs
from .requests.homes import GetHomes, MakeHome, MoveHome, SignHome
from .requests.jobs import StartJob
from .requests.kept_jobs import FollowJob, ForgetJob, GetJobs, KeepJob, ResumeJob
from .requests.money import GetWallet, Paid, Pay, Payment, Wallet
from .requests.network import ChangeSeats, GetSeats, Unfreeze
from .requests.packages import (
    PackagePublished,
    PackageWithdrawn,
    PublishPackage,
    WithdrawPackage,
)
from .requests.peers import GetPeers, Peer, Peers
from .requests.services import CallService, GetServices, StartService, StopService
from .requests.stakes import GetStakes, OpenStake, WithdrawStakes
from .requests.status import GetStatus, LedgerStatus, ProviderStatus, Status
from .seat_answers import change_seats, seats_now, unfreeze
from .server import Conversation, Responder
from .service_answers import (
    answer_call_service,
    answer_start_service,
    answer_stop_service,
    list_services,
)
from .stake_answers import answer_stakes, list_stakes, sum_stakes

REQUESTS = (
    GetStatus,
    GetPeers,
    GetWallet,
    Pay,
    GetSeats,
    ChangeSeats,
    Unfreeze,
    GetHomes,
    SignHome,
    MakeHome,
    MoveHome,
    GetChannels,
    CloseChannels,
    GetEarnings,
    PutBlob,
    PutBlobs,
    GetBlob,
    GetRuns,
    GetStory,
    GetReputation,
    GetDisputes,
    GetStakes,
    OpenStake,
    WithdrawStakes,
    StartJob,
    KeepJob,
    GetJobs,
    FollowJob,
    ForgetJob,
    ResumeJob,
    PublishPackage,
    WithdrawPackage,
    StartService,
    CallService,
    StopService,
    GetServices,
)


def responder(parts: Parts) -> Responder:
    """Return what answers every request about the agent of ``parts``."""
    return Responder(REQUESTS, _Answers(parts).respond)


@dataclass(frozen=True, slots=True)
class _Answers:
    parts: Parts

    async def respond(self, request: object, conversation: Conversation) -> None:
        """Answer one request; raises ``Refused`` to say no."""
        match request:
            case GetStatus():
                await conversation.send(self._status())
            case GetPeers():
                await conversation.send(self._peers())
            case GetWallet():
                await conversation.send(self._wallet())
            case Pay():
                await self._pay(request, conversation)
            case GetSeats():
                await conversation.send(seats_now(self.parts))
            case ChangeSeats(node, adds, wait_s):
                who = self._account(node, may_be_own=True)
                changed = await change_seats(self.parts, who, adds=adds, wait_s=wait_s)
                await conversation.send(changed)
            case Unfreeze(account, wait_s):
                who = self._account(account, may_be_own=True)
                await conversation.send(await unfreeze(self.parts, who, wait_s=wait_s))
            case GetHomes():
                await conversation.send(list_homes(self.parts))
            case SignHome():
                await conversation.send(answer_sign_home(self.parts, request, self._anybody))
            case MakeHome():
                await conversation.send(await make_home(self.parts, request, self._anybody))
            case MoveHome():
                await conversation.send(await move_home(self.parts, request))
            case GetChannels():
                await conversation.send(list_channels(self.parts))
            case GetEarnings():
                await conversation.send(list_earnings(self.parts))
            case CloseChannels():
                await answer_close_channels(self.parts, request, conversation)
            case GetRuns(count):
                page = min(max(count, 1), JOURNAL_PAGE_RUNS_MAX)
                runs = self.parts.journal.runs(count_max=page)
                await conversation.send(Runs(tuple(map(summarise_run, runs))))
            case GetStory(digits):
                await conversation.send(tell_story(self.parts, digits))
            case GetReputation():
                await conversation.send(list_reputations(self.parts))
            case GetDisputes():
                await conversation.send(list_disputes(self.parts))
            case GetStakes():
                await conversation.send(list_stakes(self.parts))
            case OpenStake() | WithdrawStakes():
                await conversation.send(await answer_stakes(self.parts, request))
            case PutBlob():
                await answer_put_blob(self.parts, request, conversation)
            case PutBlobs():
                await answer_put_blobs(self.parts, request, conversation)
            case GetBlob():
                await answer_get_blob(self.parts, request, conversation)
            case StartJob():
                await answer_start_job(self.parts, request, conversation)
            case KeepJob():
                await answer_keep_job(self.parts, request, conversation)
            case GetJobs():
                await conversation.send(list_jobs(self.parts))
            case FollowJob():
                await answer_follow_job(self.parts, request, conversation)
            case ForgetJob():
                await conversation.send(forget_job(self.parts, request))
            case ResumeJob():
                await conversation.send(resume_job(self.parts, request))
            case StartService():
                await answer_start_service(self.parts, request, conversation)
            case CallService():
                await answer_call_service(self.parts, request, conversation)
            case StopService():
                await answer_stop_service(self.parts, request, conversation)
            case GetServices():
                await conversation.send(list_services(self.parts))
            case PublishPackage(package_id):
                package = await self.parts.published.publish(BlobId(package_id))
                manifest = package.manifest
                await conversation.send(
                    PackagePublished(package_id, manifest.name, manifest.version, manifest.author)
                )
            case WithdrawPackage(package_id):
                await self.parts.published.withdraw(BlobId(package_id))
                await conversation.send(PackageWithdrawn(package_id))
            case _:
                raise AssertionError(request)

    def _status(self) -> Status:
        parts = self.parts
        node_id = parts.identity.node_id
        return Status(
            version=version("fogbank"),
            node_id=node_id.hex(),
            short=short_form(node_id),
            network_id=parts.genesis.network.hex(),
            network_name=parts.genesis.name,
            state_folder=str(parts.state.path),
            process=getpid(),
            port=parts.node.port,
            up_s=trio.current_time() - parts.began,
            peers=len(parts.node.peers()),
            balance=parts.ledger.wallet().balance,
            provider=self._provider(),
            ledger=self._ledger(),
        )

    def _provider(self) -> ProviderStatus:
        config = self.parts.config.provider
        earned, unpaid = self.parts.journal.earned()
        provider = self.parts.provider
        if provider is None:
            return ProviderStatus(
                working=False,
                why_not=self.parts.why_no_provider,
                slots=0,
                running=0,
                waiting=0,
                price=config.price,
                start_price=config.start_price,
                runs_done=0,
                fuel_done=0,
                tick=0,
                earned=earned,
                unpaid=unpaid,
                pricing_fault="",
            )
        status = provider.status()
        return ProviderStatus(
            working=not status.paused and not status.unwilling,
            why_not="it is paused" if status.paused else sentences(status.unwilling),
            slots=status.slots,
            running=status.running,
            waiting=status.waiting,
            price=status.price,
            start_price=status.start_price,
            runs_done=status.runs_done,
            fuel_done=status.fuel_done,
            tick=status.tick,
            earned=earned,
            unpaid=unpaid,
            pricing_fault=status.pricing_fault,
        )

    def _ledger(self) -> LedgerStatus:
        ledger = self.parts.ledger
        numbers = ledger.statistics()
        return LedgerStatus(
            validator=(
                self.parts.identity.node_id in self.parts.ledger.committee().table.weights()
            ),
            issuing=_issuing(ledger.wallet().issuing),
            vertices=numbers.vertices,
            final=numbers.final,
            tips=numbers.tips,
            supply=numbers.supply,
            supply_held=numbers.supply_held,
            burned=numbers.burned,
            payments_made=numbers.payments_made,
            payments_final=numbers.payments_final,
            payments_pending=numbers.payments_pending,
            state_hash=numbers.state_hash.hex(),
            weight_connected=numbers.weight_connected,
            quorum=numbers.quorum,
            notices=self.parts.notices(),
        )

    def _peers(self) -> Peers:
        offers = {offer.provider: offer for offer in self.parts.requestor.offers()}
        now = trio.current_time()

        def peer(node_id: NodeId, host: str, port: int, since: float, trip: float | None) -> Peer:
            offer: OfferSummary | None = offers.get(node_id)
            return Peer(
                node_id=node_id.hex(),
                short=short_form(node_id),
                host=host,
                port=port,
                connected_s=now - since,
                round_trip_ms=None if trip is None else trip * 1000,
                price=None if offer is None else offer.price,
                start_price=None if offer is None else offer.start_price,
                slots_free=None if offer is None else offer.slots_free,
            )

        return Peers(
            tuple(
                peer(info.node_id, info.host, info.port, info.connected_since, info.round_trip_s)
                for info in self.parts.node.peers()
            )
        )

    def _wallet(self) -> Wallet:
        own = self.parts.identity.node_id
        wallet = self.parts.ledger.wallet()
        unspent, earned = sum_channels(
            own, self.parts.ledger.channels.all(), self.parts.vouchers_total
        )
        return Wallet(
            node_id=own.hex(),
            short=short_form(own),
            balance=wallet.balance,
            claimable=wallet.claimable,
            incoming=wallet.incoming,
            pending_out=wallet.pending_out,
            in_channels=unspent,
            earned_in_channels=earned,
            at_stake=sum_stakes(own, self.parts.ledger.channels.others()),
            issuing=_issuing(wallet.issuing),
            payments=tuple(
                Payment(
                    vertex_id=payment.vertex_id.hex(),
                    payer=payment.payer.hex(),
                    recipient=payment.recipient.hex(),
                    drops=payment.amount,
                    final=payment.is_final,
                    received=payment.recipient == own,
                    with_whom=short_form(
                        payment.payer if payment.recipient == own else payment.recipient
                    ),
                )
                for payment in self.parts.ledger.payments(10)
            ),
        )

    async def _pay(self, request: Pay, conversation: Conversation) -> None:
        to = self._account(request.to)
        connected = {info.node_id for info in self.parts.node.peers()}
        to_stranger = to not in connected and not self.parts.ledger.has_seen(to)
        try:
            vertex_id = await self.parts.ledger.pay([(to, request.drops)])
        except (PaymentRefused, NotIssuing, StorageFailure) as error:
            raise Refused(str(error)) from None
        except LocalProtocolError as error:
            raise Refused(f"this payment is not possible: {error}") from None
        try:
            with trio.move_on_after(min(max(request.wait_s, 0), CONTROL_WAIT_S_MAX)):
                await self.parts.ledger.wait_final(vertex_id)
        except NeverFinal as error:
            raise Refused(str(error)) from None
        final = self.parts.ledger.is_final(vertex_id)
        await conversation.send(
            Paid(vertex_id.hex(), short_form(to), request.drops, final, to_stranger)
        )

    def _anybody(self, text: str) -> NodeId:
        return self._account(text, may_be_own=True)

    def _account(self, text: str, *, may_be_own: bool = False) -> NodeId:
        """Find whom a person means: a whole key, or the beginning of one that is known here."""
        wanted = text.lower()
        try:
            key = bytes.fromhex(wanted)
        except ValueError:
            key = b""
        own = self.parts.identity.node_id
        if key == own or wanted == short_form(own):
            if may_be_own:
                return own
            raise Refused("that is this agent's own account")
        if len(key) == NODE_ID_BYTES:
            return NodeId(key)
        known = {info.node_id for info in self.parts.node.peers()} | set(
            self.parts.ledger.committee().table.weights()
        )
        fitting = [
            node_id
            for node_id in known - {own}
            if wanted and (short_form(node_id).startswith(wanted) or _begins(node_id, wanted))
        ]
        match fitting:
            case [only]:
                return only
            case []:
                raise Refused(
                    f"nobody who is connected is called '{text}': see 'fogbank peers', "
                    "or give the whole key"
                )
            case _:
                raise Refused(f"'{text}' fits {len(fitting)} peers: give more of the key")


def _begins(node_id: NodeId, digits: str) -> bool:
    return node_id.hex().startswith(digits)


def _issuing(state: IssuingState) -> str:
    match state:
        case Issuing():
            return "yes"
        case Silent(weight):
            votes = "1 more vote" if weight == 1 else f"{weight} more votes"
            return (
                f"waiting for agents with {votes}, to be sure of what this agent "
                "signed in an earlier life"
            )
        case DiskIsFull(reason) | Stopped(reason):
            return reason
