"""The demonstration from its first process to its last (``fogbank demo``)."""

import json
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from types import FrameType

from rich.console import Console

from fogbank_wasm_tasks.examples.path_tracer.picture import Picture, cut, joined, tile_input

from ..control.requests.channels import ChannelsClosed, CloseChannels
from ..control.requests.disputes import Dispute
from ..control.requests.jobs import JobEnded
from ..errors import AgentUnreachable, MachineError, RunFailed
from ..limits import DEMO_CLOSE_S, DEMO_GENERATIONS
from .books import Books, is_paid_out, read_supply, settled_books
from .display import Display
from .ending import print_end
from .gathering import wait_gathered, wait_judged
from .liar import lies_in
from .long_run import LongRun, buy_long_run
from .processes import AgentProcess, running
from .purchase import Bought, buy_picture
from .recheck import Piece, wrong_pieces
from .report import DemoReport, shortcomings
from .stage import Player, set_up
from .tasks import life_input, life_package, picture_package, picture_seed
from .thumbnail import thumbnail, write_png

WIDTH, HEIGHT, TILE_SIDE, BOUNCES = 384, 256, 48, 8
_THUMBNAIL_COLUMNS = 64


def run_demo(*, agents: int, out: Path, seed: int, samples: int, as_json: bool) -> None:
    """Run the demonstration with ``agents`` agents, and print what came of it.

    The picture and the agents' logs go to the folder ``out``.  The same ``seed`` and ``samples``
    (paths of light per pixel) give the same picture, bit for bit.

    Raises:
        RunFailed: something that was promised did not come true.
        MachineError: the agents could not start, or find each other.
    """
    console = Console(stderr=as_json, quiet=as_json and not sys.stderr.isatty())
    with _stoppable(), tempfile.TemporaryDirectory(prefix="fogbank-demo-") as scratch:
        demo = _Demo(console, _folder(out), Path(scratch), seed=seed, samples=samples)
        report, jobs = demo.run(agents)
    failed = shortcomings(report)
    if as_json:
        print(json.dumps(report.to_json()))
    else:
        print_end(console, report, jobs, demo.players)
    if failed:
        raise RunFailed(f"the demonstration did not hold: {'; '.join(failed)}; see {out / 'logs'}")


