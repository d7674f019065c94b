"""Ticks: what a provider states of work under way, and what is paid for it (SPEC.md 9.5, 9.6)."""

from dataclasses import dataclass, replace
from typing import Final

from fogbank_protocol.encoding import Value
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, Identity, NetworkId, NodeId
from fogbank_protocol.signed import Domain, Signed, object_id
from fogbank_wasm_tasks.package import Manifest
from fogbank_wasm_tasks.verification.terms import check_start

from ..limits import LOT_RUNS_MAX, RUN_FUEL_MAX, TICK_BODY_BYTES_MAX
from .agreements import Agreement, AgreementId
from .checkpoint import Checkpoint, checkpoint_to_value, parse_checkpoint
from .fields import Fields, open_object, sign_checked
from .orders import Order
from .tally import Bill, royalty_for

TICK: Final = Domain("fog-tick-1", TICK_BODY_BYTES_MAX)
_RULE: Final = "9.5"
_GIGAFUEL: Final = 10**9


@dataclass(frozen=True, slots=True)
class Tick:
    """``provider`` has used ``fuel`` for the lot of an agreement so far."""

    agreement: AgreementId
    provider: NodeId
    fuel: int
    checkpoint: Checkpoint | None = None
    """The latest that it keeps; only in a lot of one run of a step task."""


def sign_tick(tick: Tick, network: NetworkId, identity: Identity) -> Signed:
    """Return ``tick`` signed by ``identity``, its provider."""
    return sign_checked(TICK, network, identity, _to_value(tick), _parse)


def open_tick(signed: Signed, network: NetworkId) -> Tick:
    """Return the statement after checking body and signature.

    Raises:
        RemoteProtocolError: one of them breaks a rule.
    """
    return open_object(TICK, network, signed, _parse, lambda tick: tick.provider)


def tick_id(signed: Signed, network: NetworkId) -> AgreementId:
    """Return the statement's name, by which it is paid as an agreement is by its own."""
    return AgreementId(object_id(TICK, network, signed.body))


def check_tick(
    tick: Tick, named: AgreementId, agreement: Agreement, order: Order, before: Tick | None
) -> None:
    """Check that ``tick`` is of the agreement on ``order``, and follows the statement ``before``.

    Of the statements before that had a checkpoint, ``before`` has the last: see ``followed``.

    Raises:
        RemoteProtocolError: it is not, says too much at once, or names a state from which nobody
            could go on (section 9.5).
    """
    if tick.agreement != named or tick.provider != agreement.provider:
        raise RemoteProtocolError("a statement about another agreement", rule=_RULE)
    done, runs = 0 if before is None else before.fuel, len(order.inputs)
    if not done < tick.fuel <= min(done + agreement.tick, runs * agreement.fuel_max):
        raise RemoteProtocolError("a statement of no more fuel, or of too much more", rule=_RULE)
    if tick.checkpoint is not None:
        last = None if before is None else before.checkpoint
        _check_checkpoint(tick.checkpoint, order, tick.fuel, last or order.start)


def _check_checkpoint(one: Checkpoint, order: Order, fuel: int, last: Checkpoint | None) -> None:
    """Check that ``one`` can be the start of an order for the rest, and lies beyond ``last``."""
    if len(order.inputs) != 1:
        raise RemoteProtocolError("a checkpoint of several runs", rule=_RULE)
    check_start(one.state, order.plan, order.fuel_max)
    begun = 0 if order.start is None else order.start.fuel
    # More was done than is stated when it was more than a tick at once.
    if one.fuel < begun + fuel or (last is not None and one.position <= last.position):
        raise RemoteProtocolError("a checkpoint before what is stated", rule=_RULE)


def followed(tick: Tick, before: Tick | None) -> Tick:
    """Return what the statement after ``tick``, which came after ``before``, is held against."""
    if tick.checkpoint is not None or before is None:
        return tick
    return replace(tick, checkpoint=before.checkpoint)


def drops_for(fuel: int, price: int) -> int:
    """Return what is due for ``fuel`` while the work goes on, rounded down."""
    return fuel * price // _GIGAFUEL


class RunningBill:
    """The bill of one agreement, of which each statement makes a part due."""

    def __init__(self, agreement: Agreement, manifest: Manifest) -> None:
        """Begin with nothing due; ``manifest`` says whose royalties there are."""
        self.fuel = 0
        """What was stated."""

        self.drops = 0
        """What the statements made due."""

        self._agreement = agreement
        self._manifest = manifest
        self._royalty = 0

    def state(self, statement: AgreementId, fuel: int) -> Bill:
        """Return the part that the ``statement`` of ``fuel`` makes due, under its own name."""
        part = self.rest(statement, drops_for(fuel, self._agreement.price))
        self.fuel = fuel
        self.drops += part.drops
        self._royalty += part.royalty
        return part

    def rest(self, agreement: AgreementId, drops: int) -> Bill:
        """Return what is left of the whole bill of ``drops``, under the name ``agreement``."""
        sides = self._agreement.requestor, self._agreement.provider
        author, royalty = royalty_for(self._manifest, drops, *sides)
        return Bill(agreement, drops - self.drops, author, royalty - self._royalty)


def _to_value(tick: Tick) -> Value:
    checkpoint = None if tick.checkpoint is None else checkpoint_to_value(tick.checkpoint)
    return [1, tick.agreement, tick.provider, tick.fuel, checkpoint]


def _parse(value: Value) -> Tick:
    fields = Fields(value, 5, rule=_RULE)
    fields.version()
    return Tick(
        agreement=AgreementId(fields.exactly(32)),
        provider=NodeId(fields.exactly(NODE_ID_BYTES)),
        fuel=fields.integer(LOT_RUNS_MAX * RUN_FUEL_MAX, least=1),
        checkpoint=parse_checkpoint(fields.anything(), rule=_RULE),
    )
