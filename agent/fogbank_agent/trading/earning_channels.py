"""The channels that pay this agent: when to settle them on the ledger (SPEC.md section 9.6)."""

from collections.abc import Callable
from logging import getLogger

import trio

from fogbank_dag_ledger.operations import ObjectId
from fogbank_dag_ledger.own_objects import ChannelView, ObjectState
from fogbank_dag_ledger.service.failures import NotIssuing, StorageFailure
from fogbank_dag_ledger.wallet import PaymentRefused
from fogbank_protocol.identity import NodeId, short_form

from ..limits import CHANNEL_IDLE_S, CHANNELS_LOOK_S
from .debts import Debts
from .interfaces import Account, ChannelLedger

_log = getLogger(__name__)


class EarningChannels:
    """Closes channels that are asked back, not used any more, or reclaimed."""

    def __init__(
        self,
        account: Account,
        ledger: ChannelLedger,
        debts: Debts,
        own_id: NodeId,
        *,
        is_working_for: Callable[[NodeId], bool],
    ) -> None:
        """Close none whose payer this agent ``is_working_for``."""
        self._account = account
        self._ledger = ledger
        self._debts = debts
        self._own_id = own_id
        self._is_working_for = is_working_for
        self._used_at: dict[NodeId, float] = {}
        self._closing: set[ObjectId] = set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Look after the channels at every news of the account and now and then."""
        async with self._account.watch() as news:
            task_status.started()
            while True:
                await self._look()
                # Never by news alone: one that was missed would leave money in a channel.
                with trio.move_on_after(CHANNELS_LOOK_S):
                    await news.receive()

    def note_use(self, requestor: NodeId) -> None:
        """Remember that a lot of ``requestor`` begins."""
        self._used_at[requestor] = trio.current_time()

    async def close(self, requestor: NodeId, channel: ObjectId) -> bool:
        """Settle ``channel`` because its payer asks; False while it cannot be."""
        for view in self._channels():
            if view.id == channel and view.payer == requestor and view.state is ObjectState.OPEN:
                if self._is_working_for(requestor):
                    return False
                return await self._close(view)
        return True

    async def close_all(self) -> None:
        """Settle every channel whose payer this agent does not work for now."""
        for view in self._channels():
            if view.state is ObjectState.OPEN and not self._is_working_for(view.payer):
                await self._close(view)

    async def _look(self) -> None:
        now = trio.current_time()
        for view in self._channels():
            match view.state:
                case ObjectState.SETTLED if not view.owed:
                    self._debts.forget(view.id)
                case ObjectState.CLOSING if view.reclaimed:
                    await self._close(view)
                case ObjectState.OPEN if self._is_idle(view, now):
                    await self._close(view)
                case _:
                    pass

    def _is_idle(self, view: ChannelView, now: float) -> bool:
        used_at = self._used_at.setdefault(view.payer, now)
        return now - used_at >= CHANNEL_IDLE_S and not self._is_working_for(view.payer)

    def _channels(self) -> list[ChannelView]:
        return [view for view in self._ledger.all() if view.terms.provider == self._own_id]

    async def _close(self, view: ChannelView) -> bool:
        if view.id in self._closing:
            return True
        self._closing.add(view.id)
        self._debts.begin_closing(view.id)
        try:
            await self._ledger.close(view.id)
        except (PaymentRefused, NotIssuing, StorageFailure) as error:
            self._closing.discard(view.id)
            self._debts.end_closing(view.id)
            _log.warning(
                "the channel of %s cannot be closed now: %s", short_form(view.payer), error
            )
            return False
        return True
