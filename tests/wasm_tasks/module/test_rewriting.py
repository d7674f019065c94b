"""The start function is exported instead of run by the engine."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wasm_tasks import assembler
from tests.wasm_tasks.assembler import ECHO
from tests.wasm_tasks.packages import command, translate

from fogbank_wasm_tasks.module.checks import check_module
from fogbank_wasm_tasks.module.reserved import START_FUNCTION
from fogbank_wasm_tasks.module.rewriting import encode_u32, export_start


def test_a_module_without_a_start_function_stays_as_it_is() -> None:
    assert export_start(ECHO) == ECHO


def test_a_start_function_becomes_an_export_and_the_rest_stays() -> None:
    fields = '(func $s nop) (start $s) (data (i32.const 0) "x")'
    started = translate(command("nop", fields=fields))
    plain = translate(
        command(
            "nop", fields=fields.replace("(start $s)", f'(export "{START_FUNCTION}" (func $s))')
        )
    )

    rewritten = export_start(started)

    assert len(rewritten) == len(plain)
    # Our own name is the only thing that the check of authors' modules has against it.
    renamed = rewritten.replace(b"fogbank:start", b"fogbank_start")
    facts = check_module(renamed)
    assert facts.exports["fogbank_start"].index == 0
    assert set(facts.exports) == {"memory", "_start", "fogbank_start"}


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_integers_are_written_as_short_as_can_be(value: int) -> None:
    assert encode_u32(value) == assembler.u32(value)
