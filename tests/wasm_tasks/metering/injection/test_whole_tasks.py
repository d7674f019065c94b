"""Whole tasks do and cost the same when rewritten, host and all."""

import lzma
from dataclasses import replace
from pathlib import Path

import pytest
from tests.wasm_tasks.examples.inputs import ARGUMENTS, INPUTS
from tests.wasm_tasks.metering.injection.whole_tasks import Done, are_equal, describe, play

from fogbank_wasm_tasks.examples import MODULE_NAMES, module_bytes
from fogbank_wasm_tasks.sandbox.messages import Finished

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.slow
@pytest.mark.parametrize("name", MODULE_NAMES)
def test_a_bundled_task_does_and_costs_the_same_when_rewritten(name: str) -> None:
    done = play(module_bytes(name), INPUTS[name], *ARGUMENTS.get(name, ()))

    assert are_equal(done)
    assert done["plain"].output
    assert done["plain"].fuel > 500


@pytest.mark.slow
def test_a_program_of_go_does_and_costs_the_same_when_rewritten() -> None:
    module = lzma.decompress((CORPUS / "tour_go.wasm.xz").read_bytes())

    # Half of the two megabytes' time would go into a third form.
    done = play(module, b"", targets=(None,))

    assert are_equal(done)
    assert done["plain"].output.startswith(b"the ")
    assert done["plain"].has_exited
    # What is left of the one segment in which Go's runtime exits.
    assert 0 <= done["native"].fuel - done["plain"].fuel < 50
    assert done["plain"].fuel > 1_000_000


PLAIN = Done(Finished(), b"output", b"memory", fuel=1_000, has_exited=False)
EXITED = replace(PLAIN, has_exited=True)


def forms(plain: Done, native: Done, portable: Done) -> dict[str, Done]:
    return {"plain": plain, "native": native, "pulley64": portable}


def test_it_is_said_in_how_far_the_forms_agree() -> None:
    more = replace(EXITED, fuel=1_014)

    assert "the same in three forms" in describe(forms(PLAIN, PLAIN, PLAIN))
    assert "the same in three forms" in describe(forms(EXITED, EXITED, EXITED))
    assert describe(forms(EXITED, more, more)).startswith(
        "1,014 fuel, the same in both rewritten forms; 14 more than Wasmtime's own count"
    )


@pytest.mark.parametrize(
    "done",
    [
        forms(PLAIN, replace(PLAIN, fuel=1_001), replace(PLAIN, fuel=1_001)),
        forms(PLAIN, PLAIN, replace(PLAIN, fuel=1_001)),
        forms(PLAIN, PLAIN, replace(PLAIN, output=b"other")),
        forms(PLAIN, replace(PLAIN, memory=b"other"), replace(PLAIN, memory=b"other")),
        forms(EXITED, replace(EXITED, fuel=999), replace(EXITED, fuel=999)),
        forms(EXITED, replace(EXITED, fuel=1_001), replace(EXITED, fuel=1_002)),
        forms(EXITED, replace(EXITED, fuel=1_001), EXITED),
    ],
)
def test_forms_that_differ_are_told(done: dict[str, Done]) -> None:
    assert not are_equal(done)
    assert describe(done).startswith("DIFFERENT")