class _Demo:
    """One demonstration."""

    def __init__(
        self, console: Console, out: Path, scratch: Path, *, seed: int, samples: int
    ) -> None:
        self._console = console
        self._out = out
        self._scratch = scratch
        self._seed = seed
        self.players: Sequence[Player] = ()
        self._picture = Picture(WIDTH, HEIGHT, picture_seed(seed), samples, BOUNCES)
        self._tiles = cut(self._picture, TILE_SIDE)
        self._package = picture_package(seed)
        self._began = time.monotonic()

    def run(self, agents: int) -> tuple[DemoReport, Sequence[JobEnded]]:
        """Do all of it and return what came of it, and of both jobs."""
        self.players = set_up(
            self._scratch / "agents", self._out / "logs", count=agents, seed=self._seed
        )
        with running(self.players) as processes:
            wait_gathered(processes)
            self._say(f"{agents} agents have started and found each other by mDNS")
            supply = read_supply(processes[0])
            long_run = self._buy_long_run(processes)
            with self._display() as display:
                bought = self._buy(processes, display)
                self._say("the picture is there: every tile is the word of two providers who agree")
                with ThreadPoolExecutor(1) as meanwhile:
                    ended = (long_run.ended, bought.ended)
                    settling = meanwhile.submit(_settle, processes, ended)
                    wrong = self._recheck(bought, long_run, display)
                    self._say("every result was computed again here")
                    disputes, closed, books = settling.result()
                self._say_judged(disputes)
                self._say("every payment channel is settled")
        pixels = joined(self._picture, bought.outputs)
        image = self._out / "picture.png"
        write_png(image, WIDTH, HEIGHT, pixels)
        if self._console.is_terminal:
            self._console.print(thumbnail(WIDTH, HEIGHT, pixels, columns=_THUMBNAIL_COLUMNS))
        jobs = (long_run.ended, bought.ended)
        report = DemoReport(
            agents=agents,
            tasks=len(self._tiles),
            completed=len(bought.outputs),
            wrong_accepted=wrong,
            auctions=long_run.auctions + bought.auctions,
            audits=long_run.audits,
            lies_told=_lies_told(self.players, bought),
            lies_caught=sum(job.lies_caught for job in jobs),
            disputes=len(disputes),
            slashed=sum(one.state == "seized" for one in disputes),
            killed=sum(process.killed for process in processes),
            migrated_runs=long_run.migrated,
            supply_before=supply,
            supply_after=_common(books.supply_held),
            burned=books.burned,
            channels_closed=closed.closed,
            channels_open=closed.waiting,
            royalties_paid=sum(job.royalties for job in jobs),
            payments_final=books.payments_final and is_paid_out(books, jobs),
            state_hashes=books.state_hashes,
            image=str(image),
            image_sha256=sha256(image.read_bytes()).hexdigest(),
            fuel_total=bought.fuel + long_run.run.fuel,
            seconds=round(time.monotonic() - self._began, 3),
        )
        return report, jobs

    def _buy_long_run(self, processes: Sequence[AgentProcess]) -> LongRun:
        self._say(f"a long calculation is ordered: {DEMO_GENERATIONS:,} generations of cells")

        def tell_unplugged(player: Player) -> None:
            self._say(f"{player.name} is unplugged in the middle of it (SIGKILL)")

        with _told_why(processes):
            long_run = buy_long_run(processes, self._seed, on_unplugged=tell_unplugged)
        if long_run.migrated and long_run.finisher is not None:
            audited = "the result was audited, and " if long_run.audits else ""
            self._say(
                f"{long_run.finisher.name} went on from its last state and ended it; {audited}"
                "both are paid for their part"
            )
        return long_run

    def _display(self) -> Display:
        columns = -(-WIDTH // TILE_SIDE)
        return Display(self._console, self.players, columns=columns, tiles=len(self._tiles))

    def _buy(self, processes: Sequence[AgentProcess], display: Display) -> Bought:
        for process in processes:
            if process.killed:
                display.killed(process.player)
        with _told_why(processes), processes[0].connect() as client:
            return buy_picture(
                client, self._package, self._picture, self._tiles, on_progress=display.progressed
            )

    def _recheck(self, bought: Bought, long_run: LongRun, display: Display) -> int:
        pieces = [
            Piece(self._package, tile_input(self._picture, tile), output)
            for tile, output in bought.outputs.items()
        ]
        if long_run.run.ok:
            cells = life_package(self._seed), life_input(self._seed), long_run.output
            pieces.insert(0, Piece(*cells))
        display.recheck(len(pieces))
        return wrong_pieces(pieces, self._scratch / "sandbox", on_checked=display.rechecked)

    def _say_judged(self, disputes: Sequence[Dispute]) -> None:
        for one in disputes:
            names = [player.name for player in self.players if player.short == one.provider]
            if one.state == "seized" and names:
                self._say(
                    f"{names[0]} has lost its stake of {one.drops:,} drops: others computed its "
                    "tile once more, and signed that it is wrong"
                )

    def _say(self, sentence: str) -> None:
        self._console.print(f"{time.monotonic() - self._began:5.1f} s  {sentence}", soft_wrap=True)


@contextmanager
def _told_why(processes: Sequence[AgentProcess]) -> Generator[None]:
    """Say what is in the log of the requestor when it is gone."""
    try:
        yield
    except AgentUnreachable:
        # It has most likely said why in its log, which says more than that it is gone.
        processes[0].wait_stopped()
        processes[0].check_running()
        raise


def _settle(
    processes: Sequence[AgentProcess], jobs: Sequence[JobEnded]
) -> tuple[Sequence[Dispute], ChannelsClosed, Books]:
    with processes[0].connect() as client:
        closed = client.ask(CloseChannels(DEMO_CLOSE_S), ChannelsClosed)
    return wait_judged(processes), closed, settled_books(processes, jobs)


def _common(numbers: Sequence[int]) -> int:
    """Return the number that all agree on; -1 when they do not."""
    return numbers[0] if len(set(numbers)) == 1 else -1


def _lies_told(players: Sequence[Player], bought: Bought) -> int:
    """Count the lies that reached the requestor: some are told to nobody, after a cancellation."""
    told = [
        (lie, player.short)
        for player in players
        for lie in lies_in(player.log.read_text(errors="replace"))
    ]
    return sum(lie in bought.answers for lie in told)


def _folder(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(f"the folder {out} cannot be made: {error.strerror}") from None
    return out


@contextmanager
def _stoppable() -> Generator[None]:
    """Let SIGTERM and SIGHUP stop the demonstration as Ctrl-C does: with no agent left behind."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {
        number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
