"""Starts, calls, stops and lists services for the command line."""

from fogbank_protocol.blobs.naming import BlobId
from fogbank_protocol.identity import short_form
from fogbank_protocol.node.blob_store import BlobMissing, StoreFull
from fogbank_wasm_tasks.outcome import Ok

from ..authoring.environment import environment_of
from ..errors import Refused
from ..limits import AFFORDABLE_FUEL_MIN, MEBIBYTE, SERVICE_CALL_PARTS
from ..market.outcome_words import describe_outcome
from ..market.reasons import Reason, sentence
from ..market.service_request import ServiceRequest, ServiceView
from ..parts import Parts
from ..trading.service_desk import ServiceRefused
from .job_answers import take_task
from .requests.services import (
    CallService,
    ServiceCalled,
    Services,
    ServiceState,
    StartService,
    StopService,
)
from .server import Conversation


async def answer_start_service(
    parts: Parts, request: StartService, conversation: Conversation
) -> None:
    """Start a service; one that has begun stays when the client hangs up."""
    config = parts.config.requestor
    check_unverified(config.verify if request.verify is None else request.verify)
    package_id = await take_task(parts, BlobId(request.task_id), request.task_name)
    price_max = _or(request.price_max, config.price_max)
    start_price_max = _or(request.start_price_max, config.start_price_max)
    drops_max = _or(request.budget, config.deposit)
    fuel_max = request.fuel_max
    if fuel_max is None:
        affordable = parts.requestor.affordable_fuel(
            price_max, start_price_max, copies=SERVICE_CALL_PARTS, drops_max=drops_max
        )
        fuel_max = fuel_within(config.fuel_max, affordable)
    wanted = ServiceRequest(
        package_id=package_id,
        fuel_max=fuel_max,
        memory_bytes_max=config.memory_mib_max * MEBIBYTE,
        price_max=price_max,
        start_price_max=start_price_max,
        warm_price_max=_or(request.warm_price_max, config.warm_price_max),
        drops_max=drops_max,
        arguments=request.arguments,
        environment=environment_of(request.environment),
        seed=request.seed,
        call_ms_max=_or(request.call_s, config.deadline_s) * 1_000,
        idle_s_max=request.idle_s,
        duration_s_max=request.duration_s,
        patience_s=_or(request.patience_s, config.patience_s),
    )
    view: ServiceView | None = None
    refusal = ""
    async with conversation.until_hangup():
        try:
            view = await parts.requestor.start_service(wanted)
        except ServiceRefused as refused:
            refusal = str(refused)
    if view is None:
        raise Refused(refusal)
    await conversation.send(_state(view))


def fuel_within(usual: int, affordable: int | None) -> int:
    """Return the fuel limit for a service whose owner has named none.

    ``affordable`` is what a part of its budget pays, None when work is free.  At the ``usual`` a
    call might cost all of the budget, so that none could be made; but with less than
    ``AFFORDABLE_FUEL_MIN`` no task gets far, and it is better to be told that the budget is small.
    """
    if affordable is None or affordable < AFFORDABLE_FUEL_MIN:
        return usual
    return min(usual, affordable)


def check_unverified(policy: str) -> None:
    """Check that nobody expects the calls of a service to be checked (SPEC.md section 9.8).

    Raises:
        Refused: ``policy`` is another than "none".
    """
    if policy != "none":
        raise Refused(
            f"nobody checks the calls of a service, so '{policy}' would be an empty promise: start "
            "it with --verify none, or buy what must be right with 'fogbank run'"
        )


async def answer_call_service(
    parts: Parts, request: CallService, conversation: Conversation
) -> None:
    """Call a service and keep the output until the conversation ends."""
    desk = parts.requestor.desk
    try:
        service = desk.find(request.service)
        data = await parts.blobs.read(BlobId(request.input_id))
        result = await desk.call(service, data)
    except ServiceRefused as refused:
        raise Refused(str(refused)) from None
    except BlobMissing:
        raise Refused("the input is not here: hand it over again") from None
    output_id = None
    if isinstance(result.outcome, Ok):
        try:
            output_id = await parts.blobs.put(result.output)
        except StoreFull as error:
            raise Refused(str(error)) from None
        parts.blobs.pin(output_id)
        conversation.at_end.callback(parts.blobs.unpin, output_id)
    await conversation.send(
        ServiceCalled(
            service=service.hex(),
            sequence=result.sequence,
            ok=output_id is not None,
            outcome=describe_outcome(result.outcome),
            output_id=output_id,
            output_bytes=len(result.output),
            fuel=result.fuel,
            drops=result.drops,
        )
    )


async def answer_stop_service(
    parts: Parts, request: StopService, conversation: Conversation
) -> None:
    """End a service."""
    desk = parts.requestor.desk
    try:
        view = await desk.stop(desk.find(request.service))
    except ServiceRefused as refused:
        raise Refused(str(refused)) from None
    await conversation.send(_state(view))


def list_services(parts: Parts) -> Services:
    """Return the services of this life of the agent."""
    return Services(tuple(map(_state, parts.requestor.desk.all())))


def _state(view: ServiceView) -> ServiceState:
    return ServiceState(
        service=view.service.hex(),
        provider=short_form(view.provider),
        name=view.name,
        live=view.is_live,
        why=_why(view),
        reason="" if view.reason is None else view.reason.value,
        calls=view.calls,
        charges=view.charges,
        fuel=view.fuel,
        fuel_max=view.fuel_max,
        warm_ms=view.warm_ms,
        drops=view.drops,
        paid=view.paid,
    )


def _why(view: ServiceView) -> str:
    if view.reason is None:
        return ""
    if view.reason is Reason.SERVICE_STOPPED and view.budget_spent is not None:
        return f"its budget of {view.budget_spent:,} drops is spent"
    return sentence(view.reason)


def _or(given: int | None, otherwise: int) -> int:
    return otherwise if given is None else given
