"""What a finished job comes to: its runs, its providers, its money."""

from collections.abc import Sequence

from fogbank_protocol.identity import NodeId
from fogbank_wasm_tasks.outcome import Ok

from ..market.job_request import JobRequest
from ..market.job_result import Attempt, JobResult, ProviderTotals, RunResult
from ..market.outcome_words import describe_outcome
from ..market.pricing import bill
from ..market.purchase import Purchase, PurchaseState
from ..market.verification import Voice
from .job_shell import JobShell


def summarise(request: JobRequest, shell: JobShell) -> JobResult:
    """Return the result of the job that ``shell`` has ended."""
    runs = [
        _run_result(purchase, request.inputs[purchase.number].name, shell)
        for purchase in shell.job.purchases
    ]
    providers = _providers(shell)
    return JobResult(
        job_id=shell.job_id,
        runs=runs,
        providers=[_totals(provider, shell) for provider in providers],
        lies_caught=sum(len(purchase.ballot.wrong) for purchase in shell.job.purchases),
        fuel_total=sum(run.fuel for run in runs),
        paid_total=sum(shell.paid.values()),
        payments=[vertex_id.hex() for vertex_id in shell.vertices],
        seconds=shell.seconds,
    )


def _run_result(purchase: Purchase, name: str, shell: JobShell) -> RunResult:
    outcome, fuel = purchase.claim if purchase.claim is not None else (None, 0)
    output = outcome if isinstance(outcome, Ok) else None
    return RunResult(
        number=purchase.number,
        name=name,
        run_id=shell.run_ids[purchase.number],
        reason=purchase.reason,
        outcome="" if outcome is None else describe_outcome(outcome),
        output=output.output_id if output is not None else None,
        output_size=output.output_size if output is not None else 0,
        fuel=fuel,
        provider=_first_to_say_it(purchase),
        attempts=[
            Attempt(
                record.number,
                record.proposal.provider,
                record.proposal.price,
                record.failure,
                record.number in purchase.ballot.wrong,
            )
            for record in purchase.records.values()
        ],
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
        runs=len(right),
        fuel=sum(voice.claim[1] for _, voice in right),
        paid=paid,
        unpaid=max(0, owed - paid),
        refused=sum(record.number in purchase.ballot.wrong for purchase, record in records),
        lost=sum(record.failure is not None for _, record in records),
        caught=shell.job.choice.is_caught(provider),
    )


def _is_right(purchase: Purchase, voice: Voice) -> bool:
    return purchase.state is PurchaseState.ACCEPTED and voice.claim == purchase.claim


def _bill(purchase: Purchase, voice: Voice) -> int:
    terms = purchase.records[voice.attempt].proposal
    return bill(voice.claim[1], terms.price, terms.start_price)
