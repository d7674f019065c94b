"""Search every state of ``epoch_change.pml``, and see that each of its rules is needed.

``make model`` runs it; it needs ``spin`` and a C compiler (Debian: ``apt-get install spin gcc``).
"""

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from shutil import which

MODEL = Path(__file__).with_name("epoch_change.pml")
SEARCH_S_MAX = 1_200
"""How long one search may take, in seconds; the longest takes one minute on a small machine."""

DEPTH_MAX = 200_000


@dataclass(frozen=True, slots=True)
class Search:
    """One variant of the model, and what the search of its states must say."""

    what: str
    defines: tuple[str, ...]
    finds_an_error: bool


SEARCHES = (
    Search("one change: no double spend", (), False),
    Search("two changes: no double spend", ("EPOCHS=3",), False),
    Search("something can be final before the change", ("WANT_FINAL_BEFORE_CHANGE",), True),
    Search("old acknowledgements can come in after it", ("WANT_FINAL_AFTER_CHANGE",), True),
    Search("a slot with two votes for A can go to B", ("WANT_OTHER_CONTENDER",), True),
    Search("a slot whose votes split is freed", ("WANT_SPLIT_SLOT_FREED",), True),
    Search("rule removed: a quorum of 2 of 4", ("Q=2",), True),
    Search("rule removed: one vote a slot", ("WITHOUT_ONE_VOTE",), True),
    Search("rule removed: L1 is final, one level", ("WITHOUT_SECOND_LEVEL",), True),
    Search("rule removed: the votes are below the acknowledger", ("WITHOUT_VOTES_IN_CONE",), True),
    Search(
        "rule removed: no acknowledgements after the sign-off",
        ("WITHOUT_SILENT_ACKNOWLEDGEMENTS",),
        True,
    ),
    Search("rule removed: Z weighs Q", ("SIGN_OFFS=2",), True),
    Search("rule removed: one Z is decided", ("WITHOUT_ONE_DECISION",), True),
    Search("rule removed: Q votes inside U carry over (2 do)", ("CARRIED_BY=2",), True),
    Search("rule removed: Q votes inside U carry over (4 do)", ("CARRIED_BY=4",), True),
    Search("rule removed: a carried slot takes no votes", ("WITHOUT_CLOSED_SLOTS",), True),
    Search(
        "rule removed: acknowledgements count in their epoch only",
        ("EPOCHS=3", "WITHOUT_FRESH_ACKNOWLEDGEMENTS"),
        True,
    ),
    Search("not needed for safety: no votes after the sign-off", ("WITHOUT_SILENT_VOTES",), False),
)


def main() -> int:
    """Run every search; return 1 when one says something else than it must."""
    for program in ("spin", "gcc"):
        if which(program) is None:
            print(f"{program} is missing: apt-get install spin gcc")
            return 2
    wrong = 0
    for search in SEARCHES:
        errors, states = run(search)
        as_expected = (errors > 0) == search.finds_an_error
        wrong += not as_expected
        found = "violated after" if errors else "holds in all"
        verdict = "" if as_expected else "  <-- NOT EXPECTED"
        print(f"{search.what:58} {found} {states:>9,} states{verdict}", flush=True)
    print("as expected" if not wrong else f"{wrong} searches did not say what they must")
    return 1 if wrong else 0


def run(search: Search) -> tuple[int, int]:
    """Return how many errors the search found, and how many states it stored until then."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / MODEL.name).write_bytes(MODEL.read_bytes())
        defines = [f"-D{define}" for define in search.defines]
        _output(folder, ["spin", *defines, "-a", MODEL.name])
        options = ["-O0", "-w", "-DSAFETY", "-DNOREDUCE"]
        _output(folder, ["gcc", *options, "-o", "pan", "pan.c"])
        output = _output(folder, ["./pan", f"-m{DEPTH_MAX}", "-w24"])
    # A search that was cut off proves nothing.
    if "max search depth too small" in output or "out of memory" in output:
        raise SystemExit(f"the search was not complete:\n{output}")
    errors = re.search(r"errors: (\d+)", output)
    states = re.search(r"(\d+) states, stored", output)
    if errors is None or states is None:
        raise SystemExit(f"the search did not finish:\n{output}")
    return int(errors[1]), int(states[1])


def _output(folder: str, command: list[str]) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=SEARCH_S_MAX, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
