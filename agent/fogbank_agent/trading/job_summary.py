"""What a finished job comes to: its runs, its providers, its money."""

from collections.abc import Iterator, Sequence

from fogbank_protocol.identity import NodeId
from fogbank_wasm_tasks.outcome import Ok
from fogbank_wasm_tasks.receipt import Result

from ..market.attempt import AttemptRecord
from ..market.job_request import JobRequest
from ..market.job_result import Attempt, JobResult, ProviderTotals, RunResult
from ..market.outcome_words import describe_outcome
from ..market.pricing import bill
from ..market.purchase import Purchase, PurchaseState
from ..market.reasons import REQUESTORS_DOING
from ..market.verification import Voice, fuel_of
from .job_shell import JobShell


def summarise(request: JobRequest, shell: JobShell) -> JobResult:
    """Return the result of the job that ``shell`` has ended."""
    runs = [run for purchase in shell.job.purchases for run in _results(purchase, request, shell)]
    providers = _providers(shell)
    return JobResult(
        job_id=shell.job_id,
        runs=runs,
        providers=[_totals(provider, shell) for provider in providers],
        lies_caught=sum(map(_lies, shell.job.purchases)),
        fuel_total=sum(run.fuel for run in runs),
        paid_total=sum(shell.paid.values()),
        royalties_total=sum(shell.royalties.values()),
        fuel_checked=sum(one.ballot.fuel_checked for one in shell.job.purchases),
        stood_in=sum(len(one.runs) for one in shell.job.purchases if one.ballot.has_stood_in),
        channels=[channel.hex() for channel in shell.channels],
        seconds=shell.seconds,
    )


def _results(purchase: Purchase, request: JobRequest, shell: JobShell) -> Iterator[RunResult]:
    """Return how each run of a lot ended; who did it, and how often it was tried, is the lot's."""
    provider = _first_to_say_it(purchase)
    attempts = [_attempt(purchase, record, shell) for record in purchase.records.values()]
    starts = {one.start for one in purchase.records.values() if one.start is not None}
    claim: Sequence[Result | None] = purchase.claim or [None] * len(purchase.runs)
    for number, result in zip(purchase.runs, claim, strict=True):
        output = result.outcome if result is not None and isinstance(result.outcome, Ok) else None
        yield RunResult(
            number=number,
            name=request.inputs[number].name,
            run_id=shell.run_ids[number],
            reason=purchase.reason,
            outcome="" if result is None else describe_outcome(result.outcome),
            output=output.output_id if output is not None else None,
            output_size=output.output_size if output is not None else 0,
            fuel=0 if result is None else result.fuel,
            provider=provider,
            attempts=attempts,
            moves=len(starts),
        )


def _attempt(purchase: Purchase, record: AttemptRecord, shell: JobShell) -> Attempt:
    said = [voice for voice in purchase.ballot.voices if voice.attempt == record.number]
    is_wrong = record.number in purchase.ballot.wrong
    right = [voice for voice in said if _is_right(purchase, voice) and not is_wrong]
    agreed = shell.agreed.get((purchase.number, record.number))
    return Attempt(
        number=record.number,
        provider=record.proposal.provider,
        price=record.proposal.price,
        start_price=record.proposal.start_price,
        failure=record.failure,
        refused=is_wrong,
        accepted=bool(right),
        fuel=_own_fuel(purchase, right[0]) if right else record.ticked_fuel,
        paid=0 if agreed is None else shell.paid.get(agreed.agreement, 0),
        runs=len(purchase.runs),
    )


def _lies(purchase: Purchase) -> int:
    """Return how many results of runs were found wrong."""
    return sum(
        said != right
        for voice in purchase.ballot.voices
        if voice.attempt in purchase.ballot.wrong and purchase.claim is not None
        for said, right in zip(voice.claim, purchase.claim, strict=True)
    )


def _first_to_say_it(purchase: Purchase) -> NodeId | None:
    for voice in purchase.ballot.voices:
        if voice.claim == purchase.claim:
            return voice.provider
    return None


def _providers(shell: JobShell) -> Sequence[NodeId]:
    """Return everyone with an agreement, in the order of the first."""
    return list(dict.fromkeys(agreed.provider for agreed in shell.agreed.values()))


def _totals(provider: NodeId, shell: JobShell) -> ProviderTotals:
    records = [
        (purchase, record)
        for purchase in shell.job.purchases
        for record in purchase.records.values()
        if record.proposal.provider == provider
    ]
    right = [
        (purchase, voice)
        for purchase in shell.job.purchases
        for voice in purchase.ballot.voices
        if voice.provider == provider and _is_right(purchase, voice)
    ]
    owed = sum(_bill(purchase, voice) for purchase, voice in right)
    agreements = [one.agreement for one in shell.agreed.values() if one.provider == provider]
    paid = sum(shell.paid.get(agreement, 0) for agreement in agreements)
    return ProviderTotals(
        provider=provider,
        runs=sum(len(voice.claim) for _, voice in right),
        fuel=sum(_own_fuel(purchase, voice) for purchase, voice in right),
        paid=paid,
        royalties=sum(shell.royalties.get(agreement, 0) for agreement in agreements),
        unpaid=max(0, owed - paid),
        refused=sum(record.number in purchase.ballot.wrong for purchase, record in records),
        lost=sum(_is_lost(record) for _, record in records),
        caught=shell.job.choice.is_caught(provider),
    )


def _is_lost(record: AttemptRecord) -> bool:
    return record.failure is not None and record.failure not in REQUESTORS_DOING


def _is_right(purchase: Purchase, voice: Voice) -> bool:
    return purchase.state is PurchaseState.ACCEPTED and voice.claim == purchase.claim


def _bill(purchase: Purchase, voice: Voice) -> int:
    terms = purchase.records[voice.attempt].proposal
    fuel = _own_fuel(purchase, voice)
    return bill(fuel, terms.price, terms.start_price, len(voice.claim))


def _own_fuel(purchase: Purchase, voice: Voice) -> int:
    """Return the fuel of a claim without what somebody else had used before."""
    start = purchase.records[voice.attempt].start
    return fuel_of(voice.claim) - (0 if start is None else start.fuel)
