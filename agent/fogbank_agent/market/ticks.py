"""Ticks: what a provider states of work under way, and what is paid for it (SPEC.md 9.5, 9.6)."""

from dataclasses import dataclass
from typing import Final

from fogbank_protocol.encoding import Value
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, Identity, NetworkId, NodeId
from fogbank_protocol.signed import Domain, Signed, object_id
from fogbank_wasm_tasks.package import Manifest

from ..limits import LOT_RUNS_MAX, RUN_FUEL_MAX, TICK_BODY_BYTES_MAX
from .agreements import Agreement, AgreementId
from .checkpoint import Checkpoint, checkpoint_to_value, parse_checkpoint
from .fields import Fields, open_object, sign_checked
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
    tick: Tick, named: AgreementId, agreement: Agreement, runs: int, before: int
) -> None:
    """Check that ``tick`` is of the agreement, and follows a statement of ``before`` fuel.

    Raises:
        RemoteProtocolError: it is not, or says too much at once (section 9.5).
    """
    if tick.agreement != named or tick.provider != agreement.provider:
        raise RemoteProtocolError("a statement about another agreement", rule=_RULE)
    if not before < tick.fuel <= min(before + agreement.tick, runs * agreement.fuel_max):
        raise RemoteProtocolError("a statement of no more fuel, or of too much more", rule=_RULE)


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
