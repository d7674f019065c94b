"""``python -m tests.conformance SUITE``: runs an official test suite through the sandbox.

SUITE is a folder with the scripts of github.com/WebAssembly/testsuite, or one with the compiled
tests of github.com/WebAssembly/wasi-testsuite (branch ``prod/testsuite-base``).
"""

import sys
from functools import partial
from pathlib import Path

from tests.conformance.instance import Mode
from tests.conformance.programs import run_programs
from tests.conformance.script import Script, Tally
from tests.wasm_tasks.large_stack import on_large_stack

MODES = {
    "native": Mode(is_precise=False, target=None),
    "precise, pulley64": Mode(is_precise=True, target="pulley64"),
}


def main() -> None:
    """Run what the folder holds; exit with 1 when something failed."""
    suite = Path(sys.argv[1])
    scripts = sorted(suite.glob("*.wast"))
    programs = sorted(suite.rglob("wasm32-wasip1/*.wasm"))
    if not scripts and not programs:
        sys.exit(f"{suite} holds neither *.wast nor wasm32-wasip1/*.wasm: which suite is it?")
    failed = 0
    if scripts:
        for name, mode in MODES.items():
            failed += show(name, on_large_stack(partial(run_scripts, scripts, mode)))
    if programs:
        failed += show("programs", on_large_stack(partial(run_programs, programs)))
    sys.exit(1 if failed else 0)


def run_scripts(scripts: list[Path], mode: Mode) -> Tally:
    """Run all scripts."""
    whole = Tally()
    for path in scripts:
        whole.add(Script(path, mode).run())
    return whole


def show(name: str, tally: Tally) -> int:
    """Print what came of it, and return how much failed."""
    print(f"## {name}: {sum(tally.passed.values())} passed, {len(tally.failed)} failed")
    for title, counted in (
        ("passed", tally.passed),
        ("modules refused", tally.refused),
        ("not tried", tally.skipped),
    ):
        for what, count in counted.most_common():
            print(f"{title}: {count} {what}")
    for each in tally.failed:
        print(f"FAILED {each}")
    return len(tally.failed)


if __name__ == "__main__":
    main()
