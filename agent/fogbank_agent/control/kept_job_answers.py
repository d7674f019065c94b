"""Keeps jobs for the command line, and tells it their results as they come."""

from contextlib import aclosing
from dataclasses import replace

from fogbank_protocol.identity import short_form

from ..errors import Refused
from ..market.job_request import JobRequest
from ..market.kept_job import KeptJob as Wanted
from ..parts import Parts
from ..trading.job_bounds import JobRefused
from ..trading.job_desk import FragmentDone as Done
from ..trading.job_desk import JobView
from .job_answers import job_request, within_means
from .requests.jobs import StartJob
from .requests.kept_jobs import (
    FollowJob,
    ForgetJob,
    FragmentDone,
    KeepJob,
    KeptJob,
    KeptJobs,
    ResumeJob,
)
from .server import Conversation


async def answer_keep_job(parts: Parts, request: KeepJob, conversation: Conversation) -> None:
    """Begin a job that goes on when the client hangs up."""
    task = await _request(parts, request.job)
    reduce = None
    if request.reduce_id is not None:
        plain = replace(
            request.job,
            task_id=request.reduce_id,
            task_name=request.reduce_name,
            inputs=(),
            arguments=(),
            environment=(),
        )
        reduce = await _request(parts, plain)
    try:
        name = await parts.requestor.task_name(task.package_id)
        job_id = await parts.jobs.start(
            Wanted(name=name, task=task, reduce=reduce, fan=request.fan)
        )
    except JobRefused as refused:
        raise Refused(str(refused)) from None
    await conversation.send(_kept(parts.jobs.view(job_id)))


async def _request(parts: Parts, job: StartJob) -> JobRequest:
    request = await job_request(parts, job)
    if job.fuel_max is None:
        request, _ = await within_means(parts, request)
    return request


def list_jobs(parts: Parts) -> KeptJobs:
    """Return all kept jobs."""
    return KeptJobs(tuple(map(_kept, parts.jobs.views())))


async def answer_follow_job(parts: Parts, request: FollowJob, conversation: Conversation) -> None:
    """Tell the results of a job as they come, until it has ended."""
    job_id = _find(parts, request.job)
    async with conversation.until_hangup(), aclosing(parts.jobs.follow(job_id)) as fragments:
        async for done in fragments:
            await conversation.send(_done(done))
    await conversation.send(_kept(parts.jobs.view(job_id)))


def forget_job(parts: Parts, request: ForgetJob) -> KeptJobs:
    """Give a job up, and return those that are left."""
    parts.jobs.forget(_find(parts, request.job))
    return list_jobs(parts)


def resume_job(parts: Parts, request: ResumeJob) -> KeptJob:
    """Go on with a job that has failed."""
    try:
        return _kept(parts.jobs.resume(_find(parts, request.job)))
    except JobRefused as refused:
        raise Refused(str(refused)) from None


def _find(parts: Parts, digits: str) -> bytes:
    try:
        return parts.jobs.find(digits)
    except JobRefused as refused:
        raise Refused(str(refused)) from None


def _kept(view: JobView) -> KeptJob:
    return KeptJob(
        job=view.job_id.hex(),
        name=view.name,
        began_unix_s=view.began_unix_s,
        state=view.state.value,
        why=view.why,
        fragments=view.fragments,
        done=view.done,
        levels=view.levels,
    )


def _done(done: Done) -> FragmentDone:
    end = done.end
    return FragmentDone(
        level=done.level,
        number=done.number,
        name=done.name,
        accepted=end.accepted,
        outcome=end.outcome,
        output_id=end.output,
        output_bytes=end.size,
        provider="" if end.provider is None else short_form(end.provider),
        fuel=end.fuel,
    )
