"""A long run whose provider is unplugged in the middle of it (SPEC.md section 9.5, *Moving*)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..control.requests.jobs import JobEnded, JobProgressed, RunEnded, RunInput
from .auctions import Auctions
from .processes import AgentProcess
from .purchase import follow, hand_over, job_on
from .stage import Player
from .tasks import life_input, life_package

VERIFY = "audit"
"""Providers without a history are audited for certain: the requestor runs it once more itself."""


@dataclass(slots=True)
class LongRun:
    """What came of the long run."""

    ended: JobEnded
    run: RunEnded
    output: bytes
    """Empty when there is none."""

    unplugged: Player | None
    """Who was unplugged while it worked on it."""

    finisher: Player | None
    """Whose result it is."""

    auctions: int
    """Orders on which several providers bid."""

    audits: int
    """How often the requestor ran it once more itself, to the end, before it was accepted."""

    @property
    def migrated(self) -> int:
        """1 if another provider ended what the unplugged one had begun, and both are paid."""
        paid = {line.provider: line.paid for line in self.ended.providers if not line.unpaid}
        if self.unplugged is None or self.finisher in (None, self.unplugged):
            return 0
        sides = (self.unplugged.short, self.run.provider)
        return int(self.run.ok and self.run.moves == 1 and all(paid.get(one, 0) for one in sides))


def buy_long_run(
    processes: Sequence[AgentProcess], seed: int, *, on_unplugged: Callable[[Player], None]
) -> LongRun:
    """Have a world of cells computed, and unplug its provider once a state of it is handed out.

    Raises:
        Refused: the agent cannot begin.
        AgentUnreachable: it stopped.
    """
    by_name = {process.player.short: process for process in processes}
    unplugged: list[Player] = []
    auctions, audits = Auctions(), 0

    def progressed(progress: JobProgressed) -> None:
        nonlocal audits
        auctions.progressed(progress)
        audits += progress.event == "CheckedHere"
        if progress.event == "StateKept" and not unplugged:
            process = by_name[progress.provider]
            process.kill()
            unplugged.append(process.player)
            on_unplugged(process.player)

    with processes[0].connect() as client:
        inputs = (RunInput("cells", hand_over(client, life_input(seed))),)
        job = job_on(client, life_package(seed), "cellular-automaton", inputs, VERIFY, None)
        (run,), ended = follow(client, job, progressed)
        output = b"" if run.output_id is None else b"".join(client.blob(run.output_id))
    finisher = by_name.get(run.provider)
    return LongRun(
        ended=ended,
        run=run,
        output=output,
        unplugged=unplugged[0] if unplugged else None,
        finisher=None if finisher is None else finisher.player,
        auctions=auctions.held,
        audits=audits,
    )
