"""The calls of one lot's purchase: orders to many, the lot's stream to one (SPEC.md 9.3, 9.5)."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import trio

from fogbank_protocol.encoding import decode, encode
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import Identity, NetworkId, NodeId
from fogbank_protocol.node.blob_store import BlobMissing, BlobStore, StoreFull
from fogbank_protocol.node.blob_transfer import FetchFailed, fetch_blob
from fogbank_protocol.node.node import (
    CallFailure,
    CallRefused,
    CallTimedOut,
    Node,
    PeerGone,
)
from fogbank_protocol.signed import Signed, signed_from_value
from fogbank_wasm_tasks.outcome import HostFault, Ok
from fogbank_wasm_tasks.receipt import Receipt, open_receipt

from ..limits import (
    BID_BODY_BYTES_MAX,
    BID_WAIT_S,
    FETCH_WAIT_S,
    PACE_FUEL_PER_S,
    RESULT_GRACE_S,
    REVEAL_WAIT_EXTRA_S,
    STREAM_WAIT_EXTRA_S,
    TICKS_BURST_MAX,
    TICKS_PER_S_MAX,
)
from ..market.agreements import (
    Agreement,
    AgreementId,
    agreement_id,
    check_agreement_signature,
    sign_agreement,
)
from ..market.bids import BID, Answer, Bid, Decline, bid_id, check_bid, open_answer
from ..market.checkpoint import Checkpoint, is_snapshot_of
from ..market.commitments import check_reveal, encode_reveal
from ..market.orders import Order, OrderId, Quorum, order_id, sign_order
from ..market.reasons import SAID_BY_PROVIDERS, Reason
from ..market.reuse import check_evidence
from ..market.run_messages import (
    AgreementMade,
    RunCommitted,
    RunEnded,
    RunEvidence,
    RunOpening,
    RunTicked,
    check_inline_outputs,
    check_receipt,
    decode_run_item,
    encode_run_opening,
)
from ..market.ticks import Tick, check_tick, followed, open_tick, tick_id
from ..market.verification import Claim
from .call_failures import reason_of
from .methods import ORDER_METHOD, REVEAL_METHOD, RUN_METHOD, SIGNED_OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """An order that is out, and the bids that came for it."""

    order: Order
    signed: Signed
    order_id: OrderId
    bids: dict[NodeId, tuple[Signed, Bid]] = field(default_factory=dict[NodeId, tuple[Signed, Bid]])


@dataclass(frozen=True, slots=True)
class LotResult:
    """A valid receipt whose outputs are in the blob store."""

    agreement: AgreementId
    signed: Signed
    claim: Claim
    evidence: int = 0
    """Old receipts that prove it, when it was served again."""


class AttemptEnded(Exception):
    """The attempt gives no result."""

    def __init__(self, reason: Reason, *, is_refusal: bool = False) -> None:
        """``is_refusal`` tells whether the provider said so before it signed the agreement."""
        super().__init__(reason)
        self.reason = reason
        self.is_refusal = is_refusal


class PurchaseCalls:
    """Makes the calls; knows no rule of when."""

    def __init__(self, node: Node, identity: Identity, blobs: BlobStore) -> None:
        """Call the peers of ``node`` as ``identity``; outputs go to ``blobs``."""
        self._node = node
        self._identity = identity
        self._network = node.network
        self._blobs = blobs

    def sign(self, order: Order) -> SignedOrder:
        """Sign an order."""
        signed = sign_order(order, self._network, self._identity)
        return SignedOrder(order, signed, order_id(signed, self._network))

    async def ask(self, order: SignedOrder, provider: NodeId) -> Bid | Decline:
        """Return the provider's answer, within the order's caps; failures are declines."""
        try:
            body = await self._node.request(
                provider, ORDER_METHOD, encode(order.signed.to_value()), timeout_s=BID_WAIT_S
            )
            signed, answer = self._read_answer(body)
            _check_answer(answer, order, provider)
        except RemoteProtocolError:
            return _decline(order, provider, Reason.BROKEN_RULE)
        except PeerGone:
            return _decline(order, provider, Reason.PROVIDER_LOST)
        except CallRefused as refused:
            reason = Reason.BUSY if refused.code == "busy" else Reason.NO_ANSWER
            return _decline(order, provider, reason)
        except CallTimedOut:
            return _decline(order, provider, Reason.NO_ANSWER)
        if isinstance(answer, Bid):
            order.bids[provider] = (signed, answer)
        return answer

    def _read_answer(self, body: bytes) -> tuple[Signed, Answer]:
        bytes_max = BID_BODY_BYTES_MAX + SIGNED_OVERHEAD_BYTES
        signed = signed_from_value(BID, decode(body, bytes_max=bytes_max))
        return signed, open_answer(signed, self._network)

    async def buy(
        self,
        order: SignedOrder,
        provider: NodeId,
        inline_inputs: Sequence[bytes | None],
        on_agreement: Callable[[AgreementId, Agreement], None],
        on_tick: Callable[[AgreementId, Tick], Awaitable[None]],
        on_commitment: Callable[[], None],
    ) -> LotResult:
        """Agree on the provider's bid, have the lot done, and return its results.

        ``on_agreement`` is called when the provider has signed, ``on_tick`` with each
        statement that it makes while it works, and its name, and nothing more is read until it
        returns; ``on_commitment`` when a member of a quorum is bound to what it shows after
        ``reveal``.

        Raises:
            AttemptEnded: there is no result.
        """
        agreement = self._agreement(order, provider)
        body = agreement.encode()
        signature = sign_agreement(body, self._network, self._identity)
        opening = RunOpening(order.signed, body, signature, inline_inputs)
        named = agreement_id(body, self._network)
        progress = _Progress(named, agreement, order.order, on_agreement, on_tick, on_commitment)
        progress.reuse = order.bids[provider][1].reuse
        try:
            ended = await self._listen(order, provider, opening, progress)
            receipt = open_receipt(ended.receipt, self._network)
            check_receipt(receipt, order.order, agreement, named)
            check_reveal(ended.receipt, ended.nonce, progress.commitment, self._network)
            progress.check_end(receipt)
            if progress.reuse:
                # An empty list, which never came over the wire, proves nothing.
                check_evidence(progress.evidence, provider, self._network, receipt)
            check_inline_outputs(receipt, ended.outputs)
        except RemoteProtocolError:
            # A provider that had not signed has promised nothing, but must not be asked again.
            raise AttemptEnded(Reason.BROKEN_RULE) from None
        except CallFailure as failure:
            is_refusal = not progress.signed and _is_said(failure)
            raise AttemptEnded(_reason_of(failure), is_refusal=is_refusal) from None
        if any(isinstance(result.outcome, HostFault) for result in receipt.results):
            raise AttemptEnded(Reason.HOST_FAULT)
        await self._keep_outputs(receipt, ended.outputs, provider, order.order.run_ms_max)
        return LotResult(named, ended.receipt, tuple(receipt.results), len(progress.evidence))

    async def _listen(
        self, order: SignedOrder, provider: NodeId, opening: RunOpening, progress: "_Progress"
    ) -> RunEnded:
        timeout_s = order.order.run_ms_max / 1_000 + STREAM_WAIT_EXTRA_S
        is_quorum = isinstance(order.order.verification, Quorum)
        if is_quorum:
            timeout_s = 2 * timeout_s + REVEAL_WAIT_EXTRA_S
        body = encode_run_opening(opening)
        async with self._node.stream(
            provider, RUN_METHOD, body, timeout_s=min(timeout_s, 3_600)
        ) as items:
            first = decode_run_item(await _next(items))
            if not isinstance(first, AgreementMade):
                raise RemoteProtocolError("a run that begins without agreement", rule="9.5")
            signature = first.provider_signature
            check_agreement_signature(opening.agreement_body, self._network, provider, signature)
            progress.sign()
            while True:
                match decode_run_item(await _next(items)):
                    case RunTicked(statement):
                        await progress.take(statement, self._network)
                    case RunCommitted(commitment) if is_quorum:
                        progress.commit(commitment)
                    case RunCommitted():
                        raise RemoteProtocolError("a commitment to nobody", rule="9.6")
                    case RunEvidence(receipts):
                        progress.take_evidence(receipts)
                    case RunEnded() as ended:
                        if is_quorum and progress.commitment is None:
                            raise RemoteProtocolError("a receipt before its time", rule="9.6")
                        return ended
                    case AgreementMade():
                        raise RemoteProtocolError("an agreement made twice", rule="9.5")

    async def reveal(self, agreement: AgreementId, provider: NodeId) -> None:
        """Ask for the receipt of ``agreement``, to which ``provider`` has committed.

        That it does not come is seen where it is waited for.
        """
        # A provider that is gone, or does not want to, has its stream broken or timed out.
        with suppress(CallFailure):
            await self._node.request(
                provider, REVEAL_METHOD, encode_reveal(agreement), timeout_s=RESULT_GRACE_S
            )

    def _agreement(self, order: SignedOrder, provider: NodeId) -> Agreement:
        signed_bid, bid = order.bids[provider]
        return Agreement(
            order_id=order.order_id,
            bid_id=bid_id(signed_bid, self._network),
            requestor=self._identity.node_id,
            provider=provider,
            price=bid.price,
            start_price=bid.start_price,
            fuel_max=order.order.fuel_max,
            tick=bid.tick,
        )

    async def keep_state(self, checkpoint: Checkpoint, provider: NodeId) -> bool:
        """Bring a state of a run under way here; tell whether it is the one that was signed."""
        try:
            await fetch_blob(
                self._node,
                self._blobs,
                checkpoint.snapshot,
                [provider],
                timeout_s=FETCH_WAIT_S,
                bytes_max=checkpoint.size,
            )
            data = await self._blobs.read(checkpoint.snapshot)
        except (FetchFailed, StoreFull, BlobMissing):
            return False
        return await trio.to_thread.run_sync(is_snapshot_of, data, checkpoint.state)

    async def _keep_outputs(
        self,
        receipt: Receipt,
        inline: Sequence[bytes | None],
        provider: NodeId,
        run_ms_max: int,
    ) -> None:
        try:
            await self._blobs.put_small([output for output in inline if output is not None])
        except StoreFull:
            raise AttemptEnded(Reason.DISK_FULL) from None
        for result, output in zip(receipt.results, inline, strict=True):
            if isinstance(result.outcome, Ok) and output is None:
                await self._fetch_output(result.outcome, provider, run_ms_max)

    async def _fetch_output(self, outcome: Ok, provider: NodeId, run_ms_max: int) -> None:
        try:
            timeout_s = run_ms_max / 1_000 + STREAM_WAIT_EXTRA_S
            await fetch_blob(
                self._node,
                self._blobs,
                outcome.output_id,
                [provider],
                timeout_s=timeout_s,
                bytes_max=outcome.output_size,
            )
            size = self._blobs.size(outcome.output_id)
        except StoreFull:
            raise AttemptEnded(Reason.DISK_FULL) from None
        except FetchFailed:
            raise AttemptEnded(Reason.OUTPUT_UNAVAILABLE) from None
        if size != outcome.output_size:
            raise AttemptEnded(Reason.BROKEN_RULE)


@dataclass(slots=True)
class _Progress:
    named: AgreementId
    agreement: Agreement
    order: Order
    on_agreement: Callable[[AgreementId, Agreement], None]
    on_tick: Callable[[AgreementId, Tick], Awaitable[None]]
    on_commitment: Callable[[], None]
    commitment: bytes | None = None

    reuse: bool = False
    """The bid said that results are served again."""

    evidence: Sequence[Signed] = ()
    signed: bool = False
    signed_at: float = 0.0
    ticks: int = 0
    last: Tick | None = None
    """What was stated, with the last checkpoint."""

    def sign(self) -> None:
        self.signed = True
        self.signed_at = trio.current_time()
        self.on_agreement(self.named, self.agreement)

    async def take(self, statement: Signed, network: NetworkId) -> None:
        """Pass on a statement; raise ``RemoteProtocolError`` when it breaks a rule."""
        if self.commitment is not None:
            raise RemoteProtocolError("a statement after the commitment", rule="9.6")
        if self.reuse:
            raise RemoteProtocolError("a statement of work that is not done", rule="9.5")
        self.ticks += 1
        seconds = trio.current_time() - self.signed_at
        if self.ticks > TICKS_BURST_MAX + TICKS_PER_S_MAX * seconds:
            raise RemoteProtocolError("more than forty statements a second", rule="9.5")
        tick = open_tick(statement, network)
        check_tick(tick, self.named, self.agreement, self.order, self.last)
        self.last = followed(tick, self.last)
        # A statement is paid unseen: who makes them up is no faster at it than the fastest worker.
        ahead = max(0, tick.fuel - self.agreement.tick)
        await trio.sleep_until(self.signed_at + ahead / PACE_FUEL_PER_S)
        await self.on_tick(tick_id(statement, network), tick)

    def commit(self, commitment: bytes) -> None:
        if self.commitment is not None:
            raise RemoteProtocolError("a second commitment", rule="9.6")
        self.commitment = commitment
        self.on_commitment()

    def take_evidence(self, receipts: Sequence[Signed]) -> None:
        """Keep the old receipts; raise ``RemoteProtocolError`` when nobody asked for them."""
        if not self.reuse or self.evidence:
            raise RemoteProtocolError("evidence without such a bid, or twice", rule="9.5")
        self.evidence = receipts

    def check_end(self, receipt: Receipt) -> None:
        """Check that the receipt does not take back what was stated."""
        is_fault = any(isinstance(one.outcome, HostFault) for one in receipt.results)
        start = self.order.start
        begun = 0 if start is None else start.fuel
        stated = 0 if self.last is None else self.last.fuel
        if receipt.fuel - begun < stated and not is_fault:
            raise RemoteProtocolError("a receipt for less fuel than was stated", rule="9.5")


async def _next(items: AsyncIterator[bytes]) -> bytes:
    try:
        return await anext(items)
    except StopAsyncIteration:
        raise RemoteProtocolError("a run that ends without a receipt", rule="9.5") from None


def _is_said(failure: CallFailure) -> bool:
    """Tell whether the provider answered, and did not just fail to."""
    return isinstance(failure, CallRefused) and failure.code in _SAID


_SAID = ("refused", "busy", "shutting_down")


def _reason_of(failure: CallFailure) -> Reason:
    """Return why a run ended without a receipt.

    What is the requestor's to find, or belongs elsewhere, is nothing that a provider can say: it
    could make its own failure look like somebody else's.
    """
    reason = reason_of(failure, late=Reason.DEADLINE_PASSED, otherwise=Reason.OTHER)
    if _is_said(failure) and reason not in SAID_BY_PROVIDERS:
        return Reason.OTHER
    return reason


def _check_answer(answer: Answer, order: SignedOrder, provider: NodeId) -> None:
    if answer.provider != provider or answer.order_id != order.order_id:
        raise RemoteProtocolError("an answer of another provider or to another order", rule="9.3")
    if isinstance(answer, Bid):
        check_bid(answer, order.order_id, order.order.price_max, order.order.start_price_max)


def _decline(order: SignedOrder, provider: NodeId, reason: Reason) -> Decline:
    return Decline(provider=provider, order_id=order.order_id, reasons=(reason,))
