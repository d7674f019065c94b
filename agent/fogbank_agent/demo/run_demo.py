"""The demonstration from its first process to its last (``fogbank demo``)."""

import json
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b, sha256
from pathlib import Path
from types import FrameType

from rich.console import Console

from fogbank_protocol.identity import SEED_BYTES, Identity
from fogbank_wasm_tasks.examples import module_bytes
from fogbank_wasm_tasks.examples.path_tracer.picture import Picture, cut, joined
from fogbank_wasm_tasks.package import pack_module

from ..control.requests.channels import ChannelsClosed, CloseChannels
from ..control.requests.jobs import JobEnded, JobProgressed
from ..errors import AgentUnreachable, MachineError, RunFailed
from ..limits import DEMO_CLOSE_S, DEMO_ROYALTY_PPM
from .books import Books, read_supply, settled_books
from .display import Display
from .ending import print_end
from .gathering import wait_gathered
from .liar import lies_in
from .processes import AgentProcess, running
from .purchase import Bought, buy_picture
from .recheck import wrong_tiles
from .report import DemoReport, shortcomings
from .stage import Player, Role, set_up
from .thumbnail import thumbnail, write_png

WIDTH, HEIGHT, TILE_SIDE, BOUNCES = 384, 256, 48, 8
KILL_AFTER_SHARE = 3
"""The victim is killed once a third of the tiles is accepted."""

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
        report, job = demo.run(agents)
    failed = shortcomings(report)
    if as_json:
        print(json.dumps(report.to_json()))
    else:
        print_end(console, report, job, demo.players)
    if failed:
        raise RunFailed(f"the demonstration did not hold: {'; '.join(failed)}; see {out / 'logs'}")


@dataclass(slots=True)
class _Executioner:
    """Kills the victim in the middle, while it works."""

    victim: AgentProcess
    display: Display
    tiles: int

    def progressed(self, progress: JobProgressed) -> None:
        if self.victim.killed or progress.accepted * KILL_AFTER_SHARE < self.tiles:
            return
        works = progress.provider == self.victim.player.short and progress.event == "RunPlaced"
        # When it gets no work in the meantime it dies all the same.
        if works or 2 * progress.accepted >= self.tiles:
            self.victim.kill()
            self.display.killed(self.victim.player)


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
        self._picture = Picture(WIDTH, HEIGHT, _picture_seed(seed), samples, BOUNCES)
        self._tiles = cut(self._picture, TILE_SIDE)
        self._package = _package(seed)

    def run(self, agents: int) -> tuple[DemoReport, JobEnded]:
        """Do all of it and return what came of it."""
        began = time.monotonic()
        self.players = set_up(
            self._scratch / "agents", self._out / "logs", count=agents, seed=self._seed
        )
        with running(self.players) as processes:
            wait_gathered(processes)
            self._say(f"{agents} agents started and found each other by mDNS", began)
            supply = read_supply(processes[0])
            with self._display() as display:
                bought = self._buy(processes, display)
                self._say("the picture is there", began)
                closed = _close_channels(processes[0])
                books = settled_books(processes)
                self._say("every payment channel is settled", began)
                wrong = self._recheck(bought, display)
                self._say("every tile was computed again here", began)
        pixels = joined(self._picture, bought.outputs)
        image = self._out / "picture.png"
        write_png(image, WIDTH, HEIGHT, pixels)
        if self._console.is_terminal:
            self._console.print(thumbnail(WIDTH, HEIGHT, pixels, columns=_THUMBNAIL_COLUMNS))
        report = DemoReport(
            agents=agents,
            tasks=len(self._tiles),
            completed=len(bought.outputs),
            wrong_accepted=wrong,
            lies_told=_lies_told(self.players, bought),
            lies_caught=bought.ended.lies_caught,
            killed=sum(process.killed for process in processes),
            supply_before=supply,
            supply_after=_common(books.supply_held),
            channels_closed=closed.closed,
            channels_open=closed.waiting,
            royalties_paid=bought.ended.royalties,
            payments_final=books.payments_final and _is_paid_out(books, bought.ended),
            state_hashes=books.state_hashes,
            image=str(image),
            image_sha256=sha256(image.read_bytes()).hexdigest(),
            fuel_total=bought.fuel,
            seconds=round(time.monotonic() - began, 3),
        )
        return report, bought.ended

    def _display(self) -> Display:
        columns = -(-WIDTH // TILE_SIDE)
        return Display(self._console, self.players, columns=columns, tiles=len(self._tiles))

    def _buy(self, processes: Sequence[AgentProcess], display: Display) -> Bought:
        victim = next(one for one in processes if one.player.role is Role.VICTIM)
        executioner = _Executioner(victim, display, len(self._tiles))

        def progressed(progress: JobProgressed) -> None:
            display.progressed(progress)
            executioner.progressed(progress)

        try:
            with processes[0].connect() as client:
                return buy_picture(
                    client, self._package, self._picture, self._tiles, on_progress=progressed
                )
        except AgentUnreachable:
            # It has most likely said why in its log, which says more than that it is gone.
            processes[0].wait_stopped()
            processes[0].check_running()
            raise

    def _recheck(self, bought: Bought, display: Display) -> int:
        return wrong_tiles(
            self._package,
            self._picture,
            bought.outputs,
            self._scratch / "sandbox",
            on_checked=display.rechecked,
        )

    def _say(self, sentence: str, began: float) -> None:
        self._console.print(f"{time.monotonic() - began:5.1f} s  {sentence}")


def _is_paid_out(books: Books, job: JobEnded) -> bool:
    """Tell whether every live provider holds exactly what the job paid it, less royalties."""
    return all(
        line.unpaid == 0
        and books.holdings.get(line.provider, line.paid - line.royalties)
        == line.paid - line.royalties
        for line in job.providers
    )


def _close_channels(process: AgentProcess) -> ChannelsClosed:
    with process.connect() as client:
        return client.ask(CloseChannels(DEMO_CLOSE_S), ChannelsClosed)


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


def _picture_seed(seed: int) -> int:
    digest = blake2b(b"fogbank demo picture\0" + seed.to_bytes(8, "big"), digest_size=4).digest()
    return int.from_bytes(digest, "big")


def _package(seed: int) -> bytes:
    digest = blake2b(b"fogbank demo author\0" + seed.to_bytes(8, "big"), digest_size=SEED_BYTES)
    return pack_module(
        module_bytes("path_tracer"),
        name="path-tracer",
        version="1",
        author=Identity.from_seed(digest.digest()),
        description="Renders a tile of a picture",
        royalty_ppm=DEMO_ROYALTY_PPM,
    )


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
