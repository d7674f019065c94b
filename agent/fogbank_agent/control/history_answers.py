"""Answers about the runs that were bought, and about who was dealt with."""

import time

from fogbank_protocol.identity import short_form

from ..errors import Refused
from ..market.narration import shorten
from ..market.reasons import Reason, sentence
from ..parts import Parts
from ..trading.journal import RunSummary as JournalRun
from ..trading.standings import Standings
from .requests.disputes import Dispute, Disputes
from .requests.history import (
    ProviderReputation,
    Reputation,
    RequestorReputation,
    RunSummary,
    Story,
)


def tell_story(parts: Parts, digits: str) -> Story:
    """Return the story of the run whose id begins with ``digits``.

    Raises:
        Refused: there is none, or more than one.
    """
    found = parts.journal.find_runs(digits.lower()) if digits else []
    if not found:
        raise Refused(f"no run begins with '{digits}': see 'fogbank runs'")
    if len(found) > 1:
        raise Refused(f"'{digits}' fits {len(found)} runs: give more digits")
    (run,) = found
    lines = shorten(parts.journal.why(run.run_id))
    return Story(run.run_id.hex(), (_heading(run), *lines, *_ending(run, is_told=bool(lines))))


def _heading(run: JournalRun) -> str:
    name = f" on {run.name}" if run.name else ""
    return f"Run {run.number} of {run.package_name}{name}, in a job begun at {_local_time(run)}."


def _ending(run: JournalRun, *, is_told: bool) -> tuple[str, ...]:
    """Return what the events of a run do not say: that it never began, or was cut off."""
    never = () if is_told else ("Nobody was asked to do it: its turn in the job did not come.",)
    if run.reason is Reason.REQUESTOR_STOPPED:
        return (*never, f"Given up: {sentence(run.reason)}.")
    return never


def summarise_run(run: JournalRun) -> RunSummary:
    """Return a line of a list of runs."""
    return RunSummary(
        run_id=run.run_id.hex(),
        job_id=run.job_id.hex(),
        name=run.name,
        package=run.package_name,
        began=_local_time(run),
        state=run.state,
        why="" if run.reason is None else sentence(run.reason),
        outcome=run.outcome,
    )


def _local_time(run: JournalRun) -> str:
    return _in_words(run.began_unix_s)


def _in_words(unix_s: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(unix_s))


def list_disputes(parts: Parts) -> Disputes:
    """Return the disputes that this agent opened lately."""
    return Disputes(
        tuple(
            Dispute(
                receipt=one.receipt_id.hex(),
                provider=short_form(one.provider),
                drops=one.drops,
                state=one.state.value,
                opened=_in_words(one.opened_unix_s),
            )
            for one in parts.requestor.disputing.records()
        )
    )


def list_reputations(parts: Parts) -> Reputation:
    """Return how providers and requestors have dealt with this agent."""
    standings, known = Standings(parts.journal), parts.requestor.reputation
    selling = parts.provider
    return Reputation(
        providers=tuple(
            ProviderReputation(
                provider=one.provider.hex(),
                short=short_form(one.provider),
                confirmed=one.confirmed,
                wrong=one.wrong,
                lost=one.lost,
                refused=one.refused,
                in_a_row=known.confirmed_most(one.provider),
                distrusted=known.is_distrusted(one.provider),
            )
            for one in standings.providers()
        ),
        requestors=tuple(
            RequestorReputation(
                requestor=one.requestor.hex(),
                short=short_form(one.requestor),
                lots=one.runs,
                paid=one.paid,
                unpaid=one.unpaid,
                refused=one.refused,
                credit=0 if selling is None else selling.credit(one.requestor),
            )
            for one in standings.requestors()
        ),
    )
