"""Charges: what a service has done and what is due for it, one after the other (SPEC.md 9.8)."""

from dataclasses import dataclass

from fogbank_protocol.blobs.naming import BLOB_ID_BYTES, BlobId, blob_id
from fogbank_protocol.encoding import Value
from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NODE_ID_BYTES, Identity, NetworkId, NodeId
from fogbank_protocol.signed import Domain, Signed, object_id
from fogbank_wasm_tasks.outcome import HostFault, Ok, Outcome, outcome_from_value, outcome_to_value

from ..limits import (
    CHARGE_BODY_BYTES_MAX,
    RUN_FUEL_MAX,
    SERVICE_CHARGES_MAX,
    SERVICE_S_MAX,
    WARM_SLACK_MS,
)
from .agreements import AgreementId
from .fields import Fields, open_object, sign_checked
from .pricing import bill
from .service_bids import ServiceAgreement
from .service_orders import ServiceOrder

CHARGE = Domain("fog-charge-1", CHARGE_BODY_BYTES_MAX)
_RULE = "9.8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A call, the beginning, or a beat: time alone."""

    service: AgreementId
    provider: NodeId
    sequence: int
    """0 for the beginning."""

    warm_ms: int
    """Milliseconds since the beginning, in all."""

    fuel: int
    input_id: BlobId | None
    """Of the call; None for the beginning and for beats."""

    outcome: Outcome | None
    """Of the beginning or call; None for beats."""


def sign_charge(charge: Charge, network: NetworkId, identity: Identity) -> Signed:
    """Sign ``charge`` as its provider.

    Raises:
        LocalProtocolError: a bound of section 9.8 is broken.
    """
    fields: Value = [
        1,
        charge.service,
        charge.provider,
        charge.sequence,
        charge.warm_ms,
        charge.fuel,
        charge.input_id,
        None if charge.outcome is None else outcome_to_value(charge.outcome),
    ]
    return sign_checked(CHARGE, network, identity, fields, _parse)


def open_charge(signed: Signed, network: NetworkId) -> Charge:
    """Return the charge after checking body and signature.

    Raises:
        RemoteProtocolError: one of them breaks a rule.
    """
    return open_object(CHARGE, network, signed, _parse, lambda charge: charge.provider)


def charge_id(signed: Signed, network: NetworkId) -> AgreementId:
    """Return the charge's name, which stands in settlements where that of an agreement does."""
    return AgreementId(object_id(CHARGE, network, signed.body))


def charge_bill(charge: Charge, warm_ms_before: int, agreement: ServiceAgreement) -> int:
    """Return the drops due for ``charge``, which follows one with ``warm_ms_before``."""
    price, warm = agreement.price, agreement.warm_price
    warm_drops = _warm(charge.warm_ms, warm) - _warm(warm_ms_before, warm)
    starts = 0 if charge.outcome is None else 1
    return bill(charge.fuel, price, agreement.start_price, starts) + warm_drops


def _warm(warm_ms: int, warm_price: int) -> int:
    """Return the drops for the first ``warm_ms``, rounded up."""
    return -(-warm_ms * warm_price // 1_000)


class Charges:
    """The requestor's account of one service: every charge must follow from the one before."""

    def __init__(
        self, service: AgreementId, agreement: ServiceAgreement, order: ServiceOrder
    ) -> None:
        """Take charges for ``service``."""
        self._service = service
        self._agreement = agreement
        self._order = order
        self._sequence = 0
        self._warm_ms = 0
        self.is_over = False
        """A call has ended the service."""

    @property
    def sequence(self) -> int:
        """How many charges there were."""
        return self._sequence

    @property
    def warm_ms(self) -> int:
        """Milliseconds that were charged."""
        return self._warm_ms

    def take(
        self, charge: Charge, output: bytes | None, awaited: BlobId | None, elapsed_ms: int
    ) -> int:
        """Return the drops due for ``charge``, which came with ``output``.

        ``awaited`` is the input of the call under way, if any; ``elapsed_ms`` the own measure of
        the time since the agreement.

        Raises:
            RemoteProtocolError: it does not follow (section 9.8).
        """
        if (charge.service, charge.provider) != (self._service, self._agreement.provider):
            raise RemoteProtocolError("a charge for another service", rule=_RULE)
        if charge.sequence != self._sequence or self.is_over:
            raise RemoteProtocolError("a charge out of order", rule=_RULE)
        most_ms = min(
            elapsed_ms + WARM_SLACK_MS, self._order.duration_s_max * 1_000 + WARM_SLACK_MS
        )
        if not self._warm_ms <= charge.warm_ms <= most_ms:
            raise RemoteProtocolError("a charge for time that has not passed", rule=_RULE)
        if charge.fuel > self._order.fuel_max:
            raise RemoteProtocolError("a charge for more fuel than was agreed", rule=_RULE)
        self._check_kind(charge, output, awaited)
        drops = charge_bill(charge, self._warm_ms, self._agreement)
        self._sequence += 1
        self._warm_ms = charge.warm_ms
        self.is_over = charge.outcome is not None and not isinstance(charge.outcome, Ok)
        return drops

    def _check_kind(self, charge: Charge, output: bytes | None, awaited: BlobId | None) -> None:
        if charge.sequence == 0 and (charge.outcome is None or charge.warm_ms != 0):
            raise RemoteProtocolError("a service that begins with another charge", rule=_RULE)
        if charge.input_id is not None and charge.input_id != awaited:
            raise RemoteProtocolError("a charge for a call that nobody made", rule=_RULE)
        match charge.outcome:
            case Ok(output_id, output_size) if charge.input_id is not None:
                if output_size > self._order.output_bytes_max:
                    raise RemoteProtocolError("a larger output than was agreed", rule=_RULE)
                if output is None or (blob_id(output), len(output)) != (output_id, output_size):
                    raise RemoteProtocolError("another output than the charge's", rule=_RULE)
            case _:
                if output is not None:
                    raise RemoteProtocolError("an output without a call", rule=_RULE)


def _parse(value: Value) -> Charge:
    fields = Fields(value, 8, rule=_RULE)
    fields.version()
    charge = Charge(
        service=AgreementId(fields.exactly(32)),
        provider=NodeId(fields.exactly(NODE_ID_BYTES)),
        sequence=fields.integer(SERVICE_CHARGES_MAX),
        warm_ms=fields.integer((SERVICE_S_MAX + 1) * 1_000),
        fuel=fields.integer(RUN_FUEL_MAX),
        input_id=_input_id(fields.exactly_or_nil(BLOB_ID_BYTES)),
        outcome=_outcome(fields.anything()),
    )
    if charge.outcome is None and (charge.fuel or charge.input_id is not None):
        raise RemoteProtocolError("a beat with fuel or input", rule=_RULE)
    if charge.sequence and charge.outcome is not None and charge.input_id is None:
        raise RemoteProtocolError("a call without input", rule=_RULE)
    if not charge.sequence and charge.input_id is not None:
        raise RemoteProtocolError("a beginning with input", rule=_RULE)
    return charge


def _input_id(value: bytes | None) -> BlobId | None:
    return None if value is None else BlobId(value)


def _outcome(value: Value) -> Outcome | None:
    if value is None:
        return None
    outcome = outcome_from_value(value)
    if isinstance(outcome, HostFault):
        raise RemoteProtocolError("a charge for a fault of the machine", rule=_RULE)
    return outcome
